"""The whole report with one call: train what has no record, then render with Quarto or with the own
renderer.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from lmreport.core import progress
from lmreport.core.errors import ReportError
from lmreport.core.files import write_atomically
from lmreport.core.settings import Settings, load, project_root, resolved, variables
from lmreport.data import download
from lmreport.data.corpus import Corpus
from lmreport.display import markdown
from lmreport.models import architecture
from lmreport.publish import submission
from lmreport.publish.export import export
from lmreport.render import colab, notebook, project
from lmreport.reporting import studies
from lmreport.runs import train as training
from lmreport.runs.kinds import MODELS, STUDIES
from lmreport.runs.records import Record

log = logging.getLogger(__name__)


def report(
    given: dict,
    formats: tuple[str, ...],
    params: dict,
    profile: str | None,
    renderer: str,
    force: bool,
    persons: dict[str, str],
) -> int:
    """Make the report under the settings `given` and `params`; returns the exit status.

    Training happens before rendering, where its progress can be seen; the report's cells then find
    the records.
    persons: who hands it in, as variables of the environment.
    Raises ReportError for bad settings, data or documents.
    """
    start = time.perf_counter()
    progress.hide_bars()
    root = project_root()
    params = params | {k: v for k, v in given.items() if k in params and v not in (None, "")}
    chosen = {k: v for k, v in (given | params).items() if v not in (None, "")}
    # what is wrong with profile, options, renderer or model is told before anything is trained
    project.read(root, formats, profile)
    asked = load(root, **chosen)
    settings = resolved(asked)
    use_quarto = quarto_renders(renderer)
    architecture.all_usable(settings)
    corpus = download.obtain(settings.data)
    transformer = trained(settings, corpus)
    paths = absolute_paths(settings)
    params |= {k: v for k, v in paths.items() if k in params}
    chosen |= paths
    environment = of_cells(persons, chosen)
    outputs = (
        with_quarto(root, formats, profile, environment)
        if use_quarto
        else with_own(root, formats, params, profile, force, environment)
    )
    for path in outputs:
        log.info(f"report: {path.relative_to(root)} ({path.stat().st_size / 1e6:.1f} MB)")
    export(root, profile, by=persons.get("LMREPORT_NAME", "").strip())
    training.note_model(root, asked, corpus, transformer)
    complete = set(formats) == {"html", "typst"}
    status = handed_in(root, profile, chosen, force) if complete else 0
    log.info(f"report: done in {markdown.duration(time.perf_counter() - start)}")
    return status


def quarto_renders(renderer: str) -> bool:
    """Whether genuine Quarto renders where "auto", "quarto" or "own" is asked for. Raises
    ReportError if it should and is not installed.
    """
    quarto = shutil.which("quarto")
    if renderer == "quarto" and not quarto:
        raise ReportError("render: quarto is not on PATH; install it or use --renderer own")
    takes_quarto = bool(quarto) and renderer != "own"
    name = f"quarto at {quarto}" if takes_quarto else "the project's own renderer"
    log.info(f"report: rendering with {name}")
    return takes_quarto


def trained(settings: Settings, corpus: Corpus) -> Record:
    """The record of the fine-tuned Transformer, after all runs that the report shows were found or
    made.
    """
    made = {name: training.run(name, settings, corpus) for name in MODELS}
    for record in (made | training.others(settings, corpus)).values():
        log.info(
            f"report: {record.label}, test accuracy {100 * record.correct.mean():.1f} %, record "
            f"{record.key}"
        )
    for name in STUDIES:  # the recorded one; only where there is none, its quick form is made here
        studies.found_or_made(name, settings, corpus)
    return made["transformer"]


def absolute_paths(settings: Settings) -> dict[str, str]:
    """Data and model, where they are absolute paths: cells that run in another folder find them by
    these.
    """
    return {
        k: v
        for k, v in (("data", settings.data), ("model", settings.models))
        if any(Path(one).is_absolute() for one in v.split(","))
    }


def of_cells(persons: dict[str, str], chosen: dict) -> dict[str, str]:
    """The environment of the process that runs the cells: this one's, folders as absolute paths,
    who hands it in, and the settings `chosen`.
    """
    folders = {
        k: str(Path(os.environ[k]).expanduser().absolute())
        for k in ("LMREPORT_CACHE", "LMREPORT_SETTINGS")
        if os.environ.get(k)
    }
    return {**os.environ, **folders, **persons, **variables(chosen)}


def handed_in(root: Path, profile: str | None, chosen: dict, force: bool) -> int:
    """The exit status of `submit`, which is left out where its file is up to date."""
    if not force and submission.is_current(root, profile):
        log.info(f"submission: {submission.NAME} is up to date")
        return 0
    return submission.submit(root, profile, chosen)


def with_own(
    root: Path,
    formats,
    params: dict,
    profile: str | None,
    force: bool,
    environment: dict[str, str],
) -> list[Path]:
    """Render with lmreport.render."""
    from lmreport.render import render

    return render(root, formats, params, profile, force, environment)


def with_quarto(
    root: Path, formats, profile: str | None, environment: dict[str, str]
) -> list[Path]:
    """Render with genuine Quarto, using this Python for the cells. Quarto's own messages pass
    through. Raises ReportError if it fails.
    """
    profiles = project.read(root, formats, profile)[0].profiles
    environment = environment | {
        "QUARTO_PYTHON": sys.executable,
        "QUARTO_PROFILE": ",".join(profiles),
    }
    command = [
        "quarto",
        "render",
        "-M",
        "keep-ipynb:true",
        *(["--profile", profile] if profile else []),
    ]
    if len(formats) == 1:
        command += ["--to", formats[0]]
    done = subprocess.run(command, cwd=root, env=environment)
    if done.returncode:
        raise ReportError(f"quarto ended with status {done.returncode}; its message stands above")
    made = []
    for document in project.read(root, formats, profile):
        for kept in sorted(
            document.path.parent.glob(f"{document.path.stem}.quarto_ipynb*")
        ):  # executed
            text = notebook.of_quarto(kept.read_text("utf-8"), document)
            write_atomically(
                document.output.with_suffix(".ipynb"),
                colab.carrying(text, root, profile or "").encode(),
            )
            kept.unlink()
        made += [
            path
            for ending in (".html", ".pdf", ".ipynb")
            if (path := document.output.with_suffix(ending)).is_file()
        ]
    return made
