"""Can the PDF be handed in: size, fonts, tags, title and language, and each question on a page of
its own?
"""

from __future__ import annotations

from collections.abc import Iterator

from lmreport.check import pdf_pages
from lmreport.check.documents import Documents
from lmreport.check.findings import LOOK, MUST, Finding
from lmreport.check.pdf_pages import PREFIX

GROUP = "PDF"
LARGEST = 100  # MB that an upload may have


def findings(documents: Documents) -> Iterator[Finding]:
    if documents.pdf is None:
        return
    yield from size(documents)
    if documents.graded:
        yield from answers(documents)
        yield from questions(documents)
    yield from accessible(documents)


def size(documents: Documents) -> Iterator[Finding]:
    """The PDF is small enough to be uploaded."""
    assert documents.pdf is not None
    megabytes = documents.pdf.stat().st_size / 1e6
    if megabytes >= LARGEST:
        yield Finding(
            GROUP,
            MUST,
            f"it has {megabytes:.0f} MB, {LARGEST} are too many to be uploaded",
            documents.pdf.name,
            "leave out large pictures, or save them with fewer points or as PNG",
        )


def answers(documents: Documents) -> Iterator[Finding]:
    """Every item has a named place, by which its pages are found."""
    for item in documents.items:
        name = PREFIX + item["id"]
        if name not in documents.places:
            yield Finding(
                GROUP,
                MUST,
                f"it has no place for item {item['id']} ({item['asks']})",
                documents.heading(name) or documents.pdf_path.name,
                f"give the heading of the answer the label {{#{name}}}, then lmreport render",
            )


def questions(documents: Documents) -> Iterator[Finding]:
    """Each question begins at the top of a page."""
    assert documents.pdf is not None
    with pdf_pages.opened(documents.pdf) as document:
        for section in documents.sections:
            name, subject = section["anchor"], f"question {section['id']} ({section['title']})"
            source = documents.heading(name)
            if name not in documents.places:
                yield Finding(
                    GROUP,
                    MUST,
                    f"it has no place for {subject}",
                    source or documents.pdf_path.name,
                    f"give its heading the label {{#{name}}}, then lmreport render",
                )
                continue
            page, depth = documents.places[name]
            if pdf_pages.content_above(document[page], depth):
                yield Finding(
                    GROUP,
                    MUST,
                    f"{subject} does not begin on a page of its own",
                    f"{documents.pdf_path.name}, page {page + 1}"
                    + (f" ({source})" if source else ""),
                    "put {{< pagebreak >}} before its heading, or restore report/typst-header.typ",
                )


def accessible(documents: Documents) -> Iterator[Finding]:
    """What the checks of PDF/UA-1 find; fonts, tags, title and language must be there."""
    from lmreport.check import accessibility as standard

    assert documents.pdf is not None
    for one in standard.findings(documents.pdf):
        needed = "not embedded" in one.what or one.where == "document" and one.clause != "5"
        yield Finding(
            GROUP,
            MUST if needed else LOOK,
            f"{one.where}: {one.what}",
            place(documents.pdf.name, one.where),
            f"{one.fix}, then lmreport render (PDF/UA-1, {one.clause})",
        )


def place(name: str, where: str) -> str:
    """The page of the PDF, where a finding tells one."""
    return f"{name}, page {where.rpartition('page ')[2]}" if "page " in where else name
