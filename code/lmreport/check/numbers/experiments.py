"""The numbers of remembered experiments: inline code computed again from what the experiment left
in the cache.
"""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np

from lmreport.check.numbers.metrics_again import order
from lmreport.check.numbers.recompute import FAILURES
from lmreport.core.errors import ReportError
from lmreport.core.files import kept
from lmreport.core.settings import cache_root

NAMES = {
    "np": np,
    "min": min,
    "max": max,
    "abs": abs,
    "len": len,
    "int": int,
    "float": float,
    "sum": sum,
    "order": order,
}
METHODS = {
    "mean",
    "max",
    "min",
    "sum",
    "argmax",
    "argmin",
    "shape",
    "std",
    "median",
    "any",
    "all",
    "abs",
    "log",
    "exp",
}
NODES = (
    ast.Expression,
    ast.Constant,
    ast.Name,
    ast.Load,
    ast.Subscript,
    ast.Slice,
    ast.Attribute,
    ast.Call,
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.Tuple,
    ast.operator,
    ast.unaryop,
    ast.cmpop,
    ast.keyword,
)


def recomputed(code: str, runs: str) -> float | None:
    """The number that inline `code` shows, from the experiments that `runs` names; None where they
    do not suffice.

    code: `markdown.pct(found["share"][-1])` or another function of `show` with the number in front.
    runs: `found=concepts.heads.changes-0123…`, several parted by "; ". Only subscripts, arithmetic
    and a few functions of NumPy are computed, so that a forged document can do no harm. Raises
    ReportError where computing fails.
    """
    try:
        call: Any = ast.parse(code, mode="eval").body
        inner = ast.Expression(compared(call) if call.func.attr == "more_or_less" else call.args[0])
    except (SyntaxError, AttributeError, IndexError):
        return None
    names = NAMES | experiments(runs)
    for node in ast.walk(inner):
        known = (
            isinstance(node, NODES)
            and (not isinstance(node, ast.Name) or node.id in names)
            and (not isinstance(node, ast.Attribute) or node.attr in METHODS)
        )
        if not known:
            return None
    # NumPy imports parts of itself when they are first used; no name in `inner` reaches that
    # function
    try:
        return float(
            eval(
                compile(inner, "inline code", "eval"),
                {"__builtins__": {"__import__": __import__}},
                names,
            )
        )
    except FAILURES as error:
        raise ReportError(
            f"{code!r} cannot be computed again ({type(error).__name__}: {error})"
        ) from None


def compared(call: ast.Call) -> ast.expr:
    """The two numbers of a comparison and its tolerance as a call of `order`: 0 more, 1 less, 2 the
    same.
    """
    given = {k.arg: k.value for k in call.keywords}
    tolerance = given.get("tolerance") or (call.args[5] if len(call.args) > 5 else ast.Constant(0))
    return ast.fix_missing_locations(
        ast.copy_location(
            ast.Call(ast.Name("order", ast.Load()), [call.args[0], call.args[1], tolerance], []),
            call,
        )
    )


def experiments(runs: str) -> dict:
    """What the names in `runs` stand for, read from the cache: {"found": {…}} or {"found": {index:
    {…}}}. Raises ReportError if an experiment is not there or damaged.
    """
    namespace: dict = {}
    for name, index, entry in re.findall(r"(\w+)(?:\[([^\]]+)\])?=([\w.]+-[0-9a-f]{16})", runs):
        path = cache_root() / "experiments" / f"{entry}.npz"
        values = kept(path)
        if values is None:
            raise ReportError(
                f"the experiment {entry} is not in this machine's cache, or damaged there; render "
                f"the "
                "report here again"
            )
        if index:
            namespace.setdefault(name, {})[ast.literal_eval(index)] = values
        else:
            namespace[name] = values
    return namespace
