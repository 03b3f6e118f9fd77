"""What the checks found, for a person and for a machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from lmreport.check import check
from lmreport.check.findings import LOOK, MUST, Finding
from lmreport.reporting import rubric

MOST = 8  # findings of one group that are printed


def report(root: Path, profile: str | None, quick: bool, as_json: bool) -> int:
    """Print what was found and the verdict; 0 if the report can be handed in, 1 if something must
    be fixed.
    """
    documents, findings = check(root, profile, quick)
    must = sum(one.weight == MUST for one in findings)
    if as_json:
        print(
            json.dumps(
                {
                    "can_be_handed_in": not must,
                    "verdict": verdict(findings, quick),
                    "profile": documents.profile,
                    "must_be_mended": must,
                    "worth_a_look": len(findings) - must,
                    "findings": [asdict(one) for one in findings],
                },
                indent=1,
                ensure_ascii=False,
            )
        )
    else:
        print(head(documents))
        for group in dict.fromkeys(one.group for one in findings):
            for line in of_group(group, [one for one in findings if one.group == group]):
                print(line)
        print("\n" + verdict(findings, quick))
    return int(bool(must))


def head(documents) -> str:
    """What was looked at: profile, items, points, and where the printed totals differ."""
    items, answering = documents.items, documents.answering
    differ = [
        f"{d['id']}: {d['printed']}, its items {d['sum']}" for d in rubric.differing(answering)
    ]
    return (
        f"The report{f' of {answering}' if answering else ''}: {len(items)} items, "
        f"{rubric.total(answering=answering)} points"
        + (f" (printed totals that differ: section {'; section '.join(differ)})" if differ else "")
    )


def of_group(group: str, findings: list[Finding]) -> list[str]:
    """The lines of one group, what must be fixed first."""
    ordered = sorted(findings, key=lambda one: one.weight != MUST)
    lines = ["", group]
    for one in ordered[:MOST]:
        lines += [
            f"  {one.weight}: {one.what}",
            f"    where: {one.where}",
            f"    fix:   {one.fix}",
        ]
    return lines + [f"  and {len(ordered) - MOST} more (--json lists all)"] * (len(ordered) > MOST)


def verdict(findings: list[Finding], quick: bool) -> str:
    """One sentence that counts."""
    must = sum(one.weight == MUST for one in findings)
    look = sum(one.weight == LOOK for one in findings)
    unverified = "; its numbers were not computed again (--quick)" if quick else ""
    fix = f"{must} thing{'s' * (must != 1)} must be fixed" if must else "nothing must be fixed"
    rest = (
        f"{look} {'is' if look == 1 else 'are'} worth a look"
        if look
        else "nothing else is worth a look"
    )
    return f"The report can{'not' * bool(must)} be handed in{' yet' * bool(must)}: {fix}, {rest}{unverified}."
