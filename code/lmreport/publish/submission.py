"""The zip file to hand in: report, pages and points of the items, environment; what cannot be made
is told loudly.
"""

from __future__ import annotations

import csv
import hashlib
import html
import io
import json
import logging
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from lmreport.check import documents, pdf_pages
from lmreport.core.errors import ReportError
from lmreport.core.files import write_atomically
from lmreport.publish.export import folder
from lmreport.render import colab, notebook, notebook_reading, project
from lmreport.reporting import rubric

log = logging.getLogger(__name__)

NAME = "submission.zip"
ABOUT = {  # every part with what it is, in the order in which they stand in the zip file
    "report.pdf": "the report for grading: tagged, with bookmarks",
    "report.html": "the same as one page for the browser, without any request to the network",
    "report.ipynb": "the executed notebook; Google Colab runs it from top to bottom, as it carries the project",
    "pages.csv": "item, title, points, first and last page in report.pdf, for assigning pages at the upload",
    "grade.json": "the items with their maximum points and no score, as Gradescope's results.json",
    "environment.json": "versions, hardware, seed, digests, commit, settings and runs of this very report",
}
BESIDE = {
    "pdf": "the document {} of the report, tagged",
    "html": "the same as one page for the browser",
}


@dataclass(frozen=True)
class Outputs:
    """What a render wrote of one document; genuine Quarto keeps the notebook beside the source."""

    document: project.Document

    @property
    def root(self) -> Path:
        return self.document.root

    def path(self, ending: str) -> Path:
        return (
            self.document.notebook
            if ending == "ipynb"
            else self.document.output.with_suffix(f".{ending}")
        )

    @property
    def answering(self) -> str:
        """For whom the report is, as the rubric says it."""
        return rubric.who(",".join(self.document.profiles) or None)

    @property
    def items(self) -> list[dict]:
        return rubric.rubric(self.answering)["items"]

    def read(self, ending: str) -> bytes:
        """The output with this ending. Raises ReportError if it is not there or empty."""
        path = self.path(ending)
        if not path.is_file():
            raise ReportError(f"there is no {path.name}; make it with lmreport render")
        if not path.stat().st_size:
            raise ReportError(f"{path.name} is empty; make it again with lmreport render --force")
        return path.read_bytes()

    @cached_property
    def executed(self) -> NotebookNode:
        """The notebook. Raises ReportError if it is none."""
        return notebook_reading.read(self.read("ipynb"), f"{self.document.path.stem}.ipynb")

    @cached_property
    def item_pages(self) -> dict[str, tuple[int, int]]:
        """{item: (first, last)}: its pages in the PDF, counted from 1. Raises ReportError if an item
        has no place in it.
        """
        self.read("pdf")
        try:
            return pdf_pages.of_items(self.path("pdf"), [item["id"] for item in self.items])
        except ReportError as error:
            raise ReportError(
                f"{error} (a report made with a profile needs lmreport submit --profile NAME)"
            ) from error


def submit(
    root: Path,
    profile: str | None,
    chosen: Mapping[str, object] | None = None,
) -> int:
    """Write the zip file into the output folder of the project at `root`; 0 if it is complete, else
    1.

    It is not complete where a part cannot be made, which is left out and named with its fix in
    MISSING.txt, and where a part is older than its sources or not what was rendered. The same
    outputs give the same bytes. chosen: settings other than those of the environment. Raises
    ReportError only if there is nothing to hand in at all.
    """
    profile = profile_of(root, profile)
    graded, *others = documents_of(root, profile)
    target = folder.place(graded.document).with_name(NAME)
    parts, missing = made(graded, others)
    if not parts.keys() & {"report.pdf", "report.html", "report.ipynb"}:
        raise ReportError("submit: there is no report yet; make it with lmreport render")
    old = outdated([graded, *others], chosen or {}, profile)
    for line in old:
        log.warning(f"submission: {line}")
    for name, why in missing.items():
        log.warning(f"submission: {name} IS MISSING: {why}")
    stamp = "" if missing else stamp_of([graded, *others])
    write_atomically(target, zipped(parts | notes(parts, missing, old), stamp))
    lacking = [f"WITHOUT {', '.join(missing)}"] * bool(missing) + [
        "NOT as its sources are now"
    ] * bool(old)
    log.info(
        f"submission: wrote {target.relative_to(root)} ({target.stat().st_size / 1e6:.1f} MB), "
        + (f"not complete: {', '.join(lacking)}" if lacking else "complete")
    )
    return int(bool(lacking))


