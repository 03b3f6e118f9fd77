"""The expressions over recorded runs that a page tells, computed again with the functions of
`second`.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path

import numpy as np

from lmreport.check.numbers.metrics_again import FUNCTIONS
from lmreport.core.errors import ReportError

SIGNS = {ast.Add: "__add__", ast.Sub: "__sub__", ast.Mult: "__mul__", ast.Div: "__truediv__"}
LOADED: dict[Path, dict] = {}
FAILURES = (
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    ArithmeticError,
)  # of an altered document


def load(path: Path) -> dict:
    """The values and arrays of the record in the JSON file `path`, read once."""
    if path not in LOADED:
        record = json.loads(path.read_text(encoding="utf-8"))
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as arrays:
            LOADED[path] = (
                record["values"]
                | {"max_length": record["inputs"]["settings"].get("max_length")}
                | {name: arrays[name] for name in arrays.files if name != "json"}
            )
    return LOADED[path]


def arithmetic(left: float, sign: ast.operator, right: float) -> float:
    """The sum, difference, product or quotient; a quotient by zero is not a number."""
    if isinstance(sign, ast.Div) and right == 0:
        return float("nan")
    return getattr(left, SIGNS[type(sign)])(right)


def evaluated(expression: str, runs: dict[str, dict]):
    """The value of an expression; `runs`: what each record's symbol stands for, as `load` gives it.

    Nothing but arithmetic and the functions above is computed, so that a forged document can do no
    harm. Raises ReportError for anything else, for a record that is not there, and for a part of it
    that is not.
    """

    def of(node):
        match node:
            case ast.Constant():
                return node.value
            case ast.Name(id=name) if name in runs:
                return runs[name]
            case ast.Name(id=name):
                raise ReportError(f"no record {name} on this machine")
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return -of(inner)
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in SIGNS:
                return arithmetic(float(of(left)), sign, float(of(right)))
            case ast.Call(func=ast.Name(id=name), args=arguments) if name in FUNCTIONS:
                return FUNCTIONS[name](*map(of, arguments))
        raise ReportError(f"{ast.unparse(node)!r} is nothing that can be recomputed")

    try:
        return of(ast.parse(expression, mode="eval").body)
    except SyntaxError:
        raise ReportError(f"{expression!r} is no expression") from None
    except FAILURES as error:
        raise ReportError(
            f"{expression!r} cannot be computed again ({type(error).__name__}: {error})"
        ) from None
