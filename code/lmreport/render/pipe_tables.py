"""Rows of pipe tables with more cells than the table has columns, of which pandoc drops the rest, and
backslashes that it would show.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from itertools import pairwise

from lmreport.core.errors import ReportError
from lmreport.render import pandoc_ast
from lmreport.render.lines import CODE, Line
from lmreport.render.source import prose

DASHES = re.compile(r"\|?\s*:?-+:?\s*([|+]\s*:?-+:?\s*)*\|?")  # below the head of a table

BEFORE = re.compile(
    r"^\s*(\[\^[^\]]+\]:|[-*+:]|\d+[.)])\s+(?=\|)"
)  # a table stands in a note or an item


def refuse_cut_rows(markdown: str, places: list[str]) -> None:
    """Raises ReportError for a row of which something would be lost, as where `P(y|x)` stands in a
    cell, or that has a bar with a backslash in its code, as GitHub wants it; places: file:line of
    each line of `markdown`, or the one of all.
    """
    for number, row, _ in rows(markdown):
        if escaped := next((code[0] for code in CODE.finditer(row) if r"\|" in code[0]), ""):
            raise ReportError(
                f"{places[min(number, len(places) - 1)]}: the backslash would be shown in {escaped}; "
                f"in code a bar needs none: {escaped.replace(chr(92) + '|', '|')} (if it is meant, "
                "write the table with +---+)"
            )
    doubtful = [one for one in rows(markdown) if bars_in(one[1]) >= one[2]]
    for (number, _, _), cut in zip(doubtful, are_cut(doubtful), strict=True):
        if cut:
            raise ReportError(
                f"{places[min(number, len(places) - 1)]}: a row of this table has more cells than the "
                "line of dashes, and the rest would be lost; write \\| for a bar inside a cell, or |---| in "
                "that line for each column"
            )


def rows(markdown: str) -> Iterator[tuple[int, str, int]]:
    """(number of its line, text, number of columns) of each row of a pipe table, heads included."""
    if "|" not in markdown:
        return
    texts = (BEFORE.sub("", text).strip(" \t>") for text in markdown.split("\n"))
    lines = [Line(text, "", n) for n, text in enumerate(texts)]
    with contextlib.suppress(ReportError):  # a block of code that is never closed is told elsewhere
        lines = list(prose(lines))
    columns = 0  # of the table that goes on
    for line, after in pairwise([*lines, Line("", "", 0)]):
        if "|" in after.text and DASHES.fullmatch(after.text):
            columns = len(re.findall("-+", after.text))
        elif not line.text:
            columns = 0
        if columns and line.text and not DASHES.fullmatch(line.text):
            yield line.number, line.text, columns


def bars_in(row: str) -> int:
    """How many signs in `row` may part two cells."""
    return row.replace(r"\|", "").strip("|").count("|")


def are_cut(found: list[tuple[int, str, int]]) -> list[bool]:
    """Of each row whether pandoc finds text behind its columns, where the dashes leave room for it."""
    tables = [f"::: x\n{row}\n|{'---|' * (bars_in(row) + 2)}\n:::\n" for _, row, _ in found]
    divs = pandoc_ast.read_markdown("\n".join(tables))["blocks"] if tables else []
    if len(divs) != len(found) > 1:  # a row holds what goes on into others, such as <div>
        return [cut for one in found for cut in are_cut([one])]
    return [
        div["t"] == "Div"
        and div["c"][1][0]["t"] == "Table"
        and any(cell[4] for cell in div["c"][1][0]["c"][3][1][0][1][columns:])
        for div, (_, _, columns) in zip(divs, found, strict=False)
    ]
