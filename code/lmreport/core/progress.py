"""What the program tells while it works: the lines of the loggers "lmreport.…" on standard error.

Each module logs to `logging.getLogger(__name__)`. Nothing is set up by an import: whoever imports
the package decides what becomes of its lines. The commands, and the kernel of the report, call
`show`.
"""

from __future__ import annotations

import codecs
import io
import json
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from lmreport.core import matplotlib_folder

CLEAR = "\r\x1b[K"  # back to the start of a terminal's line, and empty it
LIVE = {"live": True}  # as `extra`: how far a step is, which the next line may take the place of
NOW = LIVE | {"now": True}  # as `extra`: what begins now, which is told on a terminal alone
HIDDEN_BARS = {
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}
LABEL: ContextVar[tuple[str, bool]] = ContextVar("label", default=("", True))  # and if it is live
ours = logging.getLogger("lmreport")


class Lines(logging.Handler):
    """Each message as one line on standard error, at once. On a terminal, one that was logged with
    `extra=LIVE` stands in the last line until the next one of its label; elsewhere it is like any
    other, and one with `extra=NOW` is left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.standing: dict[str, str] = {}  # the live messages of the last line, by their label

    def emit(self, record: logging.LogRecord) -> None:
        """Print the message of `record`, behind its label if there is one."""
        (label, may_live), text = LABEL.get(), record.getMessage()
        live = getattr(record, "live", False) and may_live and sys.stderr.isatty()
        if getattr(record, "now", False) and not live:
            return
        line = f"{label}: {text.lstrip()}" if label else text
        start = CLEAR if live or self.standing else ""
        self.standing.pop(label, None)
        if live:
            self.standing[label] = " ".join(line.split())
        last = " | ".join(self.standing.values())[: shutil.get_terminal_size().columns - 1]
        print(start + ("" if live else line + "\n") + last, end="", file=sys.stderr, flush=True)


def show() -> None:
    """From now on this process shows the lines of the package, once each, whoever calls this."""
    ours.setLevel(logging.INFO)
    ours.propagate = False  # a notebook's own handler would show them a second time
    if not any(isinstance(handler, Lines) for handler in ours.handlers):
        ours.addHandler(Lines())


def write_all_letters() -> None:
    """From now on what this process prints into a file or a pipe is UTF-8, whatever the system's
    own encoding, unless PYTHONIOENCODING names another. Letters that a terminal, or that one, lacks
    become escapes that JSON has too, and no traceback.
    """
    codecs.register_error(ESCAPES, escapes)
    asked = os.environ.get("PYTHONIOENCODING", "").partition(":")[0]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # it is none in a notebook, or in some tests
            encoding = None if asked or stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors=ESCAPES)


ESCAPES = "lmreport.escapes"  # as `errors` of a stream


def escapes(error: UnicodeError) -> tuple[str, int]:
    """What stands for the letters that cannot be written, and where to go on. Raises the error where
    it is about reading.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


@contextmanager
def labelled(label: str, live: bool = False) -> Iterator[None]:
    """Inside, each line begins with `label`: one of several that work at the same time tells which
    it is. live: it may have a live line, since all of them are in this process.
    """
    before = LABEL.set((label, live))
    try:
        yield
    finally:
        LABEL.reset(before)


@contextmanager
def silent() -> Iterator[None]:
    """Inside, nothing but errors is told."""
    before = ours.level
    ours.setLevel(logging.ERROR)
    try:
        yield
    finally:
        ours.setLevel(before)


def fetching(what: str, every: float = 5.0) -> type:
    """A class of progress bar for the hub's client: it tells as live lines, `every` seconds, how
    much of `what` has arrived, how fast, and how long the rest will take.
    """
    from tqdm.std import tqdm

    class Bar(tqdm):
        begun = told = time.perf_counter()  # told by any bar: files are fetched side by side

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **(kwargs | {"file": io.StringIO()}))

        def display(self, *args: Any, **kwargs: Any) -> None:
            now, (n, total) = time.perf_counter(), (self.n, self.total or 0)
            if self.unit == "B" and 0 < n < total and now - Bar.told > every:
                Bar.told, rate = now, self.format_dict["rate"] or n / (now - self.begun)
                ours.info(
                    f"{what}: {n / 1e6:.0f} of {total / 1e6:.0f} MB, {rate / 1e6:.1f} MB/s, "
                    f"{(total - n) / rate:.0f} s left",
                    extra=LIVE,
                )

    return Bar


def hide_bars() -> None:
    """The package's own lines, and no progress bars of the libraries beside them, which in a
    notebook would be output.

    A library that is not imported yet is told by its variable of the environment: importing all
    three takes seconds, and a render of what has not changed needs none.
    """
    show()
    os.environ |= HIDDEN_BARS
    loaded = sys.modules.get
    for name in ("datasets", "huggingface_hub.utils"):
        if library := loaded(name):
            library.disable_progress_bars()
    if transformers := loaded("transformers"):
        transformers.utils.logging.disable_progress_bar()
        transformers.utils.logging.set_verbosity_error()


@contextmanager
def quiet() -> Iterator[None]:
    """What is written to standard error inside, by C code too, is shown only if something fails
    there.
    """
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(before, kept.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(before, 2)
            os.close(before)


def without_accelerate() -> None:
    """Have trainings here not be changed by what `accelerate launch` has set for other work."""
    for name in [name for name in os.environ if name.startswith("ACCELERATE_")]:
        del os.environ[name]


def without_matplotlibs_warning() -> None:
    """Have matplotlib keep its list of fonts where it can, instead of warning that it cannot."""
    os.environ |= matplotlib_folder.variables(os.environ)


def load_keras() -> None:
    """Import Keras and TensorFlow without the log lines of the latter, and keep the former from
    printing its own and from computing with another library, as it may be set to for other work.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with quiet():
        import keras
        import tensorflow  # noqa: F401
    keras.utils.disable_interactive_logging()
