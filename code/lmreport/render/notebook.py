"""The executed notebook for people: Markdown as Jupyter and Colab show it, made from the document's
resolved tree.

The text that pandoc reads stays in the metadata, for the export and the checks: `notebook_reading` gives
it back.
"""

from __future__ import annotations

import base64
import copy
import json
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from lmreport.render import (
    assemble,
    constructs,
    crossref,
    dates,
    document,
    notebook_reading,
    pandoc_ast,
    pictures,
    plain_markdown,
    source,
)
from lmreport.render.project import Document

HIDDEN = {
    "jupyter": {"source_hidden": True},
    "transient": {"remove_source": True},
}  # for JupyterLab, for nbconvert


def written(nb: NotebookNode, doc: Document) -> str:
    """The executed `nb` of the document `doc` as .ipynb text for people."""
    made = readable(nb, doc)
    nbformat.validate(made)
    return json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def readable(nb: NotebookNode, doc: Document) -> NotebookNode:
    """A copy of the executed `nb` with plain Markdown in its cells and outputs; its cells have
    `metadata.report`.
    """
    options = next(iter(doc.options.values()))
    nb = copy.deepcopy(nb)
    with tempfile.TemporaryDirectory(prefix="lmreport-") as name:
        tree = Tree(nb, doc, options, Path(name))
        texts = plain_markdown.as_gfm(
            [
                tree.head,
                *(part for part in tree.parts if isinstance(part, list)),
                *tree.outputs.values(),
            ]
        )
    made = nbformat.v4.new_notebook(metadata={k: v for k, v in nb.metadata.items() if k != "title"})
    for number, cell in enumerate(nb.cells):
        cell.setdefault("id", f"cell-{number}")
    made.metadata[notebook_reading.KEPT] = {
        "text": [c.source if c.cell_type == "markdown" else {"cell": c.id} for c in nb.cells]
    }
    for number, part in enumerate(([], *tree.parts)):
        if isinstance(part, list):
            text = texts.pop(0)
            made.cells += [nbformat.v4.new_markdown_cell(text, id=f"text-{number}")] if text else []
        else:
            made.cells.append(nb.cells[part])
    for output, text in zip(tree.outputs, texts, strict=True):
        shown = nb.cells[output[0]].outputs[output[1]]
        shown.metadata[notebook_reading.RAW] = shown.data["text/markdown"]
        shown.data["text/markdown"] = text
    for cell in made.cells:
        cell.metadata.pop("report", None)
    return made


