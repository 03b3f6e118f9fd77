"""Is anything left in the text that was to be filled in, and does it say whose it is?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lmreport.check.documents import Documents
from lmreport.check.findings import LOOK, MUST, Finding
from lmreport.check.numbers.reading import place, text_without, words
from lmreport.core import author

GROUP = "Text"
BLOCKS = (
    "//main//*[self::p or self::li or self::td or self::th or self::figcaption or self::caption or "
    "self::dt or self::dd or self::h1 or self::h2 or self::h3 or self::h4 or self::h5 or self::h6]"
)
NOT_TEXT = {"code", "pre", "script", "style", "math", "svg", "blockquote"}
LEFT = re.compile(r"\b(?:TODO|TBD|FIXME)\b|\b[Ll]orem ipsum\b|\?\?+(?!@)")


def blocks(page) -> list:
    """The innermost paragraphs, cells, captions and headings."""
    return [
        b
        for b in page.xpath(BLOCKS)
        if not b.xpath(".//p | .//li | .//td | ancestor::nav | ancestor::blockquote")
    ]


def visible(block) -> str:
    """The text of a block without code and mathematics."""
    return text_without(block, lambda element: element.tag in NOT_TEXT)


def findings(documents: Documents) -> Iterator[Finding]:
    if documents.graded:
        yield from typed(documents)  # in the sources of all documents
    if documents.page is None:
        return
    yield from left_over(documents)
    if documents.graded:
        yield from whose(documents)


def typed(documents: Documents) -> Iterator[Finding]:
    """No result is typed into the text: it would stay when the results change (`lmreport verify
    --lint`).
    """
    from lmreport.check.numbers import lint

    for at, number in lint.of_project(documents.root):
        yield Finding(
            GROUP,
            MUST,
            f"“{number}” is typed into the text and looks like a result",
            at,
            f"make it inline code, or allow it with a reason in report/{lint.BESIDE}; then "
            f"lmreport render",
        )


def left_over(documents: Documents) -> Iterator[Finding]:
    """No mark of something that was to be filled in, seen by a reader; in the source alone it is
    worth a look.
    """
    shown = set()
    for block in blocks(documents.page):
        for match in LEFT.finditer(visible(block)):
            around = visible(block)[max(match.start() - 20, 0) : match.end() + 30]
            where = lines(documents, match[0], around) or place(block)
            shown.add(where)
            yield Finding(
                GROUP,
                MUST,
                f"“{match[0]}” is left in the text (“{around}”)",
                where,
                "write what belongs there, then lmreport render",
            )
    for cell in documents.cells:
        for line in cell.lines:
            left = re.search(r"\b(?:TODO|TBD|FIXME)\b", line.text)
            if left and line.place not in shown:
                yield Finding(
                    GROUP,
                    LOOK,
                    f"“{left[0]}” stands in the source (“{line.text.strip()[:50]}”)",
                    line.place,
                    "do it, or take the note out",
                )


def lines(documents: Documents, mark: str, around: str) -> str:
    """file:line of the source line with the mark that has most words in common with the text around
    it.
    """
    candidates = [
        (len(set(line.text.split()) & set(around.split())), line.place)
        for cell in documents.cells
        for line in cell.lines
        if mark in line.text
    ]
    return max(candidates, key=lambda pair: pair[0])[1] if candidates else ""


def whose(documents: Documents) -> Iterator[Finding]:
    """Name, e-mail, perm number, date and honor statement stand under the title."""
    shown = {words(e).rstrip(":") for e in documents.page.xpath("//main//strong")}
    lacking = [name for name in author.NAMES if author.LABELS[name] not in shown]
    where = f"{documents.page_path.name}, under the title"
    persons = [name for name in lacking if name != "honor"]
    if persons:
        labels = ", ".join(author.LABELS[name].lower() for name in persons)
        given = " ".join(f"--{name} …" for name in persons)
        yield Finding(
            GROUP,
            LOOK,
            f"the report does not give {labels}",
            where,
            f"lmreport render {given}, or write them into lmreport.toml",
        )
    if "honor" in lacking:
        yield Finding(
            GROUP,
            LOOK,
            "there is no honor statement",
            where,
            'lmreport render --honor "…", or write it into lmreport.toml',
        )
