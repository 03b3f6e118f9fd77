"""The texts of a file, one after the other: lines of a .txt, a column of a .csv, .tsv
or .parquet, a field of a .json(l).
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from lmreport.core.errors import ReportError
from lmreport.core.listing import quoted

LONGEST = (
    2**31 - 1
)  # characters of a CSV field: the largest number that `csv` takes on every system
READ = ".txt (a text a line), .csv, .tsv, .json, .jsonl or .parquet file"
OTHERS = (
    ".arrow",
    ".bz2",
    ".doc",
    ".docx",
    ".feather",
    ".gz",
    ".htm",
    ".html",
    ".ipynb",
    ".npy",
    ".npz",
    ".ods",
    ".odt",
    ".orc",
    ".parquet",
    ".pdf",
    ".pickle",
    ".pkl",
    ".rtf",
    ".sqlite",
    ".toml",
    ".xls",
    ".xlsx",
    ".xml",
    ".xz",
    ".yaml",
    ".yml",
    ".zip",
)  # not lines of text


def texts(path: str, column: str = "text") -> Iterator[str]:
    """Each text of the file `path` ("-": lines of standard input), as it is read; `column` names
    the column or field.

    The file is opened once and read from front to end, so that it may be a pipe. Raises ReportError
    for a file that cannot be read, a missing column, and by its number for a line that does not
    hold what it should.
    """
    kind = Path(path).suffix.lower()
    if kind == ".parquet":
        yield from parquet_column(path, column)
        return
    if kind in OTHERS:
        raise ReportError(f"{path} ends in {kind}, which is not read; give a {READ}")
    try:
        with opened(path) as file:
            yield from READERS.get(kind, lines)(decoded(file, path), path, column)
    except OSError as error:
        raise ReportError(
            f"{path} cannot be read ({error.strerror or error}); give a {READ}"
        ) from error


def opened(path: str) -> TextIO:
    """The file, as text in which a byte that is not UTF-8 has become a lone surrogate."""
    asked: dict[str, Any] = dict(encoding="utf-8-sig", errors="surrogateescape", newline="")
    return io.TextIOWrapper(sys.stdin.buffer, **asked) if path == "-" else open(path, **asked)


def decoded(file: Iterable[str], path: str) -> Iterator[str]:
    """The lines of the file. Raises ReportError for one that is not UTF-8 or holds a zero byte, as
    no text does.
    """
    for number, line in enumerate(file, 1):
        if is_text(line):
            yield line
        elif "\0" in line and is_text(line.replace("\0", "")):
            raise ReportError(
                f"{path}, line {number} has a zero byte in it; leave that out, or save the file as "
                "UTF-8 if it is UTF-16"
            )
        else:
            raise ReportError(
                f"{path}, line {number} cannot be read as UTF-8 text; save the file as UTF-8"
            )


def is_text(line: str) -> bool:
    try:
        return b"\0" not in line.encode()
    except UnicodeEncodeError:
        return False


def clean(text: str) -> str:
    """`text` with each lone surrogate, which no tokenizer takes, as the character that stands for a
    missing one.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def lines(file: Iterable[str], path: str, column: str) -> Iterator[str]:
    for line in file:
        yield line.rstrip("\r\n")


def csv_column(file: Iterable[str], path: str, column: str, delimiter: str = ",") -> Iterator[str]:
    """The fields of one column of a table. Raises ReportError if the table is empty."""
    place = None
    for _, names, row in csv_rows(file, path, delimiter):
        place = place_of(column, names, path) if place is None else place
        if row:
            yield row[place]
    if place is None:
        raise ReportError(
            f"{path} has no column {quoted(column)}, for it is empty; give a file with a header"
        )


