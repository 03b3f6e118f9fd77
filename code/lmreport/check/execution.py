"""Was all code run without an error, by the code, data and libraries that are there now?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lmreport.check.documents import Documents
from lmreport.check.findings import AGAIN, LOOK, MUST, Finding
from lmreport.core.errors import ReportError
from lmreport.runs.kinds import KINDS, MODELS

GROUP = "Code and runs"
NUMBERS = "Numbers"


def findings(documents: Documents) -> Iterator[Finding]:
    if documents.notebook is not None:
        yield from cells(documents)
    yield from in_page(documents)
    yield from outputs(documents)
    yield from records(documents)


def cells(documents: Documents) -> Iterator[Finding]:
    """Every cell of the sources stands in the notebook, was run, and left no error."""
    from lmreport.render import cell_options
    from lmreport.render.lines import Line

    kept = [c for c in documents.notebook.cells if c.cell_type == "code" and c.source.strip()]
    read = []
    for number, cell in enumerate(kept, 1):
        lines = [
            Line(text, documents.notebook_name, n)
            for n, text in enumerate(cell.source.splitlines(), 1)
        ]
        parsed = cell_options.code_cell(Line("```{python}", documents.notebook_name, 1), lines)
        read.append(parsed)
        where = place(documents, parsed, number)
        errors = [o for o in cell.outputs if o.output_type == "error"]
        for error in errors[:1]:
            yield Finding(
                GROUP,
                MUST,
                f"the cell {parsed.label or number} ended in an error ({error.ename}: "
                f"{str(error.evalue).splitlines()[0][:80] if error.evalue else ''})",
                where,
                "fix the cell, then lmreport render",
            )
        if cell.execution_count is None and not errors and parsed.options.get("eval") is not False:
            yield Finding(
                GROUP, MUST, f"the cell {parsed.label or number} was not executed", where, AGAIN
            )
    names, codes = {c.label for c in read}, {c.code.strip() for c in read}
    for cell in documents.cells:
        if (
            cell.kind == "code"
            and cell.code.strip()
            and cell.options.get("eval") is not False
            and (cell.label not in names if cell.label else cell.code.strip() not in codes)
        ):
            yield Finding(
                GROUP,
                MUST,
                f"the cell {cell.label or 'without a label'} of the source is not in the "
                "executed notebook",
                cell.place,
                "lmreport render",
            )


def place(documents: Documents, cell, number: int) -> str:
    """file:line of a notebook's cell in the sources, and its number there."""
    same = [
        c.place
        for c in documents.cells
        if c.kind == "code"
        and (c.label == cell.label if cell.label else c.code.strip() == cell.code.strip())
    ]
    return (
        f"{same[0]} ({documents.notebook_name}, code cell {number})"
        if same
        else f"{documents.notebook_name}, code cell {number}"
    )


def in_page(documents: Documents) -> Iterator[Finding]:
    """No error is shown in the page."""
    from lmreport.check.numbers.reading import words

    if documents.page is None:
        return
    for element in documents.page.xpath("//*[contains(@class, 'cell-output-error')]"):
        holder = next(
            (e for e in element.iterancestors() if "cell" in (e.get("class") or "").split()), None
        )
        name = (holder.get("id") or "").removeprefix("cell-") if holder is not None else ""
        yield Finding(
            GROUP,
            MUST,
            f"the page shows an error (“{words(element)[-60:]}”)",
            documents.place(name) if name else documents.page_path.name,
            "fix the cell, then lmreport render",
        )


