"""Questions, items and points, read from report/rubric.yml, the one place that states them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lmreport.core import profiles
from lmreport.core.errors import ReportError
from lmreport.core.settings import project_root
from lmreport.display import markdown


def rubric(answering: str | None = None) -> dict:
    """{"sections": […], "items": […]} of who answers ("157B", "" for all): by default, of the active profile."""
    found, answering = whole(), who() if answering is None else answering
    sections = [s for s in found["sections"] if not answering or answering in s["who"]]
    ids = {str(s["id"]) for s in sections}
    return {"sections": sections, "items": [i for i in found["items"] if i["id"][0] in ids]}


def whole() -> dict:
    """The file as it is, for all profiles; raises ReportError if an item stands twice."""
    return read(project_root() / "report" / "rubric.yml")


@cache
def read(path: Path) -> dict:
    import yaml

    if not path.is_file():
        raise ReportError(f"there is no {path.parent.name}/{path.name}; restore it from the repository")
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    ids = [item["id"] for item in found["items"]]
    if len(ids) != len(set(ids)):
        raise ReportError("rubric.yml: an item stands there twice; give each one id")
    return found


def who(profile: str | None = None) -> str:
    """For whom the report is, as the rubric says it ("157B"): `profile`, else the active one; "" for all."""
    root = project_root()
    known = {name for section in whole()["sections"] for name in section["who"]}
    active = profiles.active(root, profiles.of_project(root), profile)
    return next((name.upper() for name in active if name.upper() in known), "")


def item(name: str) -> dict:
    for entry in whole()["items"]:
        if entry["id"] == name:
            return entry
    raise ReportError(f"rubric.yml has no item {name!r}; known are {', '.join(i['id'] for i in whole()['items'])}")


def points(name: str) -> str:
    """What an item is worth, in words: "2 points"."""
    worth = item(name)["points"]
    return "no points" if worth == 0 else "1 point" if worth == 1 else f"{worth} points"


def total(section: int | None = None, answering: str | None = None) -> int:
    """Sum of the items' points: of one section, or of all."""
    return sum(i["points"] for i in rubric(answering)["items"] if section is None or i["id"].startswith(str(section)))


def differing(answering: str | None = None) -> list[dict]:
    """Sections whose printed total is not the sum of their items: {id, title, printed, sum}."""
    return [{"id": s["id"], "title": s["title"], "printed": s["printed"], "sum": total(s["id"], answering)}
            for s in rubric(answering)["sections"] if s["printed"] != total(s["id"], answering)]


def differing_sentence(answering: str | None = None) -> str:
    """One sentence on the printed totals that are not the sums of their items."""
    found = [f"section {d['id']} (printed {d['printed']}, its items add to {d['sum']})" for d in differing(answering)]
    start = "A printed total differs from its" if len(found) == 1 else "Some printed totals differ from their"
    return f"{start} own items: {' and '.join(found)}; the points here are the items'." if found else \
        "The printed totals are the sums of their items."


def table():
    """The points of every item, with a link to its answer."""
    rows = []
    for section in rubric()["sections"]:
        who_answers = " and ".join(section["who"])
        rows.append([f"**{section['id']}**", f"**[{section['title']}](#{section['anchor']})** ({who_answers})",
                     f"**{total(section['id'])}**"])
        rows += [[i["id"], f"[{markdown.plain(i['asks'])}](#sec-{i['id']})", str(i["points"])]
                 for i in rubric()["items"] if i["id"].startswith(str(section["id"]))]
    rows.append(["", f"**All items{f' of {who()}' if who() else ''}**", f"**{total()}**"])
    return markdown.table(rows, ["Item", "Question and answer", "Points"], ("left", "left", "right"), raw=True)
