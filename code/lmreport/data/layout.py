"""Texts of tables, and of folders that are no train/ and test/ yet, laid out as `corpus` wants them."""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from lmreport.core.errors import ReportError, quoted
from lmreport.core.settings import cache_root
from lmreport.data import corpus, table_files, text_folders
from lmreport.data.corpus import Rows

TEST_SHARE = 0.2  # of the texts, where a data set has no test split
LONGEST_NAME = 255  # bytes that file systems take as the name of a folder
FEWEST = 3  # texts of a class: one each for training, validation and test
READ_AS = "4"  # how a table is read: a copy in the cache that was read otherwise is made again


def is_table(path: Path) -> bool:
    """Whether `path` is something that `lay_out` reads: no archive, and no folder that has train/
    and test/ only.
    """
    if path.is_file():
        return path.suffix.lower() in table_files.SUFFIXES
    if not path.is_dir() or table_files.is_saved(path):
        return path.is_dir()
    if text_folders.split_folders(path):
        return True
    return not (path / "train").is_dir() and bool(
        table_files.files_in(path) or text_folders.class_folders(path)
    )


def laid_out_at(path: Path, asked: dict[str, str], seed: int) -> Path:
    """Where the cache keeps, or will keep, the texts of this table."""
    stamps = [
        f"{one.relative_to(path.parent).as_posix()}|{one.stat().st_size}|{one.stat().st_mtime_ns}"
        for one in ([path] if path.is_file() else sorted(path.rglob("*")))
        if one.is_file() and one.relative_to(path).parts[:1] != (".git",)
    ]
    if path.is_dir():  # which of them are no classes is told
        stamps += [
            f"{one.relative_to(path).as_posix()}/"
            for one in sorted(path.rglob("*"))
            if one.is_dir() and text_folders.shown(one, path) and not any(one.iterdir())
        ]
    read = [str(path.resolve()), repr(sorted(asked.items())), str(seed), READ_AS]
    given = "\n".join([*read, *stamps])
    return cache_root() / "data" / hashlib.sha256(given.encode()).hexdigest()[:16]


def lay_out(path: Path, asked: dict[str, str], seed: int, folder: Path) -> str:
    """Write the texts as `train/<class>/<number>.txt` and `test/…` into `folder`.

    Returns what was done to get there, in a sentence for the reader, "" if nothing was. Raises
    ReportError if columns cannot be told, a row lacks its text or its label, or there are no
    classes.
    """
    told: list[str] = []
    if folders := text_folders.split_folders(path):
        splits = {split: text_folders.of_splits(every) for split, every in folders.items()}
        told += text_folders.without_texts([one for every in folders.values() for one in every])
        told += text_folders.left_out(path)
    elif class_folders_only(path):
        splits = text_folders.of_folders(path)
        told += text_folders.without_texts([path])
    else:
        splits = table_files.of_table(path, asked, told)
    return "; ".join([*told, *written_out(splits, seed, folder)])


def written_out(splits: dict[str, Rows], seed: int, folder: Path) -> list[str]:
    """Write the rows of each split into `folder`; what was done to get there, in parts of a
    sentence.
    """
    splits, done = spelled_alike(splits)
    train = splits.get("train", [])
    if "validation" in splits:
        train = train + splits["validation"]
        done.append(
            "its validation texts were joined to the training texts, of which a fifth is held out"
        )
    test = splits.get("test", [])
    if not test:
        refuse_too_rare(train)
        train, test = parts_by_class(train, seed)
        done.append(
            f"it has no test texts, so {TEST_SHARE:.0%} of each class were set apart as such "
            f"(seed {seed})"
        )
    names = folder_names({label for _, label in train + test})
    done += same_numbers(names) + same_but_for_capitals(names)
    for name, rows in (("train", train), ("test", test)):
        for number, (text, label) in enumerate(rows):
            inner = folder / name / names[label]
            inner.mkdir(parents=True, exist_ok=True)
            (inner / f"{number:07}.txt").write_text(text, encoding="utf-8", newline="")
    return done + written_otherwise(names)


def written_otherwise(names: dict[str, str]) -> list[str]:
    """Which classes of {class: its folder} have another name here, as a part of a sentence."""
    others = sorted((label, name) for label, name in names.items() if label != name)
    told = [f"{quoted(label)} is written {quoted(name)} here" for label, name in others[:3]]
    if len(others) == 1:
        return [f"the class {told[0]}"]
    more = [f"{len(others) - len(told)} more too"] if len(others) > len(told) else []
    return [f"of the classes, {', '.join([*told, *more])}"] if told else []


