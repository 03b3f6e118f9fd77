"""An executed notebook for the cells of other documents, while its own formats are being written."""

from __future__ import annotations

import copy
import os
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from lmreport.core import lock, machine
from lmreport.core.files import write_atomically
from lmreport.core.settings import cache_root
from lmreport.render.project import Document


def place(doc: Document) -> Path:
    """Where it is put; one for each profile, so that no other one's is read."""
    key = machine.digest(f"{doc.output.resolve()} {','.join(doc.profiles)}")
    return cache_root() / "executed" / f"{key}.ipynb"


def hand_on(doc: Document, nb: NotebookNode) -> None:
    """Put the cells of `nb`, as they were executed, in their place."""
    bare = copy.copy(nb)
    bare.cells = [copy.copy(cell) for cell in nb.cells]
    for cell in bare.cells:
        cell.metadata = {name: value for name, value in cell.metadata.items() if name != "report"}
    write_atomically(place(doc), nbformat.writes(bare).encode())
    last = doc.notebook.stat().st_mtime if doc.notebook.is_file() else 0
    if place(doc).stat().st_mtime <= last:  # the clock was set back meanwhile
        os.utime(place(doc), (last + 1, last + 1))


def newest(doc: Document) -> Path:
    """The newest executed notebook of `doc`; waits while its cells run in a render."""
    with lock.executing(doc.output):
        return max(
            (doc.notebook, place(doc)),
            key=lambda path: path.stat().st_mtime if path.is_file() else 0,
        )
