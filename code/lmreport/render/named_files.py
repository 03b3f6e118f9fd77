"""Files of the project that the code of cells names: what a library or another process reads, the
kernel does not notice (render/watch.py), but its name mostly stands in a cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

MOST = 2000  # files of a folder that are watched one by one
LONGEST = 300  # characters of a name
QUOTED = re.compile(r"""(['"])((?:(?!\1)[^\\\n])+)\1""")
WORD = re.compile(r"""[^\s'"`(){}\[\],;=<>|&]+""")


def of(sources: Iterable[str], folder: Path, root: Path) -> tuple[list[str], list[str]]:
    """The files and the folders inside `root` that `sources`, run in `folder`, name by their paths
    from there; of a named folder also the files in it.
    """
    files: set[Path] = set()
    folders: set[Path] = set()
    for name in {name for text in sources for name in names(text)}:
        try:
            path = (folder / name).resolve()
            if not path.is_relative_to(root) or folder.resolve().is_relative_to(path):
                continue
            if path.is_file():
                files.add(path)
            elif path.is_dir():
                folders.add(path)
                files.update(inside(path))
        except (OSError, ValueError):  # a name that no file can have
            continue
    return sorted(map(str, files)), sorted(map(str, folders))


def names(text: str) -> Iterator[str]:
    """What may be the path of a file: each text in quotes and each word with a dot or a slash."""
    for name in (*(match[2] for match in QUOTED.finditer(text)), *WORD.findall(text)):
        if len(name) <= LONGEST and ("/" in name or "." in name):
            yield name


def inside(folder: Path) -> list[Path]:
    """The files in `folder`, none where there are too many to be watched one by one."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            found.append(path)
        if len(found) > MOST:
            return []
    return found
