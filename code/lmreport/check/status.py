"""What is there: each run and output is fresh, stale or missing, with the reason. Nothing is
changed by looking.
"""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmreport.core import machine, settings
from lmreport.core.errors import ReportError
from lmreport.data import download
from lmreport.models import pretrained
from lmreport.runs import freshness
from lmreport.runs import records as run_records
from lmreport.runs.kinds import BENCHES, KINDS, MODELS, STUDIES


@dataclass(frozen=True)
class Line:
    """One run or output; state: fresh, stale, altered, missing, damaged or "not needed"; why: the
    reasons, or what it is.
    """

    name: str
    state: str
    why: tuple[str, ...]


def report(given: dict) -> int:
    """Print the state of everything under the settings `given`; 0 if nothing is stale, missing or
    damaged, else 1.
    """
    asked = {k: v for k, v in given.items() if v not in (None, "")}
    chosen = of_last_report(asked) | asked
    now = settings.resolved(settings.load(**chosen))
    corpus, source = download.at_hand(now.data), pretrained.at_hand(now.model)
    if corpus is None:
        download.source_exists(now.data)
    assumed = corpus or download.at_hand("sample")
    assert assumed is not None  # the sample comes with the package
    print(
        f"settings: scale {now.scale}, data {assumed.name} ({assumed.digest[:8]}), model "
        f"{source.name} ({source.digest[:8]})"
    )
    if corpus is None:
        print(
            "          the data that the settings name is not downloaded or unpacked yet; compared "
            "with the sample"
        )
    if len(chosen) > len(asked):
        print(
            f"          {' and '.join(n for n in chosen if n not in asked)} as in the last report"
        )
    if source.why and source.name != now.model:
        print(f"          {now.model} is not on this machine; compared with {source.name}")
    lines = []
    for title, part in (
        (
            f"at these settings ({shortened(run_records.home(now.scale))})",
            at_settings(
                now,
                assumed,
                source,
                options(asked, now),
                options(asked, dataclasses.replace(now, also="")),
            ),
        ),
        (
            "recorded at full scale, shown in each report",
            recorded(
                assumed,
                options({"scale": "full"}, now, assumed),
                options({"scale": "full"}, dataclasses.replace(now, also=""), assumed),
            ),
        ),
        ("outputs", outputs(chosen)),
    ):
        print(f"\n{title}")
        for line in part:
            print(f"  {line.name:<19} {line.state:<10} {line.why[0] if line.why else ''}")
            for reason in line.why[1:]:
                print(f"  {'':<19} {'':<10} {reason}")
        lines += part
    return int(any(line.state not in ("fresh", "not needed") for line in lines))


def of_last_report(asked: dict) -> dict[str, str]:
    """Data and model of the last report, as far as neither `asked` nor environment or file name
    them.
    """
    from lmreport.render import project

    document = project.read(settings.project_root(), ("html",), None)[0]
    named = settings.chosen(**asked)
    return {
        name: value
        for name, value in settings_then(document).items()
        if name in ("data", "model")
        and name not in named
        and value != getattr(settings.Settings, name)
    }


def options(asked: dict, now, corpus=None) -> str:
    """What follows `lmreport run NAME` where it shall run at the settings `now`.

    corpus: the data at hand, if the run shall be one whose results every report shows; that is of
    the official data where these are the sample.
    """
    from lmreport.display import again

    given = again.of_settings(now)
    if asked.get("scale"):
        given += again.of_length(pretrained.at_hand(now.model).path, asked["scale"])
    if corpus is not None and corpus.kind == "sample":
        given = [one for one in given if not one.startswith("--data ")]
    scale = [f"--scale {asked['scale']}"] if asked.get("scale") else []
    return "".join(f" {one}" for one in [*scale, *given])


def at_settings(now, corpus, source, typed: str, of_study: str) -> list[Line]:
    """Models and studies under the settings `now`, against the records of that scale.

    typed, of_study: the options under which a missing model or study is made.
    """
    kept, lines = readable(now.scale)
    shown = {
        r.name
        for r in readable("full")[0]
        if r.inputs["data"]["digest"] == run_records.edition(corpus)
    }
    for name in (*MODELS, *STUDIES):
        wanted = run_records.inputs(name, now, corpus, source)
        how = of_study if name in STUDIES else typed
        line = compared(name, wanted, [r for r in kept if r.name == name], how)
        if line.state != "fresh" and name in STUDIES and now.scale == "quick" and name in shown:
            line = Line(name, "not needed", ("the report shows the recorded one",))
        lines.append(line)
    for other in now.others:
        named = pretrained.at_hand(other.model)
        wanted = run_records.inputs("transformer", other, corpus, named)
        of_kind = [r for r in kept if r.name == "transformer"]
        line = compared("transformer", wanted, of_kind, typed)
        lines.append(dataclasses.replace(line, name=named.name))
    return lines


