"""`lmreport verify --lint`: no result is typed into prose, captions or alternative texts of the
documents.
"""

from __future__ import annotations

import re
from pathlib import Path

from lmreport.core import strict_yaml
from lmreport.core.settings import project_root

# What looks like a measured result: a percentage, an accuracy, a time, a rate, a size, a count of
# texts, a p-value.
RESULT = re.compile(
    r"(?<![\w.])(\d+(?:\.\d+)?\s?%|0\.\d{2,}"
    r"|\d+(?:\.\d+)?\s(?:ms|s|seconds?|minutes?|min|hours?|h|texts/s|points?|per ?cent|MB|GB|GiB|FLOPs)\b"
    r"|\d{1,3},\d{3}\b|\d{4,}\s(?:texts|questions|parameters)|\d+\.\d+\s?(?:times|×)|p\s?[=<]\s?0?\.\d+)"
)
SHOWN = {
    *("fig-cap", "fig-subcap", "fig-alt", "tbl-cap", "tbl-subcap", "lst-cap"),  # of a cell
    *("title", "subtitle", "abstract", "description"),  # of the title block
}
FRONT = re.compile(r"(?:(?P<key>[\w-]+):)?(?P<said>.*)")
OPTION = re.compile(r"# ?\| ?" + FRONT.pattern)
FORMULA = r"\$(?!\d[\d.,]*(?:\\,)?(?:\\%)?\$)(?=\S)[^$\n]*\$"  # all but a lone number or percentage
BESIDE = "allowed-numbers.yml"


def prose(text: str) -> str:
    """A document with its cells, code, inline code, mathematics and front matter blanked; lines
    keep their numbers.
    """

    def blank(match):
        return "\n" * match[0].count("\n")

    text = re.sub(r"\A---\n.*?\n---\n", blank, text, flags=re.S)
    text = re.sub(
        r"\*Item \S+ · [\d.]+ points?\*", "", text
    )  # compared with the rubric by check/items
    return re.sub(
        rf"```.*?```|`[^`]*`|\$\$.*?\$\$(\s*\{{.*?\}})?|{FORMULA}", blank, text, flags=re.S
    )


def captions(text: str) -> str:
    """The captions and alternative texts of a document's cells and what its title block says to the
    reader, each line in its place.
    """
    lines, shown, in_front = [], False, text.startswith("---\n")
    for number, line in enumerate(text.splitlines()):
        in_front = in_front and not (number and line == "---")
        option = (FRONT if in_front else OPTION).match(line)
        if not option:
            shown = False
        elif option["key"]:
            shown = option["key"] in SHOWN
        lines.append(option["said"].strip() if option and shown else "")
    return re.sub(rf"`[^`]*`|{FORMULA}", "", "\n".join(lines))


def unmarked(text: str) -> str:
    """`text` without what may stand between a number and its unit: emphasis, dollars, and spaces of
    all kinds but the plain one.
    """
    text = re.sub(r"&(?:nbsp|thinsp|#160);|\\[ ,]|[\u00a0\u2009\u202f]", " ", text)
    return re.sub(r"[*_$\\]", "", text)


def allowed(folder: Path) -> dict[str, str]:
    """{number: reason} of what may be typed although it looks like a result."""
    path = folder / BESIDE
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    _, entries = strict_yaml.read(
        text, lambda line: f"report/{BESIDE}:{line + 1}", "the numbers that are allowed"
    )
    return {number: str(reason.value) for number, reason, _ in entries}


def typed(path: Path) -> list[tuple[int, str]]:
    """(line, text) of each number in the document at `path` that looks like a result and is not
    allowed.
    """
    source, fine = path.read_text(encoding="utf-8"), allowed(path.parent)
    numbers = []
    for text in (prose(source), captions(source)):
        for found in RESULT.finditer(text := unmarked(text)):
            if (result := " ".join(found[0].split())) not in fine:
                numbers.append((text.count("\n", 0, found.start()) + 1, result))
    return sorted(numbers)


def of_project(root: Path) -> list[tuple[str, str]]:
    """(file:line, text) of what is typed into the documents of the project at `root`."""
    folder = root / "report"
    return [
        (f"report/{path.name}:{line}", text)
        for path in sorted(folder.glob("*.qmd"))
        for line, text in typed(path)
    ]


def report() -> int:
    """Say which numbers are typed; 0 if there are none, else 1."""
    root = project_root()
    results = of_project(root)
    for place, text in results:
        print(
            f"{place}: “{text}” looks like a result; make it inline code, or allow it with a "
            f"reason in report/{BESIDE}"
        )
    print(
        f"{len(results) or 'no'} typed result{'s' * (len(results) != 1)}; "
        f"{len(allowed(root / 'report'))} allowed with a "
        "reason"
    )
    return 1 if results else 0
