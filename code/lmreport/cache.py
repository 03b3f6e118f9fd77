"""Results of costly experiments, kept until their code, arguments, libraries or machine change."""

from __future__ import annotations

import functools
import importlib
import inspect
import io
import json
import os
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy as np

from lmreport import provenance
from lmreport.settings import cache_root

MADE = "made"  # the entry of a kept experiment that tells when and where it ran


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` to a new file beside `path` and rename it into place, so that nobody sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def pack(values: dict) -> bytes:
    """A dict of arrays and JSON values as one .npz (arrays by key, the rest in `json`); reproducible bytes."""
    arrays = {k: v for k, v in values.items() if isinstance(v, np.ndarray)}
    rest = json.dumps({k: v for k, v in values.items() if k not in arrays}, sort_keys=True, default=_plain)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, array in sorted((arrays | {"json": np.array(rest)}).items()):
            one = io.BytesIO()
            np.lib.format.write_array(one, array, allow_pickle=False)
            file.writestr(zipfile.ZipInfo(name + ".npy", (1980, 1, 1, 0, 0, 0)), one.getvalue(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def unpack(data: bytes) -> dict:
    """The dict that `pack` packed."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    return json.loads(str(arrays.pop("json"))) | arrays


def kept(path: Path) -> dict | None:
    """What was packed into a file; None if it is not there or damaged."""
    try:
        return unpack(path.read_bytes())
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


class Found(dict):
    """What a remembered experiment returned, with its name (module.function), its key, and when and where it ran."""

    def __init__(self, values: dict, name: str, key: str):
        super().__init__(values)
        self.made = self.pop(MADE, {})
        self.name, self.key = name, key


def remember(function):
    """Keep what `function` returns (a dict of arrays and JSON values) for the same arguments, code and machine.

    Arguments must be JSON-like. The record lies in the cache folder under the function's name; `lmreport run` with
    that name and --force makes it anew. Returns a `Found`.
    """
    module = function.__module__.removeprefix("lmreport.")
    name = provenance.name_of(function)

    @functools.wraps(function)
    def remembered(*args, **kwargs):
        bound = inspect.signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        key = provenance.digest([function.__name__, bound.arguments, provenance.reached(module, function.__name__),
                                 provenance.versions(), provenance.hardware()])
        path = cache_root() / "experiments" / f"{name}-{key}.npz"
        found = kept(path)
        if found is None:
            made = {"date": provenance.now(), "commit": provenance.commit(module), "hardware": provenance.hardware(),
                    "arguments": bound.arguments}
            write_atomically(path, pack(function(*args, **kwargs) | {MADE: made}))
            found = kept(path)
        return Found(found, name, key)

    return remembered


def again(name: str) -> int:
    """Run every remembered experiment with this name anew, with the arguments that it had; how many there were."""
    paths = sorted((cache_root() / "experiments").glob(f"{name}-{'[0-9a-f]' * 16}.npz"))
    module, _, function = name.rpartition(".")
    for path in paths:
        arguments = (kept(path) or {}).get(MADE, {}).get("arguments")
        path.unlink()
        if arguments is not None:
            getattr(importlib.import_module(f"lmreport.{module}"), function)(**arguments)
    return len(paths)


def _plain(value):
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} can be kept neither as an array nor as JSON")
