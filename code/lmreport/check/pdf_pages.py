"""On which pages of the PDF an item is answered, read from the named destinations and bookmarks of
the PDF itself.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from lmreport.core.errors import ReportError

PREFIX = "sec-"  # of the label of an item's heading, which is the name of its destination too


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The PDF at `path` as a `PdfDocument` of pypdfium2, open inside. Raises ReportError if it is
    none.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(path)
    except (OSError, pypdfium2.PdfiumError) as error:
        raise no_pdf(path, error) from error
    with closing(document):
        yield document


def no_pdf(path: Path, error: Exception) -> ReportError:
    """That the file at `path` is no PDF, whichever library found it."""
    return ReportError(f"{path.name}: cannot be read as PDF ({error}); render the report again")


def of_items(pdf: Path, items: list[str]) -> dict[str, tuple[int, int]]:
    """{item: (first, last)}: the pages, counted from 1, from an item's heading to where the next
    thing begins.

    The next thing is another of `items` or a question, that is a bookmark of the highest level. An
    item's last page is the page on which that begins, or the page before where it begins at the
    top. Works on PDFs of both renderers. Raises ReportError, naming what is missing, for a file
    that is no PDF and for an item without a destination.
    """
    with opened(pdf) as document:
        starts = {item: destination(document, PREFIX + item) for item in items}
        there = {item: start for item, start in starts.items() if start is not None}
        missing = [item for item in starts if item not in there]
        if missing:
            raise ReportError(
                f"{pdf.name}: no place is named {' or '.join(PREFIX + m for m in missing)}; give "
                f"the "
                "heading of the answer this label and render again"
            )
        begins = sorted({*there.values(), *questions(document)})
        ends = dict(pairwise([*begins, (len(document), 0.0)]))
        return {
            item: (start[0] + 1, last_page(document, start, ends[start]))
            for item, start in there.items()
        }


def last_page(document, start: tuple[int, float], end: tuple[int, float]) -> int:
    """The page, from 1, on which something ends that begins at `start` and is followed at `end` by
    something else.
    """
    page, depth = end
    begun_at_the_top = page >= len(document) or not content_above(document[page], depth)
    return max(page + (not begun_at_the_top), start[0] + 1)


def destination(document, name: str) -> tuple[int, float] | None:
    """(page from 0, points below the page's upper edge) of a named destination; None if there is
    none.
    """
    import pypdfium2.raw as pdfium

    handle = pdfium.FPDF_GetNamedDestByName(document.raw, name.encode())
    if not handle:
        return None
    page = pdfium.FPDFDest_GetDestPageIndex(document.raw, handle)
    has_x, has_y, has_zoom = (pdfium.FPDF_BOOL() for _ in range(3))
    x, y, zoom = (pdfium.FS_FLOAT() for _ in range(3))
    pdfium.FPDFDest_GetLocationInPage(handle, has_x, has_y, has_zoom, x, y, zoom)
    return page, round(document[page].get_height() - y.value, 1) if has_y.value else 0.0


def questions(document) -> list[tuple[int, float]]:
    """Where the sections of the highest level begin, from the bookmarks, as in `destination`."""
    places = []
    for bookmark in document.get_toc():
        place = bookmark.get_dest() if bookmark.level == 0 else None
        if place is not None and place.get_index() is not None:
            page, at = place.get_index(), place.get_view()[1]
            places.append(
                (page, round(document[page].get_height() - at[1], 1) if len(at) > 1 else 0.0)
            )
    return places


def content_above(page, depth: float) -> bool:
    """Whether anything but a running header stands on the page above `depth`, in points from its
    upper edge.
    """
    height = page.get_height()
    return any(
        height - item.get_bounds()[1] < depth + 3 and not is_artifact(item)
        for item in page.get_objects(max_depth=1)
    )


def is_artifact(item) -> bool:
    """Whether an object of a tagged page is no part of the text, such as a page number."""
    import pypdfium2.raw as pdfium

    for n in range(pdfium.FPDFPageObj_CountMarks(item.raw)):
        name, length = ctypes.create_string_buffer(64), ctypes.c_ulong()
        into = ctypes.cast(name, ctypes.POINTER(pdfium.FPDF_WCHAR))
        pdfium.FPDFPageObjMark_GetName(pdfium.FPDFPageObj_GetMark(item.raw, n), into, 64, length)
        if name.raw[: length.value].decode("utf-16-le").strip("\0") == "Artifact":
            return True
    return False
