"""The zip file to hand in: report, pages and points of the items, environment; what cannot be made is told loudly."""

from __future__ import annotations

import csv
import hashlib
import html
import io
import json
import os
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lmreport.check import pdf_pages
from lmreport.core.errors import ReportError
from lmreport.core.files import write_atomically
from lmreport.render import colab
from lmreport.reporting import rubric

NAME = "submission.zip"
ABOUT = {  # every part with what it is, in the order in which they stand in the zip file
    "report.pdf": "the report for grading: tagged, with bookmarks",
    "report.html": "the same as one page for the browser, without any request to the network",
    "report.ipynb": "the executed notebook; Google Colab runs it from top to bottom, as it carries the project",
    "pages.csv": "item, title, points, first and last page in report.pdf, for assigning pages at the upload",
    "grade.json": "the items with their maximum points and no score, as Gradescope's results.json",
    "environment.json": "versions, hardware, seed, digests, commit, settings and runs of this very report",
}


@dataclass(frozen=True)
class Outputs:
    """What the render wrote: `folder` holds index.pdf and index.html; Quarto keeps the `notebook` elsewhere."""

    root: Path
    profile: str
    folder: Path
    notebook: Path

    def read(self, ending: str) -> bytes:
        path = self.notebook if ending == "ipynb" else self.folder / f"index.{ending}"
        if not path.is_file() or not path.stat().st_size:
            raise ReportError(f"there is no {path.name}; make it with lmreport render")
        return path.read_bytes()


def submit(root: Path, profile: str | None, say: Callable[[str], None]) -> int:
    """Write the zip file into the output folder of the project at `root`; 0 if it is complete, else 1.

    A part that cannot be made is left out, named with its mend on `say` and in MISSING.txt. The same outputs give the
    same bytes. Raises ReportError only if there is nothing to hand in at all.
    """
    from lmreport.publish.export import folder
    from lmreport.render import project

    profile = profile_of(root, profile)
    document = project.read(root, ("html",), profile)[0]
    target = document.output.parents[len(document.path.relative_to(document.root).parts) - 1] / NAME
    outputs = Outputs(document.root, profile or "", document.output.parent, folder.notebook(document))
    parts, missing = made_for(outputs)
    if not parts.keys() & {"report.pdf", "report.html", "report.ipynb"}:
        raise ReportError("submit: there is no report yet; make it with lmreport render")
    for line in stale():
        say(f"submission: {line}")
    for name, why in missing.items():
        say(f"submission: {name} IS MISSING: {why}")
    write_atomically(target, zipped(parts | notes(parts, missing)))
    say(f"submission: wrote {target.relative_to(root)} ({target.stat().st_size / 1e6:.1f} MB), "
        + (f"WITHOUT {', '.join(missing)}" if missing else "complete"))
    return int(bool(missing))


def made_for(outputs: Outputs) -> tuple[dict[str, bytes], dict[str, str]]:
    """As `made`, with the items of the profile that the outputs are of."""
    before = os.environ.get("QUARTO_PROFILE", "")
    os.environ["QUARTO_PROFILE"] = outputs.profile or before
    try:
        return made(outputs)
    finally:
        os.environ["QUARTO_PROFILE"] = before


def profile_of(root: Path, wanted: str | None) -> str | None:
    """The profile that the finished report is of. Raises ReportError if another one is wanted."""
    from lmreport.check import documents

    try:
        shown = documents.read(root, None)[0].profile
    except ReportError:  # nothing to hand in, which is told below
        return wanted
    if wanted and shown and wanted != shown and wanted.upper() in documents.profiles(root):
        raise ReportError(f"submit: the report is for {shown}, not for {wanted}; make the other one with lmreport "
                          f"render --profile {wanted}")
    return wanted or shown or None


def made(outputs: Outputs) -> tuple[dict[str, bytes], dict[str, str]]:
    """The parts by name, and for each one that could not be made the reason with its mend."""
    makers = {"report.pdf": pdf, "report.html": page, "report.ipynb": notebook, "pages.csv": page_table,
              "grade.json": grade, "environment.json": environment}
    parts, missing = {}, {}
    for name in ABOUT:
        try:
            parts[name] = makers[name](outputs)
        except (ReportError, OSError) as error:
            missing[name] = str(error)
    return parts, missing


def pdf(outputs: Outputs) -> bytes:
    """The PDF, if it can be opened."""
    data = outputs.read("pdf")
    pdf_pages.of_items(outputs.folder / "index.pdf", [])
    return data


def page(outputs: Outputs) -> bytes:
    """The HTML page, if it is whole."""
    data = outputs.read("html")
    if not data.rstrip().endswith(b"</html>"):
        raise ReportError("index.html breaks off before its end; make it again with lmreport render --force")
    return data


