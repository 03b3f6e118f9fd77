"""Question 1a: what a data set must look like. Its folder is verified, then identified by a digest
of all texts.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from lmreport.core.errors import ReportError
from lmreport.core.listing import quoted
from lmreport.data import readers, split_names

TAGS = ("csharp", "java", "javascript", "python")
SAMPLE = Path(__file__).parent / "sample"
KNOWN = {  # digest → what it is
    "f2fd0ab0f0bb8022a6577b1fc2e73bc2961f818a44f8328ac78c0aa66e6ebeb1": "Stack Overflow 16k",
}
PER_CLASS = {"real": {"train": 2000, "test": 2000}, "sample": {"train": 80, "test": 40}}
LEAST = {"train": 2, "test": 1}  # texts of a class: one is held out for validation
TOTAL = {"train": 100, "test": 40}  # texts of all classes: fewer tell nothing of a model
RARE = {"train": 50, "test": 20}  # texts of a class; of fewer, its own scores are rough
CLASSES = (2, 200)  # fewest and most
Rows = list[tuple[str, str]]  # text and label
FOLDERS = (
    "it takes the same classes in train/ and test/, a folder of UTF-8 .txt files for each, none of "
    "them empty"
)


@dataclass(frozen=True)
class Corpus:
    """A verified folder `train/<class>/<n>.txt`, `test/<class>/<n>.txt`.

    kind: "real" (Stack Overflow), "sample" or "other"; origin: where it was got from; digest: see
    `digest`; note: "" or what the reader of the report must know about the data; title: the name of
    another data set; licence: "" or what its own card on the hub names.
    """

    folder: str
    kind: str
    origin: str
    digest: str
    note: str = ""
    title: str = ""
    licence: str = ""

    @property
    def name(self) -> str:
        if self.kind == "real":
            return KNOWN.get(self.digest, "unknown edition of Stack Overflow 16k")
        return self.title if self.kind == "other" else "sample"

    def counts(self) -> dict[str, dict[str, int]]:
        """{split: {class: number of texts}}, before any are held out for validation."""
        folder = Path(self.folder)
        return {
            split: {name: len(texts_in(folder / split / name)) for name in classes_in(folder)}
            for split in LEAST
        }


def verified(
    folder: Path, kind: str, origin: str, note: str = "", title: str = "", remedy: str = FOLDERS
) -> Corpus:
    """The corpus in `folder` or in its only folder. Raises ReportError with what was found instead
    of the expected texts.

    kind: "real", "sample" or "other"; real texts of another class than the four tags make another
    data set, called `title`. remedy: what to do about one that cannot be used.
    """
    folder = folder if (folder / "train").is_dir() else only_folder(folder)
    refuse_other_endings(folder, origin)
    if not (classes := classes_in(folder)):
        if capitals := [path for path in sorted(folder.glob("*/*")) if path.suffix == ".TXT"]:
            first = capitals[0].relative_to(folder).as_posix()
            raise ReportError(f"data: {first} and its like end in .TXT; name them .txt")
        there = ", ".join(sorted(path.name for path in folder.iterdir())[:4])
        raise ReportError(
            f"data: {origin} has no train/<class>/*.txt but {there or 'nothing'}; put the folders "
            "train and test at its top, and in both a folder for each class, or give tables (.csv, "
            ".jsonl, .parquet) with a column of texts and one of labels"
        )
    if hidden := hidden_in(folder):
        first = hidden[0].relative_to(folder).as_posix()
        raise ReportError(
            f"data: {origin} has {len(hidden):,} hidden .txt file{'s' * (len(hidden) > 1)}, such "
            f"as {first}, which Keras would read as a text; delete all such "
            "(find FOLDER -name '.*.txt' -delete), or pack it anew without them"
        )
    if kind == "other" or (kind == "real" and set(classes) - set(TAGS)):
        kind, wrong, what = "other", wrong_with_other(folder, classes), "cannot be used"
        fix = remedy
    else:
        wrong, total, want = wrong_with_tags(folder, PER_CLASS[kind])
        what = f"is not the Stack Overflow data ({total:,} of {want:,} texts)"
        fix = "set LMREPORT_DATA to the right one (other texts with these tags only: rename one of the tags)"
    wrong += [
        f"{path.relative_to(folder).as_posix()} {trouble}"
        for split in LEAST
        for name in classes
        for path in texts_in(folder / split / name)
        if (trouble := unreadable(path))
    ]
    if wrong:
        shown = wrong[:4] + [f"and {len(wrong) - 4:,} more like these"] * (len(wrong) > 4)
        raise ReportError(f"data: {origin} {what}: {'; '.join(shown)}; {fix}")
    return Corpus(str(folder), kind, origin, digest(folder), note, title if kind == "other" else "")


def refuse_other_endings(folder: Path, origin: str) -> None:
    """Raises ReportError where texts lie in folders and none ends in .txt, as Keras wants it."""
    files = [
        path
        for path in sorted(folder.glob("*/**/*"))
        if path.is_file() and not any(p[0] == "." for p in path.relative_to(folder).parts)
    ]
    known = (*readers.READERS, *readers.OTHERS, ".txt")
    if files and not any(path.suffix.lower() in known for path in files):
        raise ReportError(
            f"data: {origin} has no .txt file but {files[0].relative_to(folder).as_posix()} and its "
            "like; give each text the ending .txt (find FOLDER -type f ! -name '.*' -exec mv {} {}.txt ';')"
        )


def only_folder(folder: Path) -> Path:
    """The folder with texts for training that alone lies in `folder`, as in many an archive;
    `folder` itself if there is none or are more.
    """
    inner = [
        path
        for path in folder.iterdir()
        if path.is_dir() and path.name[0] != "." and path.name != "__MACOSX"
    ]
    if len(inner) != 1:
        return folder
    parts = {split_names.part_of(path.name) for path in inner[0].iterdir() if path.is_dir()}
    return inner[0] if "train" in parts else folder


def classes_in(folder: Path) -> list[str]:
    """The names of the folders in train/ and test/, each of which Keras takes for a class."""
    return sorted(
        {
            path.name
            for split in LEAST
            for path in folder.glob(f"{split}/*")
            if path.is_dir() and path.name[0] != "."
        }
    )


def wrong_with_tags(folder: Path, expected: dict[str, int]) -> tuple[list[str], int, int]:
    """(what differs from `expected` texts of each of the four tags, number of texts, number
    expected).
    """
    paths_of = {
        f"{split}/{tag}": texts_in(folder / split / tag) for split in expected for tag in TAGS
    }
    wrong = [
        f"{len(paths):,} of {expected[name.split('/')[0]]:,} texts in {name}"
        for name, paths in paths_of.items()
        if len(paths) != expected[name.split("/")[0]]
    ]
    others = sorted(
        {p.parent.relative_to(folder).as_posix() for p in folder.rglob("*.txt")} - set(paths_of)
    )
    others += sorted(
        p.relative_to(folder).as_posix()
        for p in folder.rglob("*")
        if p.is_file() and p.suffix != ".txt" and p.name != "README.md" and p.name[0] != "."
    )[:3]
    wrong += [f"something unexpected in {quoted(name)}" for name in others[:3]]
    return wrong, sum(map(len, paths_of.values())), len(TAGS) * sum(expected.values())


def wrong_with_other(folder: Path, classes: list[str]) -> list[str]:
    """What keeps another data set from being split, trained on and shown; [] if nothing does."""
    forms = Counter(unicodedata.normalize("NFC", name) for name in classes)
    if twice := [name for name, n in forms.items() if n > 1]:
        return [
            f"the class {quoted(twice[0])} is written in two forms of Unicode, as an archive from a Mac "
            "may have it, so that its folders are two; give them one name"
        ]
    fewest, most = CLASSES
    number = f"{len(classes)} class{'es' * (len(classes) > 1)}"
    wrong = endings(folder)
    wrong += [] if fewest <= len(classes) <= most else [f"{number}, not {fewest} to {most}"]
    wrong += [
        f"the folder {os.fsencode(name)!r} has no name in UTF-8"
        for name in classes
        if not has_utf8(name)
    ]
    bare = [name for name in classes if not any(texts_in(folder / s / name) for s in LEAST)]
    wrong += [f"the folder of the class {quoted(name)} holds no text" for name in bare]
    for split, least in LEAST.items():
        links = [
            path
            for path in (folder / split, *(folder / split).glob("*"))
            if path.is_dir() and path.is_symlink()
        ]
        wrong += [
            f"{path.relative_to(folder).as_posix()} is a link, not a folder" for path in links
        ]
        numbers = {name: len(texts_in(folder / split / name)) for name in classes}
        (other,) = set(LEAST) - {split}
        wrong += [
            f"{n} text{'s' * (n > 1)} in {split}/{name}, not {least} or more"
            if n
            else f"the class {quoted(name)} has texts in {other}/ only"
            for name, n in numbers.items()
            if n < least and name not in bare
        ]
        total = sum(numbers.values())
        if total < TOTAL[split]:
            wrong.append(f"{total} texts in {split}/ in all, not {TOTAL[split]} or more")
    for path in sorted(
        path for split in LEAST for path in (folder / split).rglob("*") if path.is_file()
    ):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".txt" and len(path.relative_to(folder).parts) != 3:
            wrong.append(f"{name} lies in no class’s folder")
    return wrong


def endings(folder: Path) -> list[str]:
    """The texts whose ending is not .txt though Keras would read them, such as 1.TXT, in a part of a
    sentence; [] if there are none.
    """
    other = sorted(
        path
        for split in LEAST
        for path in (folder / split).rglob("*")
        if path.suffix.lower() == ".txt" != path.suffix and path.is_file()
    )
    if not other:
        return []
    name, ending = other[0].relative_to(folder).as_posix(), other[0].suffix
    if len(other) == 1:
        return [f"{name} ends in {ending}, not .txt"]
    return [f"{len(other):,} files, such as {name}, end in {ending}, not .txt"]


def has_utf8(name: str) -> bool:
    """Whether the bytes of a name on disk are UTF-8; others reach Python as lone surrogates."""
    try:
        return bool(name.encode())
    except UnicodeEncodeError:
        return False


def texts_in(folder: Path) -> list[Path]:
    return (
        sorted(path for path in folder.iterdir() if path.suffix == ".txt")
        if folder.is_dir()
        else []
    )


def hidden_in(folder: Path) -> list[Path]:
    """The hidden files among the texts in train/ and test/: macOS writes ._1.txt beside 1.txt."""
    return sorted(
        path for split in LEAST for path in (folder / split).rglob(".*.txt") if path.is_file()
    )


def unreadable(path: Path) -> str:
    """Why `path` is no text ("" if it is one)."""
    try:
        return "" if path.read_bytes().decode("utf-8").strip() else "is empty"
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return f"is not UTF-8 (line {line}, byte {error.object[error.start]:02x})"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def digest(folder: Path) -> str:
    """sha256 over `path NUL bytes NUL` of all .txt files, in the order of their posix paths
    relative to `folder`.
    """
    whole = hashlib.sha256()
    for name, path in sorted(
        (p.relative_to(folder).as_posix(), p) for p in folder.rglob("*.txt") if p.is_file()
    ):
        whole.update(os.fsencode(name) + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()
