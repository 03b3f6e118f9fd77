"""The code of the report's sources is clean, by the rules for all code of the project."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from lmreport.render import project, source
from lmreport.render.execute import INLINE
from lmreport.render.lines import Cell, Line

ROOT = Path(__file__).parents[2]
# B018: a cell's last line is what it shows; E402, I001, F811: each chapter imports what it needs;
# RUF100: see below.
IGNORED = "B018,E402,I001,F811,RUF100"


def program(cells) -> tuple[list[str], list[str]]:
    """All cells and inline code in their order as the lines of one program, and the place of each
    line.
    """
    lines, places = [], []
    for cell in cells:
        for line in cell.lines:
            code = (
                ["" if line.text.startswith("#|") else line.text]
                if cell.kind == "code"
                else [f"({found[2].strip()})  # noqa: E501" for found in INLINE.finditer(line.text)]
            )
            lines += code
            places += [line.place] * len(code)
    return lines, places


def faults(lines: list[str], places: list[str]) -> list[str]:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--quiet",
            "--output-format=concise",
            "--extend-ignore",
            IGNORED,
            "--config",
            str(ROOT / "pyproject.toml"),
            "--stdin-filename",
            "cells.py",
            "-",
        ],
        cwd=ROOT,
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
    )
    found = [re.match(r"cells\.py:(\d+):\d+: (.*)", line) for line in done.stdout.splitlines()]
    told = [f"{places[int(one[1]) - 1]}: {one[2]}" for one in found if one]
    return told or [done.stdout + done.stderr] * bool(done.returncode)


def test_the_cells_and_the_inline_code_are_clean():
    """An import of the set-up cell that some document of some profile uses is used."""
    told, holding = Counter(), Counter()
    for profile in ("157b", "272b"):
        for document in project.read(ROOT, ("html",), profile):
            lines, places = program(source.read(document))
            told.update(faults(lines, places))
            holding.update(set(places))
    assert [
        one
        for one, number in told.items()
        if "F401" not in one or number == holding[one.split(": ")[0]]
    ] == []


def test_a_fault_is_told_with_its_place():
    lines = [Line("import os", "a.qmd", 3), Line("nobody + 1", "a.qmd", 4)]
    told = faults(*program([Cell("code", lines, "a.qmd:2", {}, 0)]))
    assert [one.split()[:2] for one in told] == [["a.qmd:3:", "F401"], ["a.qmd:4:", "F821"]]
