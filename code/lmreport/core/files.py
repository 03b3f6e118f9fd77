"""Files that are whole or not there, and dicts of arrays packed into one."""

from __future__ import annotations

import io
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` to a new file beside `path` and rename it into place, so that nobody sees half
    of it.
    """
    write_together({path: data})


def write_together(files: Mapping[Path, bytes]) -> None:
    """As `write_atomically`, of several files: none of them changes unless all can be written. An
    OSError names the file.
    """
    parts: dict[Path, str] = {}
    path = Path()
    try:
        for path, data in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, parts[path] = tempfile.mkstemp(dir=path.parent, prefix=".part-")
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(parts[path], 0o644)
        for path, part in parts.items():
            os.replace(part, path)
    except BaseException as error:
        for part in parts.values():
            Path(part).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise


def pack(values: dict) -> bytes:
    """A dict of arrays and JSON values as one .npz (arrays by key, the rest in `json`);
    reproducible bytes.
    """
    arrays = {k: v for k, v in values.items() if isinstance(v, np.ndarray)}
    rest = json.dumps(
        {k: v for k, v in values.items() if k not in arrays}, sort_keys=True, default=_plain
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, array in sorted((arrays | {"json": np.array(rest)}).items()):
            one = io.BytesIO()
            np.lib.format.write_array(one, array, allow_pickle=False)
            file.writestr(
                zipfile.ZipInfo(name + ".npy", (1980, 1, 1, 0, 0, 0)),
                one.getvalue(),
                zipfile.ZIP_DEFLATED,
            )
    return buffer.getvalue()


def small(classes: object) -> np.ndarray:
    """Class numbers, of any shape, in one byte each, or in two where one is above 127."""
    numbers = np.asarray(classes)
    return numbers.astype(np.int8 if numbers.max(initial=0) < 128 else np.int16)


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


def _plain(value: object) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} can be kept neither as an array nor as JSON")