def notebook(outputs: Outputs) -> bytes:
    """The executed notebook, if it is valid and has outputs; it carries the project, for Google Colab."""
    data = outputs.read("ipynb")
    if not any(cell.get("outputs") for cell in read(data).cells):
        raise ReportError("index.ipynb was not executed; make it again with lmreport render --force")
    return colab.carrying(data.decode("utf-8"), outputs.root, outputs.profile).encode()


def item_pages(outputs: Outputs) -> dict[str, tuple[int, int]]:
    outputs.read("pdf")
    try:
        return pdf_pages.of_items(outputs.folder / "index.pdf", [item["id"] for item in rubric.rubric()["items"]])
    except ReportError as error:
        raise ReportError(f"{error} (a report made with a profile needs lmreport submit --profile NAME)") from error


def page_table(outputs: Outputs) -> bytes:
    """The pages of each item as CSV."""
    found, text = item_pages(outputs), io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["item", "title", "points", "first page", "last page"])
    rows.writerows([item["id"], item["asks"], item["points"], *found[item["id"]]] for item in rubric.rubric()["items"])
    return text.getvalue().encode()


def grade(outputs: Outputs) -> bytes:
    """The items as a grader's form: each a test with `max_score`, none with a `score`, for nobody has graded yet.

    The format is that of Gradescope's results.json (gradescope-autograders.readthedocs.io/en/latest/specs), which
    otter-grader writes too: `tests` with `number`, `name`, `max_score`, `tags`, `output`; `extra_data` is free.
    """
    try:
        found = item_pages(outputs)
    except ReportError:  # told already, with pages.csv
        found = {}
    sections = {str(s["id"]): f"{s['id']} {s['title']}" for s in rubric.rubric()["sections"]}
    tests = [{"number": item["id"], "name": f"{item['id']} {item['asks']}", "max_score": item["points"],
              "tags": [sections[item["id"][0]]], "output": where(found.get(item["id"])), "visibility": "visible"}
             for item in rubric.rubric()["items"]]
    told = {"output": "Not graded yet: the items with their maximum points.", "tests": tests,
            "extra_data": {"graded": False, "max_score": rubric.total()}}
    return (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode()


def where(span: tuple[int, int] | None) -> str:
    if span is None:
        return ""
    return f"report.pdf, page {span[0]}" if span[0] == span[1] else f"report.pdf, pages {span[0]} to {span[1]}"


def environment(outputs: Outputs) -> bytes:
    """What the report itself says about its render, from the tables of the notebook, and the runs that it shows."""
    cells = read(outputs.read("ipynb")).cells
    told = {"render": dict(rows(cells, "tbl-versions")), "settings": dict(rows(cells, "tbl-settings"))}
    if not told["render"]:
        raise ReportError("index.ipynb has no table tbl-versions of the environment; restore that cell of the report")
    known = [out.get("metadata", {}).get("lmreport", {}) for cell in cells for out in cell.get("outputs", ())]
    told["runs"] = sorted({run for facts in known for run in facts.get("runs", ())})
    return (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode()


def rows(cells: list, label: str) -> list[list[str]]:
    """The rows of the two-column table that the cell `label` printed; [] where there is none."""
    for cell in cells:
        if re.search(rf"^#\| *label: *{label}$", cell.source, re.M):
            text = "\n".join(out["data"].get("text/markdown", "") for out in cell.outputs if "data" in out)
            lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
            return [[html.unescape(part).strip() for part in line] for line in lines[2:] if len(line) == 2]
    return []


def stale() -> list[str]:
    """One line for each output that is older than what it is made from."""
    from lmreport.check import status

    try:
        return [f"{line.name} is stale: {line.why[0]}; lmreport render makes it anew"
                for line in status.outputs({}) if line.state == "stale"]
    except ReportError:
        return []  # lmreport status says why


def notes(parts: dict[str, bytes], missing: dict[str, str]) -> dict[str, bytes]:
    """README.txt, which lists the parts with their sha256, and MISSING.txt where one is missing."""
    lines = ["The report on pre-trained language models, as handed in.", ""]
    for name, data in parts.items():
        lines += [f"{name}  ({len(data):,} bytes)", f"  {ABOUT[name]}", f"  sha256 {hashlib.sha256(data).hexdigest()}"]
    if missing:
        lines += ["", "NOT complete: see MISSING.txt."]
    told = {"README.txt": "\n".join([*lines, ""]).encode()}
    if missing:
        gone = [f"{name}: {why}\n  ({ABOUT[name]})" for name, why in missing.items()]
        told["MISSING.txt"] = "\n".join(["These parts could not be made:", "", *gone, ""]).encode()
    return told


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip file of `files`, the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
