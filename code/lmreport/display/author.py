"""The lines at the top of the report that say who hands it in."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from lmreport.core.author import LABELS, Identity, load
from lmreport.display import escape, markdown

if TYPE_CHECKING:
    from IPython.display import Markdown


def shown(identity: Identity | None = None) -> Markdown | None:
    """The lines as Markdown that shows each character as it is; None if nothing is given."""
    given = {name: value for name, value in dataclasses.asdict(identity or load()).items() if value}
    lines = [f"**{LABELS[name]}:** {letters(value)}" for name, value in given.items()]
    return markdown.markdown("\\\n".join(lines) + "\n" + in_header(given)) if lines else None


def in_header(given: dict[str, str]) -> str:
    """The name for the head of every page of the PDF, as typst metadata; nothing on the page."""
    if "name" not in given:
        return ""
    name = "".join(map(escape.visible, given["name"])).replace("\\", "\\\\").replace('"', '\\"')
    return f'\n```{{=typst}}\n#metadata("{name}")<author-name>\n```\n'


def letters(text: str) -> str:
    """`text` as Markdown in which no mark has a meaning: dots would become an ellipsis, for
    example.
    """
    return re.sub(r"\.(?=\.)|(?<=\.)\.", "&#46;", markdown.plain(text, 2000))
