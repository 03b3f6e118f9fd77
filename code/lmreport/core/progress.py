"""Lines that tell how far a long step is."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """One line on standard error, at once."""
    print(text, file=sys.stderr, flush=True)


def hide_bars() -> None:
    """No progress bars of the libraries: in a notebook they would be output."""
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
