"""Texts of a table, a saved data set or folders without a split, laid out as `corpus` wants them.

`data` may name a .csv, .tsv, .json, .jsonl or .parquet file, a folder of such files, what
`save_to_disk` wrote, or folders of .txt files by class. After it may stand what cannot be told from
the table itself: `reviews.csv?text=body&label=stars`.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from lmreport.core.errors import ReportError
from lmreport.core.settings import cache_root
from lmreport.data import readers

SUFFIXES = {  # of a file: the reader of Datasets, and what it is told
    ".csv": ("csv", {}),
    ".tsv": ("csv", {"sep": "\t"}),
    ".tab": ("csv", {"sep": "\t"}),
    ".json": ("json", {}),
    ".jsonl": ("json", {}),
    ".ndjson": ("json", {}),
    ".parquet": ("parquet", {}),
}
TEXT = ("text", "sentence", "content", "body", "question", "review", "comment", "document", "tweet")
LABEL = ("label", "labels", "class", "category", "tag", "target", "intent", "topic")
PARTS = {  # in the name of a file: the split that it is
    "test": ("test",),
    "validation": ("validation", "valid", "dev", "val"),
    "train": ("train",),
}
TEST_SHARE = 0.2  # of the texts, where a data set has no test split
MOST_CLASSES = 200  # more values than this are no classes
ASKED = ("text", "label")


def parted(source: str) -> tuple[str, dict[str, str]]:
    """`reviews.csv?text=body` as the path and what stands after it. Raises ReportError for a word
    that is none of ASKED.
    """
    path, mark, query = source.partition("?")
    asked = dict(parse_qsl(query, keep_blank_values=True))
    wrong = [name for name in asked if name not in ASKED] or ([query] if mark and not asked else [])
    if wrong:
        raise ReportError(
            f"data: {wrong[0]!r} in {source!r} is not understood; write ?text=COLUMN&label=COLUMN"
        )
    return path, asked


def is_table(path: Path) -> bool:
    """Whether `path` is something that `lay_out` reads: no archive, and no folder with train/."""
    if path.is_file():
        return path.suffix.lower() in SUFFIXES
    return path.is_dir() and (is_saved(path) or bool(files_in(path)) or bool(class_folders(path)))


def is_saved(folder: Path) -> bool:
    """Whether `save_to_disk` of Datasets wrote `folder`."""
    return any((folder / name).is_file() for name in ("dataset_dict.json", "dataset_info.json"))


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def class_folders(folder: Path) -> list[Path]:
    """Folders of .txt files, each a class, where there is neither train/ nor test/."""
    inner = sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
    if any(path.name in ("train", "test") for path in inner):
        return []
    return [path for path in inner if any(path.glob("*.txt"))]


def laid_out_at(path: Path, asked: dict[str, str], seed: int) -> Path:
    """Where the cache keeps, or will keep, the texts of this table."""
    stamps = [
        f"{one.relative_to(path.parent).as_posix()}|{one.stat().st_size}|{one.stat().st_mtime_ns}"
        for one in ([path] if path.is_file() else sorted(path.rglob("*")))
        if one.is_file()
    ]
    given = "\n".join([str(path.resolve()), repr(sorted(asked.items())), str(seed), *stamps])
    return cache_root() / "data" / hashlib.sha256(given.encode()).hexdigest()[:16]


def lay_out(path: Path, asked: dict[str, str], seed: int, folder: Path) -> str:
    """Write the texts as `train/<class>/<number>.txt` and `test/…` into `folder`.

    Returns what was done to get there, in a sentence for the reader, "" if nothing was. Raises
    ReportError if columns cannot be told, a row lacks its text or its label, or there are no
    classes.
    """
    splits = of_folders(path) if class_folders_only(path) else of_table(path, asked)
    done = []
    train = splits.get("train", [])
    if "validation" in splits:
        train = train + splits["validation"]
        done.append(
            "its validation texts were joined to the training texts, of which a fifth is held out"
        )
    test = splits.get("test", [])
    if not test:
        train, test = parts_by_class(train, seed)
        done.append(
            f"it has no test texts, so {TEST_SHARE:.0%} of each class were set apart as such "
            f"(seed {seed})"
        )
    names = folder_names({label for _, label in train + test})
    for name, rows in (("train", train), ("test", test)):
        for number, (text, label) in enumerate(rows):
            inner = folder / name / names[label]
            inner.mkdir(parents=True, exist_ok=True)
            (inner / f"{number:07}.txt").write_text(text, encoding="utf-8", newline="")
    written = [label for label, name in names.items() if label != name]
    if written:
        done.append(f"the class {written[0]!r} is written {names[written[0]]!r} here")
    return "; ".join(done)


Rows = list[tuple[str, str]]  # text and label


def class_folders_only(path: Path) -> bool:
    return path.is_dir() and not is_saved(path) and not files_in(path)


def of_folders(folder: Path) -> dict[str, Rows]:
    """All texts under "train": their classes are their folders' names."""
    rows = []
    for inner in class_folders(folder):
        for path in sorted(inner.glob("*.txt")):
            try:
                rows.append((path.read_text(encoding="utf-8"), inner.name))
            except UnicodeDecodeError:
                raise ReportError(
                    f"data: {inner.name}/{path.name} is not UTF-8; save it as UTF-8"
                ) from None
    return {"train": rows}


def of_table(path: Path, asked: dict[str, str]) -> dict[str, Rows]:
    """The rows of each split of a file, a folder of files or a saved data set."""
    splits: dict[str, Rows] = {}
    for split, place, dataset in datasets_in(path):
        text, label = columns(dataset, asked, place)
        splits.setdefault(split, []).extend(rows_of(dataset, text, label, place))
    return splits