class Tree:
    """The resolved document in the order of the notebook.

    parts: blocks of text, or the number of a code cell; outputs: blocks of the Markdown that code
    cells show, by (number of the cell, number of the output); output: the one of these that text
    belongs to, None where it belongs to none.
    """

    def __init__(self, nb: NotebookNode, doc: Document, options: dict, folder: Path) -> None:
        self.nb, self.doc, self.options, self.folder = nb, doc, options, folder
        self.shown: dict[int, list[int]] = {}  # the outputs of each cell that are Markdown
        self.flags: dict[int, list[int]] = {}  # those that are flags of the document
        pages = self.pages()
        parsed = document.parse(pages, options, doc)
        plain_markdown.titles_first(parsed["blocks"])
        cells = [cell.metadata.report for cell in nb.cells]
        blocks = constructs.prepare(parsed["blocks"], "html", doc.profiles, cells, pages.flags)
        self.index = crossref.number(blocks, cells, options)
        parsed["blocks"] = crossref.link(blocks, self.index, "html")
        parsed["meta"] = crossref.link_title_block(
            parsed["meta"], self.index, "html", source.front(doc)
        )
        document.lead_from_root(parsed, doc)
        cited = plain_markdown.cited(parsed, options)
        self.meta = cited["meta"]
        self.parts: list = []
        self.outputs: dict[tuple[int, int], list] = {}
        self.output: tuple[int, int] | None = None
        down = int(self.index.first == 1)  # the title is the only heading of the highest level
        self.plain = plain_markdown.Plain(self.index, self.address, down)
        self.head = self.plain.with_notes(self.title())  # its notes are the first, as on the page
        marks = filter(plain_markdown.is_mark, pandoc_ast.nodes(cited["blocks"]))
        self.ended = {cell for cell, number in map(marked, marks) if number is None}
        self.walk(cited["blocks"])
        self.cells_before(len(nb.cells))
        self.parts = [
            self.plain.with_notes(part) if isinstance(part, list) else part for part in self.parts
        ]
        self.outputs = {n: self.plain.with_notes(out) for n, out in self.outputs.items()}

    def pages(self) -> assemble.Pages:
        """The document as one Markdown text in which a Div stands for each code cell."""
        execution = {
            "echo": True,
            "output": True,
            "warning": True,
            **(self.options.get("execute") or {}),
        }
        pages, parts = Marked(self.folder), []
        (self.folder / "figures").mkdir()
        for number, cell in enumerate(self.nb.cells):
            if cell.cell_type == "markdown":
                parts.append(assemble.marked(cell.source))
                continue
            options = execution | cell.metadata.report.options
            cell.outputs = outputs_shown(cell, options)
            if options["echo"] is False or options.get("include") is False:
                cell.metadata |= HIDDEN
            flags = [n for n, out in enumerate(cell.outputs) if assemble.flags(out)]
            pages.cell = number
            pages.is_captioned = assemble.is_captioned(options, cell.metadata.report)
            pages.others = [n for n in range(len(cell.outputs)) if n not in flags]
            parts.append(pages.whole(assemble.code_cell(cell, pages, execution)))
            if options["output"] == "asis":
                cell.outputs = [as_display(out) for out in cell.outputs]
            self.flags[number] = flags
            found = [n for n, out in enumerate(cell.outputs) if is_markdown(out)]
            self.shown[number] = [n for n in found if n not in flags]
        pages.markdown = "\n\n".join(parts) + "\n"
        return pages

    def walk(self, blocks: list, quoted: bool = False) -> None:
        """Sort `blocks` into text and cells; quoted: they stand in a callout."""
        for block in blocks:
            label, classes, _ = pandoc_ast.attr_of(block) or pandoc_ast.attr()
            inside = [b for b in pandoc_ast.nodes(block) if stands_for(b)]
            if plain_markdown.is_mark(block):
                self.output = self.output_of(*marked(block))
            elif plain_markdown.is_cell(block):
                self.cell(block, int(pandoc_ast.value(block["c"][0], "number")))
            elif not inside:
                self.text([pandoc_ast.node("BlockQuote", [block])] if quoted else [block])
            elif block["t"] == "Div" and label in self.index.entries:
                words, content = constructs.split_caption(block["c"][1])
                self.walk(content, quoted)
                self.text([self.plain.caption(label, words)])
            elif block["t"] == "Div":
                if classes[:1] in (["callout"], ["tab"]):
                    title, *rest = block["c"][1]
                    block = {
                        "t": "Div",
                        "c": [block["c"][0], [plain_markdown.strong(title["c"]), *rest]],
                    }
                self.walk(block["c"][1], quoted or classes[:1] == ["callout"])
            else:
                self.text([pandoc_ast.change(block, lambda item: [] if stands_for(item) else None)])
                self.walk(inside)

    def text(self, blocks: list) -> None:
        blocks = self.plain.blocks(blocks)
        if self.output:  # what it shows as no Markdown it shows already
            self.outputs.get(self.output, []).extend(blocks)
        elif self.parts and isinstance(self.parts[-1], list):
            self.parts[-1] += blocks
        else:
            self.parts.append(blocks)

    def cells_before(self, number: int) -> None:
        """The cells up to `number` that no part of the page shows: they are run, and what they
        print is left out.
        """
        done = max((part for part in self.parts if isinstance(part, int)), default=-1)
        for n in range(done + 1, number):
            if self.nb.cells[n].cell_type == "code":
                self.nb.cells[n].outputs = [
                    o for o in self.nb.cells[n].outputs if o.output_type == "error"
                ]
                self.parts.append(n)

    def cell(self, holder: dict, number: int) -> None:
        """A code cell, what it shows, and its caption under it."""
        self.cells_before(number)
        self.parts.append(number)
        self.outputs |= {(number, n): [] for n in [*self.shown[number], *self.flags[number]]}
        outputs = [
            b["c"][1]
            for b in pandoc_ast.nodes(holder)
            if b["t"] == "Div" and plain_markdown.OUTPUT in b["c"][0][1]
        ]
        for n, blocks in zip(self.shown[number], outputs, strict=False):
            self.outputs[number, n] = self.plain.blocks(blocks)
        captions = [c for c in map(self.caption_of_cell, pandoc_ast.nodes(holder)) if c]
        captions += captions_without_label(holder)
        if captions:
            self.text(sorted(captions, key=plain_markdown.is_main))

    def output_of(self, cell: int, number: int | None) -> tuple[int, int] | None:
        """The output that text belongs to behind a mark; None where a condition hides the mark at
        the outputs' end.
        """
        return (cell, number) if cell in self.ended and number is not None else None

    def caption_of_cell(self, block: dict) -> dict | None:
        """The caption of a float that the cell's options make."""
        label = (pandoc_ast.attr_of(block) or [""])[0]
        if label not in self.index.entries or block["t"] not in ("Div", "CodeBlock"):
            return None
        if block["t"] == "Div":
            return self.plain.caption(label, constructs.split_caption(block["c"][1])[0])
        return self.plain.caption(
            label, pandoc_ast.read_inlines(pandoc_ast.value(block["c"][0], "lst-cap"))
        )

    def address(self, name: str) -> str:
        """A picture of the project as a data address: the notebook has no files beside it."""
        path = pictures.local(name, self.folder, self.doc)
        if path is None:
            return name
        return f"data:{pictures.KINDS[pictures.kind_of(path)]};base64,{base64.b64encode(path.read_bytes()).decode()}"

    def title(self) -> list:
        """The title with subtitle, description, authors, date, abstract and keywords."""

        def words(name: str) -> list:
            return self.meta.get(name, {"c": []})["c"]

        date = dates.resolve(self.options, "html", self.doc)[0]
        names = (words("author"), words("affiliation"))
        told = (joined(map(pandoc_ast.meta_words, texts), ", ") for texts in names)
        people = joined(filter(None, told), " · ")
        lines = [words("subtitle"), words("description"), people, pandoc_ast.words(date or "")]
        head = [
            pandoc_ast.node(
                "Header",
                1 - self.plain.down,
                pandoc_ast.attr(),
                words("title") or pandoc_ast.words(self.doc.path.stem),
            )
        ]
        head += [pandoc_ast.node("Para", line) for line in lines if line]
        abstract = self.meta.get("abstract")
        if abstract:
            blocks = (
                abstract["c"]
                if abstract["t"] == "MetaBlocks"
                else [pandoc_ast.node("Para", abstract["c"])]
            )
            head += [
                plain_markdown.strong(words("abstract-title") or [pandoc_ast.text("Abstract")]),
                *blocks,
            ]
        if keywords := joined(map(pandoc_ast.meta_words, words("keywords")), ", "):
            named = plain_markdown.strong([pandoc_ast.text("Keywords")])
            head += [named, pandoc_ast.node("Para", keywords)]
        return self.plain.blocks(head)