def spelled_alike(
    splits: dict[str, Rows],
) -> tuple[dict[str, Rows], list[str]]:
    """The splits with labels that nobody can tell apart as one: without blanks around them, and in
    one form of Unicode (a Mac writes ü as u and ¨). Also what was done, in parts of a sentence.
    """
    labels = {label for rows in splits.values() for _, label in rows}
    of = {label: unicodedata.normalize("NFC", label.strip()) for label in sorted(labels)}
    first: dict[str, str] = {}
    alike = [(a, b) for b, name in of.items() if (a := first.setdefault(name, b)) != b]
    done = [
        f"the labels {ascii(a)} and {ascii(b)}, which differ in blanks or in their form of Unicode "
        "only, were taken for one class"
        for a, b in alike[:1]
    ]
    alone = {split: [(text, of[label]) for text, label in rows] for split, rows in splits.items()}
    return alone, done


def same_but_for_capitals(names: Iterable[str]) -> list[str]:
    """Two classes that differ in capitals only, in a part of a sentence; [] if there are none."""
    first: dict[str, str] = {}
    for name in sorted(names):
        other = first.setdefault(name.casefold(), name)
        if other != name:
            return [
                f"the classes {quoted(other)} and {quoted(name)} differ in capitals only, to be written "
                "alike "
                "if they are one class"
            ]
    return []


def class_folders_only(path: Path) -> bool:
    return path.is_dir() and not table_files.is_saved(path) and not table_files.files_in(path)


def same_numbers(names: Iterable[str]) -> list[str]:
    """Two classes whose names are one number, in a part of a sentence; [] if there are none."""
    first: dict[float, str] = {}
    for name in sorted(names):
        if re.fullmatch(r"[+-]?\d+(\.\d*)?", name):
            other = first.setdefault(float(name), name)
            if other != name:
                return [
                    f"the classes {quoted(other)} and {quoted(name)} are one number written in two ways, "
                    "to be "
                    "written alike if they are one class"
                ]
    return []


def parts_by_class(rows: Rows, seed: int) -> tuple[Rows, Rows]:
    """Training and test rows: TEST_SHARE of each class, drawn with `seed`, in the order given."""
    import numpy as np

    rng, taken = np.random.default_rng(seed), set()
    of_class: dict[str, list[int]] = {}
    for at, (_, label) in enumerate(rows):
        of_class.setdefault(label, []).append(at)
    for label in sorted(of_class):
        places = of_class[label]
        taken |= set(rng.permutation(places)[: round(TEST_SHARE * len(places))].tolist())
    return (
        [row for at, row in enumerate(rows) if at not in taken],
        [row for at, row in enumerate(rows) if at in taken],
    )


def remedy() -> str:
    """What to do about a data set whose texts or classes are too few."""
    fewest, most = corpus.CLASSES
    train, test = corpus.TOTAL["train"], corpus.TOTAL["test"]
    alone = math.ceil(max(train / (1 - TEST_SHARE), test / TEST_SHARE))
    return (
        f"give {fewest} to {most} classes, each with texts for training and for testing, and "
        f"{train} and {test} texts or more in all ({alone} where no split is given, of which "
        f"{TEST_SHARE:.0%} are for testing)"
    )


def refuse_too_rare(rows: Rows) -> None:
    """Raises ReportError for classes that cannot have a text in training, validation and test."""
    counts = Counter(label for _, label in rows)
    rare = sorted(label for label, number in counts.items() if number < FEWEST)
    if rare:
        what = "1 class has" if len(rare) == 1 else f"{len(rare)} classes have"
        raise ReportError(
            f"data: {what} fewer than {FEWEST} texts, such as {quoted(rare[0])} "
            f"({counts[rare[0]]}), so that training, validation and test cannot have one each; "
            "leave such rows out, or join the class with another"
        )


def folder_names(labels: Sequence[str] | set[str]) -> dict[str, str]:
    """{label: the name of its folder}: as it is, but for what a file system does not take. Raises
    ReportError if two labels would have one folder.
    """
    named = {label: written(label) for label in sorted(labels)}
    if long := [name for name in named.values() if len(name.encode()) > LONGEST_NAME]:
        raise ReportError(
            f"data: the class {quoted(long[0][:40])}… is longer than the {LONGEST_NAME} bytes that "
            "the name of a folder may have; shorten it, or name the column of the classes with ?label="
        )
    twice = [name for name, number in Counter(named.values()).items() if number > 1]
    if twice:
        both = [label for label, name in named.items() if name == twice[0]]
        raise ReportError(
            f"data: the classes {quoted(both[0])} and {quoted(both[1])} cannot be told apart as "
            "folders; rename one"
        )
    return named


def written(label: str) -> str:
    """A label as the name of a folder."""
    name = label.strip().replace("/", "∕").replace("\\", "∖").replace("\0", "")
    name = "".join(c if c.isprintable() else " " for c in name).strip()
    return ("·" + name[1:] if name.startswith(".") else name) or "(empty)"
