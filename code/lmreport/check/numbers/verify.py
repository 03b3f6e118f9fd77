"""`lmreport verify`: every number of a finished report against the records, the experiments, the
sources, the PDF.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from lmreport.check.numbers import experiments, pdf_text, reading, recompute
from lmreport.check.numbers.writing import ROUNDING, agrees
from lmreport.core.errors import ReportError
from lmreport.core.settings import cache_root, project_root
from lmreport.runs.quantity import RUN


@dataclass
class Verification:
    """What `verify` found: differences as (place, shown, what it should be), and how each number
    was checked.

    altered: the files that are not what was rendered, with what differs; unusable: those that are
    gone, empty or cannot be read.
    """

    differences: list[tuple[str, str, str]] = field(default_factory=list)
    recorded: int = 0
    remembered: int = 0
    own: int = 0
    altered: dict[str, str] = field(default_factory=dict)
    unusable: dict[str, str] = field(default_factory=dict)
    captions: int = 0
    compared_with_pdf: bool = False

    @property
    def verdict(self) -> str:
        """What was found in a few words: "no differences" only where nothing at all is wrong."""
        numbers, files = len(self.differences), len(self.altered | self.unusable)
        parts = [f"{numbers} difference{'s' * (numbers != 1)}"] * bool(numbers)
        parts += [f"{files} file{'s' * (files != 1)} not as rendered"] * bool(files)
        return " and ".join(parts) or "no differences"


def verify(path: Path, root: Path | None = None) -> Verification:
    """Check the HTML page at `path`, and the PDF beside it if there is one. Raises ReportError if
    there is no computed number in the page.
    """
    root = root or project_root()
    tree = reading.page(path)
    numbers = reading.numbers(tree)
    if not numbers:
        raise ReportError(f"{path}: no computed number is in it; is this the report?")
    result = Verification()
    for number in numbers:
        result.differences += check(number, root, result)
    result.differences += captions(tree, root, result)
    result.unusable, changed = of_files(path, root)
    result.altered = {name: why for name, why in changed.items() if name not in result.unusable}
    if path.with_suffix(".pdf").is_file() and path.with_suffix(".pdf").name not in result.unusable:
        result.compared_with_pdf = True
        result.differences += [
            (place, text, "not in the PDF")
            for place, text in pdf_text.missing(tree, path.with_suffix(".pdf"))
        ]
    return result


def check(number: reading.Number, root: Path, result: Verification) -> list[tuple[str, str, str]]:
    """The differences of one number from its own full value and from what can be computed again."""
    wrong = []
    if not agrees(number.text, number.form, number.value):
        wrong.append(
            (number.place, number.text, f"its full value is {shown(number, number.value)}")
        )
    try:
        if number.expression:
            result.recorded += 1
            again: float | None = float(
                recompute.evaluated(number.expression, records(number.expression, root))
            )
            source = number.expression
        else:
            again = experiments.recomputed(number.code, number.runs) if number.runs else None
            result.remembered += again is not None
            result.own += again is None
            source = number.code
    except ReportError as error:
        return [*wrong, (number.place, number.text, str(error))]
    if again is not None and not wrong and not agrees(number.text, number.form, again, ROUNDING):
        wrong.append((number.place, number.text, f"recomputed {shown(number, again)} ({source})"))
    return wrong


def shown(number: reading.Number, value: float) -> str:
    """A value, or the word that it stands for."""
    words = number.form.removeprefix("one:").split("¦")
    return (
        words[int(value)]
        if number.form.startswith("one:") and int(value) < len(words)
        else f"{value:.10g}"
    )


def records(expression: str, root: Path) -> dict[str, dict]:
    """The records that an expression names: {symbol: values and arrays}; those that are not there
    are left out.
    """
    from lmreport.runs import records as run_records

    by_symbol = {}
    for name, key in RUN.findall(expression):
        for folder in (root / "report" / "runs", cache_root() / "runs"):
            path = folder / f"{name}-{key}.json"
            if path.is_file():
                if path not in recompute.LOADED:
                    run_records.read(path)  # refuses an altered record
                by_symbol[f"{name}_{key}"] = recompute.load(path)
    return by_symbol


def captions(tree, root: Path, result: Verification) -> list[tuple[str, str, str]]:
    """Captions whose numbers are not those of the source."""
    from lmreport.render import project, source

    wrong = []
    for document in project.read(root, ("html",), None):
        for cell in source.read(document):
            caption = cell.options.get("fig-cap") or cell.options.get("tbl-cap")
            holder = tree.xpath(f"//*[@id='{cell.label}']") if caption and cell.label else []
            for element in (e for h in holder for e in h.xpath(".//figcaption | .//caption")[:1]):
                result.captions += 1
                shown = reading.text_without(element, is_cross_reference)
                said = re.sub(r"^\s*(Figure|Table)\s+[\d.]+:?", "", shown)
                if re.findall(r"\d+", said) != re.findall(r"\d+", NO_TEXT.sub("", str(caption))):
                    wrong.append((cell.label, said, f"the source says “{caption}”"))
    return wrong


NO_TEXT = re.compile(  # of a caption as it is written: formulas, references, where links lead
    r"\$[^$]*\$|@(fig|tbl|lst|eq|sec)-[\w-]+|(?<=\])\([^)]*\)"
)


def is_cross_reference(element) -> bool:
    return "quarto-xref" in (element.get("class") or "").split()


def of_files(path: Path, root: Path) -> tuple[dict[str, str], dict[str, str]]:
    """{name: what is wrong} of the files beside the page at `path` that cannot be used, and of it
    and those that are not what was rendered.
    """
    from lmreport.check import outputs
    from lmreport.render import project

    document = next(
        (
            d
            for d in project.read(root, ("html",), None)
            if d.output.with_suffix(".html") == path.resolve()
        ),
        None,
    )
    return (outputs.unusable(document), outputs.altered(document)) if document else ({}, {})


def report(path: Path | None) -> int:
    """Check one page, or those of all documents, and say what was found; 0 if nothing differs, else
    1.
    """
    from lmreport.render import project

    paths = (
        [path]
        if path
        else [d.output.with_suffix(".html") for d in project.read(project_root(), ("html",), None)]
    )
    return max([of_page(one) for one in paths])


def of_page(path: Path) -> int:
    """Check one page and say what was found; 0 if nothing differs, else 1. Raises ReportError if
    there is no such page.
    """
    from lmreport.check import outputs

    if not path.is_file():
        raise ReportError(f"there is no {path}; make it with lmreport render")
    result = verify(path)
    for place, text, right in result.differences:
        print(f"{path.name}: {place}: shows “{text}”: {right}")
    for name, why in result.altered.items():
        print(f"{name}: {why}" if why.startswith(outputs.OLDER) else f"{name} was altered: {why}")
    for name, why in result.unusable.items():
        print(f"{name} {why}; make it again with lmreport render --force")
    print(
        f"{path.name}: {result.recorded} numbers and comparisons recomputed from recorded logits "
        f"and values, "
        f"{result.remembered} from remembered experiments, {result.own} compared with their own full "
        f"value, "
        f"{result.captions} captions with "
        f"their source{', the text with the PDF' if result.compared_with_pdf else '; no PDF beside it can be read'}: "
        f"{result.verdict}"
    )
    return int(bool(result.differences or result.altered or result.unusable))
