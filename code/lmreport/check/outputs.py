"""Is every part that is handed in what was rendered? By its digest, else by what the page, PDF and
notebook say.
"""

from __future__ import annotations

import re
from pathlib import Path

from lmreport.check.numbers import pdf_text, reading
from lmreport.core.errors import ReportError
from lmreport.render import notebook, notebook_reading, pandoc_ast, up_to_date

ENDINGS = (".html", ".pdf", ".ipynb")
FOREIGN = (
    0.2  # share of a page's lines that the HTML page has, below which that page is from elsewhere
)
OLDER = "it is older than the page, which Quarto wrote"
LINE = 25  # characters of a line that is looked for
LEADER = re.compile(r"\.{4,}\W*\d*$")  # dots and a page number, in a table of contents
NUMBER = re.compile(r"\bp\.\s\d+\b")  # of a page, in the contents of the card


def names(document) -> list[str]:
    """The names of a document's outputs."""
    return [document.output.with_suffix(ending).name for ending in ENDINGS]


def altered(document, executed: Path | None = None) -> dict[str, str]:
    """{name of an output: what differs} of those that are not what was rendered; executed: the
    notebook's file.

    A file that cannot be read is none of them: who reads it says so.
    """
    differences = dict(by_digest(document))
    try:
        for name, why in by_content(document, executed):
            older = f"{OLDER}: " * is_older(document, name)
            differences.setdefault(name, older + why)
    except ReportError:
        pass
    return differences


def unusable(document) -> dict[str, str]:
    """{name of an output: what is wrong} of the PDF and the notebook that hold nothing, are gone
    since the render, or of a notebook that cannot be read.
    """
    kept, reasons = up_to_date.kept_for(document), {}
    for ending, path in (
        (".pdf", document.output.with_suffix(".pdf")),
        (".ipynb", document.notebook),
    ):
        name = document.output.with_suffix(ending).name
        if not path.is_file():
            if name in kept:
                reasons[name] = "is missing, though the render wrote it"
        elif not has_content(path):
            reasons[name] = "is empty"
        elif ending == ".ipynb" and (why := unread(path)):
            reasons[name] = why
    return reasons


def unread(path: Path) -> str:
    """Why the notebook at `path` cannot be read; "" if it can."""
    try:
        notebook_reading.read(path.read_bytes())
    except (OSError, ReportError) as error:
        return f"cannot be read ({error})"
    return ""


def by_digest(document) -> list[tuple[str, str]]:
    """(name, what differs) of each output that the own renderer wrote and that holds something else
    now; a notebook that an editor has only saved again does not.
    """
    if is_quartos(document):
        return []
    kept, differences = up_to_date.kept_for(document), []
    for ending in ENDINGS:
        path = document.output.with_suffix(ending)
        if (
            path.name in kept
            and has_content(path)
            and not up_to_date.is_written(path, kept[path.name])
        ):
            differences.append(
                (
                    path.name,
                    f"it is not what the render wrote (sha256 {up_to_date.contents(path)[:16]}…, then "
                    f"{kept[path.name].digest[:16]}…)",
                )
            )
    return differences


def has_content(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def is_quartos(document) -> bool:
    """Whether genuine Quarto wrote the page: it says so there, and no digest of its outputs is
    kept.
    """
    page = document.output.with_suffix(".html")
    return page.is_file() and b'name="generator" content="quarto' in page.read_bytes()[:5000]


def is_older(document, name: str) -> bool:
    """Whether an output is what the own renderer wrote, beside a page that Quarto wrote later."""
    kept, path = up_to_date.kept_for(document), document.output.with_name(name)
    return (
        is_quartos(document)
        and name in kept
        and path.is_file()
        and up_to_date.is_written(path, kept[name])
    )


def by_content(document, executed: Path | None = None) -> list[tuple[str, str]]:
    """(name, what differs) of the PDF and the notebook of which no digest is kept, compared with
    the page.

    Raises ReportError for a file that cannot be read.
    """
    page, printed = document.output.with_suffix(".html"), document.output.with_suffix(".pdf")
    executed = executed or document.output.with_suffix(".ipynb")
    if not has_content(page):
        return []
    kept = {} if is_quartos(document) else up_to_date.kept_for(document)
    tree, differences = reading.page(page), []
    if has_content(printed) and printed.name not in kept:
        differences += [
            (printed.name, f"page {n} is not in the page {page.name}") for n in added(tree, printed)
        ]
        differences += [(printed.name, unsaid(*one)) for one in pdf_text.missing(tree, printed)]
    if has_content(executed) and not (executed.name in kept and executed.parent == page.parent):
        differences += [
            (document.output.with_suffix(".ipynb").name, unsaid(*one))
            for one in pdf_text.missing_in(tree, text(document, executed))
        ]
    return differences


def unsaid(place: str, words: str) -> str:
    return f"it lacks “{words[:60]}”, which stands in the page ({place})"


def added(tree, path: Path) -> list[int]:
    """The pages of a PDF, from 1, whose text is nowhere in the page."""
    whole, page_numbers = pdf_text.squeezed(tree.text_content()), []
    for number, words in enumerate(pdf_text.pages(path), 1):
        lines = (
            LEADER.sub("", pdf_text.squeezed(NUMBER.sub("", line))) for line in words.splitlines()
        )
        long = [line for line in lines if len(line) >= LINE]
        if long and sum(line in whole for line in long) < FOREIGN * len(long):
            page_numbers.append(number)
    return page_numbers


def text(document, executed: Path) -> str:
    """The text of a notebook as a reader sees it, as `pdf_text.text` gives that of a PDF."""
    nb = notebook_reading.read(
        notebook.of_quarto(executed.read_text(encoding="utf-8"), document).encode()
    )
    parts = [
        part
        for cell in nb.cells
        for part in (
            [cell.source]
            if cell.cell_type == "markdown"
            else [
                out.data.get("text/markdown", "") if "data" in out else out.get("text", "")
                for out in cell.outputs
            ]
        )
    ]
    plain, _ = pandoc_ast.pandoc(
        "\n\n".join(parts),
        "-f",
        "gfm+tex_math_dollars",
        "-t",
        "plain",
        "--wrap=none",
        "--columns=500",
    )
    return pdf_text.squeezed(re.sub(r"^\s*> ?", "", plain, flags=re.MULTILINE))
