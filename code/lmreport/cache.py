"""Results of costly experiments, kept until their code, arguments, libraries or machine change."""

from __future__ import annotations

import functools
import inspect
import io
import json
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from lmreport import provenance
from lmreport.settings import cache_root


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


def remember(function):
    """Keep what `function` returns (a dict of arrays and JSON values) for the same arguments, code and machine.

    Arguments must be JSON-like. The record lies in the cache folder under the function's name; delete it to forget.
    """
    module = function.__module__.removeprefix("lmreport.")

    @functools.wraps(function)
    def remembered(*args, **kwargs):
        bound = inspect.signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        key = provenance.digest([function.__name__, bound.arguments, provenance.code_of(module),
                                 provenance.versions(), provenance.hardware()])
        path = cache_root() / "experiments" / f"{module}.{function.__name__}-{key}.npz"
        if not path.is_file():
            write_atomically(path, pack(function(*args, **kwargs)))
        return unpack(path.read_bytes())

    return remembered


def _plain(value):
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} can be kept neither as an array nor as JSON")
