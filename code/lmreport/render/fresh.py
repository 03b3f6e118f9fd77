"""Whether a render would give what is there already: one digest over everything that can change the result."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

from lmreport.errors import ReportError
from lmreport.render import dates

KEPT_AT = ".render.json"


def key(doc, cells, formats, params: dict) -> str:
    """Digest of the sources, the project's files, the package, the settings and the installed libraries."""
    seen = hashlib.sha256()
    said = [sys.version, list(formats), sorted(params.items(), key=str), doc.profiles, doc.name,
            sorted((k, v) for k, v in os.environ.items() if k.startswith("LMREPORT_") or k == "SOURCE_DATE_EPOCH"),
            installed(), data_stamp(),
            [dates.resolve(o, fmt, doc) for fmt, o in doc.options.items()]]
    seen.update(json.dumps(said, default=str).encode())
    package = Path(__file__).resolve().parents[1]
    files = {p for folder in (doc.path.parent, package) for p in folder.rglob("*") if p.is_file()}
    files |= {p for pattern in ("_quarto*.yml", "*.toml", "CITATION.cff") for p in doc.root.glob(pattern)}
    for path in sorted(files):
        if "__pycache__" in path.parts or any(part.startswith(".") for part in path.parts[-2:]):
            continue
        seen.update(path.as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    for cell in cells:
        seen.update(cell.source.encode("utf-8", "replace"))
    return seen.hexdigest()


def installed() -> list[str]:
    """Names and versions of the installed distributions, from the names of their folders alone (fast)."""
    found = set()
    for folder in sys.path:
        if folder.endswith("-packages") and os.path.isdir(folder):
            found |= {name for name in os.listdir(folder) if name.endswith(".dist-info")}
    return sorted(found)


def data_stamp() -> list:
    """What the settings name on this machine, with sizes and times of those files."""
    try:
        from lmreport import settings

        current = settings.load()
    except (ReportError, ImportError, AttributeError):
        return []
    named = [Path(str(v)) for v in vars(current).values() if isinstance(v, str) and os.path.exists(v)]
    stamps = [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for n in named
              for p in ([n] if n.is_file() else sorted(q for q in n.rglob("*") if q.is_file())[:50_000])]
    return [str(current), stamps]


def is_fresh(doc, digest: str, outputs: list[Path]) -> bool:
    """Whether the outputs are those that were written for `digest`."""
    path = doc.output.parent / KEPT_AT
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))[doc.name]
        return kept["key"] == digest and kept["files"] == {p.name: contents(p) for p in outputs}
    except (OSError, ValueError, KeyError):
        return False


def remember(doc, digest: str, outputs: list[Path]) -> None:
    from lmreport.cache import write_atomically

    path = doc.output.parent / KEPT_AT
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        kept = {}
    kept[doc.name] = {"key": digest, "files": {p.name: contents(p) for p in outputs}}
    write_atomically(path, json.dumps(kept, indent=1).encode())


def contents(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
