"""What the package tells while it works, for tests that ask for it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def lines(also: Callable[[], object] = lambda: None) -> Iterator[list[str]]:
    """Inside, every line of the loggers "lmreport.…" is added to the list, and `also` called."""
    said: list[str] = []
    handler, ours = logging.Handler(), logging.getLogger("lmreport")
    handler.emit = lambda record: (said.append(record.getMessage()), also())
    before = ours.level
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    try:
        yield said
    finally:
        ours.removeHandler(handler)
        ours.setLevel(before)
