"""Dates of the title block in genuine Quarto's words; `SOURCE_DATE_EPOCH` stands for today where it
is set.
"""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Protocol

from lmreport.core.settings import epoch

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",  # English ones, whatever the locale of the machine
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
NAMED = {
    "iso": "YYYY-MM-DD",
    "long": "MMMM D, YYYY",
    "full": "dddd, MMMM D, YYYY",
    "medium": "MMM D, YYYY",
    "short": "M/D/YY",
}
TODAY = ("today", "now")
DEFAULT = {"html": "long", "typst": "iso"}


class Named(Protocol):
    """What the date of a document may depend on: its name, for messages, and its file."""

    @property
    def name(self) -> str: ...

    @property
    def path(self) -> Path: ...


def resolve(options: dict, fmt: str, document: Named) -> tuple[str, str]:
    """The date of the title block as shown and in ISO form; ("", "") where there is none."""
    given = options.get("date")
    if given in (None, ""):
        return "", ""
    day = when(given, document)
    if day is None:
        return str(given), ""
    style = str(options.get("date-format") or DEFAULT[fmt])
    return shown(day, NAMED.get(style, style)), day.strftime("%Y-%m-%d")


def when(given: object, document: Named) -> datetime.date | None:
    if given in (*TODAY, "last-modified"):
        seconds = epoch()
        if seconds is not None:
            return datetime.datetime.fromtimestamp(seconds, datetime.UTC).date()
        if given == "last-modified":
            return datetime.date.fromtimestamp(document.path.stat().st_mtime)
        return datetime.date.today()
    day = ISO.fullmatch(str(given))
    return datetime.date(*map(int, day.groups())) if day else None


ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?")


def is_impossible(given: str) -> bool:
    """Whether `given` is written as a date that no calendar has, such as 2026-02-30."""
    day = ISO.fullmatch(given)
    try:
        return day is not None and not datetime.date(*map(int, day.groups()))
    except ValueError:
        return True


def is_written_otherwise(given: str) -> bool:
    """Whether `given` is a day, with its number and year, but not written as 2026-02-28."""
    return not ISO.fullmatch(given) and re.search(r"\d.*\d{4}|\d{4}.*\d", given) is not None


def shown(day: datetime.date, style: str) -> str:
    """`day` in the `style` of date-format, "D MMMM YYYY"; what stands in [ ] is text."""
    values = {
        "YYYY": f"{day.year:04}",
        "YY": f"{day.year % 100:02}",
        "MMMM": MONTHS[day.month - 1],
        "MMM": MONTHS[day.month - 1][:3],
        "MM": f"{day.month:02}",
        "M": str(day.month),
        "DD": f"{day.day:02}",
        "D": str(day.day),
        "dddd": DAYS[day.weekday()],
        "ddd": DAYS[day.weekday()][:3],
    }
    return TOKEN.sub(lambda m: m[1] if m[1] is not None else values[m[0]], style)


TOKEN = re.compile(r"\[([^\]]*)\]|[A-Za-z]+")
KNOWN = "YYYY YY MMMM MMM MM M DD D dddd ddd".split()


def refused(style: str) -> str:
    """What a message says of a date-format with an unknown token; "" of any other."""
    tokens = (m[0] for m in TOKEN.finditer(NAMED.get(style, style)) if m[1] is None)
    unknown = next((token for token in tokens if token not in KNOWN), "")
    return f"{unknown!r} is unknown; known are {', '.join(KNOWN)}" if unknown else ""
