"""Texts of a table, a saved data set or folders without a split, laid out as `corpus` wants them.

`data` may name a .csv, .tsv, .json, .jsonl or .parquet file, a folder of such files (or with a folder
`data/` of them, as a clone of a data set of the hub has), what `save_to_disk` wrote, or folders of
.txt files by class, with train/ and validation/ around them or without. After it may stand what cannot be told from
the table itself: `reviews.csv?text=body&label=stars`.
"""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from lmreport.core import listing
from lmreport.core.blobs import is_pointer
from lmreport.core.errors import ReportError
from lmreport.core.settings import before_query, cache_root
from lmreport.data import corpus, readers
from lmreport.data.corpus import TAGS, only_folder, unreadable

SUFFIXES = (".csv", ".tsv", ".tab", ".json", ".jsonl", ".ndjson", ".parquet")
TEXT = ("text", "sentence", "content", "body", "question", "review", "comment", "document", "tweet")
LABEL = ("label", "labels", "class", "category", "tag", "target", "intent", "topic")
PARTS = {  # in the name of a file: the split that it is
    "test": ("test", "testing", "eval", "evaluation"),  # as Datasets has it
    "validation": ("validation", "valid", "dev", "val"),
    "train": ("train", "training"),
}
TEST = {"test", "testing"}
TEST_SHARE = 0.2  # of the texts, where a data set has no test split
LIST = re.compile(  # one that a program has written into a cell: ['a', 'b'], [0, 1]
    r"\s*\[\s*((['\"]).*\2|\d[\d.]*(\s*[,\s]\s*\d[\d.]*)+)\s*\]\s*", re.DOTALL
)
MOST_CLASSES = 200  # more values than this are no classes
EXACT = 2**53  # whole numbers below this are exact as floats
LONGEST_NAME = 255  # bytes that file systems take as the name of a folder
FEWEST = 3  # texts of a class: one each for training, validation and test
ASKED = ("text", "label")
INNER = "data"  # where a data set of the hub has its tables
SPLIT = ("split", "subset", "partition")  # columns that may say which split a row is of
READ_AS = "4"  # how a table is read: a copy in the cache that was read otherwise is made again
SHARD = re.compile(r"(.+)-(\d+)-of-(\d+)(?=[-.])")  # train-00000-of-00002.parquet
COMPRESSED = {".gz": "gunzip", ".bz2": "bunzip2", ".xz": "unxz", ".zst": "unzstd"}
ABOUT = ("dataset_infos.json",)  # what a data set of the hub says of itself: no rows


def parted(source: str) -> tuple[str, dict[str, str]]:
    """`reviews.csv?text=body` as the path and what stands after it. Raises ReportError for a word
    that is none of ASKED.
    """
    path = before_query(source)
    query = source[len(path) + 1 :]
    asked = dict(parse_qsl(query.replace("+", "%2B"), keep_blank_values=True))
    wrong = [name for name in asked if name not in ASKED] or (
        [query] if query and not asked else []
    )
    if wrong:
        raise ReportError(
            f"data: {wrong[0]!r} in {source!r} is not understood; write ?text=COLUMN&label=COLUMN"
        )
    return path, asked


def is_table(path: Path) -> bool:
    """Whether `path` is something that `lay_out` reads: no archive, and no folder that has train/
    and test/ only.
    """
    if path.is_file():
        return path.suffix.lower() in SUFFIXES
    if not path.is_dir() or is_saved(path):
        return path.is_dir()
    if split_folders(path):
        return True
    return not (path / "train").is_dir() and bool(files_in(path) or class_folders(path))


def is_saved(folder: Path) -> bool:
    """Whether `save_to_disk` of Datasets wrote `folder`."""
    return any((folder / name).is_file() for name in ("dataset_dict.json", "dataset_info.json"))


def files_in(folder: Path) -> list[Path]:
    """The tables in a folder, or in its folder data/ where itself it holds neither tables nor
    classes; without those that a system or an editor hides, which may be copies.
    """
    for place in [folder] if class_folders(folder) else [folder, folder / INNER]:
        paths = [
            path
            for path in (place.iterdir() if place.is_dir() else [])
            if path.suffix.lower() in SUFFIXES
            and path.name[0] != "."
            and path.name not in ABOUT
            and not path.is_dir()
        ]
        if paths:
            return sorted(paths)
    return []


