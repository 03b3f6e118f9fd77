"""Folders of .txt files, one for each class, with folders of splits around them or without."""

from __future__ import annotations

from pathlib import Path

from lmreport.core import listing
from lmreport.core.errors import ReportError
from lmreport.data import readers, split_names
from lmreport.data.corpus import TAGS, Rows, only_folder, unreadable


def shown(path: Path, folder: Path) -> bool:
    """Whether neither `path` nor a folder around it, inside `folder`, is one that a system hides."""
    return not any(part[0] == "." for part in path.relative_to(folder).parts)


def class_folders(folder: Path) -> list[Path]:
    """Folders of .txt files, each a class, where there is neither train/ nor test/."""
    inner = folders_in(folder)
    if any(path.name in ("train", "test") for path in inner):
        return []
    return [path for path in inner if texts_in(path)]


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder, without those that a system hides."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")


def split_folders(path: Path) -> dict[str, list[Path]]:
    """{split: its folders} of a folder that has train/<class>/*.txt and either no test/ or texts
    for validation, or whose folders have longer names, such as 20news-bydate-train; {} for any
    other, and for the four tags, whose numbers of texts are known.
    """
    if not path.is_dir():
        return {}
    top = path if (path / "train").is_dir() else only_folder(path)
    by_class = {
        folder: [inner.name for inner in folders_in(folder) if any(inner.glob("*.txt"))]
        for folder in folders_in(top)
    }
    trains = [folder for folder in by_class if split_names.part_of(folder.name) == "train"]
    train = top / "train" if len(trains) > 1 else next(iter(trains), top / "train")
    if not set(by_class.get(train, [])) - set(TAGS):
        return {}
    found: dict[str, list[Path]] = {"train": [train]}
    for folder, classes in by_class.items():
        if (
            classes
            and (part := split_names.part_of(folder.name, (f.name for f in by_class)))
            and part != "train"
        ):
            found.setdefault(part, []).append(folder)
    if (top / "test").is_dir():
        found.setdefault("test", [top / "test"])
    return {} if found == {"train": [top / "train"], "test": [top / "test"]} else found


def left_out(path: Path) -> list[str]:
    """The folders beside train/ that have texts of its classes and whose names say no split, in a
    part of a sentence; [] if there are none.
    """
    top = path if (path / "train").is_dir() else only_folder(path)
    if not (top / "train").is_dir():
        return []
    classes = {inner.name for inner in folders_in(top / "train")}
    names = [
        folder.name
        for folder in folders_in(top)
        if not split_names.part_of(folder.name)
        and any(inner.name in classes and texts_in(inner) for inner in folders_in(folder))
    ]
    if not names:
        return []
    which = listing.some([repr(name) for name in names])
    said = "the folder {}, whose name says no split, was"
    many = "the folders {}, whose names say no split, were"
    return [(said if len(names) == 1 else many).format(which) + " left out"]


def of_folders(folder: Path) -> dict[str, Rows]:
    """All texts under "train": their classes are their folders' names. Raises ReportError as
    `of_splits`, but for a text beside the folders, which may be about them.
    """
    refuse_stray(folder, {1, 2})
    return {"train": texts_of(class_folders(folder), folder)}


def without_texts(folders: list[Path]) -> list[str]:
    """The folders of classes without a .txt file in any of `folders`, in a part of a sentence; [] if there
    are none.
    """
    inner = [path for folder in folders for path in folders_in(folder)]
    names = {path.name for path in inner} - {path.name for path in inner if texts_in(path)}
    if not names:
        return []
    which = listing.some([repr(name) for name in sorted(names)])
    if len(names) == 1:
        return [f"the folder {which}, which holds no .txt file, is no class"]
    return [f"the folders {which}, which hold no .txt file, are no classes"]


def of_splits(folders: list[Path]) -> Rows:
    """The texts of all folders of a split. Raises ReportError for a text that lies in no class's
    folder or whose ending is written in capitals.
    """
    rows: Rows = []
    for folder in folders:
        refuse_stray(folder, {2})
        rows += texts_of(folders_in(folder), folder.parent)
    return rows


def refuse_stray(folder: Path, depths: set[int]) -> None:
    """Raises ReportError for a text in `folder` at another depth than those given, and for one whose
    ending is written in capitals.
    """
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() == ".txt" and shown(path, folder) and path.is_file():
            name = path.relative_to(folder.parent).as_posix()
            if path.suffix != ".txt":
                raise ReportError(f"data: {name} ends in {path.suffix}; name it .txt")
            if len(path.relative_to(folder).parts) not in depths:
                raise ReportError(
                    f"data: {name} lies in no class’s folder; move it to one, or delete it"
                )


def texts_of(classes: list[Path], top: Path) -> Rows:
    """The texts in the folders of these classes. Raises ReportError for a file that is not UTF-8 or
    holds a zero byte, by its path in `top`.
    """
    rows = []
    for inner in classes:
        for path in texts_in(inner):
            name = path.relative_to(top).as_posix()
            if trouble := unreadable(path):
                save = "save it as UTF-8, or " * ("UTF-8" in trouble)
                raise ReportError(f"data: {name} {trouble}; {save}leave it out")
            text = path.read_text(encoding="utf-8")
            if not readers.is_text(text):
                raise ReportError(f"data: {name} has a zero byte in it; leave that out")
            rows.append((text, inner.name))
    return rows


def texts_in(folder: Path) -> list[Path]:
    """The .txt files of a class, without those that a system hides."""
    return sorted(path for path in folder.glob("*.txt") if path.name[0] != ".")
