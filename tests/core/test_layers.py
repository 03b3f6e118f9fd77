"""The packages stand in one order, and no modules import each other in a circle."""

import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]


def circle(imports: dict[str, set[str]]) -> list[str]:
    """The modules of one circle of imports; [] if there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_imports_run_in_one_direction():
    """In a process of its own: the linter closes the standard output that it finds."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as command; command()",
            "--no-cache",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "2 kept, 0 broken" in done.stdout, done.stdout + done.stderr


def test_no_modules_import_each_other():
    graph = grimp.build_graph("lmreport", cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert len(imports) > 100 and circle(imports) == []


@pytest.mark.parametrize(
    "imports, found", [({"a": {"b"}, "b": {"c"}}, set()), ({"a": {"b"}, "b": {"a"}}, {"a", "b"})]
)
def test_a_circle_is_found(imports, found):
    assert set(circle(imports)) == found