def refuse_deeper(folder: Path) -> None:
    """Raises ReportError for a folder whose tables lie in folders of it, as the configurations of a
    data set do.
    """
    inner = [path for path in sorted(folder.rglob("*")) if path.is_dir() and shown(path, folder)]
    holding = [path.relative_to(folder).as_posix() for path in inner if files_in(path)]
    if not holding:
        return
    are_splits = all(part_of(Path(name).name) for name in holding)
    raise ReportError(
        f"data: {folder.name} has its tables in {listing.some(holding)}; "
        + (
            "put them into one folder, each named for its split, such as train.parquet"
            if are_splits
            else f"give one of these folders: {folder / holding[0]}"
        )
    )


def shown(path: Path, folder: Path) -> bool:
    """Whether neither `path` nor a folder around it, inside `folder`, is one that a system hides."""
    return not any(part[0] == "." for part in path.relative_to(folder).parts)


def refuse_compressed(path: Path) -> None:
    """Raises ReportError for a table that is compressed, or a folder with one."""
    for one in sorted(path.iterdir()) if path.is_dir() else [path]:
        if one.suffix in COMPRESSED and Path(one.stem).suffix.lower() in SUFFIXES:
            every = f"*{''.join(one.suffixes[-2:])}" if path.is_dir() else path.name
            raise ReportError(
                f"data: {one.name} is a compressed table; unpack it ({COMPRESSED[one.suffix]} "
                f"{every}) and give what that makes"
            )


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
    for validation; {} for any other, and for the four tags, whose numbers of texts are known.
    """
    if not path.is_dir():
        return {}
    top = path if (path / "train").is_dir() else only_folder(path)
    by_class = {
        folder: [inner.name for inner in folders_in(folder) if any(inner.glob("*.txt"))]
        for folder in folders_in(top)
    }
    train = top / "train"
    if not set(by_class.get(train, [])) - set(TAGS):
        return {}
    found: dict[str, list[Path]] = {"train": [train]}
    for folder, classes in by_class.items():
        if (
            classes
            and (part := part_of(folder.name, (f.name for f in by_class)))
            and part != "train"
        ):
            found.setdefault(part, []).append(folder)
    if (top / "test").is_dir():
        found.setdefault("test", [top / "test"])
    return {} if set(found) == {"train", "test"} and found["test"] == [top / "test"] else found


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
        if not part_of(folder.name)
        and any(inner.name in classes and texts_in(inner) for inner in folders_in(folder))
    ]
    if not names:
        return []
    which = listing.some([repr(name) for name in names])
    said = "the folder {}, whose name says no split, was"
    many = "the folders {}, whose names say no split, were"
    return [(said if len(names) == 1 else many).format(which) + " left out"]


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
            if one.is_dir() and shown(one, path) and not any(one.iterdir())
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
    if folders := split_folders(path):
        splits = {split: of_splits(every) for split, every in folders.items()}
        told += without_texts([one for every in folders.values() for one in every])
        told += left_out(path)
    elif class_folders_only(path):
        splits = of_folders(path)
        told += without_texts([path])
    else:
        splits = of_table(path, asked, told)
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
    written = [label for label, name in names.items() if label != name]
    if written:
        done.append(f"the class {written[0]!r} is written {names[written[0]]!r} here")
    return done


Rows = list[tuple[str, str]]  # text and label


def spelled_alike(splits: dict[str, Rows]) -> tuple[dict[str, Rows], list[str]]:
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
                f"the classes {other!r} and {name!r} differ in capitals only, to be written alike "
                "if they are one class"
            ]
    return []


def class_folders_only(path: Path) -> bool:
    return path.is_dir() and not is_saved(path) and not files_in(path)


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
                raise ReportError(f"data: {name} {trouble}; save it as UTF-8, or leave it out")
            text = path.read_text(encoding="utf-8")
            if not readers.is_text(text):
                raise ReportError(f"data: {name} has a zero byte in it; leave that out")
            rows.append((text, inner.name))
    return rows


def texts_in(folder: Path) -> list[Path]:
    """The .txt files of a class, without those that a system hides."""
    return sorted(path for path in folder.glob("*.txt") if path.name[0] != ".")


@dataclass(frozen=True)
class Part:
    """One split, or a part of it: its columns, and (place for messages, {column: value}) of each
    row.
    """

    split: str
    place: str
    names: list[str]
    rows: list[tuple[str, dict[str, Any]]]


def of_table(path: Path, asked: dict[str, str], told: list[str]) -> dict[str, Rows]:
    """The rows of each split of a file, a folder of files or a saved data set; what the reader must
    know of them is put into `told`. Raises ReportError if there is no row.
    """
    splits: dict[str, Rows] = {}
    parts = parts_in(path)
    if not any(part.rows for part in parts):
        raise ReportError(
            f"data: {path.name} has no rows; give a table with a text and its class in each"
        )
    refuse_lacking(parts, asked)
    if path.is_dir() and not is_saved(path):
        refuse_no_split(files_in(path))
    for whole in parts:
        is_named = path.is_dir() and (is_saved(path) or part_of(Path(whole.place).stem))
        for part in [whole] if is_named else by_column(whole, told):
            text, label = columns(part, asked)
            splits.setdefault(part.split, []).extend(rows_of(part, text, label))
    return splits


def by_column(whole: Part, told: list[str]) -> list[Part]:
    """The splits of a table, of which a column may tell; if one does, `told` has that. Raises
    ReportError if it does so of some rows only.
    """
    column = next((name for name in whole.names if name.strip().lower() in SPLIT), "")
    known = {str(row.get(column)) for _, row in whole.rows}
    part = {value: part_of(value, known) for value in known}
    parts = [part[str(row.get(column))] for _, row in whole.rows]
    if not any(parts):
        if column:
            told.append(
                f"its column {column!r} says none of train, validation and test, and was not used"
            )
        return [whole]
    if not all(parts):
        place, row = whole.rows[parts.index("")]
        raise ReportError(
            f"{place}: {row.get(column)!r} in the column {column!r} is none of train, validation and "
            "test, as of other rows; leave such rows out, or name the column otherwise"
        )
    said = f"its column {column!r} says which split a row is of"
    if said not in told:
        told.append(said)
    return [
        replace(
            whole,
            split=split,
            rows=[row for row, of in zip(whole.rows, parts, strict=True) if of == split],
        )
        for split in dict.fromkeys(parts)
    ]


def refuse_lacking(parts: list[Part], asked: dict[str, str]) -> None:
    """Raises ReportError for a file without the texts or labels that another one has, as the test
    texts of a competition come without labels.
    """
    for what, known in zip(ASKED, (TEXT, LABEL), strict=True):
        wanted = [asked[what].lower()] if what in asked else known
        found = [filled(part, named_so(part.names, wanted)) for part in parts]
        lacking = next((part for part, names in zip(parts, found, strict=True) if not names), None)
        if lacking and any(found):
            name = next(names for names in found if names)[0]
            rest = "; without test texts a fifth of each class is set apart"
            raise ReportError(
                f"{lacking.place} has no {what}s, as others have in {name!r}; leave it out"
                + rest * (lacking.split == "test")
            )


def filled(part: Part, names: list[str]) -> list[str]:
    """Those columns of `names` that have a value in some row."""
    return [name for name in names if any(row.get(name) not in (None, "") for _, row in part.rows)]


def parts_in(path: Path) -> list[Part]:
    if path.is_dir() and is_saved(path):
        return saved(path)
    files = [path] if path.is_file() else files_in(path)
    refuse_missing_shards(files)
    refuse_twins(files)
    stems = [one.stem for one in files]
    return [read(one, split_of(one.stem, stems) if path.is_dir() else "train") for one in files]


def refuse_twins(files: list[Path]) -> None:
    """Raises ReportError for two tables that differ in their endings only: the same in two
    formats.
    """
    first: dict[str, Path] = {}
    for path in files:
        other = first.setdefault(path.stem, path)
        if other != path:
            raise ReportError(
                f"data: {other.name} and {path.name} may be the same texts; delete one of them, or "
                "give it another name if they are not"
            )


def refuse_no_split(files: list[Path]) -> None:
    """Raises ReportError for a table whose name says no split where others' names say theirs."""
    silent = [path for path in files if not part_of(path.stem)]
    if silent and (other := next((path for path in files if part_of(path.stem)), None)):
        raise ReportError(
            f"data: the name of {silent[0].name} says no split, as that of {other.name} does; name it "
            f"for its own, such as train-2{silent[0].suffix}, or move it out of the folder"
        )