def is_current(root: Path, profile: str | None) -> bool:
    """Whether the zip file is whole, of what is rendered now, and younger."""
    outputs = documents_of(root, profile)
    target = folder.place(outputs[0].document).with_name(NAME)
    try:
        written = target.stat().st_mtime_ns
        with zipfile.ZipFile(target) as archive:
            readme, comment = archive.read("README.txt").decode("utf-8"), archive.comment.decode()
        if "\nNOT " in readme or comment != stamp_of(outputs):
            return False
        return all(path.stat().st_mtime_ns < written for path in rendered(outputs))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return False


def rendered(outputs: list[Outputs]) -> list[Path]:
    """The files of all documents."""
    return [one.path(ending) for one in outputs for ending in ("pdf", "html", "ipynb")]


def stamp_of(outputs: list[Outputs]) -> str:
    """A digest of all that was rendered, which the zip file carries: where a clock was set back,
    times of files tell nothing. Raises OSError where one is not there.
    """
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in rendered(outputs)]
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()


def documents_of(root: Path, profile: str | None) -> list[Outputs]:
    """The outputs of all documents, those of the graded one first."""
    return [Outputs(one) for one in documents.of_project(root, profile)]


def profile_of(root: Path, wanted: str | None) -> str | None:
    """The profile that the finished report is of. Raises ReportError if another one is wanted."""
    try:
        shown = documents.shown_in(root, wanted) or rubric.who(wanted).lower()
    except ReportError:  # nothing to hand in, which is told below
        return wanted
    if wanted and shown and wanted != shown and wanted.upper() in documents.profiles(root):
        raise ReportError(
            f"submit: the report is for {shown}, not for {wanted}; make the other one with "
            f"lmreport render --profile {wanted}"
        )
    return wanted or shown or None


def made(outputs: Outputs, others: list[Outputs]) -> tuple[dict[str, bytes], dict[str, str]]:
    """The parts by name, and for each one that could not be made the reason with its fix."""
    graded: tuple[Callable[[Outputs], bytes], ...] = (
        pdf,
        page,
        executed,
        page_table,
        grade,
        partial(environment, others),
    )
    makers: dict[str, Callable[[], bytes]] = {
        name: partial(maker, outputs) for name, maker in zip(ABOUT, graded, strict=True)
    }
    for one in others:
        name = one.document.path.stem
        makers |= {f"{name}.pdf": partial(pdf, one), f"{name}.html": partial(beside, one)}
    parts, missing = {}, {}
    for name, maker in makers.items():
        try:
            parts[name] = maker()
        except (ReportError, OSError) as error:
            missing[name] = str(error)
    return parts, missing


def pdf(outputs: Outputs) -> bytes:
    """The PDF, if it can be opened."""
    data = outputs.read("pdf")
    pdf_pages.of_items(outputs.path("pdf"), [])
    return data


def page(outputs: Outputs) -> bytes:
    """The HTML page. Raises ReportError if it breaks off before its end."""
    data = outputs.read("html")
    if not data.rstrip().endswith(b"</html>"):
        raise ReportError(
            f"{outputs.path('html').name} breaks off before its end; make it again with lmreport "
            "render --force"
        )
    return data


def beside(outputs: Outputs) -> bytes:
    """The page of another document; its links to the graded one lead to the name that this has in
    the zip file.
    """
    return re.sub(rb'(href=")index\.html', rb"\1report.html", page(outputs))


def executed(outputs: Outputs) -> bytes:
    """The executed notebook for people; it carries the project, for Google Colab. Raises
    ReportError if it is not valid or has no outputs.
    """
    data, document = outputs.read("ipynb"), outputs.document
    if not any(cell.get("outputs") for cell in outputs.executed.cells):
        raise ReportError(
            "index.ipynb was not executed; make it again with lmreport render --force"
        )
    text = notebook.of_quarto(data.decode("utf-8"), document)
    return colab.carrying(text, outputs.root, ",".join(document.profiles)).encode()


def page_table(outputs: Outputs) -> bytes:
    """The pages of each item as CSV."""
    pages, text = outputs.item_pages, io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["item", "title", "points", "first page", "last page"])
    rows.writerows(
        [item["id"], item["asks"], item["points"], *pages[item["id"]]] for item in outputs.items
    )
    return text.getvalue().encode()