def csv_rows(
    file: Iterable[str], path: str, delimiter: str = ","
) -> Iterator[tuple[int, list[str], list[str]]]:
    """(number of its first line, header, fields) of each row of a table, the first time with no
    fields. Raises ReportError for a row that has not as many fields as the header.
    """
    csv.field_size_limit(LONGEST)
    file = iter(file)
    first = next(file, "")
    if first.lower().startswith("sep="):
        raise ReportError(f"{path}, line 1: {first.strip()} is for Excel alone; delete the line")
    rows = csv.reader(
        itertools.chain([first], file),
        delimiter=delimiter,
        strict=True,
        skipinitialspace=blanks_after(first, delimiter),
    )
    names: list[str] = []
    nameless: list[int] = []  # but for the first, in which pandas counts the rows
    number = 1
    try:
        for row in rows:
            if row and not names:
                names = [name.strip() for name in row]  # blanks after commas are no part of a name
                nameless = [i for i, name in enumerate(names) if i and not name]
                yield number, names, []
            elif row := row or [""] * (len(names) == 1):  # a blank line is an empty text there
                if len(row) != len(names):
                    raise ReportError(
                        f"{path}, line {number}: {len(row)} fields where the header has "
                        f"{len(names)}; {remedy(row, len(names))}"
                    )
                if len(names) > 1 and [one.strip() for one in row] == names:
                    raise ReportError(
                        f"{path}, line {number}: the header stands there again; delete the line"
                    )
                if any(row[i].strip() for i in nameless):
                    raise ReportError(
                        f"{path}, line {number}: something stands in a column without a name; name "
                        "the column in line 1, or delete it"
                    )
                yield number, names, row
            number = rows.line_num + 1
    except csv.Error as error:
        if not names:  # as of "text";"label", which is no whole row with commas
            refuse_other_marks([first], path)
        raise ReportError(
            f"{path}, line {number}: no whole row ({error}); begin and end a text with one quote, "
            "with nothing between it and the separator or the end of the line, and double each quote "
            "in it"
        ) from error


def blanks_after(header: str, delimiter: str) -> bool:
    """Whether a blank stands after each separator of a header, and so before quotes too."""
    others = next(csv.reader([header], delimiter=delimiter), [])[1:]
    return bool(others) and all(name.startswith(" ") for name in others)


def remedy(row: list[str], wanted: int) -> str:
    """What to do about a row that has not `wanted` fields."""
    if len(row) > wanted and not any(map(str.strip, row[wanted:])):
        return "nothing stands behind its last separator, so delete that"
    above = ", or delete what stands above the line of names" * (wanted == 1)
    return f'put double quotes (") around a text with a separator or a line break in it{above}'


def place_of(column: str, names: list[str], path: str) -> int:
    """Where in a row the column stands. Raises ReportError if the header does not have it exactly
    once.
    """
    refuse_twice(names, path)
    refuse_other_marks(names, path)
    if column not in names:
        maybe = f"; {HEADLESS}" * path.lower().endswith((".csv", ".tsv", ".tab"))
        raise ReportError(
            f"{path} has no column {quoted(column)}, only {', '.join(names)}; name one with --column{maybe}"
        )
    return names.index(column)


HEADLESS = "where line 1 is a row already, put a line of names above it"


def refuse_twice(names: list[str], place: str) -> None:
    """Raises ReportError for a name that two columns have."""
    twice = [name for name, number in Counter(names).items() if number > 1 and name]
    if twice:
        raise ReportError(
            f"{place}, line 1: the column {quoted(twice[0])} stands there twice; rename one; {HEADLESS}"
        )


def refuse_other_marks(names: list[str], place: str) -> None:
    """Raises ReportError for a header that something else than what was expected separates."""
    other = next((mark for mark in ";\t|," if len(names) == 1 and mark in names[0]), "")
    if other:
        raise ReportError(
            f"{place} seems to be separated by {quoted(other)}; save it as .csv with commas or as .tsv"
        )


def tsv_column(file: Iterable[str], path: str, column: str) -> Iterator[str]:
    return csv_column(file, path, column, "\t")


def parquet_column(path: str, column: str) -> Iterator[str]:
    """The fields of one column of a Parquet file, which is no pipe: its end is read first."""
    table = parquet(Path(path))
    place_of(column, table.column_names, path)
    for number, value in enumerate(table.with_format(None)[column], 1):
        yield field({column: value}, column, f"{path}, row {number}")


def parquet(path: Path) -> Any:
    """The `Dataset` in a parquet file, in memory. Raises ReportError if it cannot be read."""
    from datasets import Dataset, disable_progress_bars, logging
    from datasets.exceptions import DatasetGenerationError

    disable_progress_bars()
    logging.set_verbosity(logging.CRITICAL)  # what is wrong is told below
    try:
        with tempfile.TemporaryDirectory() as cache:
            return Dataset.from_parquet(str(path), cache_dir=cache, keep_in_memory=True)
    except (DatasetGenerationError, ValueError, OSError, TypeError, KeyError) as error:
        raise ReportError(
            f"data: {path.name} cannot be read as parquet "
            f"({first_line(error.__cause__ or error)}); write the file anew, with the columns of the "
            "texts and of their classes alone"
        ) from error