def refuse_missing_shards(files: list[Path]) -> None:
    """Raises ReportError where of the files that hold a split together some are not there."""
    shards: dict[tuple[str, int], set[int]] = {}
    for found in filter(None, (SHARD.match(path.name) for path in files)):
        shards.setdefault((found[1], int(found[3])), set()).add(int(found[2]))
    for (name, number), there in shards.items():
        if missing := sorted(set(range(number)) - there):
            raise ReportError(
                f"data: of the {number} files of {name!r} {len(missing)} "
                f"{'is' if len(missing) == 1 else 'are'} missing, such as "
                f"{name}-{missing[0]:05}-of-{number:05}; fetch the data set again"
            )


def saved(folder: Path) -> list[Part]:
    """The splits of what `save_to_disk` wrote. Raises ReportError for one that is none of PARTS."""
    from datasets import DatasetDict, load_from_disk

    try:
        dataset = load_from_disk(str(folder))
    except (OSError, ValueError, KeyError) as error:
        raise ReportError(
            f"data: {folder.name} cannot be loaded ({readers.first_line(error)}); save the data set anew"
        ) from error
    named = dataset if isinstance(dataset, DatasetDict) else {"train": dataset}
    return [
        of_dataset(part, split_of(name, named, folder.name), f"data: {folder.name}, {name}")
        for name, part in named.items()
    ]


