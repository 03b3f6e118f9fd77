"""Dates of the title block in genuine Quarto's words; `SOURCE_DATE_EPOCH` stands for today where it is set."""

from __future__ import annotations

import calendar
import datetime
import os
import re

from lmreport.errors import ReportError

MONTHS = list(calendar.month_name)[1:]
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
NAMED = {"iso": "YYYY-MM-DD", "long": "MMMM D, YYYY", "full": "dddd, MMMM D, YYYY", "medium": "MMM D, YYYY",
         "short": "M/D/YY"}
DEFAULT = {"html": "long", "typst": "iso"}


def resolve(options: dict, fmt: str, document) -> tuple[str, str]:
    """The date of the title block as shown and in ISO form; ("", "") where there is none."""
    given = options.get("date")
    if given in (None, ""):
        return "", ""
    day = when(given, document)
    if day is None:
        return str(given), ""
    style = str(options.get("date-format") or DEFAULT[fmt])
    return shown(day, NAMED.get(style, style)), day.strftime("%Y-%m-%d")


def when(given, document) -> datetime.date | None:
    if given in ("today", "now", "last-modified"):
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        if epoch:
            return datetime.datetime.fromtimestamp(int(epoch), datetime.UTC).date()
        if given == "last-modified":
            return datetime.date.fromtimestamp(document.path.stat().st_mtime)
        return datetime.date.today()
    if isinstance(given, datetime.date):
        return given
    try:
        return datetime.date.fromisoformat(str(given))
    except ValueError:
        return None


def shown(day: datetime.date, style: str) -> str:
    values = {"YYYY": f"{day.year:04}", "YY": f"{day.year % 100:02}", "MMMM": MONTHS[day.month - 1],
              "MMM": MONTHS[day.month - 1][:3], "MM": f"{day.month:02}", "M": str(day.month), "DD": f"{day.day:02}",
              "D": str(day.day), "dddd": DAYS[day.weekday()], "ddd": DAYS[day.weekday()][:3]}
    return re.sub(r"\[([^\]]*)\]|[A-Za-z]+", lambda m: m[1] if m[1] is not None else known(m[0], values, style), style)


def known(token: str, values: dict, style: str) -> str:
    if token not in values:
        raise ReportError(f"date-format {style!r}: {token!r} is unknown; known are {', '.join(values)}")
    return values[token]
