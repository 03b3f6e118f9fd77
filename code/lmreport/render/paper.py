"""Sizes of the paper, its margins and letters as the options of a document give them, in the words
of typst.
"""

from __future__ import annotations

import re

SIDES = ("x", "y", "top", "bottom", "left", "right")
SIZES = frozenset(
    """
    a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 a10 a11 iso-b1 iso-b2 iso-b3 iso-b4 iso-b5 iso-b6 iso-b7 iso-b8 iso-c3 iso-c4 iso-c5
    iso-c6 iso-c7 iso-c8 din-d3 din-d4 din-d5 din-d6 din-d7 din-d8 sis-g5 sis-e5 ansi-a ansi-b ansi-c ansi-d ansi-e
    arch-a arch-b arch-c arch-d arch-e1 arch-e jis-b0 jis-b1 jis-b2 jis-b3 jis-b4 jis-b5 jis-b6 jis-b7 jis-b8 jis-b9
    jis-b10 jis-b11 sac-d0 sac-d1 sac-d2 sac-d3 sac-d4 sac-d5 sac-d6 iso-id-1 iso-id-2 iso-id-3 asia-f4
    jp-shiroku-ban-4 jp-shiroku-ban-5 jp-shiroku-ban-6 jp-kiku-4 jp-kiku-5 jp-business-card cn-business-card
    eu-business-card fr-tellière fr-couronne-écriture fr-couronne-édition fr-raisin fr-carré fr-jésus uk-brief uk-draft
    uk-foolscap uk-quarto uk-crown uk-book-a uk-book-b us-letter us-legal us-tabloid us-executive us-foolscap-folio
    us-statement us-ledger us-oficio us-gov-letter us-gov-legal us-business-card us-digest us-trade newspaper-compact
    newspaper-berliner newspaper-broadsheet presentation-16-9 presentation-4-3""".split()
)
LENGTH = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(pt|mm|cm|in|em|px)")
PIXEL = 0.75  # points


def size(value: object) -> str | None:
    """What typst calls the paper `value`, such as A4, a4paper or letter; None for an unknown one."""
    name = str(value).strip().lower().removesuffix("paper")
    return next((known for known in (name, f"us-{name}") if known in SIZES), None)


def length(value: object) -> str | None:
    """A length as typst writes it, such as 12pt for "12 pt"; None for what is none."""
    found = LENGTH.fullmatch(str(value).strip())
    if not found:
        return None
    number, unit = found.groups()
    return f"{float(number) * PIXEL:g}pt" if unit == "px" else number + unit


def refused(key: str, value: str) -> str:
    """Why the option `key` cannot be `value`, and what to write; nothing if it can."""
    if key == "papersize" and size(value) is None:
        return f"papersize {value!r} is no size of paper that typst knows; write a4 or us-letter"
    if key != "papersize" and length(value) is None:
        return f"{key} {value!r} is no length; write a number and its unit, such as 11pt or 2.5cm"
    return ""
