"""What a check finds: what is wrong, where, and how to fix it, with one of two weights."""

from __future__ import annotations

from dataclasses import dataclass

MUST, LOOK = "must be fixed", "worth a look"
AGAIN = "render again with lmreport render --force"


@dataclass(frozen=True)
class Finding:
    """group: the heading that it is told under; weight: MUST or LOOK; where: file:line of the
    source where that is known, else the page of the PDF, the cell or the anchor; fix: what to
    do."""

    group: str
    weight: str
    what: str
    where: str
    fix: str
