"""The numbers and sentences of the documents by name: `v = values.results.of_tests(…)`, then
`v.accuracy` in prose.

A function of values returns `dict(name=value, …)`. Each computed number among them carries the
expression behind its name and the remembered experiments in it, so that `lmreport verify` finds it
and computes it again.
"""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap

from lmreport.core import machine
from lmreport.display.traced import TracedText, experiments, made_from


class Values:
    """Named values that nothing can change; a name that is not there is refused with those that
    are.
    """

    def __init__(self, values: dict):
        self.__dict__.update(values)

    def __setattr__(self, name: str, value):
        raise AttributeError(
            f"values are fixed; let the function that returns {name!r} return another one"
        )

    def __getattr__(self, name: str):
        raise AttributeError(f"there is no value {name!r}, only {', '.join(self.__dict__)}")


def named(function):
    """Let a function that returns `dict(name=value, …)` return these as `Values`."""
    code = expressions(function)

    @functools.wraps(function)
    def with_names(*arguments, **more) -> Values:
        given = inspect.signature(function).bind(*arguments, **more).arguments
        with made_from(list(given.values()), f"{machine.name_of(function)}(…)"):
            values = function(*arguments, **more)
        for name, value in values.items():
            if isinstance(value, TracedText) and not value.origin:
                value.origin = {"data-code": code.get(name, name)} | experiments(
                    code.get(name, name), given
                )
        return Values(values)

    return with_names


def expressions(function) -> dict[str, str]:
    """{name: expression} of the `dict(name=expression, …)` that a function returns."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    calls = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Call)
    ]
    return {
        keyword.arg: ast.unparse(keyword.value)
        for call in calls
        for keyword in call.keywords
        if keyword.arg
    }
