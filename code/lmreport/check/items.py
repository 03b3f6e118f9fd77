"""Is every item of the rubric answered, in order, with its points?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from lmreport.check.documents import Documents
from lmreport.check.findings import AGAIN, LOOK, MUST, Finding
from lmreport.check.numbers.reading import text_without, words
from lmreport.check.pdf_pages import PREFIX
from lmreport.reporting import rubric

GROUP = "Items and points"
LEAST = 10  # words that an answer has at least
NOT_PROSE = {
    "pre",
    "code",
    "table",
    "figure",
    "figcaption",
    "nav",
    "script",
    "style",
    "button",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
}
ITEM_LINE = re.compile(r"Item (\S+) · (?:(\d+(?:\.\d+)?) points?|no points)\.?")


def findings(documents: Documents) -> Iterator[Finding]:
    """Items that are not answered, out of order or with wrong points; all of them in a document
    that is not graded.
    """
    if documents.page is None:
        return
    yield from unique(documents)
    if not documents.graded:
        yield from elsewhere(documents)
        return
    yield from answered(documents)
    yield from ordered(documents)
    yield from worth(documents)
    yield from table(documents)
    yield from printed(documents)


def elsewhere(documents: Documents) -> Iterator[Finding]:
    """No item is answered in a document that is not graded."""
    for item in documents.items:
        if section(documents, item["id"]) is not None:
            yield Finding(
                GROUP,
                MUST,
                f"item {item['id']} ({item['asks']}) is answered in {documents.page_path.name}, "
                "which is not graded",
                documents.place(PREFIX + item["id"]),
                "move the answer into report/index.qmd, or give the heading another label",
            )


def section(documents: Documents, item: str):
    """The element that holds the answer to an item; None if there is none."""
    elements = documents.page.xpath("//*[@id=$name]", name=PREFIX + item)
    return elements[0] if elements else None


def answered(documents: Documents) -> Iterator[Finding]:
    """Every item has a place with real text in it."""
    names = {PREFIX + item["id"] for item in documents.items}
    for item in documents.items:
        name, holder = PREFIX + item["id"], section(documents, item["id"])
        subject = f"item {item['id']} ({item['asks']})"
        in_source = documents.heading(name)
        if holder is None:
            anchor = next(
                s["anchor"] for s in documents.sections if str(s["id"]) == rubric.section_of(item)
            )
            yield Finding(
                GROUP,
                MUST,
                f"{subject} is not answered: no heading has the anchor {name}",
                in_source or documents.heading(anchor) or "report/index.qmd",
                AGAIN
                if in_source
                else f"write the answer under a heading with {{#{name}}}, then lmreport render",
            )
        elif len(prose(holder, names - {name}).split()) < LEAST:
            yield Finding(
                GROUP,
                MUST,
                f"{subject} has no text under its heading",
                documents.place(name),
                "write the answer there, then lmreport render",
            )


def prose(holder, others: set[str]) -> str:
    """The text of an answer without headings, code, tables, figures, the line with its points, the
    answers `others`.
    """

    def is_other(element) -> bool:
        return (
            element.tag in NOT_PROSE
            or element.get("id") in others
            or "origin" in (element.get("class") or "").split()
        )

    return re.sub(ITEM_LINE, " ", text_without(holder, is_other))


def ordered(documents: Documents) -> Iterator[Finding]:
    """The answers stand in the order of the rubric."""
    ids = [one for one in documents.page.xpath("//@id")]
    places = {
        item["id"]: ids.index(PREFIX + item["id"])
        for item in documents.items
        if PREFIX + item["id"] in ids
    }
    for before, after in pairwise(places):
        if places[after] < places[before]:
            yield Finding(
                GROUP,
                MUST,
                f"item {after} stands before item {before}",
                documents.place(PREFIX + after),
                f"move it behind {before}, as in report/rubric.yml",
            )


def unique(documents: Documents) -> Iterator[Finding]:
    """No two things have the same anchor."""
    anchors: list[str] = documents.page.xpath("//body//@id")
    for name, count in Counter(anchors).items():
        if count > 1:
            yield Finding(
                GROUP,
                MUST,
                f"{count} things have the same anchor {name}",
                documents.place(name),
                "give each its own label, then lmreport render",
            )


def worth(documents: Documents) -> Iterator[Finding]:
    """Under its heading each item says what it is worth."""
    for item in documents.items:
        holder = section(documents, item["id"])
        if holder is None:
            continue
        points = {m[1]: rubric.number(float(m[2] or 0)) for m in ITEM_LINE.finditer(words(holder))}
        fix = f"put `{{python}} ask.q{item['id'].replace('-', '_')}` under its heading"
        if item["id"] not in points:
            yield Finding(
                GROUP,
                LOOK,
                f"item {item['id']} does not say its points",
                documents.place(PREFIX + item["id"]),
                fix,
            )
        elif points[item["id"]] != item["points"]:
            yield Finding(
                GROUP,
                MUST,
                f"item {item['id']} says {points[item['id']]} points, the rubric {item['points']}",
                documents.place(PREFIX + item["id"]),
                fix,
            )


def table(documents: Documents) -> Iterator[Finding]:
    """The table of points has every item, linked, with its points, and sums that are right."""
    place = documents.place("tbl-points")
    rows = documents.page.xpath("//*[@id='tbl-points']//tr[td]")
    if not rows:
        yield Finding(
            GROUP,
            MUST,
            "there is no table of points (tbl-points)",
            place,
            "open the report with a cell tbl-points that calls rubric.table()",
        )
        return
    shown = {words(row[0]): words(row[-1]) for row in rows if words(row[-1])}
    wanted = {item["id"]: item["points"] for item in documents.items}
    wanted |= {str(s["id"]): rubric.total(s["id"], documents.answering) for s in documents.sections}
    wanted |= {"": rubric.total(answering=documents.answering)}
    for name, points in wanted.items():
        if shown.get(name) != str(points):
            what = (
                "all items"
                if not name
                else f"question {name}"
                if name.isdigit()
                else f"item {name}"
            )
            yield Finding(
                GROUP,
                MUST,
                f"the table of points gives {what} {shown.get(name, 'no')} points, the rubric "
                f"{points}",
                place,
                "let the cell tbl-points call rubric.table(), then lmreport render",
            )
    links = {href for row in rows for href in row.xpath(".//a/@href")}
    for item in documents.items:
        if item["id"] in shown and f"#{PREFIX}{item['id']}" not in links:
            yield Finding(
                GROUP,
                MUST,
                f"the table of points does not link item {item['id']} to its answer",
                place,
                "let the cell tbl-points call rubric.table(), then lmreport render",
            )


def printed(documents: Documents) -> Iterator[Finding]:
    """Where a printed total is not the sum of its items, the report says so."""
    text = re.sub(r"\W+", " ", words(documents.page))
    for one in rubric.differing(documents.answering):
        if (
            f"{one['printed']} points for section {one['id']} whose items add up to {one['sum']} "
            not in f"{text} "
        ):
            yield Finding(
                GROUP,
                MUST,
                f"the printed total of section {one['id']} is {one['printed']}, its items add "
                f"to {one['sum']}, and the report does not say so",
                documents.source("differing_sentence") or documents.place("tbl-points"),
                "put `{python} rubric.differing_sentence()` beside the table of points",
            )