def datasets_in(path: Path) -> list[tuple[str, str, Any]]:
    """(split, name for messages, `Dataset`) of each part of what `path` names."""
    if path.is_dir() and is_saved(path):
        return saved(path)
    return [
        (split_of(one) if path.is_dir() else "train", one.name, read(one))
        for one in ([path] if path.is_file() else files_in(path))
    ]


def saved(folder: Path) -> list[tuple[str, str, Any]]:
    from datasets import DatasetDict, load_from_disk

    try:
        found = load_from_disk(str(folder))
    except (OSError, ValueError, KeyError) as error:
        raise ReportError(
            f"data: {folder.name} cannot be loaded ({first_line(error)}); save the data set anew"
        ) from error
    named = found if isinstance(found, DatasetDict) else {"train": found}
    return [(split_of(Path(name)), f"{folder.name}, {name}", part) for name, part in named.items()]


def split_of(path: Path) -> str:
    """Which split a file is, by its name; "train" if it does not say."""
    words = path.stem.lower().replace("-", "_").replace(".", "_").split("_")
    return next((name for name, known in PARTS.items() if set(words) & set(known)), "train")


def read(path: Path) -> Any:
    """The `Dataset` in one file, read by Datasets. Raises ReportError for a line that is not UTF-8
    and for a file that its reader does not take.
    """
    from datasets import Dataset, disable_progress_bars
    from datasets.exceptions import DatasetGenerationError

    name, told = SUFFIXES[path.suffix.lower()]
    if name != "parquet":
        with readers.opened(str(path)) as file:
            for _ in readers.decoded(file, f"data: {path.name}"):
                pass
    disable_progress_bars()
    try:
        if name == "csv":
            return Dataset.from_pandas(as_written(path, **told), preserve_index=False)
        with tempfile.TemporaryDirectory() as cache:
            reader = getattr(Dataset, f"from_{name}")
            return reader(str(path), cache_dir=cache, keep_in_memory=True)
    except (DatasetGenerationError, ValueError, OSError, TypeError, KeyError) as error:
        raise ReportError(
            f"data: {path.name} cannot be read as {path.suffix[1:]} "
            f"({first_line(error.__cause__ or error)}); mend the file"
        ) from error


def as_written(path: Path, sep: str = ",") -> Any:
    """A table as a frame of strings: Datasets' reader would make numbers of texts like "007"."""
    import pandas

    return pandas.read_csv(path, sep=sep, dtype=str, keep_default_na=False, encoding="utf-8-sig")


def first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def columns(dataset: Any, asked: dict[str, str], place: str) -> tuple[str, str]:
    """The names of the columns with the texts and with the labels."""
    names = dataset.column_names
    found = []
    for what, known in zip(ASKED, (TEXT, LABEL), strict=True):
        if what in asked and asked[what] not in names:
            raise ReportError(
                f"data: {place} has no column {asked[what]!r}, only {', '.join(names)}; name one "
                f"of them after ?{what}="
            )
        fitting = [asked[what]] if what in asked else [n for n in names if n.lower() in known]
        if len(fitting) != 1:
            raise ReportError(
                f"data: which column of {place} holds the {what}s? It has {', '.join(names)}; say "
                "so after the name: ?text=COLUMN&label=COLUMN"
            )
        found.append(fitting[0])
    return found[0], found[1]


def rows_of(dataset: Any, text: str, label: str, place: str) -> Rows:
    """(text, label) of each row; labels are names where the data set knows them."""
    feature = dataset.features[label]
    names = getattr(feature, "names", None)
    rows = []
    for number, (one, mark) in enumerate(zip(dataset[text], dataset[label], strict=True), 1):
        if not isinstance(one, str) or not one.strip():
            raise ReportError(
                f"data: {place}, row {number} has no text in {text!r}; leave such rows out"
            )
        if mark is None or mark == "" or isinstance(mark, list | dict):
            raise ReportError(
                f"data: {place}, row {number} has no label in {label!r}; leave such rows out"
            )
        if is_measure(mark):
            raise ReportError(
                f"data: {place}, row {number}: {label!r} is {mark}, a measure and no class; name "
                "the column of the classes with ?label="
            )
        if names and 0 <= mark < len(names):
            mark = names[mark]
        rows.append((readers.clean(one), str(int(mark) if isinstance(mark, float) else mark)))
    number = len({mark for _, mark in rows})
    if number > MOST_CLASSES:
        raise ReportError(
            f"data: {label!r} of {place} has {number:,} different values, more than {MOST_CLASSES} "
            "classes; name the column of the classes with ?label="
        )
    return rows


def is_measure(mark: object) -> bool:
    """Whether a label is a number that is not whole."""
    try:
        return not float(str(mark)).is_integer()
    except (ValueError, OverflowError):
        return False


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


def folder_names(labels: Sequence[str] | set[str]) -> dict[str, str]:
    """{label: the name of its folder}: as it is, but for what a file system does not take."""
    named = {label: written(label) for label in sorted(labels)}
    twice = [name for name, number in Counter(named.values()).items() if number > 1]
    if twice:
        both = [label for label, name in named.items() if name == twice[0]]
        raise ReportError(
            f"data: the classes {both[0]!r} and {both[1]!r} cannot be told apart as folders; "
            "rename one"
        )
    return named


def written(label: str) -> str:
    """A label as the name of a folder."""
    name = label.strip().replace("/", "∕").replace("\\", "∖").replace("\0", "")
    name = "".join(c if c.isprintable() else " " for c in name)
    return ("·" + name[1:] if name.startswith(".") else name) or "(empty)"


def replaced(part: Path, folder: Path) -> None:
    """`part` takes the place of `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
