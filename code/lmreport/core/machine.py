"""What a result was made with: library versions, machine, commit."""

from __future__ import annotations

import datetime
import hashlib
import importlib.metadata
import json
import logging
import os
import platform
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

from lmreport.core.errors import ReportError

log = logging.getLogger(__name__)

PACKAGE = Path(__file__).resolve().parents[1]
LIBRARIES = (
    "torch",
    "tensorflow-cpu",
    "keras",
    "transformers",
    "datasets",
    "tokenizers",
    "scikit-learn",
    "numpy",
)
ALSO_CALLED = {  # pyproject.toml takes the one or the other by system, and Colab has the second
    "tensorflow-cpu": "tensorflow",
    "tensorflow": "tensorflow-cpu",
}
OTHER_REPOSITORY = {  # variables that name one; git sets some of them where it calls a hook
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_NAMESPACE",
}


def name_of(function: Callable) -> str:
    """A function of the package as the report names it: "concepts.heads.changes", without the
    sub-package.

    The sub-package stays in the name where another one has a module of that name that may be meant.
    """
    module = function.__module__.removeprefix("lmreport.")
    short = module.partition(".")[2]
    alone = module != function.__module__ and short and _modules(short) == [module]
    return f"{short if alone else module}.{function.__name__}"


def module_of(name: str) -> str:
    """The module, under the package, of the function that `name_of` called `name`."""
    module = name.rpartition(".")[0]
    modules = _modules(module)
    return modules[0] if len(modules) == 1 else module


def _modules(short: str) -> list[str]:
    """The modules called `short` in their sub-packages; of experiments and reporting, if they have
    one.
    """
    modules = [
        f"{path.name}.{short}"
        for path in sorted(PACKAGE.iterdir())
        if (path / (short.replace(".", "/") + ".py")).is_file()
    ]
    return [name for name in modules if name.startswith(("experiments.", "reporting."))] or modules


def digest(thing: object) -> str:
    """Sixteen hexadecimal digits that identify a JSON-like value."""
    return hashlib.sha256(json.dumps(thing, sort_keys=True, default=str).encode()).hexdigest()[:16]


def versions(*names: str) -> dict[str, str]:
    """Installed versions of the named distributions, "" where one is missing.

    A library that is called otherwise on some systems is told under its one name.
    """
    return {
        name: installed(name) or installed(ALSO_CALLED.get(name, "")) for name in names or LIBRARIES
    }


@cache
def installed(name: str) -> str:
    """The version of a distribution, "" where it is missing."""
    try:
        return importlib.metadata.version(name) if name else ""
    except importlib.metadata.PackageNotFoundError:
        return ""


def now() -> str:
    """Date and time in UTC, or that of SOURCE_DATE_EPOCH."""
    from lmreport.core import settings

    epoch = settings.epoch()
    moment = (
        datetime.datetime.now(datetime.UTC)
        if epoch is None
        else datetime.datetime.fromtimestamp(epoch, datetime.UTC)
    )
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def hardware() -> dict:
    """Processor, cores, memory in GiB and GPU of this machine (nothing that names the machine
    itself).
    """
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        text = info.read_text()
        cpu = next(
            (
                line.split(":", 1)[1].strip()
                for line in text.splitlines()
                if line.startswith("model name")
            ),
            cpu,
        )
    import psutil

    memory = psutil.virtual_memory().total
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30),
        "gpu": gpu_name(),
    }


def threads() -> list[str]:
    """The loaded libraries that compute in threads, with how many: ["openblas 0.3.31: 2", "openmp:
    2"].
    """
    from threadpoolctl import threadpool_info

    return sorted(
        {
            f"{pool['internal_api']} {pool['version'] or ''}".strip() + f": {pool['num_threads']}"
            for pool in threadpool_info()
        }
    )


@cache
def gpu_name() -> str:
    """Name of the first CUDA GPU, "" where there is none."""
    from lmreport.core.settings import cuda_available

    if not cuda_available():
        return ""
    import torch

    return torch.cuda.get_device_name(0)


@cache
def commit(project: Path | None = None) -> str:
    """Commit of the checkout, with "+" where the package's code differs from it; "" outside one.

    project: the folder whose report counts as the code does, for what is cited of it.
    LMREPORT_COMMIT names the commit for a copy of the checkout that came without its history.
    """
    if given := os.environ.get("LMREPORT_COMMIT"):
        return given
    head, top, changed = repository()
    if not head or changed or project is None:
        return head + "+" * changed
    root = project.resolve()
    written = [root / "report", *root.glob("_quarto*.yml")] if root.is_relative_to(top) else []
    status = ("status", "--porcelain", "--untracked-files=no", "--", *map(str, written))
    return head + "+" * bool(written and git(PACKAGE, *status))


@cache  # what keeps it from being known is told once
def repository() -> tuple[str, Path, bool]:
    """The commit of the repository that tracks the package ("" if none does), the repository's
    folder, and whether the package's code differs from it.
    """
    try:
        if git(PACKAGE, "ls-files", "--", "."):  # else it only lies in the folder of another work
            head = git(PACKAGE, "rev-parse", "--short=12", "HEAD")
            top = Path(git(PACKAGE, "rev-parse", "--show-toplevel"))
            return head, top, bool(git(PACKAGE, "status", "--porcelain", "--", "."))
    except ReportError as error:
        if any((folder / ".git").exists() for folder in (PACKAGE, *PACKAGE.parents)):
            log.warning(
                f"commit: that of the code is not known, and not recorded or cited: {error}; mend "
                "that, or set LMREPORT_COMMIT to the commit"
            )
    return "", PACKAGE, False


def git(folder: Path, *arguments: str) -> str:
    """What git prints for a command in the repository that `folder` lies in, without blanks around
    it. Raises ReportError, in git's words, if it fails or is not installed.
    """
    here = {k: v for k, v in os.environ.items() if k not in OTHER_REPOSITORY}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            env=here,
        )
    except OSError as error:
        raise ReportError(f"git cannot be run ({error})") from error
    if done.returncode:
        said = " ".join(done.stderr.split())
        raise ReportError(f"git {arguments[0]} failed ({said[-300:]})")
    return done.stdout.strip()