def joined(texts: Iterable[list], between: str) -> list:
    """The words of `texts`, with `between` them."""
    joint = pandoc_ast.words(between)
    return [word for n, words in enumerate(texts) for word in (joint if n else []) + words]


def outputs_shown(cell: NotebookNode, options: dict) -> list:
    """The outputs that the page shows, and errors."""
    if options.get("include") is False or options["output"] is False:
        return [out for out in cell.outputs if out.output_type == "error"]
    return assemble.printed(cell, options)


class Marked(assemble.Pages):
    """Markdown in which a Div stands for each code cell.

    What a cell prints with `output: asis` stands in no Div, since it may be a part of one, as where
    another cell or text ends what it begins: marks tell which output it is of.
    cell: number of the cell; is_captioned: whether what it shows has a caption; others: numbers of
    its outputs that are no flags.
    """

    cell: int = 0
    is_captioned: bool = False
    others: list[int]

    def whole(self, shown: str) -> str:
        """A cell in its Div; one with `output: asis` has it already."""
        div = assemble.fenced_div(f'.{plain_markdown.CELL} number="{self.cell}"', shown)
        return shown if shown.startswith(div.split("\n")[0]) else div

    def as_it_is(self, source: list[str], outputs: list[str]) -> str:
        """A cell with `output: asis`: its source in a Div, and its outputs with marks."""
        parts = [self.whole("\n\n".join(source))]
        for number, text in zip(self.others, outputs, strict=True):
            parts += [self.mark(str(number)), text]
        return "\n\n".join([*parts, self.mark("end")])

    def printed_part(self, markdown: str) -> str:
        """What is printed so, in its own Div where it stands beside a figure or table."""
        if not self.is_captioned:
            return markdown
        return assemble.fenced_div(f".{plain_markdown.OUTPUT}", markdown)

    def mark(self, number: str) -> str:
        return assemble.fenced_div(
            f'.{plain_markdown.MARK} cell-number="{self.cell}" number="{number}"', ""
        )


