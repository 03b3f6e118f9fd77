"""Lines that tell how far a long step is."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import contextmanager

CLEAR = "\r\x1b[K"  # back to the start of a terminal's line, and empty it
STATE = {"live": False}  # whether the last line on the terminal is one of `live`


def say(text: str) -> None:
    """One line on standard error, at once; it takes the place of a line of `live`."""
    print(f"{CLEAR if STATE['live'] else ''}{text}", file=sys.stderr, flush=True)
    STATE["live"] = False


def live(text: str) -> None:
    """How far a step is: on a terminal a line that the next one overwrites, elsewhere a line like
    any other.
    """
    if not sys.stderr.isatty():
        return say(text)
    print(
        f"{CLEAR}{text[: shutil.get_terminal_size().columns - 1]}",
        end="",
        file=sys.stderr,
        flush=True,
    )
    STATE["live"] = True


def hide_bars() -> None:
    """No progress bars of the libraries: this project tells itself how far it is, and in a notebook
    they would be output."""
    import datasets
    import huggingface_hub.utils
    import transformers

    datasets.disable_progress_bars()
    huggingface_hub.utils.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()


@contextmanager
def quiet():
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


def load_keras() -> None:
    """Import Keras and TensorFlow without the log lines of the latter, and keep the former from
    printing its own.
    """
    with quiet():
        import keras
        import tensorflow  # noqa: F401
    keras.utils.disable_interactive_logging()
