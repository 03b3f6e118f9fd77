"""Only one process at a time makes a run; others that want the same one wait for it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from lmreport.core.settings import cache_root

log = logging.getLogger(__name__)


@contextmanager
def only_one(name: str) -> Iterator[None]:
    """Nobody else is inside with the same `name`; the lock ends with the process, however that
    ends.
    """
    path = cache_root() / "locks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        log.info(f"{name}: another process is making this run; waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
