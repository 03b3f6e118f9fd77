"""Does the PDF say what the page says?"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from lmreport.errors import ReportError
from lmreport.verify.reading import place

BLOCKS = "//main//p | //main//li | //main//figcaption | //main//td | //main//th | //main//h2 | //main//h3"
NOT_SAME = {"math", "sup", "svg", "pre", "code"}  # set in another way in the PDF


def text(path: Path) -> str:
    """The text of a PDF in one line without blanks, page numbers left out."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(path)
    except (OSError, pypdfium2.PdfiumError) as error:
        raise ReportError(f"{path.name}: cannot be read as PDF ({error}); render the report again") from error
    pages = [page.get_textpage().get_text_bounded() for page in document]
    document.close()
    return squeezed("\n".join(re.sub(r"\s*\n?\d+\s*$", "", page) for page in pages))


def missing(tree, path: Path) -> list[tuple[str, str]]:
    """(place, text) of each piece of the page with a digit in it that does not stand in the PDF at `path`."""
    whole = text(path)
    found = []
    for block in tree.xpath(BLOCKS):
        if block.xpath("ancestor::nav | .//p | .//table"):
            continue
        for piece in pieces(block):
            if re.search(r"\d", piece) and squeezed(piece) not in whole:
                alone = block.tag in ("td", "th")  # a cell's lines alternate with those of the cells beside it
                found += [(place(block), around) for around in unsaid(piece.split(), whole, alone)]
    return found


def unsaid(words: list[str], whole: str, alone: bool) -> list[str]:
    """The words with a digit that do not stand in the text `whole`, with the word before or after unless `alone`.

    A paragraph that a page's end or a figure interrupts is still found word by word.
    """
    found = []
    for i, word in enumerate(words):
        pairs = [word] if alone else [" ".join(words[max(i - 1, 0):i + 1]), " ".join(words[i:i + 2])]
        if re.search(r"\d", word) and not any(squeezed(pair) in whole for pair in pairs):
            found.append(" ".join(words[max(i - 2, 0):i + 3]))
    return found


def pieces(block) -> list[str]:
    """The text of a block between what the PDF sets another way (mathematics, code, raised marks)."""
    parts = [block.text or ""]
    for child in block:
        if child.tag in NOT_SAME:
            parts.append("")
        else:
            inner = pieces(child)
            parts[-1] += inner[0]
            parts += inner[1:]
        parts[-1] += child.tail or ""
    return parts


def squeezed(words: str) -> str:
    """Words without blanks and hyphens, quotation marks and ligatures made plain."""
    plain = unicodedata.normalize("NFKC", words).translate(str.maketrans("“”‘’", "\"\"''"))
    return re.sub(r"[\s\-–—−\u2010\u00ad\ufffe\x02]+", "", plain)  # pdfium marks a hyphenation by one of the last two
