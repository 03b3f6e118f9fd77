"""Questions, items and points, read from report/rubric.yml, the one place that states them."""

from __future__ import annotations

from functools import cache

from lmreport import show
from lmreport.errors import ReportError
from lmreport.origin import told
from lmreport.settings import project_root


@cache
def rubric() -> dict:
    """{"sections": […], "items": […]} as in the file; raises ReportError if an item stands twice."""
    import yaml

    found = yaml.safe_load((project_root() / "report" / "rubric.yml").read_text(encoding="utf-8"))
    ids = [item["id"] for item in found["items"]]
    if len(ids) != len(set(ids)):
        raise ReportError("rubric.yml: an item stands there twice; give each one id")
    return found


def item(name: str) -> dict:
    for entry in rubric()["items"]:
        if entry["id"] == name:
            return entry
    raise ReportError(f"rubric.yml has no item {name!r}; known are {', '.join(i['id'] for i in rubric()['items'])}")


def points(name: str) -> str:
    """What an item is worth, in words: "2 points"."""
    worth = item(name)["points"]
    return "no points" if worth == 0 else "1 point" if worth == 1 else f"{worth} points"


def total(section: int | None = None) -> int:
    """Sum of the items' points: of one section, or of all."""
    return sum(i["points"] for i in rubric()["items"] if section is None or i["id"].startswith(str(section)))


def differing() -> list[dict]:
    """Sections whose printed total is not the sum of their items: {id, title, printed, sum}."""
    return [{"id": s["id"], "title": s["title"], "printed": s["printed"], "sum": total(s["id"])}
            for s in rubric()["sections"] if s["printed"] != total(s["id"])]


def differing_sentence() -> str:
    """One sentence on the printed totals that are not the sums of their items, "" if all are."""
    found = [f"section {d['id']} (printed {d['printed']}, its items add to {d['sum']})" for d in differing()]
    return f"Two printed totals differ from their own items: {' and '.join(found)}; the points here are the items'." \
        if found else ""


@told
def table():
    """The points of every item, with a link to its answer."""
    rows = []
    for section in rubric()["sections"]:
        who = " and ".join(section["who"])
        rows.append([f"**{section['id']}**", f"**[{section['title']}](#{section['anchor']})** ({who})",
                     f"**{total(section['id'])}**"])
        rows += [[i["id"], f"[{show.plain(i['asks'])}](#sec-{i['id']})", str(i["points"])]
                 for i in rubric()["items"] if i["id"].startswith(str(section["id"]))]
    rows.append(["", "**All items**", f"**{total()}**"])
    return show.table(rows, ["Item", "Question and answer", "Points"], ("left", "left", "right"), raw=True)