def first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def json_lines(file: Iterable[str], path: str, column: str) -> Iterator[str]:
    """The field of the object in each line; blank lines are passed over."""
    for place, one in json_values(file, path):
        yield field(one, column, place)


def json_values(file: Iterable[str], path: str) -> Iterator[tuple[str, Any]]:
    """(place, value) of each line; blank lines are passed over."""
    for number, line in enumerate(file, 1):
        if line.strip():
            place = f"{path}, line {number}"
            yield place, parsed(line, place, "one JSON object", remedy_of(line))


ARRAY = "name a file with one array .json"


def remedy_of(line: str) -> str:
    """What to do about a line that is no JSON."""
    text = line.strip()
    if text.startswith("["):
        return ARRAY
    if text == "{":
        return "write each object in a line of its own"
    return "take the comma at its end away" if text.endswith("},") else "fix it"


def json_array(file: Iterable[str], path: str, column: str) -> Iterator[str]:
    """The field of each object of an array; a string in it is a text itself."""
    for place, one in json_entries(file, path, column):
        is_string = isinstance(one, str) and not isinstance(one, Number)
        yield clean(one) if is_string else field(one, column, place)


def json_entries(file: Iterable[str], path: str, column: str = "text") -> Iterator[tuple[str, Any]]:
    """(place, value) of each entry of an array. Raises ReportError if the file holds none."""
    entries = parsed(
        "".join(file), path, "one JSON array (name a file with an object a line .jsonl)"
    )
    if not isinstance(entries, list):
        raise ReportError(
            f'{path} holds no JSON array; give [{{"{column}": "…"}}, …], as pandas '
            'writes it with orient="records", or a .jsonl file'
        )
    for number, one in enumerate(entries, 1):
        yield f"{path}, entry {number}", one


def parsed(text: str, place: str, what: str, remedy: str = "fix it") -> Any:
    """The value that a JSON text holds. Raises ReportError if it is none, or names a field
    twice.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        twice = [name for name, number in Counter(name for name, _ in pairs).items() if number > 1]
        if twice:
            raise ValueError(f"the field {quoted(twice[0])} stands there twice")
        return dict(pairs)

    try:
        return json.loads(
            text,
            object_pairs_hook=once,
            parse_float=Number,
            parse_int=Number,
            parse_constant=no_number,
        )
    except (ValueError, RecursionError) as error:
        raise ReportError(f"{place}: not {what} ({error}); {remedy}") from error


class Number(str):
    """A number of JSON as it is written: 1.10 is not 1.1."""


def no_number(word: str) -> Any:
    """Raises ValueError: NaN and Infinity are no JSON, though Python's own writer makes them."""
    raise ValueError(
        f"{word} is no JSON; where a text or its label is meant leave the row out, else write null"
    )


BYTES = "bytes and no text; decode them (UTF-8) and write the table anew"


def field(entry: Any, column: str, place: str) -> str:
    """The text in the field of an object: a string, a number as it is written, "" for null. Raises
    ReportError if there is no such field or it holds anything else.
    """
    if not isinstance(entry, dict):
        raise ReportError(f'{place}: no JSON object; write {{"{column}": "…"}}')
    if column not in entry:
        raise ReportError(
            f"{place}: no JSON object with the field {quoted(column)}; name the field with --column"
        )
    value = entry[column]
    if isinstance(value, bytes):
        raise ReportError(f"{place}: the field {quoted(column)} holds {BYTES}")
    if isinstance(value, bool | dict | list):
        raise ReportError(
            f"{place}: the field {quoted(column)} holds no text but {json.dumps(value)[:40]}; write a "
            f"string"
        )
    return "" if value is None else clean(str(value))


READERS = {
    ".csv": csv_column,
    ".tsv": tsv_column,
    ".tab": tsv_column,
    ".json": json_array,
    ".jsonl": json_lines,
    ".ndjson": json_lines,
}
