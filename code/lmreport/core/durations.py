"""Seconds in words."""

from __future__ import annotations


def in_words(seconds: float) -> str:
    """Seconds for a reader: 0.0123 → "12 ms", 75 → "1 min 15 s", 4000 → "1 h 7 min"."""
    for factor, unit, limit in ((1e6, "µs", 1000), (1e3, "ms", 1000), (1, "s", 60)):
        text = f"{seconds * factor:.3g}"
        if float(text) < limit:  # once it is rounded: not "1e+03 ms"
            return f"{text} {unit}"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min"