def compared(name: str, wanted: dict, records: list, typed: str) -> Line:
    """The state of one run: fresh if a record has its inputs, stale if another run of that name was
    recorded.
    """
    if not records:
        return Line(name, "missing", (f"make it with: lmreport run {name}{typed}",))
    nearest = min(records, key=lambda r: len(freshness.reasons(r, wanted)))
    return fresh_or_stale(nearest, freshness.reasons(nearest, wanted))


def fresh_or_stale(record, why: list[str]) -> Line:
    """The line of a record, stale for the reasons `why`, if there are any."""
    return (
        Line(record.name, "stale", tuple(why))
        if why
        else Line(record.name, "fresh", (made(record),))
    )


def recorded(corpus, typed: str, of_study: str) -> list[Line]:
    """The newest full-scale records of the edition that the report shows, against this code and
    these libraries. typed, of_study: options under which a model or a study, which takes one, is
    made.
    """
    kept, lines = readable("full")
    newest: dict[str, run_records.Record] = {}
    for record in kept:
        if record.inputs["data"]["digest"] == run_records.edition(corpus):
            newest.setdefault(record.name, record)
    for name in (*MODELS, *STUDIES):
        if name not in newest:
            how = of_study if name in STUDIES else typed
            lines.append(Line(name, "missing", (f"make it with: lmreport run {name}{how}",)))
            continue
        record = newest[name]
        why = [*freshness.reasons(record), *freshness.of_another(record, newest)]
        lines.append(fresh_or_stale(record, why))
    return lines + [
        line for name in BENCHES for line in measured(name, [r for r in kept if r.name == name])
    ]


def measured(name: str, records: list) -> list[Line]:
    """The newest record of a measurement on each device, made on whatever data: the lengths of its
    texts alone count.
    """
    lines, how = [], f"python -m lmreport.bench {name[6:]} --record"
    for device in ("cpu", "cuda"):
        record = next((r for r in records if r.device == device), None)
        if record:
            line = fresh_or_stale(record, freshness.reasons(record))
            lines.append(Line(record.title, line.state, line.why))
        elif device == "cuda" and KINDS[name].without_gpu == "days" and not lines:
            lines.append(Line(name, "not needed", (f"on a GPU, {how} makes it",)))
        elif device == "cpu" and KINDS[name].without_gpu != "days":
            lines.append(Line(name, "missing", (f"make it with: {how}",)))
    return lines


def readable(scale: str) -> tuple[list, list[Line]]:
    """All whole records of a scale, newest first, and a line for each damaged one."""
    records, damaged = [], []
    for path in sorted(run_records.home(scale).glob("*.json")):
        try:
            records.append(run_records.read(path))
        except ReportError as error:
            damaged.append(Line(path.stem.rpartition("-")[0], "damaged", (str(error),)))
    return sorted(records, key=lambda r: r.made["date"], reverse=True), damaged


def made(record) -> str:
    return f"{record.made['date'][:10]}, record {record.key[:8]}"


def outputs(chosen: dict, profile: str | None = None) -> list[Line]:
    """The files of all documents, against what the last render was made from and what it wrote.

    chosen: settings other than those of this process's environment.
    """
    from lmreport.render import project
    from lmreport.render.document_options import FORMATS

    root = settings.project_root()
    return [
        line
        for document in project.read(root, FORMATS, profile)
        for line in of_document(document, chosen)
    ]


def of_document(document, chosen: dict) -> list[Line]:
    """The files of one document."""
    from lmreport.check import outputs as parts
    from lmreport.render import up_to_date

    kept, lines, known, reasons = up_to_date.kept_for(document), [], {}, {}
    typed = options({}, settings.load(**settings_then(document) | chosen))
    for name in parts.names(document):
        path = document.output.parent / name
        if not parts.has_content(path):
            empty = "it is empty; " if path.is_file() else ""
            lines.append(Line(name, "missing", (f"{empty}make it with: lmreport render{typed}",)))
        elif name in kept and up_to_date.is_written(path, kept[name]):
            known[name] = then = kept[name].made_from
            if id(then) not in reasons:  # mostly one render made them all
                reasons[id(then)] = since_render(then, document, chosen)
            why = reasons[id(then)] or since_first(known)
            lines.append(Line(name, "stale" if why else "fresh", tuple(few(why))))
        else:
            lines.append(by_time(path, document.root))
    changed = parts.altered(document) if len(known) < len(lines) else {}
    for number, line in enumerate(lines):
        if differs := changed.get(line.name):
            state = "stale" if differs.startswith(parts.OLDER) else "altered"
            lines[number] = Line(line.name, state, (differs,))
    return lines