def of_dataset(dataset: Any, split: str, place: str) -> Part:
    """The rows of a `Dataset`, labels by their names; −1 is how Datasets writes that there is none."""
    known = {
        name: feature.names
        for name, feature in dataset.features.items()
        if hasattr(feature, "names")
    }

    def named(name: str, value: Any) -> Any:
        if name not in known or value is None:
            return value
        return known[name][value] if 0 <= value < len(known[name]) else None

    plain = dataset.with_format("arrow")  # it may be saved as one of tensors, or of some columns
    found = (
        row for table in plain.iter(1000) for row in table.to_pylist()
    )  # no picture is decoded
    rows = [
        (f"{place}, row {number}", {name: named(name, value) for name, value in row.items()})
        for number, row in enumerate(found, 1)
    ]
    return Part(split, place, list(dataset.column_names), rows)


def split_of(name: str, beside: Iterable[str], whole: str = "") -> str:
    """Which split a file is, by its name; "train" if it does not say.

    whole: the data set whose split it is called; there a name must say. Raises ReportError if it
    does not.
    """
    part = part_of(name, beside)
    if whole and not part:
        raise ReportError(
            f"data: the split {name!r} of {whole} is none of train, validation and test; save the "
            "data set without it"
        )
    return part or "train"


def part_of(name: str, beside: Iterable[str] = ()) -> str:
    """The one of PARTS that a name says, "" if it says none; eval is validation where one of the
    names `beside` it is test.
    """
    words = words_of(name)
    part = next((split for split, known in PARTS.items() if words & set(known)), "")
    is_by_eval = part == "test" and not words & TEST
    return "validation" if is_by_eval and any(words_of(one) & TEST for one in beside) else part


def words_of(name: str) -> set[str]:
    return set(re.split(r"[^a-z]+", name.lower()))


