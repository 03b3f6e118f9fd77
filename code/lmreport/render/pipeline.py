"""All of it: read, execute once, write every format, and put the files in place when everything
succeeded.
"""

from __future__ import annotations

import copy
import logging
import os
import re
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lmreport.core.errors import ReportError
from lmreport.core.files import write_atomically
from lmreport.render import (
    assemble,
    colab,
    constructs,
    constructs_typst,
    crossref,
    dates,
    document,
    execute,
    html_page,
    notebook,
    pdf,
    pictures,
    project,
    source,
    up_to_date,
)

log = logging.getLogger(__name__)

SUFFIX = {"html": ".html", "typst": ".pdf"}


def render_project(
    root: Path,
    formats: tuple[str, ...],
    params: dict,
    profile: str | None,
    force: bool = False,
    environment: Mapping[str, str] = os.environ,
) -> list[Path]:
    """Render every document of the project at `root`; the paths of the outputs.

    params: values for the cell tagged `parameters`; profile: None for the project's own; force:
    also where nothing changed; environment: of the cells.
    """
    documents = project.read(root, formats, profile)
    return [
        path
        for doc in documents
        for path in render_document(doc, formats, params, force, environment=environment)
    ]


def render_document(
    doc: project.Document,
    formats: tuple[str, ...],
    params: dict,
    force: bool,
    times: dict | None = None,
    environment: Mapping[str, str] = os.environ,
) -> list[Path]:
    """Render one document; the seconds that each step took go into `times`."""
    times = {} if times is None else times
    clock = Clock(times)
    cells = source.read(doc)
    heading = source.with_title(cells, doc.options[formats[0]])
    for of_format in doc.options.values() if heading else ():
        of_format["title"] = heading
    outputs = [doc.output.with_suffix(SUFFIX[f]) for f in formats] + [
        doc.output.with_suffix(".ipynb")
    ]
    made_from = up_to_date.made_from(doc, cells, formats, params, environment)
    if not force and up_to_date.is_fresh(doc, made_from, outputs):
        log.info(
            f"{doc.name}: nothing changed since the last render, which is kept; --force renders "
            "again, as is needed after changes outside the project or in what its cells start"
        )
        return outputs
    there = next(folder for folder in doc.output.parents if folder.exists())
    tempfile.TemporaryFile(
        dir=there
    ).close()  # a folder that cannot be written to is told before any cell runs
    clock("read")
    log.info(f"{doc.name}: {sum(c.kind == 'code' for c in cells)} cells")
    options = doc.options[formats[0]]
    defaults = options.get("execute") or {}
    title = str(options.get("title", doc.path.stem))
    nb = execute.notebook(cells, params, title)
    seen = execute.run(nb, doc.path.parent, defaults, doc.profiles, doc.root, environment)
    clock("execute")
    with tempfile.TemporaryDirectory(prefix="lmreport-") as name:
        folder = Path(name)
        pages = assemble.assemble(nb, folder, defaults)
        parsed = document.parse(pages, options, doc)
        clock("parse")

        def write(fmt: str) -> bytes:
            start = time.perf_counter()
            data = write_format(fmt, copy.deepcopy(parsed), doc, cells, pages)
            log.info(
                f"  {SUFFIX[fmt][1:]:<4} {len(data) / 1e6:.1f} MB, "
                f"{time.perf_counter() - start:.1f} s"
            )
            times[fmt] = time.perf_counter() - start
            return data

        with ThreadPoolExecutor() as pool:
            people = pool.submit(notebook.written, nb, doc)
            written = list(pool.map(write, formats))
    written.append(colab.carrying(people.result(), doc.root, ",".join(doc.profiles)).encode())
    clock("write")
    for path, data in zip(outputs, written, strict=True):
        write_atomically(path, data)
    up_to_date.remember(doc, made_from, outputs, seen, environment)
    return outputs


def write_format(
    fmt: str,
    parsed: dict,
    doc: project.Document,
    cells: list[source.Cell],
    pages: assemble.Pages,
) -> bytes:
    """The document in the format `fmt`, as bytes; `parsed`, pandoc's tree, is changed."""
    options = doc.options[fmt]
    blocks = constructs.prepare(parsed["blocks"], fmt, doc.profiles, cells)
    index = crossref.number(blocks, cells, options)
    blocks = crossref.link(blocks, index, fmt)
    for name, text in zip(("date", "date-meta"), dates.resolve(options, fmt, doc), strict=True):
        if text:
            parsed["meta"][name] = {"t": "MetaString", "c": text}
    if fmt == "typst":
        pictures.fetch(blocks, pages.folder, doc)
        constructs_typst.with_plain_labels(blocks, index)
    parsed["blocks"] = constructs.lay_out(blocks, index, fmt, options, pages.cells, pages.folder)
    return {"html": html_page, "typst": pdf}[fmt].write(
        parsed, options, doc, pages.folder, lambda warnings: heed(warnings, index)
    )


def heed(warnings: list[str], index: crossref.Index) -> None:
    """Tell pandoc's warnings. Raises ReportError for one that means that something is missing or
    stands there as source.
    """
    formula = re.search(
        r"not convert TeX math\s(.*?), rendering as TeX:.*?\n\s*(unexpected [^\n]*)",
        "\n".join(warnings),
        re.DOTALL,
    )
    if formula:
        tex = re.sub(r" \\qquad\(\d+\)$", "", formula[1]).strip().split("\n")[0]
        is_written = any(tex in cell.source for cell in index.cells)
        at = index.place(re.escape(tex) if is_written else r"\$[^$]*`\{python\}")
        raise ReportError(
            f"{at}: the formula {tex!r} cannot be set ({formula[2]}); write it with commands of "
            "LaTeX's mathematics, without comments and \\tag"
        )
    for line in warnings:
        missing = re.search(r"[Cc]itation (\S+) not found", line)
        if missing:
            at = index.place("@" + re.escape(missing[1]))
            key = re.escape(missing[1])
            address = any(
                re.search(rf"\w://\S*@{key}", line.text)
                for cell in index.cells
                for line in cell.lines
            )
            remedy = (
                "put the address into <…>"
                if address
                else f"to show it as it is, write \\@{missing[1]}"
            )
            raise ReportError(f"{at}: no source {missing[1]!r} in the bibliography; {remedy}")
        log.warning(f"  {line}")


class Clock:
    """Seconds since the last call, by the name of the step."""

    def __init__(self, times: dict) -> None:
        self.times, self.last = times, time.perf_counter()

    def __call__(self, name: str) -> None:
        now = time.perf_counter()
        self.times[name], self.last = now - self.last, now