def settings_then(document) -> dict[str, str]:
    """The settings that were given for the last render: they are what the report is, not a fault of
    it.
    """
    from lmreport.render import up_to_date

    kept: dict = next(
        (one.made_from["settings"] for one in up_to_date.kept_for(document).values()), {}
    )
    return {name: value for name, value in kept.items() if value != "None"}


def since_first(known: dict[str, dict]) -> list[str]:
    """Why the last of the outputs `known` does not belong to the first: they were made from other
    things.
    """
    from lmreport.render import up_to_date

    first, last = next(iter(known)), list(known.values())[-1]
    apart: dict[str, Any] = {"formats": [], "runs": {}}
    return [
        f"made by another render than {first}: {why}"
        for why in up_to_date.changes(known[first] | apart, last | apart)
    ]


def since_render(then: dict, document, chosen: dict) -> list[str]:
    """What has changed since the last render of `document`, which was made from `then`."""
    from lmreport.render import dates, project, source, up_to_date

    document = next(
        d
        for d in project.read(document.root, tuple(then["formats"]), " ".join(then["profiles"]))
        if d.name == document.name
    )
    environment = {**os.environ, **settings.variables(then["parameters"] | chosen)}
    now = up_to_date.made_from(
        document, source.read(document), then["formats"], then["parameters"], environment
    )
    if {str(options.get("date")) for options in document.options.values()} <= set(dates.TODAY):
        now["dates"] = then["dates"]  # it says on which day it was rendered
    if not now["identity"]:  # who hands it in may have been told to that render alone
        now["identity"] = then["identity"]
    return up_to_date.changes(then, now)


def by_time(path: Path, root: Path) -> Line:
    """The state of an output that the own renderer did not write (Quarto did, or it was edited), by
    the files' times.
    """
    sources = [
        p
        for folder in (root / "report", machine.PACKAGE)
        for p in folder.rglob("*")
        if p.is_file() and "__pycache__" not in p.parts and ".quarto_ipynb" not in p.name
    ]
    newer = sorted(p for p in sources if p.stat().st_mtime > path.stat().st_mtime)
    if newer:
        return Line(path.name, "stale", tuple(few([f"{shortened(p)} is newer" for p in newer])))
    return Line(path.name, "fresh", ("not written by the own renderer; no source is newer",))


def few(reasons: list[str], most: int = 6) -> list[str]:
    """The first reasons, and how many more there are."""
    return reasons if len(reasons) <= most else [*reasons[:most], f"and {len(reasons) - most} more"]


def shortened(path: Path) -> str:
    """`path` relative to the project, or with ~ for the home folder."""
    for start, sign in ((settings.project_root(), ""), (settings.home(), "~/")):
        if start and path.resolve().is_relative_to(start.resolve()):
            return sign + path.resolve().relative_to(start.resolve()).as_posix()
    return str(path)


def listing(as_json: bool) -> int:
    """Print every record of both scales, newest first."""
    rows = [row(record) for scale in ("full", "quick") for record in readable(scale)[0]]
    if as_json:
        print(json.dumps(rows, indent=1))
    else:
        for one in rows:
            share = "" if one["test_accuracy"] is None else f"{100 * one['test_accuracy']:.1f} %"
            print(
                f"{one['date'][:10]}  {one['name']:<15} {one['scale']:<6} {one['data']:<20} "
                f"{one['model']:<24} {one['seconds']:>8.0f} s  {share:>7}  {one['key'][:8]}"
            )
    return 0


def row(record) -> dict:
    """One record as a flat dict: what, on which data, where, how long, how good, and where its raw
    results lie.

    arrays: the .npz with `logits` (n, classes) and `labels` (n,) of a model; of a study `predicted`
    and `labels`.
    """
    chosen, values = record.inputs["settings"], record.values
    accuracy = record.correct.mean() if record.name in MODELS else None
    return {
        "name": record.name,
        "key": record.key,
        "model": (record.inputs["model"] or {"name": record.name})["name"],
        "data": record.inputs["data"]["name"],
        "data_digest": record.inputs["data"]["digest"],
        "scale": chosen["scale"],
        "seed": chosen["seed"],
        "device": record.made["hardware"]["gpu"] or values.get("device", "cpu"),
        "date": record.made["date"],
        "commit": record.made["commit"],
        "seconds": float(values.get("train_seconds", values.get("seconds"))),
        "test_accuracy": None if accuracy is None else float(accuracy),
        "record": str(record.path),
        "arrays": str(record.path.with_suffix(".npz")),
    }
