"""Which letters the fonts of the PDF have, and how wide a text is there."""

from __future__ import annotations

import re
import unicodedata

from lmreport.core import fonts

MATH = re.compile(
    "[\u2200-\u22ff\u27c0-\u27ef\u2a00-\u2aff\U0001d400-\U0001d7ff]"
)  # in New Computer Modern Math
IN_TEXT = ("DejaVuSansMono.ttf", "DejaVuSans-Bold.ttf")  # what all text can fall back to


def missing(text: str) -> set[str]:
    """The characters of `text` that no font of the PDF has."""
    rare = {c for c in set(text) if c > "\u02ff" and not MATH.match(c)}
    return {c for c in rare if ord(c) not in fonts.characters(*IN_TEXT)} if rare else set()


def width(text: str) -> int:
    """Characters of Latin text that take as much room: a mark counts all of its own, a wide letter
    of East Asia two.
    """
    unseen = missing(text)
    return sum(
        len(fonts.mark(c)) if c in unseen else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
