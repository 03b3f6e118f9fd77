"""Can the finished report be handed in? Each check reads the same documents and tells what it
finds.

documents (reading) → the modules of CHECKS → listing (for a person or a machine).
"""

from __future__ import annotations

import importlib
from pathlib import Path

from lmreport.check.findings import Finding

# modules with GROUP and findings(documents)
CHECKS = ("items", "figures", "references", "text", "execution", "pdf")


def check(root: Path, profile: str | None = None, quick: bool = False):
    """(graded document, findings) of the documents of the project at `root`, in the order of the
    checks.

    quick: without computing the numbers again. A check that breaks is a finding itself, for a
    foreign or half-made report can break any reader. Raises ReportError if there is no report at
    all.
    """
    from lmreport.check import documents, execution

    read, findings = documents.read_all(root, profile)
    for name in CHECKS:
        module = importlib.import_module(f"lmreport.check.{name}")
        looks = [(module.GROUP, module.findings)]
        if module is execution and not quick:
            looks.append((execution.NUMBERS, execution.verified))
        for group, look in looks:
            for one in read:
                findings += guarded(group, look, one)
    return read[0], list(dict.fromkeys(findings))  # two pages may show the same stale run


def guarded(group: str, look, read) -> list[Finding]:
    """What one check finds, and its own failure."""
    from lmreport.check.findings import AGAIN, MUST

    findings = []
    try:
        for finding in look(read):
            findings.append(finding)
    except Exception as error:  # told, not hidden: its name and words are in the finding
        message = str(error).splitlines()[0][:120] if str(error) else ""
        findings.append(
            Finding(
                group,
                MUST,
                f"this could not be checked to its end ({type(error).__name__}: {message})",
                "_report/report",
                AGAIN,
            )
        )
    return findings