def outputs(documents: Documents) -> Iterator[Finding]:
    """Each file is what was rendered, and newer than everything that it is made from, at the
    settings of then.
    """
    from lmreport.check import status
    from lmreport.check.documents import of_project

    document = next(
        one
        for one in of_project(documents.root, documents.profile or None)
        if one.output.stem == documents.page_path.stem
    )
    try:
        lines = status.of_document(document, status.settings_then(document))
    except ReportError as error:
        yield Finding(
            GROUP,
            LOOK,
            "whether the report is newer than its sources cannot be told",
            "lmreport status",
            str(error),
        )
        return
    for line in lines:
        if line.state == "altered" and line.name not in unread(documents):
            yield Finding(
                GROUP,
                MUST,
                f"{line.name} was altered: {line.why[0]}",
                f"_report/report/{line.name}",
                AGAIN,
            )
    stale: dict[tuple, list[str]] = {}
    for line in lines:
        if line.state == "stale":
            stale.setdefault(line.why, []).append(line.name)
    for why, names in stale.items():
        subject = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}"
        yield Finding(
            GROUP,
            MUST,
            f"{subject} older than what made it: {'; '.join(why[:3])}"
            + (" …" if len(why) > 3 else ""),
            f"_report/report/{names[0]}",
            "lmreport render"
            + (" with the same --name, --email … as before" if named(documents) else ""),
        )


def unread(documents: Documents) -> set[str]:
    """The files that could not be read, which is told already."""
    parts = {
        documents.page_path: documents.page,
        documents.pdf_path: documents.pdf,
        documents.notebook_path: documents.notebook,
    }
    return {path.name for path, part in parts.items() if part is None}


def named(documents: Documents) -> bool:
    """Whether the page says who hands it in."""
    from lmreport.core.author import LABELS

    shown = documents.page is not None and documents.page.xpath(
        "//*[@id='cell-identity']//strong/text()"
    )
    return any(f"{label}:" in (shown or ()) for label in LABELS.values())


def records(documents: Documents) -> Iterator[Finding]:
    """Each run that the page shows is at hand, and is what the code and the libraries at hand would
    give.
    """
    from lmreport.display import again
    from lmreport.runs import freshness
    from lmreport.runs import records as run_records

    if documents.page is None:
        return
    kinds = "|".join(KINDS)
    shown = {
        run
        for attribute in documents.page.xpath("//@data-run")
        for run in re.findall(rf"\b(?:{kinds})-[0-9a-f]{{16}}\b", attribute)
    }
    places = {"full": "report/runs/{}.json", "quick": "the record {} in the cache"}
    # those that are shown: the studies shown beside them must have started from them
    models: dict = {}
    for name in sorted(shown, key=lambda run: (run.rpartition("-")[0] not in MODELS, run)):
        kind = name.rpartition("-")[0]
        given, scale = (
            [],
            next((s for s in places if (run_records.home(s) / f"{name}.json").is_file()), None),
        )
        if scale is None:
            yield Finding(
                GROUP,
                MUST,
                f"the page shows the run {name}, of which there is no record",
                "report/runs",
                f"lmreport run {kind}, then lmreport render",
            )
            continue
        try:
            record = run_records.read(run_records.home(scale) / f"{name}.json")
            given = again.of_inputs(record.inputs)
            models |= {kind: record} if kind in MODELS and scale == "full" else {}
            why = [
                *freshness.reasons(record),
                *(freshness.of_another(record, models) if scale == "full" else []),
            ]
        except ReportError as error:
            why = [str(error)]
        if why:
            yield Finding(
                GROUP,
                MUST,
                f"the run {name} is stale: {'; '.join(why[:3])}",
                places[scale].format(name),
                f"lmreport run {' '.join([kind, '--scale', scale, *given])}, then lmreport render",
            )


def verified(documents: Documents) -> Iterator[Finding]:
    """Every number of the page can be computed again."""
    from lmreport.check.numbers import reading, verify

    if documents.page is None or documents.pdf is None and documents.pdf_path.is_file():
        return  # a file that cannot be read is told already
    if not documents.graded and not documents.page.xpath(reading.SPAN):
        return  # a supplement may have none
    try:
        result = verify.verify(documents.page_path, documents.root)
    except ReportError as error:
        yield Finding(
            NUMBERS,
            MUST,
            "the numbers of the page cannot be computed again",
            documents.page_path.name,
            str(error),
        )
        return
    for at, text, right in result.differences:
        label = at.split(",")[0]
        where = (
            documents.place(label) + at[len(label) :]
            if re.match(r"(sec|fig|tbl)-", label)
            else f"{documents.page_path.name}, {at}"
        )
        yield Finding(
            NUMBERS,
            MUST,
            f"the page shows “{text[:60]}”: {right}",
            where,
            "lmreport render --force; lmreport verify tells more",
        )
