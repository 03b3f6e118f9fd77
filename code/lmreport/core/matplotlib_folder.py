"""Where matplotlib keeps its list of fonts, where it cannot do so in the user's own folders."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from lmreport.core.errors import ReportError
from lmreport.core.settings import cache_root


def variables(environment: Mapping[str, str]) -> dict[str, str]:
    """MPLCONFIGDIR in this project's cache, where matplotlib would else warn on the page that it
    cannot write into its own folders; nothing where it can.
    """
    try:
        if all(can_be_written(one) for one in own_folders(environment)):
            return {}
        instead = cache_root().absolute() / "matplotlib"
    except (ReportError, RuntimeError):  # a user without a name and without HOME, nor a cache
        return {}
    return {"MPLCONFIGDIR": str(instead)} if can_be_written(instead) else {}


def own_folders(environment: Mapping[str, str]) -> list[Path]:
    """The folders in which matplotlib looks for settings and keeps its list of fonts. Raises
    RuntimeError for a user without a home.
    """
    if given := environment.get("MPLCONFIGDIR"):
        return [Path(given)]
    if sys.platform.startswith(("linux", "freebsd")):
        usual = {"XDG_CONFIG_HOME": "~/.config", "XDG_CACHE_HOME": "~/.cache"}
        return [
            Path(environment.get(name) or path).expanduser() / "matplotlib"
            for name, path in usual.items()
        ]
    old, local = Path("~/.matplotlib").expanduser(), environment.get("LOCALAPPDATA")
    new = sys.platform == "win32" and local and not old.is_dir()
    return [Path(local or "") / "matplotlib" if new else old]


def can_be_written(folder: Path) -> bool:
    """Whether one may write into `folder`, or make it where it is not there."""
    there = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)
