"""The folder of exported files, with a manifest: what has not changed is kept, the rest is made
side by side.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lmreport.core import files, machine
from lmreport.core.errors import ReportError
from lmreport.core.files import write_atomically
from lmreport.core.settings import cache_root
from lmreport.publish import citation_metadata as described
from lmreport.publish.export import contents, pictures, tables
from lmreport.render import project, up_to_date

log = logging.getLogger(__name__)

NAME, MANIFEST = "figures", "manifest.json"


def export_project(root: Path, profile: str | None, by: str = "") -> list[Path]:
    """`export` without its promise about the arguments. Raises ReportError if there is no executed
    notebook yet.
    """
    every = project.read(root, ("html",), profile)
    documents = [d for d in every if d.notebook.is_file()]
    if not documents:
        raise ReportError(
            "export: there is no executed notebook in the output folder; run lmreport render first"
        )
    target = place(documents[0])
    notebooks = [sha256(d.notebook.read_bytes()) for d in documents]
    old = read_manifest(target)
    if not by and old.get("notebooks") == notebooks:
        by = old.get("rendered", {}).get("by", "")
    rendered = facts_of_render(documents[0]) | ({"by": by} if by else {})
    rendered["page"] = described.title_block(every[0])
    work = described.own(root, rendered)
    state = machine.digest(
        [notebooks, work.__dict__, rendered["page"], maker(), os.environ.get("SOURCE_DATE_EPOCH")]
    )
    if old.get("state") == state and all(whole(target, item) for item in old["items"]):
        log.info(f"export: {target.relative_to(root)} is up to date")
        return paths(target, old)
    items = [item for d in documents for item in contents.read(d, d.notebook)]
    manifest: dict[str, Any] = {
        "title": work.title,
        "version": work.version,
        "licence": work.licence,
        "notebooks": notebooks,
        "date": described.day(documents[0].notebook),
        "commit": machine.commit(root),
        "rendered": rendered,
        "state": state,
    }
    if old.get("notebooks") == notebooks:
        manifest["commit"] = old["commit"]  # of the render, not of a later export
    kept = {item["key"]: item for item in old.get("items", ()) if whole(target, item)}
    with tempfile.TemporaryDirectory(prefix=f".{NAME}-", dir=target.parent) as name:
        new = Path(name) / NAME
        new.mkdir()
        manifest["items"] = fill(new, target, items, kept, work, root)
        write_atomically(
            new / MANIFEST, (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode()
        )
        swap(new, target)
    fresh = sum(item["key"] not in kept for item in manifest["items"])
    log.info(
        f"export: {len(items)} figures and tables in {target.relative_to(root)}, {fresh} of them "
        f"new or changed"
    )
    return paths(target, manifest)


def facts_of_render(document) -> dict:
    """The settings and data that the own renderer kept of its last render; {} if there was none."""
    kept = next((one.made_from for one in up_to_date.kept_for(document).values()), {})
    return {name: kept[name] for name in ("settings", "at hand") if name in kept}


def place_of(root: Path) -> Path:
    """Where the project at `root` has, or would have, its exported files."""
    return place(project.read(root, ("html",), None)[0])


def place(doc) -> Path:
    """The folder `figures` in the project's output folder."""
    inside = doc.path.relative_to(doc.root).with_suffix("")
    return doc.output.parents[len(inside.parts) - 1] / NAME


def fill(new: Path, target: Path, items: list, kept: dict, work, root: Path) -> list[dict]:
    """Write or keep the files of all items in the folder `new`; their entries of the manifest."""
    entries = {item.label: entry(item, work, root) for item in items}
    todo = [item for item in items if entries[item.label]["key"] not in kept]
    with ThreadPoolExecutor() as pool:
        made = dict(
            zip(
                [i.label for i in todo if i.svg],
                pool.map(lambda item: pictures.files(item, work), [i for i in todo if i.svg]),
                strict=True,
            )
        )
    made |= tables.files([i for i in todo if i.table], work)
    for label, fields in entries.items():
        if label in made:
            for ending, data in made[label].items():
                (new / f"{label}.{ending}").write_bytes(data)
            fields["files"] = [
                {"name": f"{label}.{ending}", "bytes": len(data), "sha256": sha256(data)}
                for ending, data in made[label].items()
            ]
        else:
            fields["files"] = kept[fields["key"]]["files"]
            for file in fields["files"]:
                shutil.copy2(target / file["name"], new / file["name"])
    return list(entries.values())


def entry(item, work, root: Path) -> dict:
    """What the manifest tells about an item, its files apart. `key` names everything that decides
    about the files.
    """
    key = machine.digest([item.__dict__, work.__dict__, maker()])
    return {
        "label": item.label,
        "kind": item.kind,
        "number": item.number,
        "caption": item.caption,
        "alt": item.alt,
        "function": item.function,
        "runs": [made(name, root) for name in item.runs],
        "experiments": [made(name, root) for name in item.experiments],
        "licence": work.licence,
        "anchor": f"{item.page}#{item.anchor}",
        "key": key,
    }


def made(name: str, root: Path) -> dict:
    """{"name", "date", "commit"} of a run or experiment, the last two as far as its record is at
    hand and tells.
    """
    facts: dict = {}
    for path in (root / "report" / "runs" / f"{name}.json", cache_root() / "runs" / f"{name}.json"):
        if path.is_file():
            facts = json.loads(path.read_text(encoding="utf-8")).get("made", {})
    kept = cache_root() / "experiments" / f"{name}.npz"
    if kept.is_file():
        facts = files.unpack(kept.read_bytes()).get("made", {})
    return {"name": name} | {k: facts[k] for k in ("date", "commit") if facts.get(k)}


def swap(new: Path, target: Path) -> None:
    """Put the finished folder `new` in the place of `target`; the old one goes away with the
    temporary folder.
    """
    if target.exists():
        os.replace(target, new.parent / "old")
    os.replace(new, target)


def read_manifest(target: Path) -> dict:
    """The manifest of an earlier export; {} where there is none that can be read."""
    try:
        manifest = json.loads((target / MANIFEST).read_text(encoding="utf-8"))
        return manifest if isinstance(manifest["items"], list) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def whole(target: Path, item: dict) -> bool:
    """Whether all files of an item are there as the manifest says."""
    return all(
        (target / f["name"]).is_file() and sha256((target / f["name"]).read_bytes()) == f["sha256"]
        for f in item["files"]
    )


def paths(target: Path, manifest: dict) -> list[Path]:
    return [
        target / MANIFEST,
        *(target / f["name"] for item in manifest["items"] for f in item["files"]),
    ]


@functools.cache
def maker() -> str:
    """Digest of what makes the files: the code of this folder, typst and pandoc."""
    code = [path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.py"))]
    return machine.digest([code, machine.versions("typst", "pypandoc_binary")])


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
