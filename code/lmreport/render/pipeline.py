"""All of it: read, execute once, write every format, and put the files in place when everything
succeeded.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import dataclasses
import gc
import logging
import os
import re
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from nbformat import NotebookNode

from lmreport.core import lock, progress
from lmreport.core.errors import ReportError
from lmreport.core.files import write_together
from lmreport.render import (
    assemble,
    bibliography,
    colab,
    constructs,
    constructs_typst,
    crossref,
    dates,
    document,
    early,
    execute,
    html_page,
    notebook,
    notebook_reading,
    pandoc_ast,
    pdf,
    pictures,
    project,
    read_as_text,
    source,
    unset_formulas,
    up_to_date,
)
from lmreport.render.document_options import near
from lmreport.render.lines import Cell

log = logging.getLogger(__name__)

T = TypeVar("T")
SUFFIX = {"html": ".html", "typst": ".pdf"}


def render_project(
    root: Path,
    formats: tuple[str, ...],
    params: dict,
    profile: str | None,
    force: bool = False,
    environment: Mapping[str, str] = os.environ,
    times: dict | None = None,
) -> list[Path]:
    """Render every document of the project at `root`; the paths of the outputs.

    params: values for the cell tagged `parameters`; profile: None for the project's own; force:
    also where nothing changed; environment: of the cells; times: takes the seconds that each step
    took, added up over the documents. Raises KeyboardInterrupt after Ctrl-C.
    """
    gc.set_threshold(*execute.SELDOM)
    times = {} if times is None else times
    plans = [
        planned(document, formats, params, environment)
        for document in project.read(root, formats, profile)
    ]
    old = []
    for plan in plans:
        if force or not plan.is_fresh():
            plan.refuse_unwritable()  # before any cell runs
            old.append(plan)
        else:
            log.info(
                f"{plan.doc.name}: nothing changed since the last render, which is kept; --force "
                "renders again, as is needed after changes outside the project or in what its "
                "cells start"
            )
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(rendered(old, times))
        return [path for plan in plans for path in plan.outputs]
    raise KeyboardInterrupt("the outputs of the last render are as they were")


@dataclass(frozen=True)
class Plan:
    """A document that was read: its cells, its outputs, and what determines these."""

    doc: project.Document
    cells: list[Cell]
    formats: tuple[str, ...]
    params: dict
    environment: Mapping[str, str]
    made_from: dict

    @property
    def outputs(self) -> list[Path]:
        endings = [*(SUFFIX[f] for f in self.formats), ".ipynb"]
        return [self.doc.output.with_suffix(ending) for ending in endings]

    def is_fresh(self) -> bool:
        return up_to_date.is_fresh(self.doc, self.made_from, self.outputs)

    def refuse_unwritable(self) -> None:
        """Raises OSError where nothing can be written, ReportError where a notebook of the author's
        own would be overwritten.
        """
        path = self.outputs[-1]
        is_own = path.is_file() and path.name not in up_to_date.kept_for(self.doc)
        if is_own and f'"{notebook_reading.KEPT}"' not in path.read_text("utf-8", "replace"):
            raise ReportError(
                f"{os.path.relpath(path, self.doc.root)} was not made by a render and would be "
                "overwritten; give it another name, or set another output-dir in _quarto.yml"
            )
        there = next(folder for folder in self.doc.output.parents if folder.exists())
        tempfile.TemporaryFile(dir=there).close()


def planned(
    doc: project.Document, formats: tuple[str, ...], params: dict, environment: Mapping[str, str]
) -> Plan:
    """The document, read."""
    cells = source.read(doc)
    heading = source.with_title(cells, doc.options[formats[0]])
    for of_format in doc.options.values() if heading else ():
        of_format["title"] = heading
    made_from = up_to_date.made_from(doc, cells, formats, params, environment)
    return Plan(doc, cells, formats, params, environment, made_from)


async def rendered(plans: list[Plan], times: dict) -> None:
    """Render all documents at the same time; where one fails, the others end too."""
    this, tasks = asyncio.current_task(), []
    assert this is not None  # inside a coroutine there is one
    for plan in plans:
        label = plan.doc.path.stem if len(plans) > 1 else ""
        with progress.labelled(label, live=True):  # each task keeps the label that it began with
            tasks.append(asyncio.create_task(render_document(plan, times, this.cancel)))
    await together(*tasks)


async def together(*tasks: asyncio.Future) -> list:
    """The results of all tasks; where one fails, the others are stopped, and waited for."""
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """As `asyncio.to_thread`. Raises CancelledError where it is stopped, and only after the thread,
    which goes on and may write into a folder that is about to be removed.
    """
    task, is_stopped = asyncio.create_task(asyncio.to_thread(function, *arguments)), False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            is_stopped = True  # it may be stopped once more while it waits
    if is_stopped:
        task.exception()  # read, so that nobody tells of it
        raise asyncio.CancelledError
    return task.result()


async def render_document(plan: Plan, times: dict, stop: Callable[[], object]) -> None:
    """Execute the cells of one document, write its formats, and put them in place; cells of another
    document that show what is in this one wait for its cells.
    """
    doc, clock = plan.doc, Clock(times)
    log.info(f"{doc.name}: {sum(c.kind == 'code' for c in plan.cells)} cells")
    options = doc.options[plan.formats[0]]
    defaults = options.get("execute") or {}
    nb = execute.notebook(plan.cells, plan.params, str(options.get("title", doc.path.stem)))
    with lock.executing(doc.output):
        seen = await execute.run(
            nb, doc.path.parent, defaults, doc.profiles, doc.root, plan.environment, stop
        )
        early.hand_on(doc, nb)
    clock("execute")
    with tempfile.TemporaryDirectory(prefix="lmreport-") as name:
        pages = await in_thread(assemble.assemble, nb, Path(name), defaults)
        written, people = await together(
            asyncio.create_task(all_formats(plan, pages, times)),
            asyncio.create_task(in_thread(notebook_of, nb, doc)),
        )
    clock("write")
    write_together(dict(zip(plan.outputs, [*written, people], strict=True)))
    up_to_date.remember(doc, plan.made_from, plan.outputs, seen, plan.environment)


async def all_formats(plan: Plan, pages: assemble.Pages, times: dict) -> list[bytes]:
    """What was executed, in each of the formats, which are written at the same time."""
    options = plan.doc.options[plan.formats[0]]
    parsed = await in_thread(document.parse, pages, options, plan.doc)
    each = (in_thread(write, fmt, parsed, plan, pages, times) for fmt in plan.formats)
    return await together(*map(asyncio.create_task, each))


def notebook_of(nb: NotebookNode, doc: project.Document) -> bytes:
    """The executed notebook for people, which carries the project."""
    return colab.carrying(notebook.written(nb, doc), doc.root, ",".join(doc.profiles)).encode()


def write(fmt: str, parsed: dict, plan: Plan, pages: assemble.Pages, times: dict) -> bytes:
    """The document in one format, told with its size and time."""
    start = time.perf_counter()
    data = write_format(fmt, copy.deepcopy(parsed), plan.doc, plan.cells, pages)
    seconds = time.perf_counter() - start
    log.info(f"  {SUFFIX[fmt][1:]:<4} {len(data) / 1e6:.1f} MB, {seconds:.1f} s")
    times[fmt] = times.get(fmt, 0) + seconds
    return data


def write_format(
    fmt: str,
    parsed: dict,
    doc: project.Document,
    cells: list[Cell],
    pages: assemble.Pages,
) -> bytes:
    """The document in the format `fmt`, as bytes; `parsed`, pandoc's tree, is changed. Raises
    ReportError also for a citation where there is no bibliography.
    """
    options = doc.options[fmt]
    blocks = constructs.prepare(parsed["blocks"], fmt, doc.profiles, cells, pages.flags)
    index = crossref.number(blocks, cells, options)
    read_as_text.refuse(blocks, cells, pages.printed)
    blocks = crossref.link(blocks, index, fmt)
    front = source.front(doc)
    parsed["meta"] = crossref.link_title_block(parsed["meta"], index, fmt, front)
    if not options.get("bibliography"):
        above = dataclasses.replace(index, cells=[front])
        for tree, there in ((blocks, index), (parsed["meta"], above)):
            for cited in (node for node in pandoc_ast.nodes(tree) if node["t"] == "Cite"):
                key = cited["c"][0][0]["citationId"]
                refuse_source(key, there, "since no option bibliography names a file")
    for name, text in zip(("date", "date-meta"), dates.resolve(options, fmt, doc), strict=True):
        if text:
            parsed["meta"][name] = {"t": "MetaString", "c": text}
    if fmt == "typst":
        pictures.fetch(blocks, pages.folder, doc)
        constructs_typst.with_plain_labels([blocks, parsed["meta"]], index)
    parsed["blocks"] = constructs.lay_out(blocks, index, fmt, options, pages.cells, pages.folder)
    document.lead_from_root(parsed, doc)
    return {"html": html_page, "typst": pdf}[fmt].write(
        parsed, options, doc, pages.folder, lambda warnings: heed(warnings, index, doc)
    )


def heed(warnings: list[str], index: crossref.Index, doc: project.Document) -> None:
    """Tell pandoc's warnings. Raises ReportError for one that means that something is missing or
    stands there as source.
    """
    unset_formulas.refuse_unset("\n".join(warnings), index, doc)
    for line in warnings:
        missing = re.search(r"[Cc]itation (\S+) not found", line)
        if missing:
            names = project.as_list(doc.options[next(iter(doc.options))].get("bibliography"))
            known = [one[0] for name in names for one in bibliography.sources_in(doc, name)]
            refuse_source(missing[1], index, "in the bibliography", known)
        log.warning(f"  {line}")


def refuse_source(
    key: str, index: crossref.Index, where: str, known: Collection[str] = ()
) -> NoReturn:
    """Raises ReportError: nothing is called `key`; by the line that cites it. known: the sources."""

    def stands(pattern: str) -> bool:
        return any(re.search(pattern, line.text) for cell in index.cells for line in cell.lines)

    name, label = re.escape(key), re.sub("[:_.]", "-", key, count=1)
    longer = (one for one in known if one.startswith(key) and stands("@" + re.escape(one)))
    if stands(rf"\w://\S*@{name}"):
        remedy = "put the address into <…>"
    elif stands(rf"(#|label:\s*){name}(?![\w:.-]*\w)"):
        remedy = (
            "it is a label here, but only labels that begin with fig-, tbl-, lst-, eq- or sec- can "
            "be referred to"
        )
    elif stands(rf"^\s*\(@{name}\)"):
        remedy = "numbered examples, (@), are not supported; write 1., and name it in words"
    elif label in index.entries:
        remedy = f"write @{label}"
    elif whole := next(longer, ""):
        remedy = f"write @{{{whole}}}, as its end is read as text"
    elif guess := near(key, known):
        remedy = guess.removeprefix("; ")
    else:
        remedy = f"to show it as it is, write \\@{key}"
    raise ReportError(f"{index.place('@' + name)}: no source {key!r} {where}; {remedy}")


class Clock:
    """Seconds since the last call, added to those of the step's name."""

    def __init__(self, times: dict) -> None:
        self.times, self.last = times, time.perf_counter()

    def __call__(self, name: str) -> None:
        now = time.perf_counter()
        self.times[name] = self.times.get(name, 0) + now - self.last
        self.last = now
