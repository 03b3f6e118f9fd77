"""Only one process at a time makes a run; others that want the same one wait for it."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager

from lmreport.settings import cache_root


@contextmanager
def only_one(name: str, say):
    """Nobody else is inside with the same `name`; the lock ends with the process, however that ends."""
    path = cache_root() / "locks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{name}: another process is making this run; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
