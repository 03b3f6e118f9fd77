"""Does the PDF say what the page says?"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from lmreport.check import pdf_pages
from lmreport.check.numbers.reading import place

BLOCKS = "//main//p | //main//li | //main//figcaption | //main//td | //main//th | //main//h2 | //main//h3"
AROUND = 12  # characters on one side of a number by which it is found again
NOT_SAME = {"math", "sup", "svg", "pre", "code"}  # set in another way in the PDF


def pages(path: Path) -> list[str]:
    """The text of each page of a PDF, page numbers left out. Raises ReportError if it is none."""
    with pdf_pages.opened(path) as document:
        texts = [page.get_textpage().get_text_bounded() for page in document]
    return [re.sub(r"\s*\n?\d+\s*$", "", page) for page in texts]


def text(path: Path) -> str:
    """The text of a PDF in one line without blanks."""
    return squeezed("\n".join(pages(path)))


def missing(tree, path: Path) -> list[tuple[str, str]]:
    """(place, text) of each piece of the page with a digit in it that does not stand in the PDF at
    `path`.
    """
    return missing_in(tree, text(path))


def missing_in(tree, whole: str) -> list[tuple[str, str]]:
    """The same for the squeezed text `whole`."""
    gaps = []
    for block in tree.xpath(BLOCKS):
        if block.xpath("ancestor::nav | .//p | .//table"):
            continue
        for piece in pieces(block):
            if re.search(r"\d", piece) and squeezed(piece) not in whole:
                alone = block.tag in (
                    "td",
                    "th",
                )  # a cell's lines alternate with those of the cells beside it
                gaps += [(place(block), around) for around in unsaid(piece, whole, alone)]
    return gaps


def unsaid(piece: str, whole: str, alone: bool) -> list[str]:
    """The numbers of a piece that do not stand in the text `whole` with the same words before or
    after them.

    So a paragraph that a page's end or a figure interrupts is still found. alone: one word before
    or after is enough.
    """
    if alone:
        words = piece.split()
        numbers = [i for i, word in enumerate(words) if re.search(r"\d", word)]
        pairs = {i: [words[max(i - 1, 0) : i + 1], words[i : i + 2]] for i in numbers}
        neighbours = {i: [p for p in both if len(p) == 2] or [words] for i, both in pairs.items()}
        return [
            words[i]
            for i, parts in neighbours.items()
            if not any(squeezed("".join(p)) in whole for p in parts)
        ]
    said, excerpts = squeezed(piece), []
    for number in re.finditer(r"\d+", said):
        sides = [
            said[max(number.start() - AROUND, 0) : number.end()],
            said[number.start() : number.end() + AROUND],
        ]
        shown = [side for side in sides if len(side) == len(number[0]) + AROUND] or [said]
        if not any(side in whole for side in shown):
            excerpts.append(said[max(number.start() - 2 * AROUND, 0) : number.end() + 2 * AROUND])
    return excerpts


def pieces(block) -> list[str]:
    """The text of a block between what the PDF sets another way (mathematics, code, raised
    marks).
    """
    parts = [block.text or ""]
    for child in block:
        if child.tag in NOT_SAME or "unprinted" in (child.get("class") or "").split():
            parts.append("")
        else:
            inner = pieces(child)
            parts[-1] += inner[0]
            parts += inner[1:]
        parts[-1] += child.tail or ""
    return parts


def squeezed(words: str) -> str:
    """Words without blanks and hyphens, quotation marks and ligatures made plain; letters that stand
    as ⟨U+…⟩, for want of a font, as they are.
    """
    words = re.sub(r"⟨U\+\s*((?:[0-9A-F]\s*){4,6})⟩", letter, words)
    plain = unicodedata.normalize("NFKC", words).translate(str.maketrans("“”‘’", "\"\"''"))
    # pdfium marks a hyphenation by U+FFFE or U+0002; typst breaks long names at zero-width spaces.
    return re.sub(r"[\s\-–—−\u2010\u00ad\u200b\ufffe\x02]+", "", plain)


def letter(found: re.Match) -> str:
    """The letter whose number stands in a mark like ⟨U+597D⟩, which a line's end may part."""
    return chr(int("".join(found[1].split()), 16))
