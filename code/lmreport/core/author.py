"""Who hands the report in: from the same places as the settings, but part of no run's key, and
never recorded.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lmreport.core.settings import ENV_PREFIX, OF_PERSONS, read_file, single


@dataclass(frozen=True)
class Identity:
    """Each is empty by default and then not shown. date: when it is handed in; honor: the honor
    statement.
    """

    name: str = ""
    email: str = ""
    perm: str = ""
    date: str = ""
    honor: str = ""


LABELS = {
    "name": "Name",
    "email": "E-mail",
    "perm": "Perm number",
    "date": "Date",
    "honor": "Honor statement",
}
NAMES = OF_PERSONS


def load(root: Path | None = None, environment: Mapping[str, str] = os.environ) -> Identity:
    """From LMREPORT_NAME … LMREPORT_HONOR, else from the settings file. Raises ReportError for a list
    there.
    """
    in_file = read_file(root, environment)
    entries = {
        name: environment.get(ENV_PREFIX + name.upper())
        or str(single(name, in_file.get(name)) or "")
        for name in NAMES
    }
    return Identity(**{name: " ".join(value.split()) for name, value in entries.items()})


def given(arguments: argparse.Namespace) -> dict[str, str]:
    """What the command line says, as environment variables: the cells of the report find it
    there.
    """
    return {
        ENV_PREFIX + n.upper(): value
        for n in NAMES
        if (value := getattr(arguments, n, None)) is not None
    }
