"""Tables of texts and labels: .csv, .tsv, .json, .jsonl and .parquet files, a folder of them (or with
a folder `data/` of them, as a clone of a data set of the hub has), and what `save_to_disk` wrote.

After the path may stand what cannot be told from the table itself:
`reviews.csv?text=body&label=stars`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from lmreport.core import listing
from lmreport.core.blobs import is_pointer
from lmreport.core.errors import ReportError
from lmreport.core.listing import quoted
from lmreport.core.settings import before_query
from lmreport.data import readers, split_names, text_folders
from lmreport.data.corpus import Rows

SUFFIXES = (".csv", ".tsv", ".tab", ".json", ".jsonl", ".ndjson", ".parquet")
TEXT = ("text", "sentence", "content", "body", "question", "review", "comment", "document", "tweet")
LABEL = ("label", "labels", "class", "category", "tag", "target", "intent", "topic")
LIST = re.compile(  # one that a program has written into a cell: ['a', 'b'], [0, 1]
    r"\s*\[\s*((['\"]).*\2|\d[\d.]*(\s*[,\s]\s*\d[\d.]*)+)\s*\]\s*", re.DOTALL
)
NUMBER = r"\s*[-+]?(?:\d[\d.]*(?:e[-+]?\d+)?|inf)\s*"
INTERVAL = re.compile(rf"[\[(]({NUMBER}),({NUMBER})[\])]")  # as pandas and R write it
MOST_CLASSES = 200  # more values than this are no classes
EXACT = 2**53  # whole numbers below this are exact as floats
ASKED = ("text", "label")
INNER = "data"  # where a data set of the hub has its tables
SPLIT = ("split", "subset", "partition")  # columns that may say which split a row is of
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
            f"data: {quoted(wrong[0])} in {quoted(source)} is not understood; write "
            "?text=COLUMN&label=COLUMN, and & in a name as %26"
        )
    return path, asked


def is_saved(folder: Path) -> bool:
    """Whether `save_to_disk` of Datasets wrote `folder`."""
    return any((folder / name).is_file() for name in ("dataset_dict.json", "dataset_info.json"))


def files_in(folder: Path) -> list[Path]:
    """The tables in a folder, or in its folder data/ where itself it holds neither tables nor
    classes; without those that a system or an editor hides, which may be copies.
    """
    for place in [folder] if text_folders.class_folders(folder) else [folder, folder / INNER]:
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
    inner = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_dir() and text_folders.shown(path, folder)
    ]
    holding = [path.relative_to(folder).as_posix() for path in inner if files_in(path)]
    if not holding:
        return
    are_splits = all(split_names.part_of(Path(name).name) for name in holding)
    raise ReportError(
        f"data: {folder.name} has its tables in {listing.some(holding)}; "
        + (
            "put them into one folder, each named for its split, such as train.parquet"
            if are_splits
            else f"give one of these folders: {folder / holding[0]}"
        )
    )


def refuse_compressed(path: Path) -> None:
    """Raises ReportError for a table that is compressed, or a folder with one."""
    for one in sorted(path.iterdir()) if path.is_dir() else [path]:
        if one.suffix in COMPRESSED and Path(one.stem).suffix.lower() in SUFFIXES:
            every = f"*{''.join(one.suffixes[-2:])}" if path.is_dir() else path.name
            raise ReportError(
                f"data: {one.name} is a compressed table; unpack it ({COMPRESSED[one.suffix]} "
                f"{every}) and give what that makes"
            )


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
        told += taken_together(parts)
    for whole in parts:
        is_named = path.is_dir() and (is_saved(path) or split_names.part_of(Path(whole.place).stem))
        for part in [whole] if is_named else by_column(whole, told):
            text, label = columns(part, asked)
            splits.setdefault(part.split, []).extend(rows_of(part, text, label))
    return splits


def taken_together(parts: list[Part]) -> list[str]:
    """The files that make up one split and are not its numbered parts, in a part of a sentence for
    each split.
    """
    of_split: dict[str, list[str]] = {}
    for part in parts:
        of_split.setdefault(part.split, []).append(part.place.removeprefix("data: "))
    return [
        f"{listing.some(names)} were taken together"
        for names in of_split.values()
        if len(names) > 1 and not all(map(SHARD.match, names))
    ]


def by_column(whole: Part, told: list[str]) -> list[Part]:
    """The splits of a table, of which a column may tell; if one does, `told` has that. Raises
    ReportError if it does so of some rows only.
    """
    column = next((name for name in whole.names if name.strip().lower() in SPLIT), "")
    known = {str(row.get(column)) for _, row in whole.rows}
    part = {value: split_names.part_of(value, known) for value in known}
    parts = [part[str(row.get(column))] for _, row in whole.rows]
    if not any(parts):
        if column:
            told.append(
                f"its column {quoted(column)} says none of train, validation and test, and was not used"
            )
        return [whole]
    if not all(parts):
        place, row = whole.rows[parts.index("")]
        raise ReportError(
            f"{place}: {quoted(row.get(column))} in the column {quoted(column)} is none of train, validation and "
            "test, as of other rows; leave such rows out, or name the column otherwise"
        )
    said = f"its column {quoted(column)} says which split a row is of"
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
                f"{lacking.place} has no {what}s, as others have in {quoted(name)}; leave it out"
                + rest * (lacking.split == "test")
            )


def filled(part: Part, names: list[str]) -> list[str]:
    """Those columns of `names` that have a value in some row."""
    return [name for name in names if any(row.get(name) not in (None, "") for _, row in part.rows)]


def parts_in(path: Path) -> list[Part]:
    """The splits of a file, a folder of files or a saved data set."""
    if path.is_dir() and is_saved(path):
        return saved(path)
    files = [path] if path.is_file() else files_in(path)
    refuse_missing_shards(files)
    refuse_twins(files)
    stems = [one.stem for one in files]
    return [
        read(one, split_names.split_of(one.stem, stems) if path.is_dir() else "train")
        for one in files
    ]


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
    silent = [path for path in files if not split_names.part_of(path.stem)]
    if silent and (other := next((path for path in files if split_names.part_of(path.stem)), None)):
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
                f"data: of the {number} files of {quoted(name)} {len(missing)} "
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
        of_dataset(
            part, split_names.split_of(name, named, folder.name), f"data: {folder.name}, {name}"
        )
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
                    raise ReportError(
                        f"{where} is no JSON object with a text and its label; write "
                        f'{{"text": "…", "label": "…"}}{hint}'
                    )
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
                f"{part.place} has no column {quoted(asked[what])}, only {there}; name one of them after "
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
            f"{part.place}: {quoted(names[0])} cannot hold the texts and the labels too; name two columns"
        )
    return names[0], names[1]


def named_so(names: list[str], known: Sequence[str] = LABEL) -> list[str]:
    """The columns whose names are known to hold labels, or what else is `known`."""
    return [name for name in names if name.strip().lower() in known]


def are_intervals(marks: Sequence[object]) -> bool:
    """Whether labels are intervals such as [0, 50] and (50, 100], of which one at least is open at
    an end: so it is told from a list of two labels.
    """
    written = [mark.strip() for mark in marks if isinstance(mark, str)]
    return (
        len(written) == len(marks)
        and all(map(INTERVAL.fullmatch, written))
        and any(mark[0] == "(" or mark[-1] == ")" for mark in written)
    )


def rows_of(part: Part, text: str, label: str) -> Rows:
    """(text, label) of each row. Raises ReportError if one has no text or no label, a zero byte, a
    list, or a measure as label, and if there are more than MOST_CLASSES labels.
    """
    rows, intervals = [], are_intervals([row.get(label) for _, row in part.rows])
    for place, row in part.rows:
        one, mark = row.get(text), row.get(label)
        for name, value, remedy in (
            (text, one, "no text: join its words with blanks first"),
            (label, mark, "no class: each text takes one, so keep one of them"),
        ):
            if isinstance(value, list | dict):
                what = "a list" if isinstance(value, list) else "an object"
                raise ReportError(f"{place}: {quoted(name)} holds {what} and {remedy}")
            if isinstance(value, bytes):
                raise ReportError(f"{place}: {quoted(name)} holds {readers.BYTES}")
        if one is not None and not isinstance(one, str):
            raise ReportError(
                f"{place}: {quoted(text)} holds {one} and no text; name the column of the texts with ?text="
            )
        if not isinstance(one, str) or not one.strip():
            raise ReportError(f"{place} has no text in {quoted(text)}; leave such rows out")
        if not readers.is_text(readers.clean(one)):
            raise ReportError(f"{place}: a zero byte stands in the text; leave it out")
        if mark is None or mark == "" or mark != mark:
            raise ReportError(f"{place} has no label in {quoted(label)}; leave such rows out")
        if isinstance(mark, str) and LIST.fullmatch(mark) and not intervals:
            ends = INTERVAL.fullmatch(mark.strip())
            meant = (
                f", or write {ends[1].strip()} to {ends[2].strip()} for an interval" if ends else ""
            )
            raise ReportError(
                f"{place}: {quoted(label)} holds the list {mark.strip()} and no class: each text takes one, "
                f"so keep one of them, without brackets{meant}"
            )
        if is_measure(mark):
            raise ReportError(
                f"{place}: {quoted(label)} is {mark}, a measure and no class; name the column of the "
                "classes with ?label="
            )
        rows.append((readers.clean(one), class_of(mark)))
    refuse_swallowed(part, text, label)
    number = len({mark for _, mark in rows})
    if number > MOST_CLASSES:
        raise ReportError(
            f"{part.place}: {quoted(label)} has {number:,} different values, more than {MOST_CLASSES} "
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


def is_measure(mark: object) -> bool:
    """Whether a label is a number that is not whole."""
    written = re.fullmatch(r"[+-]?\d*\.\d+(e[+-]?\d+)?", str(mark), re.IGNORECASE)
    return bool(written) and not float(str(mark)).is_integer()
