"""Questions, items and points, read from report/rubric.yml, the one place that states them."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

from lmreport.core import profiles, strict_yaml
from lmreport.core.errors import ReportError
from lmreport.core.listing import nearest
from lmreport.core.settings import project_root
from lmreport.display import markdown
from lmreport.display.traced import MarkdownText
from lmreport.reporting.values import Values

PLACE = "report/rubric.yml"
FIELDS = {  # what each entry must have, and what it is
    "sections": {
        "id": "a whole number",
        "title": "text",
        "anchor": "text",
        "printed": "a number",
        "who": "a list",
    },
    "items": {"id": "text", "points": "a number", "asks": "text"},
}
BESIDES: dict[str, dict[str, str]] = {  # what it may have
    "sections": {},
    "items": {"question": "text", "short": "text"},
}


def rubric(answering: str | None = None) -> dict:
    """{"sections": […], "items": […]} of who answers ("157B", "" for all): by default, of the
    active profile.
    """
    everything, answering = whole(), who() if answering is None else answering
    sections = [s for s in everything["sections"] if not answering or answering in s["who"]]
    ids = {str(s["id"]) for s in sections}
    return {"sections": sections, "items": [i for i in everything["items"] if section_of(i) in ids]}


def section_of(item: dict) -> str:
    """The id of the section that an item belongs to: the number at the start of its own, "10" of
    "10a".
    """
    return re.split(r"(?!\d)", item["id"], maxsplit=1)[0]


def whole() -> dict:
    """The file as it is, for all profiles. Raises ReportError with its line for what is wrong in
    it.
    """
    return read(project_root() / PLACE)


@cache
def read(path: Path) -> dict:
    """The rubric at `path`, its item ids as they are written and whole points as int. Raises
    ReportError if it is missing, cannot be read, or has an item of no section.
    """
    if not path.is_file():
        raise ReportError(
            f"there is no {PLACE}, which lists the items; restore it from the repository"
        )
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError(f"{PLACE} cannot be read ({error}); save it as UTF-8") from None
    parts, keys = strict_yaml.read(source, line, "the rubric")
    nodes = {key: node for key, node, _ in keys}
    rubric = {part: entries(part, parts.get(part), nodes.get(part)) for part in FIELDS}
    sections = {str(section["id"]) for section in rubric["sections"]}
    for item, node in zip(rubric["items"], nodes["items"].value, strict=True):
        if section_of(item) not in sections:
            raise ReportError(
                f"{line(node.start_mark.line)}: item {item['id']} belongs to no section; let its "
                f"id begin with the number of one ({', '.join(sorted(sections, key=int))})"
            )
    return rubric


def line(number: int) -> str:
    """The place of a line of the rubric, counted from 0."""
    return f"{PLACE}:{number + 1}"


def entries(part: str, values, node) -> list[dict]:
    """The sections or items with the values that they must have. Raises ReportError if they are no
    list of mappings, or an id stands there twice.
    """
    if not isinstance(values, list) or not values:
        raise ReportError(
            f"{line(node.start_mark.line if node else 0)}: the rubric needs a list `{part}:`"
        )
    seen: dict[str, str] = {}
    made = []
    for one, where in zip(values, node.value, strict=True):
        at = line(where.start_mark.line)
        if not isinstance(one, dict):
            raise ReportError(
                f"{at}: an entry of {part} must be "
                f"{{{', '.join(f'{key}: …' for key in FIELDS[part])}}}"
            )
        made.append(entry(part, one | texts(part, one, where), at))
        name = str(one["id"])
        if name in seen:
            raise ReportError(
                f"{at}: {part[:-1]} {name} stands there twice, first at {seen[name]}; give each "
                f"its own id"
            )
        seen[name] = at
    return made


def texts(part: str, one: dict, node: yaml.MappingNode) -> dict[str, str]:
    """The texts of one section or item as they are written: `1e5`, `1.50` and `No` are no numbers and
    no truth values there.
    """
    kinds = FIELDS[part] | BESIDES[part]
    return {
        key.value: value.value
        for key, value in node.value
        if kinds.get(key.value) == "text"
        and isinstance(value, yaml.ScalarNode)
        and one[key.value] is not None
    }


def entry(part: str, one: dict, at: str) -> dict:
    """One section or item. Raises ReportError for a value that is missing or of the wrong kind."""
    name = f"{part[:-1]} {one['id']}" if "id" in one else f"an entry of {part}"
    one = {
        key: value for key, value in one.items() if value is not None or key not in BESIDES[part]
    }
    known = FIELDS[part] | BESIDES[part]
    for key in FIELDS[part]:
        if key not in one:
            near = difflib.get_close_matches(key, one, n=1, cutoff=0.6)
            raise ReportError(
                f"{at}: {name} has no `{key}`; "
                + (f"write it in place of `{near[0]}`" if near else f"add it, {known[key]}")
            )
    for key, kind in known.items():
        if key in one and not is_kind(one[key], kind):
            raise ReportError(f"{at}: `{key}` of {name} is {one[key]!r}; it must be {kind}")
    for key in [str(key) for key in one if key not in known]:
        near = difflib.get_close_matches(key, known, n=1)
        raise ReportError(
            f"{at}: {name} has an unknown key {key!r}; "
            + (
                f"did you mean {near[0]!r}?"
                if near
                else "a text with a comma needs quotes, and 1.5 a point"
            )
        )
    if not re.fullmatch(r"[\w.-]+", str(one["id"])):
        raise ReportError(f"{at}: the id {one['id']!r} must have letters, digits and hyphens alone")
    return {
        key: number(value) if FIELDS[part].get(key) == "a number" else value
        for key, value in one.items()
    }


def is_kind(value, kind: str) -> bool:
    """Whether a value is what `FIELDS` calls it."""
    if kind == "a list":
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if kind == "text":
        return isinstance(value, str) and bool(value.strip())
    kinds = int if kind == "a whole number" else (int, float)
    return (
        isinstance(value, kinds)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and value >= 0
    )


def number(value: float) -> float:
    """Points without the traces of binary fractions, a whole number as int: 1.5, 3."""
    value = round(value, 6)
    return int(value) if value == int(value) else value


def who(profile: str | None = None) -> str:
    """For whom the report is, as the rubric says it ("157B"): `profile`, else the active one; ""
    for all.
    """
    root = project_root()
    known = {name for section in whole()["sections"] for name in section["who"]}
    active = profiles.active(root, profiles.of_project(root), profile)
    return next((name.upper() for name in active if name.upper() in known), "")


def item(name: str) -> dict:
    """The item with the id `name`, of all profiles. Raises ReportError if there is none."""
    for entry in whole()["items"]:
        if entry["id"] == name:
            return entry
    raise ReportError(
        f"rubric.yml has no item {name!r}; {nearest(name, [i['id'] for i in whole()['items']])}"
    )


def points(name: str) -> str:
    """What an item is worth, in words: "2 points", "1.5 points"."""
    worth = item(name)["points"]
    return "no points" if worth == 0 else "1 point" if worth == 1 else f"{worth} points"


def total(section: int | None = None, answering: str | None = None) -> float:
    """Sum of the items' points: of one section, or of all."""
    return number(
        sum(
            i["points"]
            for i in rubric(answering)["items"]
            if section is None or section_of(i) == str(section)
        )
    )


