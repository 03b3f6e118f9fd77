"""Only one process at a time makes a run; others that want the same one wait for it."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from lmreport.core import machine
from lmreport.core.errors import ReportError, no_locks
from lmreport.core.settings import cache_root

log = logging.getLogger(__name__)
warnings.filterwarnings("ignore", "flock not supported")  # filelock has another way there


@contextmanager
def only_one(name: str, tell: bool = True) -> Iterator[None]:
    """Nobody else is inside with the same `name`; the lock ends with the process, however that
    ends. Inside, the same thread may enter again. tell: say so where it must wait.

    Raises ReportError where the cache is on a file system that cannot lock files.
    """
    path = cache_root() / "locks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, is_singleton=True)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        if tell:
            log.info(f"{name}: another process is making this run; waiting for it")
        lock.acquire()
    except OSError as error:
        if not no_locks(error):
            raise
        raise ReportError(
            f"files in {cache_root()} cannot be locked ({error.strerror}), so two "
            "processes could spoil each other's runs there; set LMREPORT_CACHE to a folder on a "
            "disk of this machine"
        ) from error
    try:
        yield
    finally:
        lock.release()


def cannot_lock(folder: Path) -> str:
    """Why files in `folder` cannot be locked; "" if they can."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        try:
            with FileLock(Path(name) / "lock"):
                return ""
        except OSError as error:
            if not no_locks(error):
                raise
            return error.strerror or str(error)


def executing(output: Path) -> AbstractContextManager[None]:
    """Inside, the cells of a document run, or what they gave is looked for: who looks waits.

    output: the path of the document's page.
    """
    return only_one(f"execute-{machine.digest(str(output.resolve()))}", tell=False)
