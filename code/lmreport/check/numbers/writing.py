"""How a value must read in the report: decimal arithmetic, no code in common with
`lmreport.display.markdown`.
"""

from __future__ import annotations

import math
import re
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal

WAYS = {"up": ROUND_CEILING, "down": ROUND_FLOOR}  # of bounds
ROUNDING = 1e-12  # two ways to sum the same numbers may differ by so much, relative to the value


def agrees(text: str, form: str, value: float, rounding: float = 0.0) -> bool:
    """True if `text` is what `form` (see `lmreport.display.traced.TracedText`) makes of `value`, to
    the last character.

    rounding: the share of the value by which another way of computing it may differ.
    """
    if form == "below":
        return squeezed(text) == "<0.001" and value < 0.001
    return any(
        squeezed(text) == squeezed(written(form, v))
        for v in (value, value * (1 - rounding), value * (1 + rounding))
    )


def written(form: str, value: float) -> str:
    """`value` as the report must show it; "" for a form that is not known."""
    kind, _, how = form.partition(":")
    if kind == "one":
        choices = how.split("¦")
        return choices[int(value)] if value == int(value) and 0 <= value < len(choices) else ""
    if math.isnan(value):
        return "–"
    if not math.isfinite(value):
        return str(value)
    match kind:
        case "pct":
            return f"{decimals(Decimal(100 * value), int(how))} %"
        case "fixed":
            return decimals(Decimal(value), int(how))
        case "count":
            return f"{int(Decimal(value).to_integral_value(ROUND_HALF_EVEN)):,}"
        case "num":
            digits, _, way = how.partition(":")
            if way:
                return significant(Decimal(f"{value:.12g}"), int(digits), WAYS[way])
            return significant(Decimal(value), int(digits))
        case "duration":
            return duration(Decimal(f"{value:.12g}"), WAYS[how]) if how else duration(value)
    return ""


def decimals(value: Decimal, places: int) -> str:
    """`value` rounded to a number of decimals."""
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    return str(rounded if rounded else abs(rounded))


def significant(value: Decimal, digits: int, rounding: str = ROUND_HALF_EVEN) -> str:
    """`value` with a number of significant digits, thousands grouped; very small and large ones as
    powers of ten.
    """
    if not value:
        return "0"
    rounded = Context(prec=digits, rounding=rounding).plus(value)
    power = rounded.adjusted()
    if abs(rounded) < Decimal("1e-4") or abs(rounded) >= Decimal("1e9"):
        raised = "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(c)] if c.isdigit() else "⁻" for c in str(power))
        return f"{decimals(rounded.scaleb(-power), digits - 1)} × 10{raised}"
    return f"{rounded:,.{max(digits - 1 - power, 0)}f}"


def duration(seconds: float | Decimal, rounding: str = ROUND_HALF_EVEN) -> str:
    """Seconds in words, three digits under a minute."""
    for power, unit, limit in ((6, "µs", 1000), (3, "ms", 1000), (0, "s", 60)):
        number = Decimal(seconds).scaleb(power) if seconds else Decimal(0)
        rounded = Context(prec=3, rounding=rounding).plus(number)
        if rounded < limit:
            text = f"{rounded:f}"
            return f"{text.rstrip('0').rstrip('.') if '.' in text else text} {unit}"
    minutes, rest = divmod(int(Decimal(seconds).to_integral_value(rounding)), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(int((Decimal(seconds) / 60).to_integral_value(rounding)), 60)
    return f"{hours} h {minutes} min"


def squeezed(text: str) -> str:
    """A text without blanks, with plain quotation marks and dashes."""
    return re.sub(r"\s+", "", text).translate(str.maketrans("“”‘’–—−", "\"\"''---"))
