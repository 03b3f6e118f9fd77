"""Whether a render would give what is there already: a digest of each thing that can change the
result.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lmreport.core.errors import ReportError
from lmreport.render import dates
from lmreport.render.lines import Cell
from lmreport.render.project import Document

KEPT_AT = ".render.json"


def made_from(
    doc: Document,
    cells: list[Cell],
    formats: Iterable[str],
    params: dict,
    environment: Mapping[str, str] = os.environ,
) -> dict:
    """Everything that can change the result: sources, the project's files, the package, settings
    and libraries.

    environment: of the process that runs the cells.
    """
    ours = any(
        "lmreport" in cell.source for cell in cells
    )  # what it shows depends on data, model and records
    made = {
        "at hand": at_hand(environment) if ours else {},
        "runs": own_runs(doc.output.with_suffix(".html")),
        "document": doc.name,
        "formats": list(formats),
        "profiles": doc.profiles,
        "Python": sys.version,
        "parameters": {k: str(v) for k, v in sorted(params.items())},
        "libraries": installed(),
        "settings": chosen(environment),
        "identity": who(environment),
        "data": data_stamp(chosen(environment)),
        "environment": {
            k: os.path.abspath(os.path.expanduser(environment[k]))
            if k == "LMREPORT_CACHE"
            else environment[k]
            for k in ("LMREPORT_CACHE", "SOURCE_DATE_EPOCH")
            if k in environment
        },
        "dates": [dates.resolve(o, fmt, doc) for fmt, o in doc.options.items()],
        "read": read_again(doc),
        "asked": asked_again(doc, environment),
        "cells": contents_of("\n".join(cell.source for cell in cells)),
        "files": {name: contents(path) for path, name in sorted(sources(doc).items())},
    }
    return json.loads(json.dumps(made, default=str))


def sources(doc: Document) -> dict[Path, str]:
    """The files of the package, of the document's folder and of the project's settings, by name."""
    package = Path(__file__).resolve().parents[1]
    files = {p: p.relative_to(package.parent).as_posix() for p in package.rglob("*") if p.is_file()}
    others = {
        p
        for p in doc.path.parent.rglob("*")
        if p.is_file() and ".quarto_ipynb" not in p.name and not is_output(doc, p)
    }
    files |= {
        p: p.relative_to(doc.root).as_posix()
        for p in others
        | set(doc.root.glob("_quarto*.yml"))
        | set(doc.root.glob("*.toml"))
        | set(doc.root.glob("CITATION.cff"))
    }
    return {
        path: name
        for path, name in files.items()
        if "__pycache__" not in path.parts
        and not any(part.startswith(".") for part in path.parts[-2:])
    }


def is_output(doc: Document, file: Path) -> bool:
    """Whether a render makes `file`: one in the folder of the outputs, or, where that is the
    document's own, beside a document that has its name.
    """
    folder = doc.output.parent
    is_there = (
        file.with_suffix(".qmd").is_file()
        if folder == doc.path.parent
        else file.is_relative_to(folder)
    )
    return is_there and file.suffix in (".html", ".pdf", ".ipynb")


def changes(then: dict, now: dict) -> list[str]:
    """What differs between two results of `made_from`, one thing a line."""
    one, other = then["files"], now["files"]
    differences = [
        f"{name} {'changed' if name in one and name in other else 'is new' if name in other else 'is gone'}"
        for name in sorted(one | other)
        if one.get(name) != other.get(name)
    ]
    for what in (
        "libraries",
        "parameters",
        "settings",
        "at hand",
        "runs",
        "environment",
        "read",
        "asked",
    ):
        one, other = (dict(made.get(what, {})) for made in (then, now))
        differences += [
            f"{name} {one.get(name, 'none')} → {other.get(name, 'none')}"
            for name in sorted(one | other)
            if one.get(name) != other.get(name)
        ]
    others = ("formats", "profiles", "Python", "identity", "data", "dates")
    differences += [f"{what} changed" for what in others if then.get(what) != now.get(what)]
    return differences or (["the cells changed"] if then != now else [])


def read_again(doc: Document, seen: tuple = ()) -> dict[str, str]:
    """Digests of what the cells read in the project besides the sources, by name: of `seen`, and of
    the last render.

    `seen` are the files, folders and names of variables that the kernel noted (render/watch.py).
    """
    if seen:
        names = {inside(doc, path) for path in seen[0]} | {
            f"{inside(doc, path)}/" for path in seen[1]
        }
    else:
        names = {name for kept in kept_for(doc).values() for name in kept.made_from.get("read", {})}
    names -= {"", "/"}
    return {name: stamp(doc.root / name, len(names)) for name in sorted(names)}


def inside(doc: Document, path: str) -> str:
    """A file's name in the project; "" for one that is watched already, is installed or is made by
    a render.
    """
    file = Path(path)
    if not file.is_relative_to(doc.root):
        return ""
    name = file.relative_to(doc.root)
    package = Path(__file__).resolve().parents[1]
    left_out = any(part in OF_TOOLS or part.endswith("_cache") for part in name.parts)
    is_hidden = any(part.startswith(".") for part in name.parts)
    known = file.is_relative_to(package) or any(
        file.is_relative_to(folder) and not is_hidden
        for folder in (doc.path.parent, doc.output.parent)
    )
    return "" if left_out or known or not name.parts else name.as_posix()


OF_TOOLS = {  # files and folders that change without a change of what the cells read
    *("__pycache__", "site-packages", ".venv", ".git", ".cache", ".quarto", ".ipynb_checkpoints"),
    *(".matplotlib", ".ipython", ".jupyter", ".local", ".config", KEPT_AT),
}


def stamp(path: Path, count: int) -> str:
    """What a file holds, or its size and time if it is large or one of many; the names in a
    folder.
    """
    try:
        if path.is_dir():
            names = sorted(n for n in os.listdir(path) if n[0] != "." and n != "__pycache__")
            return contents_of("\n".join(names))[:16]
        state = path.stat()
        if state.st_size > 20_000_000 or count > 2000:
            return f"{state.st_size} bytes of {state.st_mtime_ns}"
        return contents(path)[:16]
    except OSError:
        return "none"


def asked_again(doc: Document, environment: Mapping[str, str], seen: tuple = ()) -> dict[str, str]:
    """Digests of the environment's variables that the cells asked for; the settings have a place of
    their own.
    """
    names = (
        {name for kept in kept_for(doc).values() for name in kept.made_from.get("asked", {})}
        if not seen
        else set(seen[2])
    )
    return {
        name: contents_of(environment[name])[:16] if name in environment else "none"
        for name in sorted(names)
        if not name.startswith("LMREPORT_") and name not in TOLD
    }


TOLD = {"PYTHONUNBUFFERED", "TERM", "NO_COLOR", "QUARTO_PROFILE"}  # by the renderer to the kernel


def installed() -> list[list[str]]:
    """Names and versions of the installed distributions, from the names of their folders alone
    (fast).
    """
    names = set()
    for folder in sys.path:
        if folder.endswith("-packages") and os.path.isdir(folder):
            names |= {
                name.removesuffix(".dist-info")
                for name in os.listdir(folder)
                if name.endswith(".dist-info")
            }
    return sorted([*name.partition("-")[::2]] for name in names)


def chosen(environment: Mapping[str, str]) -> dict[str, str]:
    """The settings, from wherever they are set; {} in a project without this package's settings."""
    from lmreport.core import settings

    try:
        now = settings.load(environment=environment)
        values = vars(now) | {"model": now.models}
        return {name: str(value) for name, value in values.items() if name != "also"}
    except ReportError:
        return {}


