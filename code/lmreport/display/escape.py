"""Foreign text as Markdown that shows exactly its characters: nothing in it is interpreted."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

from lmreport.core import fonts

UNSEEN = (
    "Cc",
    "Cf",
    "Cs",
    "Co",
    "Cn",
    "Zl",
    "Zp",
)  # categories of characters that show nothing by themselves
# Zero-width joiners after a letter of Arabic, Indic and their neighbours' scripts, whose forms they
# choose.
JOINED = re.compile("(?<=[\u0600-\u109f\u1780-\u18af])[\u200c\u200d]")
LONGEST = 300  # characters of one table cell; longer ones are cut with a note
# Characters that typst's own fonts have; any other one would stop a PDF/UA document, which must
# show all of its text.
IN_FONTS = re.compile(
    "[\u0020-\u04ff\u1e00-\u1fff\u2000-\u2040\u2044-\u211e\u2126-\u2151\u2153-\u2184\u2190-\u23ff\u2460-\u2606"
    "\u2609-\u262f\u2713\u2714\u2717\u2718]"
)


class MarkdownText(str):
    """Text that is Markdown already."""

    def _repr_markdown_(self) -> str:
        return str(self) or "<!-- -->"  # where an inline value is empty, Quarto shows its code


def plain(value: object, longest: int = LONGEST) -> MarkdownText:
    """`value` as Markdown that shows exactly its characters: nothing in it is interpreted, included
    or executed.

    Markdown already (`MarkdownText`) stays as it is. Control and direction-changing characters
    become ⟨U+…⟩, and so do in genuine Quarto's PDF those that no font there has; a text over
    `longest` characters is cut with a note.
    """
    if isinstance(value, MarkdownText):
        return value
    text, seen = str(value), in_fonts if in_quartos_pdf() else visible
    if len(text) > longest:
        text = f"{text[:longest]}… ({len(text) - longest:,} more characters)"
    text = shown(text, seen)
    # Entities survive every later step: no shortcode, citation, math, raw block or HTML can begin.
    return MarkdownText(
        re.sub(
            r"_|--|\.\.\.|[^\w\s.,;()\-–…−·×√²%]",
            lambda m: "".join(f"&#{ord(c)};" for c in m[0]),
            text,
        )
    )


def in_quartos_pdf() -> bool:
    """Whether this cell runs for a PDF by genuine Quarto; this project's own renderer looks after
    its fonts itself.
    """
    path = os.environ.get("QUARTO_EXECUTE_INFO")
    try:
        info = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
        return info.get("format", {}).get("identifier", {}).get("base-format") in ("typst", "pdf")
    except (OSError, ValueError, AttributeError):
        return True


def label(name: str, longest: int = 20) -> str:
    """A foreign name for a figure: cut, visible, and no mathematics."""
    short = name if len(name) <= longest else name[: longest - 1] + "…"
    return shown(short, in_figures).replace("$", r"\$")


def visible(c: str) -> str:
    """A character that can be seen: itself, a blank for a line break or tab, a mark for one that
    cannot.
    """
    if c in "\n\t\r":
        return " "
    return fonts.mark(c) if unicodedata.category(c) in UNSEEN else c


def shown(text: str, seen: Callable[[str], str]) -> str:
    """`text` with each character as `seen` gives it, but for the joiners that shape letters beside
    them in Persian, Hindi and others.
    """
    joined = {match.start() for match in JOINED.finditer(text)}
    return "".join(c if at in joined else seen(c) for at, c in enumerate(text))


def in_figures(c: str) -> str:
    """The same as `visible`, with a mark for each character that no font of the figures has."""
    seen = visible(c)
    known = len(seen) > 1 or c < "\u0250" or ord(c) in fonts.characters(*fonts.IN_FIGURES)
    return seen if known else fonts.mark(c)


def in_fonts(c: str) -> str:
    """The same, with a mark for each character that typst's own fonts lack."""
    seen = visible(c)
    return seen if len(seen) > 1 or IN_FONTS.match(seen) else fonts.mark(c)


def quoted(value: str) -> str:
    """An attribute's value as pandoc's Markdown reads it, in a table too.

    What could begin code, math or HTML there, or end a table's cell, is written as an entity.
    """
    return '"' + re.sub(r"[&<>|`$\\\"{}\n]", lambda match: f"&#{ord(match[0])};", value) + '"'