def differing(answering: str | None = None) -> list[dict]:
    """Sections whose printed total is not the sum of their items: {id, title, printed, sum}."""
    return [
        {
            "id": s["id"],
            "title": s["title"],
            "printed": s["printed"],
            "sum": total(s["id"], answering),
        }
        for s in rubric(answering)["sections"]
        if s["printed"] != total(s["id"], answering)
    ]


def differing_sentence(answering: str | None = None) -> str:
    """One sentence on the printed totals that are not the sums of their items."""
    totals = [
        f"{d['printed']} points for section {d['id']}, whose items add up to {d['sum']}"
        for d in differing(answering)
    ]
    return (
        f"The assignment prints {', and '.join(totals)}; we give the items’ points."
        if totals
        else "The printed totals are the sums of their items."
    )


def questions() -> Values:
    """The line under the heading of every item, by name: `ask.q3b_1` is "*Item 3b-1 · 2 points.*
    What …".
    """
    return Values({f"q{i['id'].replace('-', '_')}": question(i) for i in whole()["items"]})


def question(entry: dict) -> MarkdownText:
    """An item with its points, and what the assignment asks."""
    asked = markdown.plain(entry.get("question", entry["asks"]))
    return MarkdownText(f"*Item {entry['id']} · {points(entry['id'])}.* {asked}")


def table(short: Mapping[str, object] | None = None):
    """Every item with a link to its answer, the answer in short, and its points; short: answers by
    item, besides those that the rubric has.
    """
    parts, rows = rubric(), []
    for section in parts["sections"]:
        title = f"[{markdown.plain(section['title'])}](#{section['anchor']})"
        rows.append([bold(section["id"]), bold(title), "", bold(total(section["id"]))])
        rows += [
            row(item, (short or {}).get(item["id"]))
            for item in parts["items"]
            if section_of(item) == str(section["id"])
        ]
    rows.append(["", bold(f"All items{f' of {who()}' if who() else ''}"), "", bold(total())])
    heads = ["Item", "Question", "Answer in short", "Points"]
    return markdown.table(rows, heads, ("left", "left", "left", "right"), raw=True)


def row(item: dict, short: object | None) -> list[str]:
    """An item's row; short: its answer, where the rubric has none."""
    title = f"[{markdown.plain(item['asks'])}](#sec-{item['id']})"
    answer = markdown.plain(item.get("short", "")) if short is None else str(short)
    return [item["id"], title, answer, str(item["points"])]


def bold(what: object) -> str:
    return f"**{what}**"
