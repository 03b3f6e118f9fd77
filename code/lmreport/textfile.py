"""The texts of a file, one after the other: lines of a .txt, a column of a .csv, a field of a .jsonl."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

from lmreport.errors import ReportError


def texts(path: str, column: str = "text"):
    """Each text of the file `path` ("-": lines of standard input), as it is read; `column` names the column or field.

    Raises ReportError for a file that cannot be read, a missing column and a line that is not JSON, by its number.
    """
    kind = Path(path).suffix.lower()
    try:
        with sys.stdin if path == "-" else open(path, encoding="utf-8-sig", newline="") as file:
            yield from READERS.get(kind, lines)(file, path, column)
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError(f"{path} cannot be read as UTF-8 text ({error}); give a .txt, .csv or .jsonl file") from error


def lines(file, path: str, column: str):
    for line in file:
        yield line.rstrip("\r\n")


def csv_column(file, path: str, column: str):
    csv.field_size_limit(sys.maxsize)
    rows = csv.DictReader(file)
    if column not in (rows.fieldnames or ()):
        only = f"only {', '.join(rows.fieldnames)}" if rows.fieldnames else "for it is empty"
        raise ReportError(f"{path} has no column {column!r}, {only}; name one with --column")
    for row in rows:
        yield row[column] or ""


def json_field(file, path: str, column: str):
    for number, line in enumerate(file, 1):
        if line.strip():
            try:
                value = json.loads(line)[column]
                yield "" if value is None else str(value)
            except (ValueError, KeyError, TypeError) as error:
                raise ReportError(f"{path}, line {number}: no JSON object with the field {column!r} ({error!r}); name "
                                  "the field with --column") from error


READERS = {".csv": csv_column, ".jsonl": json_field, ".ndjson": json_field}