def at_hand(environment: Mapping[str, str]) -> dict[str, str]:
    """What the settings mean here and now: the scale, and which data and model "auto" and a name on
    the hub stand for.
    """
    from lmreport.core import settings
    from lmreport.data import download
    from lmreport.models import pretrained

    try:
        asked = settings.resolved(settings.load(environment=environment))
        corpus = download.at_hand(asked.data)
        models = [pretrained.at_hand(one.model).name for one in (asked, *asked.others)]
    except (ReportError, OSError):
        return {}
    return {
        "scale": asked.scale,
        "model": ", ".join(models),
        "data": corpus.digest[:12] if corpus else "not here",
    }


def own_runs(page: Path) -> dict[str, str]:
    """When those runs in the cache were made that a finished page shows."""
    from lmreport.core.settings import cache_root

    text = page.read_text(encoding="utf-8", errors="replace") if page.is_file() else ""
    return {
        path.stem: datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat()
        for path in sorted((cache_root() / "runs").glob("*.json"))
        if path.stem in text
    }


def who(environment: Mapping[str, str]) -> str:
    """A digest of who hands the report in; the names themselves are not kept. "" if nobody is
    named.
    """
    from lmreport.core import author

    try:
        identity = author.load(environment=environment)
    except ReportError:
        return ""
    return contents_of(str(identity)) if identity != author.Identity() else ""


