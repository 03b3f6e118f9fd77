"""What is installed and at hand, and what to do about each gap."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import socket
import sys
from pathlib import Path
from urllib.parse import urlparse

from lmreport.core import fonts, lock, machine
from lmreport.core.errors import ReportError
from lmreport.core.settings import cache_root, has_cuda_driver, load, resolved

NEEDED_GB = 3  # data, models and checkpoints of one full run


def report() -> int:
    """Print a line for each thing that the report needs; 0 if nothing needed is missing, else 1."""
    bad = 0
    for state, what, fix in observations():
        mark = "ok  " if state else "gap " if state is None else "FAIL"
        print(f"{mark}  {what}" + (f"\n      → {fix}" if fix else ""), flush=True)
        bad += state is False
    print(
        f"\n{'Everything needed is here.' if not bad else f'{bad} needed thing(s) missing; see the arrows above.'}"
    )
    return int(bad > 0)


def observations():
    """(state, what, fix) of each thing looked for, one after the other; state None: a gap that can
    be lived with.
    """
    yield python()
    try:
        yield from libraries()
    except ImportError as error:
        yield (
            False,
            f"packages: not looked for, since {error.name} cannot be imported",
            "pip install packaging",
        )
    for look in (renderer, letters, gpu, settings, data, model, disk):
        try:
            yield look()
        except ImportError as error:
            yield (
                False,
                f"{look.__name__}: not looked for, since {error.name} cannot be imported",
                "install what is missing (above)",
            )


def python():
    inside = sys.prefix != sys.base_prefix or "CONDA_PREFIX" in os.environ
    return (
        True,
        f"Python {platform.python_version()}" + ("" if inside else " (no private environment)"),
        "" if inside else "`make report` makes one in .venv",
    )


def libraries():
    """The pinned packages: installed, and in the pinned version."""
    wanted = pinned(importlib.metadata.requires("lmreport") or [])
    versions = machine.versions(*wanted)
    for name, version in wanted.items():
        here = versions[name]
        if not here:
            yield False, f"{name} is not installed", f"pip install {name}=={version}"
        elif here.split("+")[0] != version:
            yield (
                None,
                f"{name} {here} (pinned: {version})",
                f"pip install {name}=={version} for the recorded numbers",
            )
    yield (
        True,
        f"{sum(bool(v) for v in versions.values())} of {len(versions)} pinned packages are installed",
        "",
    )


def pinned(requirements: list[str]) -> dict[str, str]:
    """{package: version} of the requirements that hold for this system and Python, extras left
    out.
    """
    from packaging.requirements import Requirement

    applicable = filter(
        lambda one: one.marker is None or one.marker.evaluate({"extra": ""}),
        map(Requirement, requirements),
    )
    return {
        one.name: next(iter(one.specifier)).version for one in applicable if len(one.specifier) == 1
    }


def renderer():
    path = shutil.which("quarto")
    if path:
        return True, f"quarto ({path})", ""
    return (
        None,
        "quarto is not on PATH; the project's own renderer makes the same report",
        "install Quarto 1.10 or newer only if you want the genuine program",
    )


def letters():
    if not (missing := fonts.absent()):
        return True, "fonts: for most scripts", ""
    return (
        None,
        "fonts: letters that are not Latin, Greek, Cyrillic, Arabic or Hebrew may stand as ⟨U+…⟩ "
        "in figures and in the PDF",
        f"pip install {' '.join(missing)} only if class names have such letters",
    )


def gpu():
    """A CUDA GPU, and what the scale auto means without one."""
    name = machine.gpu_name()
    if not name and has_cuda_driver():
        return (
            None,
            f"PyTorch {machine.installed('torch')} sees no GPU though a driver of CUDA is here; scale "
            f"auto means quick ({os.cpu_count()} cores)",
            "see that nvidia-smi lists the GPU and that CUDA_VISIBLE_DEVICES does not hide it, and "
            "install a PyTorch built for CUDA (pytorch.org)",
        )
    return (
        (True, f"GPU: {name}; scale auto means full", "")
        if name
        else (
            None,
            f"no CUDA GPU; scale auto means quick ({os.cpu_count()} cores)",
            "set LMREPORT_SCALE=full to train on everything all the same",
        )
    )


def settings():
    try:
        now = resolved(load())
    except ReportError as error:
        return False, str(error), "fix that setting"
    return (
        True,
        f"settings: data {now.data}, model {now.models}, scale {now.scale}, seed {now.seed}",
        "",
    )


def data():
    """The data that the settings name: there, fetched, or at an address that answers."""
    try:
        source = load().data
    except ReportError:
        return None, "data: not looked for, since the settings are wrong", ""
    if source == "sample" or Path(source).expanduser().exists():
        return True, f"data: {source}", ""
    from lmreport.data import hub
    from lmreport.data.download import URL, at_hand, downloaded

    if hub.is_hub(source):
        try:
            fetched = at_hand(source) is not None
        except ReportError as error:  # a word after the name that is not understood
            return False, str(error), "fix what LMREPORT_DATA says"
        if fetched:
            return True, f"data: {source}, fetched", ""
        return None, f"data: {source} is not fetched yet", "a render fetches it where it can"
    address = URL if source == "auto" else source
    if downloaded(address).is_file():
        return True, "data: downloaded", ""
    if not address.startswith("http"):
        return (
            False,
            f"data: there is no {source!r}",
            "set LMREPORT_DATA to an archive, a folder, an address or sample",
        )
    if reachable(address):
        return True, "data: not yet downloaded; its address answers", ""
    return (
        (None if source == "auto" else False),
        "data: the address cannot be reached"
        + ("; the package's own sample will be used" if source == "auto" else ""),
        "set LMREPORT_DATA to an archive on disk, or connect to a network",
    )


def model():
    """The pre-trained model that the settings name, or the one that takes its place."""
    from lmreport.models import fitness, pretrained

    try:
        name = load().model
        folder = pretrained.is_folder(name)
        source = fitness.located(name) if folder else pretrained.at_hand(name)
    except ReportError as error:
        return False, str(error), ""
    if not source.why:
        return True, f"model: {source.name}", ""
    from huggingface_hub import constants

    if place := pretrained.misplaced(name):
        fix = f"set HF_HUB_CACHE={place}, where a copy lies"
    elif constants.HF_HUB_OFFLINE:
        fix = "unset HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE, so that a render can fetch it"
    else:
        fix = "a render fetches it where there is a network"
    return None, f"model: {source.why}", f"{fix}; or set LMREPORT_MODEL to a folder"


def disk():
    """Room in the cache, and whether files can be written and locked there."""
    folder = cache_root()
    while not folder.exists():
        folder = folder.parent
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        return (
            False,
            f"disk: nothing can be written to {cache_root()}",
            "set LMREPORT_CACHE to another folder",
        )
    if why := lock.cannot_lock(folder):
        return (
            False,
            f"disk: files in {cache_root()} cannot be locked ({why})",
            "set LMREPORT_CACHE to a folder on a disk of this machine",
        )
    free = shutil.disk_usage(folder).free / 1e9
    return (
        (True, f"disk: {free:.0f} GB free for {cache_root()}", "")
        if free > NEEDED_GB
        else (
            False,
            f"disk: only {free:.1f} GB free for {cache_root()}",
            f"free {NEEDED_GB} GB or set LMREPORT_CACHE elsewhere",
        )
    )


def reachable(address: str, seconds: float = 3.0) -> bool:
    """True if the address's host takes a connection."""
    parts = urlparse(address)
    try:
        socket.create_connection((parts.hostname, parts.port or 443), seconds).close()
    except OSError:
        return False
    return True
