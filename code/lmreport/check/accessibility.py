"""Can everybody read the PDF? The conditions of PDF/UA-1 (ISO 14289-1) that a program can check, in
plain English.

Each rule is named by its clause of the standard. Reading happens twice: pikepdf for the structure,
pdfium for what is painted on the pages. veraPDF, where the tests have it, checks the same file with
rules of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lmreport.check import pdf_pages

STANDARD = set(
    """Document Part Art Sect Div BlockQuote Caption TOC TOCI Index NonStruct Private P H H1 H2 H3 H4 H5 H6 L
    LI Lbl LBody Table TR TH TD THead TBody TFoot Span Quote Note Reference BibEntry Code Link Annot Ruby RB RT RP
    Warichu WT WP Figure Formula Form""".split()
)
INSIDE = {  # kind: the kinds that it may stand in, and the clause
    "LI": ({"L"}, "7.2"),
    "LBody": ({"LI"}, "7.2"),
    "TR": ({"Table", "THead", "TBody", "TFoot"}, "7.2"),
    "TH": ({"TR"}, "7.2"),
    "TD": ({"TR"}, "7.2"),
    "THead": ({"Table"}, "7.2"),
    "TBody": ({"Table"}, "7.2"),
    "TFoot": ({"Table"}, "7.2"),
    "TOCI": ({"TOC"}, "7.2"),
}
CONTENT = {
    "L": {"L", "LI", "Caption"},
    "LI": {"Lbl", "LBody"},
    "TOC": {"TOC", "TOCI", "Caption"},
    "TR": {"TH", "TD"},
    "Table": {"TR", "THead", "TBody", "TFoot", "Caption"},
}


@dataclass(frozen=True)
class Finding:
    """where: document, page or element; what is wrong; fix: what to do; clause: of ISO 14289-1."""

    where: str
    what: str
    fix: str
    clause: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.fix} (PDF/UA-1, {self.clause})"


@dataclass
class Element:
    """One element of the structure tree; kind: its tag after the role map.

    content: in reading order its elements, and the (page from 0, identifier) of what is painted
    directly in it.
    """

    kind: str
    node: Any
    inside: Element | None
    content: list[Element | tuple[int, int]] = field(default_factory=list)
    links: list = field(default_factory=list)

    @property
    def children(self) -> list[Element]:
        return [one for one in self.content if isinstance(one, Element)]

    @property
    def marks(self) -> list[tuple[int, int]]:
        """What is painted in it, at any depth, in reading order."""
        return [
            mark
            for one in self.content
            for mark in (one.marks if isinstance(one, Element) else [one])
        ]

    @property
    def where(self) -> str:
        return f"{self.kind} on page {self.marks[0][0] + 1}" if self.marks else self.kind


def findings(path: Path) -> list[Finding]:
    """What keeps the PDF at `path` from being accessible, in its order; [] is the wish. Raises
    ReportError if it is no PDF.
    """
    import pikepdf

    try:
        pdf = pikepdf.open(path)
    except (OSError, pikepdf.PdfError) as error:
        raise pdf_pages.no_pdf(path, error) from error
    with pdf:
        problems = [*document(pdf), *fonts(pdf), *link_annotations(pdf)]
        if "/StructTreeRoot" not in pdf.Root:
            return [
                *problems,
                Finding(
                    "document",
                    "it has no structure tree",
                    "compile it with tags (pdf-standard: ua-1)",
                    "7.1",
                ),
            ]
        elements = list(walked(pdf))
        painted, loose = painted_on(path)
        problems += [
            *loose,
            *order(elements, painted),
            *roles(elements),
            *nesting(elements),
            *alternatives(elements),
            *headings(pdf, elements, painted),
            *tables(elements),
            *links(elements, painted),
        ]
    return problems


def document(pdf) -> Iterator[Finding]:
    """Language, title, marks and the claim to be PDF/UA."""
    root = pdf.Root
    if not str(root.get("/Lang", "")):
        yield Finding("document", "it names no language", "set lang in _quarto.yml", "7.2")
    marked = root.get("/MarkInfo", {})
    if not marked.get("/Marked", False) or marked.get("/Suspects", False):
        yield Finding(
            "document", "it is not marked as tagged", "set pdf-standard: ua-1 in _quarto.yml", "7.1"
        )
    if not root.get("/ViewerPreferences", {}).get("/DisplayDocTitle", False):
        yield Finding(
            "document",
            "a viewer shows the file name, not the title",
            "set a title in its front matter",
            "7.1",
        )
    with pdf.open_metadata() as xmp:
        if not str(xmp.get("dc:title", "")).strip():
            yield Finding(
                "document", "its metadata have no title", "set a title in its front matter", "7.1"
            )
        if str(xmp.get("pdfuaid:part", "")) != "1":
            yield Finding(
                "document",
                "it does not say it is PDF/UA-1",
                "set pdf-standard: ua-1 in _quarto.yml",
                "5",
            )


def fonts(pdf) -> Iterator[Finding]:
    """Every font is embedded and says which characters its glyphs are."""
    import pikepdf

    for font in pdf.objects:
        if (
            not isinstance(font, pikepdf.Dictionary)
            or font.get("/Type") != "/Font"
            or "/CIDSystemInfo" in font
        ):
            continue
        name, inner = (
            str(font.get("/BaseFont", "/unnamed"))[1:],
            font.get("/DescendantFonts", [font])[0],
        )
        files = {"/FontFile", "/FontFile2", "/FontFile3"} & set(
            inner.get("/FontDescriptor", {}).keys()
        )
        if not files and font.get("/Subtype") != "/Type3":
            yield Finding(
                f"font {name}", "it is not embedded", "let typst use only its own fonts", "7.21.4.1"
            )
        if "/ToUnicode" not in font:
            yield Finding(
                f"font {name}",
                "its glyphs say no characters (no ToUnicode), so its text cannot be read or "
                "searched",
                "use another font",
                "7.21.7",
            )


def link_annotations(pdf) -> Iterator[Finding]:
    """Links are described, are part of the structure, and are reached by the tab key in its
    order.
    """
    for number, page in enumerate(pdf.pages, 1):
        notes = list(page.get("/Annots", []))
        if notes and page.get("/Tabs") != "/S":
            yield Finding(
                f"page {number}",
                "the tab key does not follow the structure",
                "set /Tabs to /S",
                "7.18.3",
            )
        for note in notes:
            if "/StructParent" not in note:
                yield Finding(
                    f"page {number}",
                    "a link is not part of the structure",
                    "tag it as Link",
                    "7.18.5",
                )
            if not str(note.get("/Contents", "")).strip():
                yield Finding(
                    f"page {number}", "a link has no description", "give it /Contents", "7.18.5"
                )


def walked(pdf) -> Iterator[Element]:
    """All elements of the structure tree in reading order."""
    import pikepdf

    numbers = {page.objgen: n for n, page in enumerate(pdf.pages)}
    mapped = {
        str(k)[1:]: str(v)[1:] for k, v in pdf.Root.StructTreeRoot.get("/RoleMap", {}).items()
    }

    def visit(node, inside, page):
        kind = str(node.S)[1:]
        page = numbers.get(node.Pg.objgen, page) if "/Pg" in node else page
        element = Element(mapped.get(kind, kind) if kind not in STANDARD else kind, node, inside)
        yield element
        kids = node.get("/K", [])
        for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
            if isinstance(kid, int):
                element.content.append((page, kid))
            elif kid.get("/Type") == "/MCR":
                element.content.append(
                    (numbers.get(kid.Pg.objgen, page) if "/Pg" in kid else page, int(kid.MCID))
                )
            elif kid.get("/Type") == "/OBJR":
                element.links.append(kid.Obj)
            elif "/S" in kid:
                inner = list(visit(kid, element, page))
                element.content.append(inner[0])
                yield from inner

    top = pdf.Root.StructTreeRoot.get("/K", [])
    for node in top if isinstance(top, pikepdf.Array) else [top]:
        yield from visit(node, None, -1)


def painted_on(path: Path) -> tuple[dict[tuple[int, int], str], list[Finding]]:
    """{(page from 0, identifier): text} of the marked content in the order of painting, and what is
    not marked.
    """
    import pypdfium2
    import pypdfium2.raw as pdfium

    painted: dict = {}
    loose: list = []
    with pdf_pages.opened(path) as document:
        for number, page in enumerate(document):
            unmarked = 0
            for item in page.get_objects(max_depth=1, textpage=page.get_textpage()):
                mark = pdfium.FPDFPageObj_GetMarkedContentID(item.raw)
                if mark >= 0:
                    words = item.extract() if isinstance(item, pypdfium2.PdfTextObj) else ""
                    painted[number, mark] = painted.get((number, mark), "") + words
                elif not pdf_pages.is_artifact(item):
                    unmarked += 1
            if unmarked:
                loose.append(
                    Finding(
                        f"page {number + 1}",
                        f"{unmarked} things on it are neither tagged nor marked as decoration",
                        "let typst tag them, or wrap them in pdf.artifact",
                        "7.1",
                    )
                )
    return painted, loose


def order(elements: list[Element], painted: dict) -> Iterator[Finding]:
    """All marked content is in the structure and is read as it was set; but a caption is read
    before its figure.
    """
    read = [mark for element in elements if element.inside is None for mark in element.marks]
    for page in sorted({page for page, _ in painted.keys() - set(read)}):
        yield Finding(
            f"page {page + 1}",
            "some of its text is in no element, so it is never read",
            "tag it",
            "7.1",
        )
    captions = {mark for element in elements if element.kind == "Caption" for mark in element.marks}
    read = [mark for mark in read if mark not in captions]
    steps = [
        (a, b)
        for a, b in zip(read, read[1:], strict=False)
        if b[0] < a[0] or b[0] == a[0] and b[1] < a[1]
    ]
    for before, after in steps:
        yield Finding(
            f"page {after[0] + 1}",
            f"it is read after page {before[0] + 1} or out of its order "
            f"(“{painted.get(before, '')[:30]}”, then “{painted.get(after, '')[:30]}”)",
            "set the text in the order of the source",
            "7.1",
        )


def roles(elements: list[Element]) -> Iterator[Finding]:
    for kind in dict.fromkeys(e.kind for e in elements):
        if kind not in STANDARD:
            yield Finding(
                f"tag {kind}",
                "no reader knows it",
                "map it to a standard tag in the role map",
                "7.1",
            )


def nesting(elements: list[Element]) -> Iterator[Finding]:
    """Lists, tables and the table of contents are built as a reader expects."""
    for element in elements:
        outer = element.inside.kind if element.inside else "the document"
        if element.kind in INSIDE and outer not in INSIDE[element.kind][0]:
            yield Finding(
                element.where,
                f"it stands in {outer}",
                f"put it into {' or '.join(INSIDE[element.kind][0])}",
                INSIDE[element.kind][1],
            )
        for child in element.children:
            if element.kind in CONTENT and child.kind not in CONTENT[element.kind]:
                yield Finding(child.where, f"a {element.kind} cannot hold it", "move it out", "7.2")


def alternatives(elements: list[Element]) -> Iterator[Finding]:
    """Every figure and equation has an alternative text that can be said."""
    for element in elements:
        if element.kind not in ("Figure", "Formula"):
            continue
        words = str(element.node.get("/Alt", element.node.get("/ActualText", ""))).strip()
        clause, fix = (
            ("7.3", "give it fig-alt") if element.kind == "Figure" else ("7.7", "give it alt")
        )
        if not words:
            yield Finding(element.where, "it has no alternative text", fix, clause)
        elif re.search(r"\\[A-Za-z]+|[_^]\{|\$", words):
            yield Finding(
                element.where,
                f"its alternative text is source, not speech (“{words[:40]}”)",
                fix,
                clause,
            )


def headings(pdf, elements: list[Element], painted: dict) -> Iterator[Finding]:
    """Headings begin at the first level, leave none out, say something, and have a bookmark
    each.
    """
    all_headings = [e for e in elements if re.fullmatch(r"H[1-6]", e.kind)]
    last = 0
    for heading in all_headings:
        level = int(heading.kind[1])
        if level > last + 1:
            yield Finding(
                heading.where,
                f"it follows {f'H{last}' if last else 'no heading'}",
                f"make it H{last + 1}",
                "7.4.2",
            )
        last = level
        if not said(heading, painted):
            yield Finding(heading.where, "it is empty", "give it words", "7.4.2")
    marks = [squeezed(title) for title in bookmarks(pdf)]
    of_contents = {
        id(before)
        for before, after in zip(elements, elements[1:], strict=False)
        if after.kind == "TOC"
    }
    for heading in all_headings:
        words = said(heading, painted)
        if squeezed(words) not in [*marks, ""] and id(heading) not in of_contents:
            yield Finding(
                heading.where, f"“{words[:40]}” has no bookmark", "let it be outlined", "7.17"
            )


def bookmarks(pdf) -> list[str]:
    with pdf.open_outline() as outline:
        todo, titles = list(outline.root), []
        while todo:
            one = todo.pop(0)
            titles.append(one.title)
            todo = [*one.children, *todo]
    return titles


def said(element: Element, painted: dict) -> str:
    """The text of an element with everything in it; the alternative text of its equations."""
    own = str(element.node.get("/Alt", element.node.get("/ActualText", "")))
    return (
        own
        or " ".join(
            said(one, painted) if isinstance(one, Element) else painted.get(one, "")
            for one in element.content
        ).strip()
    )


def squeezed(words: str) -> str:
    return re.sub(r"\W+", "", words)


def tables(elements: list[Element]) -> Iterator[Finding]:
    """Every table has header cells that say what they head, and rows of one length."""
    for table in (e for e in elements if e.kind == "Table"):
        parts = [
            e for part in table.children for e in ([part] if part.kind == "TR" else part.children)
        ]
        rows = [e for e in parts if e.kind == "TR"]
        heads = [cell for row in rows for cell in row.children if cell.kind == "TH"]
        if not heads:
            yield Finding(
                table.where, "it has no header cells (TH)", "give the table a header row", "7.5"
            )
        if any("Scope" not in attributes(cell) for cell in heads) and not all(
            "Headers" in attributes(cell)
            for row in rows
            for cell in row.children
            if cell.kind == "TD"
        ):
            yield Finding(
                table.where,
                "its header cells do not say what they head (Scope)",
                "give them a scope",
                "7.5",
            )
        if len(
            {sum(int(attributes(c).get("ColSpan", 1)) for c in row.children) for row in rows}
        ) > 1 and not any("RowSpan" in attributes(c) for row in rows for c in row.children):
            yield Finding(table.where, "its rows differ in length", "fill the missing cells", "7.5")


def attributes(element: Element) -> dict[str, Any]:
    """The attributes of an element, from all of its attribute objects."""
    import pikepdf

    given = element.node.get("/A", [])
    return {
        str(k)[1:]: v
        for one in (given if isinstance(given, pikepdf.Array) else [given])
        if isinstance(one, pikepdf.Dictionary)
        for k, v in one.items()
    }


def links(elements: list[Element], painted: dict) -> Iterator[Finding]:
    """Every Link is one that can be followed, and has words."""
    for link in (e for e in elements if e.kind == "Link"):
        if not link.links and not any(child.links for child in link.children):
            yield Finding(
                link.where, "it leads nowhere (no annotation)", "make it a link again", "7.18.5"
            )
        elif not said(link, painted):
            yield Finding(link.where, "it has no words", "give it a text", "7.18.5")