def grade(outputs: Outputs) -> bytes:
    """The items as a grader's form: each a test with `max_score`, none with a `score`, for nobody
    has graded yet.

    The format is that of Gradescope's results.json
    (gradescope-autograders.readthedocs.io/en/latest/specs), which otter-grader writes too: `tests`
    with `number`, `name`, `max_score`, `tags`, `output`; `extra_data` is free.
    """
    try:
        pages = outputs.item_pages
    except ReportError:  # told already, with pages.csv
        pages = {}
    sections = {
        str(s["id"]): f"{s['id']} {s['title']}"
        for s in rubric.rubric(outputs.answering)["sections"]
    }
    tests = [
        {
            "number": item["id"],
            "name": f"{item['id']} {item['asks']}",
            "max_score": item["points"],
            "tags": [sections[rubric.section_of(item)]],
            "output": where(pages.get(item["id"])),
            "visibility": "visible",
        }
        for item in outputs.items
    ]
    results = {
        "output": "Not graded yet: the items with their maximum points.",
        "tests": tests,
        "extra_data": {"graded": False, "max_score": rubric.total(answering=outputs.answering)},
    }
    return (json.dumps(results, indent=1, ensure_ascii=False) + "\n").encode()


def where(span: tuple[int, int] | None) -> str:
    if span is None:
        return ""
    return (
        f"report.pdf, page {span[0]}"
        if span[0] == span[1]
        else f"report.pdf, pages {span[0]} to {span[1]}"
    )


def environment(others: list[Outputs], outputs: Outputs) -> bytes:
    """What the report itself says about its render, from the tables of the notebook, and the runs
    that it shows. Raises ReportError if no notebook has the table of versions.
    """
    cells = [
        cell
        for one in (outputs, *others)
        if one is outputs or one.document.notebook.is_file()
        for cell in notebook_reading.as_executed(one.executed, one.document.name).cells
    ]
    entries: dict[str, Any] = {
        "render": dict(rows(cells, "tbl-versions")),
        "settings": dict(rows(cells, "tbl-settings")),
    }
    if not entries["render"]:
        raise ReportError(
            "no notebook has a table tbl-versions of the environment; restore that cell of the "
            "report"
        )
    known = [
        out.get("metadata", {}).get("lmreport", {})
        for cell in cells
        for out in cell.get("outputs", ())
    ]
    entries["runs"] = sorted({run for facts in known for run in facts.get("runs", ())})
    return (json.dumps(entries, indent=1, ensure_ascii=False) + "\n").encode()


def rows(cells: list, label: str) -> list[list[str]]:
    """The rows of the two-column table that the cell `label` printed; [] where there is none."""
    for cell in cells:
        if re.search(rf"^#\| *label: *{label}$", cell.source, re.M):
            text = "\n".join(
                out["data"].get("text/markdown", "") for out in cell.outputs if "data" in out
            )
            lines = [
                line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")
            ]
            return [
                [html.unescape(part).strip() for part in line]
                for line in lines[2:]
                if len(line) == 2
            ]
    return []


def outdated(parts: list[Outputs], chosen: Mapping[str, object], profile: str | None) -> list[str]:
    """One line for each output that is older than what it is made from, or that is not what was
    rendered.
    """
    from lmreport.check import outputs, status

    sentences = {}
    try:
        for line in status.outputs(status.settings_then(parts[0].document) | dict(chosen), profile):
            if line.state in ("stale", "altered"):
                sentences[line.name] = (
                    f"{line.name} is {line.state}: {line.why[0]}; lmreport render --force makes it "
                    f"anew"
                )
    except ReportError as error:
        return [f"whether the report is newer than its sources cannot be told: {error}"]
    for one in parts:  # genuine Quarto's notebook may lie elsewhere
        for name, why in outputs.altered(one.document, one.document.notebook).items():
            sentences.setdefault(
                name, f"{name} is altered: {why}; lmreport render --force makes it anew"
            )
    return list(sentences.values())


def about(name: str) -> str:
    """What a part of the zip file is."""
    stem, _, ending = name.rpartition(".")
    return ABOUT.get(name) or BESIDE[ending].format(stem)


def notes(parts: dict[str, bytes], missing: dict[str, str], old: list[str]) -> dict[str, bytes]:
    """README.txt, which lists the parts with their sha256, and MISSING.txt where one is missing;
    old: see `outdated`.
    """
    lines = ["The report on pre-trained language models, as handed in.", ""]
    for name, data in parts.items():
        lines += [
            f"{name}  ({len(data):,} bytes)",
            f"  {about(name)}",
            f"  sha256 {hashlib.sha256(data).hexdigest()}",
        ]
    if missing:
        lines += ["", "NOT complete: see MISSING.txt."]
    if old:
        lines += ["", "NOT as the sources are now:", *old]
    files = {"README.txt": "\n".join([*lines, ""]).encode()}
    if missing:
        gone = [f"{name}: {why}\n  ({about(name)})" for name, why in missing.items()]
        files["MISSING.txt"] = "\n".join(["These parts could not be made:", "", *gone, ""]).encode()
    return files


def zipped(files: dict[str, bytes], comment: str) -> bytes:
    """A zip file of `files` with a comment, the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
        archive.comment = comment.encode()
    return buffer.getvalue()
