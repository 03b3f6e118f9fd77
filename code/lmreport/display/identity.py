"""The lines at the top of the report that say who hands it in."""

from __future__ import annotations

import dataclasses
import re

from lmreport.core.identity import LABELS, Identity, load
from lmreport.display import markdown


def shown(identity: Identity | None = None):
    """The lines as Markdown that shows each character as it is; None if nothing is given."""
    told = {name: value for name, value in dataclasses.asdict(identity or load()).items() if value}
    lines = [f"**{LABELS[name]}:** {letters(value)}" for name, value in told.items()]
    return markdown.markdown("\\\n".join(lines) + "\n") if lines else None


def letters(text: str) -> str:
    """`text` as Markdown in which no mark has a meaning: dots would become an ellipsis, for example."""
    return re.sub(r"\.(?=\.)|(?<=\.)\.", "&#46;", markdown.plain(text, 2000))
