"""The labelled figures and tables of an executed notebook, with what the report says about them."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from lmreport.core.errors import ReportError
from lmreport.render import assemble, constructs, crossref, document, notebook_reading, pandoc_ast

KINDS = {"fig": "figure", "tbl": "table"}


@dataclass(frozen=True)
class Item:
    """A labelled figure or table.

    label: names the files; page and anchor: its place, the anchor the same except for the parts of
    one figure;
    number: as the report counts it, "Figure 3"; caption, alt: plain text; svg: the picture, or
    table: pandoc's Table node; function: who drew or wrote it, "figures.plot_confusion"; runs,
    experiments: names of what it shows, each ending in its key.
    """

    label: str
    anchor: str
    number: str
    caption: str
    alt: str = ""
    page: str = "index.html"
    svg: str = ""
    table: dict | None = None
    function: str = ""
    runs: tuple[str, ...] = ()
    experiments: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return KINDS[self.label.split("-")[0]]


def read(doc, path: Path) -> list[Item]:
    """The items of the notebook at `path`, the executed form of the document `doc`, in their order.

    Both renderers' notebooks are read: genuine Quarto's keeps the values of inline code beside the
    text. Raises ReportError if the notebook cannot be read.
    """
    try:
        nb = notebook_reading.read(path.read_bytes(), path.name)
    except OSError as error:
        raise ReportError(
            f"{path.name} cannot be read as a notebook ({type(error).__name__}); make it again "
            f"with "
            "lmreport render --force"
        ) from error
    nb = notebook_reading.as_executed(nb, doc.name)
    cells = [cell.metadata.report for cell in nb.cells]
    options = doc.options["html"]
    with tempfile.TemporaryDirectory(prefix="lmreport-") as name:
        pages = assemble.assemble(nb, Path(name), options.get("execute") or {})
        blocks = document.parse(pages, options, doc)["blocks"]
        blocks = constructs.prepare(blocks, "html", doc.profiles, cells, pages.flags)
        index = crossref.number(blocks, cells, options)
        blocks = crossref.link(blocks, index, "html")
        by_label = {
            cell.metadata.report.label: facts(cell) for cell in nb.cells if cell.cell_type == "code"
        }
        return [
            replace(item, page=f"{doc.path.stem}.html")
            for block in pandoc_ast.nodes(blocks)
            for item in items(block, index, Path(name), by_label)
        ]


def facts(cell) -> dict:
    """The metadata `lmreport` of a cell's first output that has them: function, runs,
    experiments.
    """
    for output in cell.outputs:
        given = output.get("metadata", {})
        for holder in (given, *(part for part in given.values() if isinstance(part, dict))):
            if "lmreport" in holder:
                return holder["lmreport"]
    return {}


def items(block: dict, index, folder: Path, by_label: dict) -> list[Item]:
    """The item that `block` is; one for each part where a figure has several pictures; none for
    other blocks.
    """
    label = (pandoc_ast.attr_of(block) or [""])[0]
    entry = index.entries.get(label)
    if entry is None or entry.part or entry.kind not in KINDS:
        return []
    known = by_label.get(label, {})
    words = " ".join(pandoc_ast.plain(caption(block)).split())
    item = Item(
        label,
        label,
        f"{crossref.NAMES[entry.kind]} {entry.number}",
        words,
        function=known.get("function", ""),
        runs=tuple(known.get("runs", ())),
        experiments=tuple(known.get("experiments", ())),
    )
    if entry.kind == "tbl":
        return [
            replace(item, table=table) for table in pandoc_ast.nodes(block) if table["t"] == "Table"
        ][:1]
    pictures = [
        (pandoc_ast.value(image["c"][0], "alt"), folder / image["c"][2][0])
        for image in pandoc_ast.nodes(block)
        if image["t"] == "Image" and image["c"][2][0].endswith(".svg")
    ]
    shown = [
        replace(item, alt=alt, svg=path.read_text(encoding="utf-8"))
        for alt, path in pictures
        if path.is_file()
    ]
    return (
        shown
        if len(shown) == 1
        else [replace(one, label=f"{label}-{n}") for n, one in enumerate(shown, 1)]
    )


def caption(block: dict) -> list:
    """The inlines of a float's caption, without the line that tells its origin."""
    if block["t"] == "Div":
        return constructs.split_caption([b for b in block["c"][1] if not is_origin(b)])[0]
    return block["c"][1][1]


def is_origin(block: dict) -> bool:
    """Whether a paragraph is the line that tells the origin of a figure or table."""
    return (
        block["t"] == "Para"
        and block["c"][0]["t"] == "Span"
        and "origin" in block["c"][0]["c"][0][1]
    )
