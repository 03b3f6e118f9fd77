"""Numbers that know how they came about: arithmetic on them writes the expression along."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

RUN = re.compile(
    r"\b([a-z]\w*)_([0-9a-f]{16})\b"
)  # a record in an expression: its name and its key


class Quantity(float):
    """A float with the expression that gives it from recorded runs, such as `accuracy(lstm_a005…) -
    0.5`.

    A quotient by zero, such as a share of nothing, is not a number (nan) and stops nothing.

    +, −, ·, / and abs of quantities are quantities again; anything else gives a plain float. A
    record stands in the expression as its name and key, so that another program can look it up and
    compute the same again.
    """

    expression: str

    def __new__(cls, value: float, expression: str) -> Quantity:
        made = super().__new__(cls, value)
        made.expression = expression
        return made

    @property
    def runs(self) -> tuple[str, ...]:
        """The records in the expression, as name-key, each once."""
        return tuple(dict.fromkeys(f"{name}-{key}" for name, key in RUN.findall(self.expression)))

    def __neg__(self) -> Quantity:
        return Quantity(-float(self), f"(-{self.expression})")

    def __abs__(self) -> Quantity:
        return Quantity(abs(float(self)), f"abs({self.expression})")

    def __reduce__(self) -> tuple[type[Quantity], tuple[float, str]]:
        return Quantity, (float(self), self.expression)


def expression(value: float) -> str:
    """The expression of a quantity; of any other number its digits."""
    return value.expression if isinstance(value, Quantity) else repr(float(value))


def _operator(name: str, sign: str) -> tuple[Callable, Callable]:
    operation = getattr(float, f"__{name}__")

    def plain(one: float, other: Any) -> Any:
        return float("nan") if name == "truediv" and other == 0 else operation(one, other)

    def forward(self: Quantity, other: Any) -> Any:
        value = plain(self, other)
        return (
            value
            if value is NotImplemented
            else Quantity(value, f"({expression(self)} {sign} {expression(other)})")
        )

    def backward(self: Quantity, other: Any) -> Quantity:
        return Quantity(
            plain(float(other), float(self)), f"({expression(other)} {sign} {expression(self)})"
        )

    return forward, backward


for _name, _sign in (("add", "+"), ("sub", "-"), ("mul", "*"), ("truediv", "/")):
    _forward, _backward = _operator(_name, _sign)
    setattr(Quantity, f"__{_name}__", _forward)
    setattr(Quantity, f"__r{_name}__", _backward)


def of_records(function: Callable[..., float]) -> Callable[..., Quantity]:
    """Let a function of records (and of numbers and texts) return a quantity whose expression is
    its own call.
    """

    @functools.wraps(function)
    def measured(*arguments: Any) -> Quantity:
        written = ", ".join(getattr(a, "symbol", None) or repr(a) for a in arguments)
        return Quantity(function(*arguments), f"{function.__name__}({written})")

    return measured
