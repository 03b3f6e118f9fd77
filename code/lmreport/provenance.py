"""What a result was made with: library versions, machine, commit."""

from __future__ import annotations

import ast
import datetime
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
NOT_COMPUTING = {"settings", "provenance", "cache", "errors", "style", "show", "runs", "progress", "quantity", "shown",
                 "drawn", "origin"}
LIBRARIES = ("torch", "tensorflow-cpu", "keras", "transformers", "datasets", "tokenizers", "scikit-learn", "numpy")


@cache
def definitions(module: str) -> dict[str, str]:
    """Digest of each top-level definition of `lmreport.<module>`; comments, docstrings and layout do not count."""
    tree = ast.parse((PACKAGE / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8"))
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom) or _is_docstring(node):
            continue
        for inner in ast.walk(node):
            body = getattr(inner, "body", None)
            if isinstance(body, list) and len(body) > 1 and _is_docstring(body[0]):
                del body[0]
        found[_key(node)] = hashlib.sha256(dumped(node).encode()).hexdigest()[:16]
    return found


def dumped(node) -> str:
    """`ast.dump` as Python 3.11 writes it: later ones leave out empty lists or have more fields."""
    if sys.version_info >= (3, 13):
        text = ast.dump(node, show_empty=True)
    else:
        text = ast.dump(node)
    return text.replace(", type_params=[]", "")


def reached(module: str, name: str) -> dict[str, dict[str, str]]:
    """{module: {definition: digest}} of what the definition `name` of `module` computes with, and no more of it.

    Followed are names in the code: of the same module, of modules of the package, and imported from them.
    """
    found, todo = {}, [(module, name)]
    while todo:
        module, name = todo.pop()
        here = _nodes(module)
        if name not in here or name in found.get(module, {}):
            continue
        node, definition = here[name]
        found.setdefault(module, {})[name] = definitions(module)[definition]
        aliases = _aliases(module)
        for inner in ast.walk(node):
            if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name):
                todo.append((".".join(filter(None, aliases.get(inner.value.id, ("", "")))), inner.attr))
            elif isinstance(inner, ast.Name):
                todo += [(module, inner.id), aliases.get(inner.id, ("", ""))]
    return {module: dict(sorted(names.items())) for module, names in sorted(found.items())}


@cache
def _nodes(module: str) -> dict[str, tuple]:
    """{name: (node, key in `definitions`)} of the module's definitions; none of one that does not compute."""
    path = PACKAGE / (module.replace(".", "/") + ".py")
    if not module or module.split(".")[0] in NOT_COMPUTING or not path.is_file():
        return {}
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        named = [t.id for t in ast.walk(node) if isinstance(t, ast.Name) and isinstance(t.ctx, ast.Store)] \
            if isinstance(node, ast.Assign | ast.AnnAssign) else [getattr(node, "name", "")]
        found |= {name: (node, _key(node)) for name in named if name}
    return found


@cache
def _aliases(module: str) -> dict[str, tuple[str, str]]:
    """{name: (module of the package, name there or "")} of what `module` imports from the package, anywhere in it."""
    path, found = PACKAGE / (module.replace(".", "/") + ".py"), {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "lmreport":
            inside = (node.module + ".").removeprefix("lmreport.").rstrip(".")
            for alias in node.names:
                part = f"{inside}.{alias.name}".strip(".")
                is_module = (PACKAGE / (part.replace(".", "/") + ".py")).is_file()
                found[alias.asname or alias.name] = (part, "") if is_module else (inside, alias.name)
    return found


def name_of(function) -> str:
    """A function of the package as the report names it: "concepts.heads.changes"."""
    return f"{function.__module__.removeprefix('lmreport.')}.{function.__name__}"


def digest(thing) -> str:
    """Sixteen hexadecimal digits that identify a JSON-like value."""
    return hashlib.sha256(json.dumps(thing, sort_keys=True, default=str).encode()).hexdigest()[:16]


def versions(*names: str) -> dict[str, str]:
    """Installed versions of the named distributions, "" where one is missing."""
    found = {}
    for name in names or LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = ""
    return found


def now() -> str:
    """Date and time in UTC, or that of SOURCE_DATE_EPOCH."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.datetime.fromtimestamp(int(epoch), datetime.UTC) if epoch else datetime.datetime.now(datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def hardware() -> dict:
    """Processor, cores, memory in GiB and GPU of this machine (nothing that names the machine itself)."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        text = info.read_text()
        cpu = next((line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")), cpu)
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0
    return {"cpu": cpu, "cores": os.cpu_count(), "memory_gib": round(pages / 2**30), "gpu": gpu_name()}


def threads() -> list[str]:
    """The loaded libraries that compute in threads, with how many: ["openblas 0.3.31: 2", "openmp: 2"]."""
    from threadpoolctl import threadpool_info

    return sorted({f"{pool['internal_api']} {pool['version'] or ''}".strip() + f": {pool['num_threads']}"
                   for pool in threadpool_info()})


@cache
def gpu_name() -> str:
    """Name of the first CUDA GPU, "" where there is none."""
    from lmreport.settings import cuda_available

    if not cuda_available():
        return ""
    import torch

    return torch.cuda.get_device_name(0)


@cache
def commit(module: str = "") -> str:
    """Commit of the checkout, whichever `module` asks, with "+" where the package's code differs from it; "" outside one.

    LMREPORT_COMMIT names it for a copy of the checkout that came without its history.
    """
    if told := os.environ.get("LMREPORT_COMMIT"):
        return told

    def git(*args):
        return subprocess.run(["git", "-C", str(PACKAGE), *args], capture_output=True, text=True).stdout.strip()

    try:
        head = git("rev-parse", "--short=12", "HEAD")
        return head + ("+" if head and git("status", "--porcelain", "--", str(PACKAGE)) else "")
    except OSError:
        return ""


def _key(node) -> str:
    return getattr(node, "name", None) or ast.unparse(node)[:40].split("=")[0].strip()


def _is_docstring(node) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
