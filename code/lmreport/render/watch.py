"""Runs in the kernel: notes which files of the project the cells open or miss and which variables
of the environment they ask, and lets halves of characters through.

Only the standard library and IPython, since the kernel gets the text of this file before anything
else is imported there.
"""

import functools
import os
import sys
import types
from collections.abc import Iterator
from typing import Any

FOLDERS: dict = {}  # {folder as it was named: without links}
OPENED: set = set()
LISTED: set = set()
ASKED: set = set()
WRITTEN: set = set()


def start(root: str) -> None:
    sys.addaudithook(lambda event, args: note(event, args, root))
    os.environ.__class__ = Environment
    note_what_is_not_there(root)
    send_halves()


def note_what_is_not_there(root: str) -> None:
    """Have os.stat, through which os.path and pathlib ask whether a file is there, note that one is
    not: Python tells nobody of it, as it does of a file that is opened.
    """
    asked = os.stat

    @functools.wraps(asked)
    def stat(path: Any, *args: Any, **options: Any) -> os.stat_result:
        try:
            return asked(path, *args, **options)
        except OSError:
            note("open", (path, "r", 0), root)
            raise

    for able in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
        able.add(stat)
    os.stat = stat


def send_halves() -> None:
    """Have the kernel send halves of characters too, by their number, which no message can hold: what
    was printed with them would be lost.
    """
    from IPython import get_ipython

    session = get_ipython().kernel.session
    packed = session.pack

    def pack(message: object) -> bytes:
        try:
            return packed(message)
        except UnicodeEncodeError:
            return packed(whole(message))

    session.pack = pack


def whole(value: object) -> object:
    """`value` with a mark for each half of a character, in all its texts."""
    if isinstance(value, str):
        return "".join(f"⟨U+{ord(c):04X}⟩" if "\ud800" <= c <= "\udfff" else c for c in value)
    if isinstance(value, dict):
        return {whole(key): whole(one) for key, one in value.items()}
    return [whole(one) for one in value] if isinstance(value, list | tuple) else value


def note(event: str, args: tuple, root: str) -> None:
    """Keep the path of a file that is read or written, or of a folder that is listed, inside `root`."""
    if event not in ("open", "os.listdir", "os.scandir", "sqlite3.connect"):
        return
    try:
        path = without_links(os.fsdecode(args[0] if args[0] is not None else "."))
        if not path.startswith(root + os.sep) and path != root:
            return
        if event == "sqlite3.connect":
            OPENED.add(path)
        elif event == "open":
            written = (args[1] or "r")[0] in "wax" or (args[2] or 0) & os.O_WRONLY
            (WRITTEN if written else OPENED).add(path)
        elif not sys._getframe(2).f_code.co_filename.startswith("<frozen importlib"):
            LISTED.add(path)
    except (
        Exception
    ):  # a number of an open file, say; the cell must not fail for what is only watched
        return


def without_links(path: str) -> str:
    """`os.path.realpath`, which takes long where thousands of modules of a few folders are read."""
    folder, name = os.path.split(os.path.abspath(path))
    if folder not in FOLDERS:
        FOLDERS[folder] = os.path.realpath(folder)
    path = os.path.join(FOLDERS[folder], name)
    return os.path.realpath(path) if os.path.islink(path) else path


class Environment(type(os.environ)):  # type: ignore[misc]  # os does not export its class
    """os.environ that notes for which names the cells and the project's own modules ask one by
    one.
    """

    def __iter__(self) -> Iterator[str]:
        for key in super().__iter__():
            self.__dict__["copied"] = key  # by dict(os.environ), which asks for none in particular
            yield key

    def __getitem__(self, key: str) -> str:
        if self.__dict__.pop("copied", None) != key:
            frame: types.FrameType | None = sys._getframe(1)
            while frame and frame.f_globals.get("__name__") in (
                "os",
                "_collections_abc",
                "collections.abc",
                __name__,
            ):
                frame = frame.f_back
            name = frame.f_globals.get("__name__", "") if frame else ""
            file = frame.f_code.co_filename if frame else ""
            if name == "__main__" or is_own(name, file):
                ASKED.add(key)
        return super().__getitem__(key)


def is_own(name: str, file: str) -> bool:
    """Whether a module lies in the folder where the cells run, or beside it, and is not
    installed.
    """
    here = os.path.dirname(os.getcwd())
    return (
        file.startswith(here + os.sep)
        and "site-packages" not in file
        and name.partition(".")[0] != "lmreport"
    )


def seen() -> str:
    """The files, the folders, the names and the files that were written as JSON: four lists."""
    import json

    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    modules = {without_links(file) for file in files if isinstance(file, str)}
    read = sorted(OPENED | modules | named())
    return json.dumps([read, sorted(LISTED), sorted(ASKED), sorted(WRITTEN)])


def named() -> set:
    """The files that variables of the cells name: what reads them may not go through Python."""
    paths = [
        os.fspath(value)
        for value in list(vars(sys.modules["__main__"]).values())
        if isinstance(value, os.PathLike | str)
    ]
    return {
        os.path.realpath(path)
        for path in paths
        if isinstance(path, str)
        and len(path) < 300
        and "\0" not in path
        and not path.isidentifier()
        and os.path.isfile(path)
    }
