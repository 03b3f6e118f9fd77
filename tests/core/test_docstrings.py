"""Public functions say what they raise, and long ones what they do."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "code" / "lmreport"
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
LONG = 10  # lines from `def` on that need no docstring


def public(source: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions and methods of a module whose names do not begin with _, without those inside
    other functions.
    """
    todo, found = [ast.parse(source)], []
    while todo:
        for node in todo.pop().body:
            if isinstance(node, ast.ClassDef):
                todo.append(node)
            elif isinstance(node, FUNCTIONS) and not node.name.startswith("_"):
                found.append(node)
    return found


def raised(node: ast.AST) -> Iterator[str]:
    """The names that stand after `raise` in a function, without those in functions inside it."""
    for part in ast.iter_child_nodes(node):
        if isinstance(part, FUNCTIONS | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(part, ast.Raise) and part.exc is not None:
            yield ast.unparse(part.exc.func if isinstance(part.exc, ast.Call) else part.exc)
        yield from raised(part)


def faults(source: str) -> list[str]:
    """A line for each docstring of a module that is missing or does not name what is raised."""
    found = []
    for node in public(source):
        said, names = ast.get_docstring(node) or "", set(raised(node))
        # an exception, or a function that makes one
        unsaid = [name for name in names if name[0].isupper() and name not in said]
        if names and (unsaid or "Raises" not in said):
            found.append(f"{node.lineno} {node.name}: say when it raises {', '.join(names)}")
        elif not said and node.end_lineno - node.lineno >= LONG:
            found.append(f"{node.lineno} {node.name}: say what it does")
    return found


def test_public_docstrings_say_what_is_raised_and_long_functions_have_one():
    modules = sorted(PACKAGE.rglob("*.py"))
    found = [
        f"{path.relative_to(PACKAGE)}:{fault}"
        for path in modules
        for fault in faults(path.read_text(encoding="utf-8"))
    ]
    assert len(modules) > 100 and found == []


LONGER = "    x = 1\n" * LONG


@pytest.mark.parametrize(
    "source, number",
    [
        ('def f():\n    raise ReportError("x")\n', 1),
        ('def f():\n    """One."""\n    if x:\n        raise ReportError("x")\n', 1),
        ('def f():\n    """Raises ValueError."""\n    raise ReportError("x")\n', 1),
        ('class A:\n    def f():\n        """One."""\n        raise made(error)\n', 1),
        (f"async def f():\n{LONGER}", 1),
        (f'def f():\n    """One."""\n{LONGER}', 0),
        (f"def _f():\n{LONGER}", 0),
        (f"def f():\n{LONGER[10:]}", 0),
        ('def f():\n    """Raises ReportError if x."""\n    raise ReportError("x")\n', 0),
        ('def f():\n    """One."""\n    def g():\n        raise ReportError("x")\n', 0),
        ("def f():\n    raise\n", 0),
    ],
)
def test_a_fault_is_found(source, number):
    assert len(faults(source)) == number
