"""Checkpoints of unfinished trainings: those that are damaged are taken away before one goes on."""

from __future__ import annotations

import contextlib
import logging
import shutil
import zipfile
import zlib
from pathlib import Path

log = logging.getLogger(__name__)


def beside(folder: Path) -> Path:
    """Where the checkpoints of an unfinished training of the model in `folder` are kept."""
    return folder.with_name(f"{folder.name}.checkpoints")


def drop_damaged(folder: Path) -> None:
    """Delete each checkpoint in `folder` with a file of `torch.save` that is not as it was written.

    Two processes that write one file at once, or a disk, leave such a file; its end may be whole, so
    that it is read only in the middle of the next training. What was cut short is not seen here.
    """
    for state in sorted(folder.glob("checkpoint-*")):
        if bad := [file.name for file in sorted(state.glob("*.pt*")) if is_damaged(file)]:
            log.warning(f"training: {state.name} is damaged ({', '.join(bad)}); passing it over")
            aside = state.with_name(f"damaged-{state.name}")
            with contextlib.suppress(OSError):  # another process of this training was faster
                state.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)


def drop_damaged_states(folder: Path) -> None:
    """Delete each file of `torch.save` in `folder` that cannot be read, so that a training begins
    anew.
    """
    for file in sorted(folder.glob("*.pt")):
        if not zipfile.is_zipfile(file) or is_damaged(file):
            log.warning(f"training: {file.name} is damaged; it has been deleted")
            file.unlink(missing_ok=True)


def is_damaged(file: Path) -> bool:
    """Whether a file of `torch.save`, a ZIP archive, has a part without the checksum it was
    written with.
    """
    if not zipfile.is_zipfile(file):
        return False
    try:
        with zipfile.ZipFile(file) as parts:
            return parts.testzip() is not None
    except (ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error):
        return True
