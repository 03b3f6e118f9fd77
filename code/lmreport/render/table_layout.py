"""Tables on a page of limited width: columns as wide as their text needs, long words broken where
they may be.
"""

from __future__ import annotations

import re
from unicodedata import east_asian_width

from lmreport.render import pandoc_ast
from lmreport.render.letters import missing, width

PAGE = 96  # characters of table text that fit side by side on the page
LONG = 14  # characters of a word that may be broken
GAP = 2.5  # characters that the space between two columns takes


def typst_table(table: dict) -> dict:
    """`table` without a figure of its own around it, its head in bold letters, and with column
    widths where it is wider than the page.
    """
    set_bold(table["c"][3])
    table["c"][0][1] = [*table["c"][0][1], "typst:no-figure"]
    heads = len(table["c"][3][1])
    rows = [
        row for part in (table["c"][3][1], *(body[3] for body in table["c"][4])) for row in part
    ]
    texts = in_columns(rows)
    count = len(table["c"][2])
    lines = [max((width(t[i]) for t in texts if i < len(t)), default=1) for i in range(count)]
    for specification in table["c"][2]:
        specification[1] = {"t": "ColWidthDefault"}
    if sum(lines) + GAP * count <= PAGE:
        return table
    for specification, share in zip(table["c"][2], shares(texts, lines, heads), strict=True):
        specification[1] = {"t": "ColWidth", "c": round(share, 4)}
    return pandoc_ast.change(table, breakable)


def set_bold(head: list) -> None:
    """Put the words of a table's head in bold letters; typst cannot tell a head from a first row."""
    notes = [n["c"] for n in pandoc_ast.nodes(head) if n["t"] == "Note"]
    apart = {id(block) for block in pandoc_ast.nodes(notes)}
    for block in list(pandoc_ast.nodes(head)):
        if block["t"] in ("Plain", "Para") and block["c"] and id(block) not in apart:
            block["c"] = [pandoc_ast.node("Strong", block["c"])]


def in_columns(rows: list) -> list[list[str]]:
    """The text of each row in each column; that of a cell across columns is in none, as it needs no
    width of one.
    """
    texts: list[list[str]] = []
    covered: dict[int, int] = {}  # {column: rows that a cell from above goes on for}
    for row in rows:
        line: list[str] = []
        for cell in row[1]:
            _, _, down, across, blocks = cell
            while covered.get(len(line), 0):
                covered[len(line)] -= 1
                line.append("")
            for column in range(len(line), len(line) + across):
                covered[column] = down - 1
            line += [pandoc_ast.plain(blocks).strip() if across == 1 else ""] * across
        for column in range(len(line), max(covered, default=-1) + 1):
            covered[column] = max(covered.get(column, 0) - 1, 0)
        texts.append(line)
    return texts


def shares(texts: list[list[str]], lines: list[int], heads: int) -> list[float]:
    """Share of the page for each column: its longest word at least (or its longest cell, if no cell
    below the `heads` first rows is long), the rest in proportion to the square root of its longest
    text, so that a column of essays does not squeeze the others."""
    words = [
        max((min(width(w), LONG) for t in texts if i < len(t) for w in words_of(t[i])), default=1)
        + GAP
        for i in range(len(lines))
    ]
    cells = [
        max((width(t[i]) for t in texts[heads:] if i < len(t)), default=1)
        for i in range(len(lines))
    ]
    whole = [
        max(word, cell + GAP) if cell <= LONG else word
        for word, cell in zip(words, cells, strict=True)
    ]
    words = whole if sum(whole) <= PAGE else words
    spare = max(PAGE - sum(words), 0)
    wish = [max(line + GAP - word, 0) ** 0.5 for line, word in zip(lines, words, strict=True)]
    widths = [word + spare * w / (sum(wish) or 1) for word, w in zip(words, wish, strict=True)]
    capped = [min(one, line + GAP) for one, line in zip(widths, lines, strict=True)]
    total = max(sum(capped), PAGE) if sum(capped) < sum(widths) else sum(widths)
    return [one / total for one in capped]


def words_of(text: str) -> list[str]:
    """The parts of a text between which a line may break: not at a no-break space, but at each
    letter of East Asia or mark in the place of one that has no font.
    """
    unseen = missing(text)
    parts = (c if c not in unseen and east_asian_width(c) not in "WF" else f" {c} " for c in text)
    return [part for part in re.split("[ \t\n]+", "".join(parts)) if part]


def breakable(item: dict) -> dict | None:
    """Zero-width spaces in long words and long code, after the marks where a reader expects a
    break.
    """
    if item["t"] == "Str" and len(item["c"]) > LONG:
        return pandoc_ast.text(broken(item["c"]))
    if item["t"] == "Code" and len(item["c"][1]) > 12:
        return pandoc_ast.node("Code", item["c"][0], broken(item["c"][1]))
    return None


def broken(word: str) -> str:
    word = re.sub(r"(?<=[_./,=(\[|-])(?=\w)|(?<=[a-z])(?=[A-Z])", "\u200b", word)
    return "\u200b".join(
        part
        if len(part) <= LONG
        else "\u200b".join(part[i : i + 12] for i in range(0, len(part), 12))
        for part in word.split("\u200b")
    )


def natural(table: dict) -> dict:
    """`table` without the column widths that pandoc takes from the dashes of the source."""
    for specification in table["c"][2]:
        specification[1] = {"t": "ColWidthDefault"}
    return table