def read(path: Path, split: str) -> Part:
    """The rows of one file. Raises ReportError for a file or row that is not what its name says."""
    kind, place = path.suffix.lower(), f"data: {path.name}"
    if not path.exists():
        raise ReportError(
            f"{place} is a link to a file that is not there; fetch that, or delete it"
        )
    if is_pointer(path):
        raise ReportError(
            f"{place} only says where Git LFS keeps the table; run git lfs pull in its folder"
        )
    if kind == ".parquet":
        return of_dataset(readers.parquet(path), split, place)
    names: list[str] = []
    rows: list[tuple[str, dict[str, Any]]] = []
    with readers.opened(str(path)) as file:
        lines = readers.decoded(file, place)
        if kind in (".csv", ".tsv", ".tab"):
            for number, names, row in readers.csv_rows(
                lines, place, "," if kind == ".csv" else "\t"
            ):
                if row:
                    rows.append((f"{place}, line {number}", dict(zip(names, row, strict=True))))
                else:  # before a row is held against it
                    refuse_header(names, place)
            if not names:
                raise ReportError(f"{place} is empty; give a table with a header")
        else:
            values = readers.json_entries if kind == ".json" else readers.json_values
            for where, one in values(lines, place):
                if not isinstance(one, dict):
                    hint = f"; {readers.ARRAY}" * (kind != ".json" and isinstance(one, list))
                    raise ReportError(f"{where} is no JSON object with a text and its label{hint}")
                rows.append((where, one))
            names = list(dict.fromkeys(name for _, row in rows for name in row))
    return Part(split, place, names, rows)


def refuse_header(names: list[str], place: str) -> None:
    """Raises ReportError for a header that cannot be right."""
    readers.refuse_other_marks(names, place)
    readers.refuse_twice(names, place)


def columns(part: Part, asked: dict[str, str]) -> tuple[str, str]:
    """The names of the columns with the texts and with the labels. Raises ReportError if one that
    is `asked` for is missing, or their names do not tell which they are.
    """
    names = []
    there = ", ".join(filter(None, part.names))
    known_ones = named_so(part.names, (*TEXT, *LABEL))
    is_headless = part.place.lower().endswith((".csv", ".tsv", ".tab")) and not known_ones
    maybe = f"; {readers.HEADLESS}" * is_headless
    for what, known in zip(ASKED, (TEXT, LABEL), strict=True):
        if what in asked and asked[what] not in part.names:
            raise ReportError(
                f"{part.place} has no column {asked[what]!r}, only {there}; name one of them after "
                f"?{what}={maybe}"
            )
        fitting = [asked[what]] if what in asked else named_so(part.names, known)
        if len(fitting) != 1:
            raise ReportError(
                f"{part.place}: which column holds the {what}s? It has {there}; say so after the "
                f"name: ?text=COLUMN&label=COLUMN{maybe}"
            )
        names.append(fitting[0])
    if names[0] == names[1]:
        raise ReportError(
            f"{part.place}: {names[0]!r} cannot hold the texts and the labels too; name two columns"
        )
    return names[0], names[1]


def named_so(names: list[str], known: Sequence[str] = LABEL) -> list[str]:
    """The columns whose names are known to hold labels, or what else is `known`."""
    return [name for name in names if name.strip().lower() in known]


def rows_of(part: Part, text: str, label: str) -> Rows:
    """(text, label) of each row. Raises ReportError if one has no text or no label, a zero byte, a
    list, or a measure as label, and if there are more than MOST_CLASSES labels.
    """
    rows = []
    for place, row in part.rows:
        one, mark = row.get(text), row.get(label)
        for name, value, remedy in (
            (text, one, "no text: join its words with blanks first"),
            (label, mark, "no class: each text takes one, so keep one of them"),
        ):
            if isinstance(value, list | dict):
                what = "a list" if isinstance(value, list) else "an object"
                raise ReportError(f"{place}: {name!r} holds {what} and {remedy}")
            if isinstance(value, bytes):
                raise ReportError(f"{place}: {name!r} holds {readers.BYTES}")
        if one is not None and not isinstance(one, str):
            raise ReportError(
                f"{place}: {text!r} holds {one} and no text; name the column of the texts with ?text="
            )
        if not isinstance(one, str) or not one.strip():
            raise ReportError(f"{place} has no text in {text!r}; leave such rows out")
        if not readers.is_text(readers.clean(one)):
            raise ReportError(f"{place}: a zero byte stands in the text; leave it out")
        if mark is None or mark == "" or mark != mark:
            raise ReportError(f"{place} has no label in {label!r}; leave such rows out")
        if isinstance(mark, str) and LIST.fullmatch(mark):
            raise ReportError(
                f"{place}: {label!r} holds the list {mark.strip()} and no class: each text takes one, "
                "so keep one of them, without brackets"
            )
        if is_measure(mark):
            raise ReportError(
                f"{place}: {label!r} is {mark}, a measure and no class; name the column of the "
                "classes with ?label="
            )
        rows.append((readers.clean(one), class_of(mark)))
    refuse_swallowed(part, text, label)
    number = len({mark for _, mark in rows})
    if number > MOST_CLASSES:
        raise ReportError(
            f"{part.place}: {label!r} has {number:,} different values, more than {MOST_CLASSES} "
            "classes; name the column of the classes with ?label="
        )
    return rows