def data_stamp(settings: dict[str, str]) -> list:
    """What the settings name on this machine: sizes and times of those files."""
    named = [Path(value) for value in settings.values() if os.path.exists(value)]
    return [
        (str(p), p.stat().st_size, p.stat().st_mtime_ns)
        for n in named
        for p in ([n] if n.is_file() else sorted(q for q in n.rglob("*") if q.is_file())[:50_000])
    ]


def is_fresh(doc: Document, made: dict, outputs: list[Path]) -> bool:
    """Whether the outputs are those that were written from what `made_from` tells."""
    kept = kept_for(doc)
    try:
        return all(kept[p.name].made_from == made and is_written(p, kept[p.name]) for p in outputs)
    except (OSError, KeyError):
        return False


@dataclass(frozen=True)
class Kept:
    """The digest of a file that a render wrote, what it was made from (`made_from`), and of a
    notebook the digest of its content.
    """

    digest: str
    made_from: dict
    content: str = ""


def is_written(path: Path, kept: Kept) -> bool:
    """Whether the file at `path` is what the render wrote; a notebook also if an editor has only
    saved it again.
    """
    return contents(path) == kept.digest or bool(kept.content) and content(path) == kept.content


def content(path: Path) -> str:
    """The digest of what a notebook says; "" of another file, or of one that cannot be read."""
    if path.suffix != ".ipynb":
        return ""
    from lmreport.render import notebook_content, notebook_reading

    try:
        return notebook_content.digest(notebook_reading.read(path.read_bytes()))
    except ReportError:
        return ""


def kept_for(doc: Document) -> dict[str, Kept]:
    """The files that renders of `doc` wrote, by name; {} if that is unknown."""
    try:
        kept = json.loads((doc.output.parent / KEPT_AT).read_text(encoding="utf-8"))[doc.name]
        return {
            name: Kept(file["digest"], kept["made"][file["made"]], file.get("content", ""))
            for name, file in kept["outputs"].items()
        }
    except (OSError, ValueError, KeyError, TypeError):  # an older version kept something else
        return {}


def remember(
    doc: Document,
    made: dict,
    outputs: list[Path],
    seen: tuple = (),
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Keep what `outputs` were made from; `seen` is what the kernel noted, `environment` what it
    had.
    """
    from lmreport.core.files import write_atomically

    path = doc.output.parent / KEPT_AT
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        kept = {}
    written = set(seen[3]) if seen else set()
    new = {
        name: contents(path)
        for path, name in sources(doc).items()
        if name not in made["files"] or os.path.realpath(path) in written
    }
    made = made | {
        "files": made["files"] | new,  # such as a picture that a cell has saved
        "runs": own_runs(doc.output.with_suffix(".html")),
        "read": read_again(doc, seen),
        "asked": asked_again(doc, environment, seen),
    }
    now = kept_for(doc) | {p.name: Kept(contents(p), made, content(p)) for p in outputs}
    stamps = {
        name: contents_of(json.dumps(one.made_from, sort_keys=True))[:16]
        for name, one in now.items()
    }
    kept[doc.name] = {
        "made": {stamps[name]: one.made_from for name, one in now.items()},
        "outputs": {
            name: {"digest": one.digest, "made": stamps[name]}
            | ({"content": one.content} if one.content else {})
            for name, one in now.items()
        },
    }
    write_atomically(path, json.dumps(kept, indent=1).encode())


def contents(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def contents_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
