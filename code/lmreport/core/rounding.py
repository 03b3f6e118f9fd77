"""Bounds, which must not be rounded past themselves."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context

WAYS = {"up": ROUND_CEILING, "down": ROUND_FLOOR}


def towards(number: float, digits: int, way: str) -> float:
    """`number` with so many significant digits, rounded "up" or "down", but not for what a float is
    off by.
    """
    return float(Context(prec=digits, rounding=WAYS[way]).create_decimal(f"{number:.12g}"))
