"""A notebook read again, as Jupyter, an editor or genuine Quarto saved it: its cells as they were
executed, and its headings.
"""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Iterator

import nbformat
from nbformat import NotebookNode

from lmreport.core.errors import ReportError
from lmreport.render import assemble, cell_options, conditional, execute
from lmreport.render.lines import Cell, Line

# in the notebook's metadata: the Markdown cells as pandoc reads them, and the ids of code cells
KEPT = "lmreport"
RAW = "pandoc"  # in an output's metadata: its Markdown as pandoc reads it
PRINTED = "printed"  # there: the stream that a cell with `output: asis` printed it to


def read(data: bytes, name: str = "index.ipynb") -> NotebookNode:
    """The notebook in `data`, with a name for each cell that has none of its own. Raises
    ReportError if it is none.
    """
    try:
        with warnings.catch_warnings():  # of nbformat, where it names cells anew
            warnings.simplefilter("ignore")
            nb = nbformat.reads(data.decode("utf-8"), 4)
            nbformat.validate(nb)
    except (ValueError, KeyError, AttributeError, nbformat.ValidationError) as error:
        raise ReportError(
            f"{name} is no valid notebook ({str(error).splitlines()[0][:80]}); make it again "
            f"with "
            "lmreport render --force"
        ) from error
    return nb


def is_readable(nb: NotebookNode) -> bool:
    return KEPT in nb.metadata


def as_executed(nb: NotebookNode, name: str) -> NotebookNode:
    """`nb` with its cells as they were executed, in the text that pandoc reads, each with
    `metadata.report`.

    name: of the document. Genuine Quarto's notebook keeps the values of inline code beside the
    text.
    """
    nb = copy.deepcopy(nb)
    if is_readable(nb):
        cells = [cell for cell in nb.cells if cell.cell_type == "code"]
        parts = nb.metadata.pop(KEPT)["text"]
        names = [part["cell"] for part in parts if not isinstance(part, str)]
        code = {cell.get("id", ""): cell for cell in cells}
        if not code.keys() & set(names) and len(names) == len(cells):
            code = dict(zip(names, cells, strict=True))  # an editor has named them anew
        nb.cells = [
            nbformat.v4.new_markdown_cell(part) if isinstance(part, str) else code[part["cell"]]
            for part in parts
            if isinstance(part, str) or part["cell"] in code
        ]
        for output in (out for cell in nb.cells for out in cell.get("outputs", ())):
            if RAW in output.get("metadata", {}):
                output.data["text/markdown"] = output.metadata.pop(RAW)
        for cell in cells:
            cell.outputs = [as_printed(out) for out in cell.outputs]
    nb.cells = [prepared(cell, name) for cell in nb.cells if cell.cell_type in ("markdown", "code")]
    return nb


def as_printed(output: NotebookNode) -> NotebookNode:
    """The reverse of `as_display`."""
    name = output.get("metadata", {}).get(PRINTED)
    text = output.get("data", {}).get("text/markdown", "")
    return nbformat.v4.new_output("stream", name=name, text=text) if name else output


def prepared(cell: NotebookNode, name: str) -> NotebookNode:
    """A cell of the notebook as the renderer's own executed cells are: inline code shown, options
    read.
    """
    if cell.cell_type == "markdown":
        text = re.sub(r"\A---\n.*?\n---(\n|\Z)", "", cell.source, flags=re.S)
        values = {
            e["expression"].strip(): e["result"]["data"]
            for e in cell.metadata.get("user_expressions", ())
            if e["result"].get("status") == "ok"
        }
        cell.source = execute.with_values(text, values)
        cell.metadata.report = Cell("markdown", lines(cell.source, name))
    else:
        cell.metadata.report = cell_options.code_cell(
            Line("```{python}", name, 1), lines(cell.source, name)
        )
    return cell


def lines(text: str, name: str) -> list:
    return [Line(line, name, n) for n, line in enumerate(text.splitlines(), 1)]


def flags(nb: NotebookNode) -> dict[str, bool]:
    """What the cells of an executed notebook say of the document, `assemble.Pages.flags`."""
    return {
        name: value
        for cell in as_executed(nb, "").cells
        for output in cell.get("outputs", ())
        for name, value in assemble.flags(output).items()
    }


def of_profile(nb: NotebookNode, profiles: tuple[str, ...]) -> NotebookNode:
    """Quarto's notebook without what it ran but did not show, since it is for another profile."""
    fence = "`" * 50  # around code, since a line of it may look like the end of a Div
    texts = [
        cell.source if cell.cell_type == "markdown" else f"{fence}\n{cell.source}\n{fence}"
        for cell in nb.cells
    ]
    numbered = [Line(line, "", n) for n, text in enumerate(texts) for line in text.split("\n")]
    kept: dict[int, list[str]] = {}
    for line in conditional.of_profiles(numbered, profiles):
        if line.text != fence:
            kept.setdefault(line.number, []).append(line.text)
    for n, cell in enumerate(nb.cells):
        cell.source = "\n".join(kept.get(n, ()))
    nb.cells = [
        nb.cells[n]
        for n in sorted(kept)
        if nb.cells[n].source.strip() or nb.cells[n].cell_type == "code"
    ]
    return nb


def anchors(nb: NotebookNode) -> Iterator[str]:
    """The labels of the headings in a notebook's text, as pandoc reads it."""
    kept = nb.metadata.get(KEPT, {}).get("text")
    for text in (
        kept if kept is not None else [c.source for c in nb.cells if c.cell_type == "markdown"]
    ):
        if isinstance(text, str):
            yield from re.findall(r"^#.*\{#([\w-]+)", text, re.MULTILINE)
