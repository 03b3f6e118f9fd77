"""What a notebook says, whichever way an editor wrote it down: the sources and outputs of its cells."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from nbformat import NotebookNode

# what a render keeps in the metadata, of notebook and outputs
OURS = ("lmreport", "pandoc", "printed")


def digest(nb: NotebookNode) -> str:
    """sha256 over what the cells of `nb` hold, in their order, and what the render kept beside it.

    Indentation, the order of keys, ids of cells, how often a cell was run, an editor's own metadata
    and the version of the format do not count.
    """
    said = {
        "cells": [
            [
                cell.cell_type,
                joined(cell.source),
                outputs(cell.get("outputs", [])),
                cell.get("attachments", {}),  # pictures of a text
            ]
            for cell in nb.cells
        ],
        "kept": {name: nb.metadata[name] for name in OURS if name in nb.metadata},
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def outputs(given: list[NotebookNode]) -> list[list]:
    """The outputs of a cell; what it printed in several pieces in a row is one."""
    told: list[list] = []
    for one in given:
        kind = one.output_type
        if kind == "stream":
            if told and told[-1][:2] == [kind, one.name]:
                told[-1][2] += joined(one.text)
            else:
                told.append([kind, one.name, joined(one.text)])
        elif kind == "error":
            told.append([kind, one.ename, one.evalue, list(one.traceback)])
        else:
            data = {mime: shown(mime, value) for mime, value in one.data.items()}
            kept = {
                key: value for key, value in one.metadata.items() if key in OURS or "/" in key
            }  # a key such as image/png sets the size of that form
            told.append([kind, data, kept])
    return told


def shown(mime: str, value: Any) -> Any:
    """One form of an output; of the bytes of a picture some editors break the lines."""
    if isinstance(value, str | list) and not mime.endswith("json"):
        text = joined(value)
        is_base64 = mime.startswith("image/") and mime != "image/svg+xml"
        return "".join(text.split()) if is_base64 else text
    return value


def joined(text: str | list[str]) -> str:
    """A text that may be written as a list of its lines."""
    return text if isinstance(text, str) else "".join(text)
