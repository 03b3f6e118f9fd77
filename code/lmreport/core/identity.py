"""Who hands the report in: from the same places as the settings, but part of no run's key, and never recorded."""

from __future__ import annotations

import dataclasses
import os
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """Each is empty by default and then not shown. date: when it is handed in; honor: the honor statement."""

    name: str = ""
    email: str = ""
    perm: str = ""
    date: str = ""
    honor: str = ""


LABELS = {"name": "Name", "email": "E-mail", "perm": "Perm number", "date": "Date", "honor": "Honor statement"}
NAMES = tuple(LABELS)


def load(root=None) -> Identity:
    """From LMREPORT_NAME … LMREPORT_HONOR, else from the settings file."""
    from lmreport.core.settings import ENV_PREFIX, read_file

    told = read_file(root)
    found = {name: os.environ.get(ENV_PREFIX + name.upper()) or str(told.get(name) or "") for name in NAMES}
    return Identity(**{name: " ".join(value.split()) for name, value in found.items()})


def given(arguments) -> dict[str, str]:
    """What the command line says, as environment variables: the cells of the report find it there."""
    from lmreport.core.settings import ENV_PREFIX

    return {ENV_PREFIX + n.upper(): value for n in NAMES if (value := getattr(arguments, n, None)) is not None}


def shown(identity: Identity | None = None):
    """The lines at the top of the report as Markdown that shows each character as it is; None if nothing is given."""
    from lmreport.display import markdown

    told = {name: value for name, value in dataclasses.asdict(identity or load()).items() if value}
    lines = [f"**{LABELS[name]}:** {letters(value)}" for name, value in told.items()]
    return markdown.markdown("\\\n".join(lines) + "\n") if lines else None


def letters(text: str) -> str:
    """`text` as Markdown in which no mark has a meaning: dots would become an ellipsis, for example."""
    from lmreport.display import markdown

    return re.sub(r"\.(?=\.)|(?<=\.)\.", "&#46;", markdown.plain(text, 2000))
