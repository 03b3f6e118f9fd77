"""Quarto's own small test documents, rendered by both renderers: a reader must see the same on both
pages, or ours must refuse the document by file and line.

The documents are not part of this project. QUARTO_TESTS names the folder `tests/docs` of a
checkout of Quarto (github.com/quarto-dev/quarto-cli); they are read from there.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
import yaml

from lmreport.core.errors import ReportError
from lmreport.render import render
from quarto_documents import AGREE, REFUSED
from reader import seen
from rendering import quarto

DOCS = Path(os.environ.get("QUARTO_TESTS") or "/nowhere")
SKIP = (
    "QUARTO_TESTS names no folder tests/docs of a checkout of Quarto"
    if not DOCS.is_dir()
    else "no quarto on PATH"
    if not shutil.which("quarto")
    else ""
)
OPTIONS = """
project: {type: default, output-dir: _report, render: ["**/*.qmd"]}
format: {html: {html-math-method: mathml}}
"""
LARGEST = 400_000  # bytes of a file that a document names

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(SKIP), reason=SKIP)]


def bring(name: str, folder: Path) -> None:
    """Copy the document `name` into the project at `folder`, with the files that its text names."""
    path, text = DOCS / name, (DOCS / name).read_text(encoding="utf-8")
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(for_page(text), encoding="utf-8")
    for other in path.parent.rglob("*"):
        is_document = other.suffix == ".qmd" and not other.name.startswith("_")
        if other.is_file() and other.name in text and not is_document:
            target = folder / other.relative_to(DOCS)
            if other.stat().st_size < LARGEST:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(other, target)


def for_page(text: str) -> str:
    """A document without the front matter that speaks to Quarto's test runner (`_quarto`) or of
    other formats than HTML; blank lines keep the others' numbers.
    """
    found = re.match(r"(\s*---[ \t]*\n)(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|$)", text, re.DOTALL)
    node = yaml.compose(found[2]) if found else None
    if not found or not isinstance(node, yaml.MappingNode):
        return text
    lines, first = text.split("\n"), found[1].count("\n")
    last = first + found[2].count("\n") + 1
    gone = without(node, lambda key: key.startswith("_"))
    for key, value in node.value:
        if key.value == "format" and isinstance(value, yaml.MappingNode) and not value.flow_style:
            gone += without(value, lambda key: key != "html")
    for start, end in gone:
        lines[first + start : first + end] = [""] * (end - start)
    if not any(line.strip() for line in lines[first:last]):
        lines[first - 1] = lines[last] = ""
    return "\n".join(lines)


def without(node: yaml.MappingNode, unwanted) -> list[tuple[int, int]]:
    """First line and line after the last of the `unwanted` keys of a mapping."""
    starts = [key.start_mark.line for key, _ in node.value]
    after = node.end_mark.line + (node.end_mark.column > 0)
    ends = [*starts[1:], after]
    keys = [key.value for key, _ in node.value]
    return [
        (start, end) for key, start, end in zip(keys, starts, ends, strict=True) if unwanted(key)
    ]


@pytest.fixture(scope="module")
def quartos(tmp_path_factory) -> Path:
    """The pages of all documents on which both agree, from one run of Quarto."""
    folder = tmp_path_factory.mktemp("quarto")
    (folder / "_quarto.yml").write_text(OPTIONS)
    for name in AGREE:
        bring(name, folder)
    return quarto(folder).parent


def ours(name: str, folder: Path) -> Path:
    (folder / "_quarto.yml").write_text(OPTIONS)
    bring(name, folder)
    render(folder, ("html",))
    return (folder / "_report" / name).with_suffix(".html")


@pytest.mark.parametrize("name", AGREE)
def test_a_reader_sees_the_same(name, quartos, tmp_path):
    wanted = seen((quartos / name).with_suffix(".html"))
    found = seen(ours(name, tmp_path))
    if len(wanted["alternatives"]) == len(found["alternatives"]):  # Quarto leaves out some
        pairs = zip(wanted["alternatives"], found["alternatives"], strict=True)
        found["alternatives"] = [ours if theirs else "" for theirs, ours in pairs]
    assert found == wanted


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_outside_our_subset_is_refused_by_file_and_line(name, tmp_path):
    line, said = REFUSED[name]
    with pytest.raises(ReportError) as refused:
        ours(name, tmp_path)
    assert str(refused.value).startswith(f"{name}:{line}: ") and said in str(refused.value)