def captions_without_label(holder: dict) -> list[dict]:
    """The captions, as paragraphs, of what a cell shows that has no number."""
    cells = [b for b in pandoc_ast.nodes(holder) if b["t"] == "Div" and "cell" in b["c"][0][1]]
    inner = [block for cell in cells for block in cell["c"][1]]
    figures = [b["c"][1][1] for b in inner if b["t"] == "Figure" and not b["c"][0][0]]
    words = [part["c"] for caption in figures for part in caption]
    words += [b["c"] for b in inner if b["t"] == "Para" and b["c"][0]["t"] != "Image"]
    return [pandoc_ast.node("Para", one) for one in words]


def marked(mark: dict) -> tuple[int, int | None]:
    """The numbers of the cell and of the output that begins behind a mark; None at their end."""
    number = pandoc_ast.value(mark["c"][0], "number")
    return int(pandoc_ast.value(mark["c"][0], "cell-number")), None if number == "end" else int(
        number
    )


def stands_for(block: dict) -> bool:
    """Whether a block stands for a cell or for where an output begins."""
    return plain_markdown.is_cell(block) or plain_markdown.is_mark(block)


def as_display(output: NotebookNode) -> NotebookNode:
    """What a cell with `output: asis` printed, as the Markdown that it is; any other output as it
    is.
    """
    if output.output_type != "stream" or output.name != "stdout":
        return output
    return nbformat.v4.new_output(
        "display_data",
        {"text/markdown": output.text},
        metadata={notebook_reading.PRINTED: output.name},
    )


def is_markdown(output: NotebookNode) -> bool:
    return "text/markdown" in output.get("data", {}) and not assemble.picture(output)


def of_quarto(text: str, doc: Document) -> str:
    """The notebook that genuine Quarto keeps, as .ipynb text for people; unchanged if it is for
    people already.
    """
    nb = notebook_reading.read(text.encode())
    return (
        text
        if notebook_reading.is_readable(nb)
        else written(
            notebook_reading.as_executed(notebook_reading.of_profile(nb, doc.profiles), doc.name),
            doc,
        )
    )


def show_plainly() -> None:
    """From now on Jupyter shows the Markdown of cells that are run again as it shows that of this
    notebook.
    """
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None or getattr(shell.display_formatter.format, "plain", False):
        return
    shown = shell.display_formatter.format

    def plain(*arguments: Any, **options: Any) -> tuple[dict, dict]:
        data, metadata = shown(*arguments, **options)
        if assemble.FLAGS.fullmatch(data.get("text/markdown", "")):
            data["text/markdown"] = ""
        if re.search(r"\]\{\.|^:::", data.get("text/markdown", ""), re.MULTILINE):
            data["text/markdown"] = plain_markdown.alone(data["text/markdown"])
        return data, metadata

    plain.plain = True  # type: ignore[attr-defined]  # so that it is not wrapped twice
    shell.display_formatter.format = plain
