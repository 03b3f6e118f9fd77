"""Seconds in words."""

from __future__ import annotations

import math

from lmreport.core.rounding import towards


def in_words(seconds: float, up: bool = False) -> str:
    """Seconds for a reader: 0.0123 → "12.3 ms", 75 → "1 min 15 s", 4000 → "1 h 7 min".

    up: an upper bound, which is never rounded to less than it is: 110.4 → "1 min 51 s".
    """
    for factor, unit, limit in ((1e6, "µs", 1000), (1e3, "ms", 1000), (1, "s", 60)):
        text = three_digits(seconds * factor, up)
        if float(text) < limit:  # once it is rounded: not "1e+03 ms"
            return f"{text} {unit}"
    whole = up_to_whole if up else round
    minutes, rest = divmod(whole(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(whole(seconds / 60), 60)
    return f"{hours} h {minutes} min"


def three_digits(number: float, up: bool) -> str:
    return f"{towards(number, 3, 'up') if up else number:.3g}"


def up_to_whole(number: float) -> int:
    """The next whole number, but for what a product of floats is off by."""
    return math.ceil(float(f"{number:.12g}"))
