"""The environment of the process is read and not written: what a function needs it is given."""

import ast
from pathlib import Path

import pytest

from lmreport.core import machine

PACKAGE = Path(__file__).parents[2] / "code" / "lmreport"
ALLOWED = {
    "__init__.py",  # how much the libraries say, as long as nobody else has said it
    "core/progress.py",  # hides the bars of libraries that are not imported yet
    "experiments/bench/resources.py",  # in a process of its own, one thread for the tokenizers too
    "render/colab.py",  # the first cell of the notebook, in Colab's kernel
    "render/watch.py",  # in the kernel: notes who reads the environment
}
CHANGING = {"setdefault", "update", "pop", "popitem", "clear", "putenv", "unsetenv"}


def is_environment(node: ast.AST) -> bool:
    return ast.unparse(node) in ("os.environ", "environ")


def changes(tree: ast.AST) -> list[int]:
    """The lines that change the environment of this process."""
    found = []
    for node in ast.walk(tree):
        targets = (
            node.targets
            if isinstance(node, ast.Assign | ast.Delete)
            else [node.target]
            if isinstance(node, ast.AugAssign)
            else []
        )
        written = [getattr(target, "value", target) for target in targets] + targets
        called = (
            node.func
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            else None
        )
        if (
            any(map(is_environment, written))
            or called
            and called.attr in CHANGING
            and (is_environment(called.value) or ast.unparse(called.value) == "os")
        ):
            found.append(node.lineno)
    return sorted(found)


def test_the_environment_is_changed_in_few_places():
    there = {
        path.relative_to(PACKAGE).as_posix(): changes(ast.parse(path.read_text("utf-8")))
        for path in PACKAGE.rglob("*.py")
    }
    assert {name: lines for name, lines in there.items() if lines and name not in ALLOWED} == {}


def test_changes_are_found():
    text = "os.environ['a'] = '1'\nos.environ |= {}\nos.environ.pop('a')\ndel os.environ['a']\nos.environ.get('a')"
    assert changes(ast.parse(text)) == [1, 2, 3, 4]


@pytest.mark.parametrize("installed", ["tensorflow-cpu", "tensorflow"])
def test_tensorflow_has_one_version_under_either_name(installed, monkeypatch):
    def version(name):
        if name == installed:
            return "2.21.0"
        raise machine.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(machine.importlib.metadata, "version", version)
    monkeypatch.setattr(machine, "installed", machine.installed.__wrapped__)  # which remembers
    assert machine.versions("tensorflow-cpu", "torch") == {"tensorflow-cpu": "2.21.0", "torch": ""}
    assert machine.versions("tensorflow") == {"tensorflow": "2.21.0"}
