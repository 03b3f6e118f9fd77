"""The computed numbers of a finished HTML page, and where they stand."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmreport.core.errors import ReportError

SPAN = "//span[contains(concat(' ', @class, ' '), ' computed ')]"


@dataclass(frozen=True)
class Number:
    """One computed number or word of a page: where it stands, its text, and what its attributes say
    (see `TracedText`).
    """

    place: str
    text: str
    form: str
    value: float
    expression: str
    code: str
    runs: str


def page(path: Path):
    """The parsed HTML page at `path`. Raises ReportError if it cannot be read as HTML."""
    from lxml import html

    try:
        return html.document_fromstring(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, html.etree.ParserError) as error:
        raise ReportError(
            f"{path}: cannot be read as HTML ({error}); render the report again"
        ) from error


def numbers(tree) -> list[Number]:
    """All computed numbers of a page in their order. Raises ReportError if one of them lacks its
    value.
    """
    all_numbers = []
    for span in tree.xpath(SPAN):
        text, form = words(span), span.get("data-as") or ""
        try:
            value = float(span.get("data-value"))
        except (TypeError, ValueError):
            raise ReportError(
                f"{place(span)}: the number {text!r} has lost its data-value; render again"
            ) from None
        all_numbers.append(
            Number(
                place(span),
                text,
                form,
                value,
                span.get("data-expr") or "",
                span.get("data-code") or "",
                span.get("data-run") or "",
            )
        )
    return all_numbers


def words(element) -> str:
    """The text of an element with single blanks."""
    return " ".join(element.text_content().split())


def text_without(element, left_out: Callable[[Any], bool]) -> str:
    """The text of an element in one line, without comments and the elements that `left_out` names."""

    def walk(one: Any) -> str:
        if not isinstance(one.tag, str) or left_out(one):
            return " "
        return (one.text or "") + "".join(walk(child) + (child.tail or "") for child in one)

    return " ".join(walk(element).split())


def place(element) -> str:
    """Where an element stands, for a reader: the figure or table, else the section; in a table row
    and column too.
    """
    cell = next((e for e in element.iterancestors("td", "th")), None)
    above = [
        e.get("id")
        for e in element.iterancestors()
        if re.match(r"(tbl|fig|sec)-", e.get("id") or "")
    ]
    where = above[0] if above else "page"
    if cell is None:
        return where
    row = cell.getparent()
    column = row.index(cell)
    heads = row.xpath("ancestor::table[1]//thead//th")
    head = words(heads[column]) if column < len(heads) else str(column + 1)
    return f"{where}, row “{words(row[0])}”, column “{head}”"
