"""Tables drawn with + - | = that are not aligned, which pandoc reads as something else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from lmreport.core.errors import ReportError
from lmreport.render.lines import Line, masked

BORDER = re.compile(r"\+([-=:]{3,}\+)+")
BESIDE = re.compile(
    r"^\s*([-*+]|\d+[.)])\s+|\$[^$]+\$"
)  # marks of items and mathematics, in a cell
REMEDY = (
    "in a grid table each | stands below a +, where wide letters take two columns; for the sign "
    "write \\|"
)


def marks(lines: list[Line]) -> Iterator[tuple[Line, str, str]]:
    """(line, words of a cell with the mark behind it, what to do if they are read as text)."""
    inside = False
    for line in lines:
        text = masked(line.text).strip()
        inside = bool(BORDER.fullmatch(text)) or inside and text.startswith(("|", "+"))
        for piece in text.split(text[0])[1:-1] if inside else ():
            words = BESIDE.sub("", piece).strip()
            if words and (text[0] == "|" or "=" in words):
                yield line, words + text[0], REMEDY


def refuse_too_wide(lines: list[Line]) -> None:
    """Raises ReportError for a line that is wider than its table: pandoc cuts its end off."""
    border = 0
    for line in lines:
        text = line.text.strip()
        if BORDER.fullmatch(text):
            border = border or len(text)
        elif not text.startswith(("|", "+")):
            border = 0
        elif border and width(text) > border:
            raise ReportError(f"{line.place}: this line is wider than its table; {REMEDY}")


def width(text: str) -> int:
    """How many columns `text` takes, as pandoc counts: two for a wide letter, none for a mark on it."""
    alone = re.sub("\u200d.|[\U0001f3fb-\U0001f3ff]", "", text)  # joined to the sign before
    seen = [c for c in alone if unicodedata.category(c) not in ("Mn", "Me", "Cf")]
    return len(seen) + sum(unicodedata.east_asian_width(c) in "WF" for c in seen)