def refuse_swallowed(part: Part, text: str, label: str) -> None:
    """Raises ReportError for a text of a .csv or .tsv each of whose lines has a label too: rows that
    a lone quote has joined.
    """
    mark = {".csv": ",", ".tsv": "\t", ".tab": "\t"}.get(Path(part.place).suffix.lower())
    if not mark or len({text, label} & set(part.names)) < 2:
        return
    known, at = {row[label] for _, row in part.rows}, part.names.index(label)
    is_after = at > part.names.index(text)
    for place, row in part.rows:
        lines = row[text].splitlines()
        rows = [line.split(mark) for line in (lines[:-1] if is_after else lines[1:])]
        marks = [one[at - len(part.names) * is_after] for one in rows if len(one) > 1]
        if marks and len(marks) == len(rows) and known.issuperset(marks):
            raise ReportError(
                f"{place}: the text goes on over {len(lines)} lines that look like rows; double a "
                "quote that begins the text and does not end it, or join the lines if they are one"
            )


def class_of(mark: Any) -> str:
    """The name of a label's class. Numbers that are equal name one class, so that 1.0, which pandas
    makes of 1 in a column with gaps, is 1; a string stays as it is written.
    """
    if isinstance(mark, float | readers.Number) and abs(number := float(mark)) < EXACT:
        return str(int(number)) if number.is_integer() else str(mark)
    return str(mark)


def same_numbers(names: Iterable[str]) -> list[str]:
    """Two classes whose names are one number, in a part of a sentence; [] if there are none."""
    first: dict[float, str] = {}
    for name in sorted(names):
        if re.fullmatch(r"[+-]?\d+(\.\d*)?", name):
            other = first.setdefault(float(name), name)
            if other != name:
                return [
                    f"the classes {other!r} and {name!r} are one number written in two ways, to be "
                    "written alike if they are one class"
                ]
    return []


def is_measure(mark: object) -> bool:
    """Whether a label is a number that is not whole."""
    written = re.fullmatch(r"[+-]?\d*\.\d+(e[+-]?\d+)?", str(mark), re.IGNORECASE)
    return bool(written) and not float(str(mark)).is_integer()


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
            f"data: {what} fewer than {FEWEST} texts, such as {rare[0]!r} ({counts[rare[0]]}), so "
            "that training, validation and test cannot have one each; leave such rows out, or join "
            "the class with another"
        )


def folder_names(labels: Sequence[str] | set[str]) -> dict[str, str]:
    """{label: the name of its folder}: as it is, but for what a file system does not take. Raises
    ReportError if two labels would have one folder.
    """
    named = {label: written(label) for label in sorted(labels)}
    if long := [name for name in named.values() if len(name.encode()) > LONGEST_NAME]:
        raise ReportError(
            f"data: the class {long[0][:40]!r}… is longer than the {LONGEST_NAME} bytes that the "
            "name of a folder may have; shorten it, or name the column of the classes with ?label="
        )
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
    name = "".join(c if c.isprintable() else " " for c in name).strip()
    return ("·" + name[1:] if name.startswith(".") else name) or "(empty)"
