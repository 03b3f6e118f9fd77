"""make bench-train, bench-scale: measure, print, write to _report/bench and, with --record, to
report/runs.
"""

from __future__ import annotations

import argparse
import json
import logging
import time

import psutil

from lmreport.core import files, progress
from lmreport.core.errors import ReportError
from lmreport.core.settings import load, one_model, project_root, refuse_no_numbers, resolved
from lmreport.data import download
from lmreport.data.splits import load_splits
from lmreport.models import pretrained
from lmreport.runs import records
from lmreport.runs.kinds import BENCHES, KINDS

log = logging.getLogger(__name__)

TIMED = 4  # classes of the models of `training.config`
NAMES = tuple(name.removeprefix("bench_") for name in BENCHES)


def main(arguments: list[str] | None = None) -> int:
    """Measure what the command line names; 0 if all went well, 2 for bad input, 130 for Ctrl-C."""
    progress.write_all_letters()
    parser = argparse.ArgumentParser(prog="python -m lmreport.bench", description=__doc__)
    parser.add_argument("names", nargs="+", choices=NAMES, help="what to measure")
    parser.add_argument(
        "--record", action="store_true", help="record the results for the report too"
    )
    parser.add_argument(
        "--kept", action="store_true", help="of recipes, take what a stopped search has finished"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another size than that of runs/kinds.py, as repeats=1 or max_length=512",
    )
    options = parser.parse_args(arguments)
    progress.hide_bars()
    try:
        refuse_no_numbers()
        for name in options.names:
            sizes = sizes_of(name)
            sizes |= chosen(options.set, sizes)
            sizes |= {"kept": True} if options.kept and name == "recipes" else {}
            run(f"bench_{name}", sizes, resolved(load(scale="full")), options.record)
    except ReportError as error:
        log.error(f"bench: {error}")
        return 2
    except KeyboardInterrupt as stopped:
        log.error(
            f"bench: stopped; {str(stopped) or 'the same command goes on with what was kept'}"
        )
        return 130
    return 0


def chosen(wanted: list[str], sizes: dict) -> dict:
    """{name: value} of each "name=value"; the value is of the kind that it has in `sizes`. Raises
    ReportError for a name or value that does not fit.
    """
    found = {}
    for text in wanted:
        name, _, value = text.partition("=")
        if name not in sizes:
            raise ReportError(f"--set {text}: there is no {name}, only {', '.join(sizes)}")
        kind = int if sizes[name] is None else type(sizes[name])
        try:
            found[name] = json.loads(value) if kind is list else kind(value)
        except ValueError:
            raise ReportError(f"--set {text}: {value!r} is no {kind.__name__}") from None
    return found


def sizes_of(name: str) -> dict:
    """How much is measured on this device."""
    from lmreport.models import fast_finetune

    return dict(KINDS[f"bench_{name}"].sizes[fast_finetune.device()])


def run(name: str, sizes: dict, settings, record: bool, force: bool = True) -> None:
    """Measure one thing, if need be by force; results on the sample, where there is no real data,
    are not recorded. Raises ReportError if they should be, and for bf16 where the processor lacks
    it.
    """
    from lmreport.models import fast_finetune, finetune

    corpus, source = download.obtain(settings.data), source_of(sizes, settings)
    kind, given = (
        KINDS[name],
        records.inputs(name, settings, corpus, source, sizes, "full", fast_finetune.device()),
    )
    if not force and (kept := records.find(given)):
        log.info(
            f"bench: {name} was recorded on {kept.made['date'][:10]} ({kept.path.name}); --force "
            f"measures again"
        )
        return
    if kind.without_gpu and fast_finetune.device() == "cpu":
        log.info(
            f"bench: {name[6:]} may take {kind.without_gpu} without a GPU; each training that ends "
            f"is kept"
        )
    if name == "bench_bf16" and not finetune.has_bf16():
        raise ReportError(
            "bf16: this processor does not compute in it, so there is nothing to measure"
        )
    if record and corpus.kind == "sample":
        raise ReportError(
            f"{name} is not recorded on the sample; set LMREPORT_DATA to the real archive"
        )
    if name in ("bench_train", "bench_bf16"):
        refuse_many(name, load_splits(corpus, settings.seed)["train"].features["labels"].names)
    made, start = records.made_here(), time.perf_counter()
    values = kind.make(sizes, settings, corpus, source)
    values |= {"seconds": time.perf_counter() - start, "device": fast_finetune.device()}
    made = values.pop("made", made)  # of a training that was kept: where that began
    made |= {"load_after": psutil.getloadavg()[0]}
    listed = values["list"]
    path = project_root() / "_report" / "bench" / f"{name.removeprefix('bench_')}.json"
    files.write_atomically(path, (json.dumps(listed, indent=1, default=float) + "\n").encode())
    print(json.dumps(listed, indent=1, default=float), f"\nwritten to {path}", sep="")
    if record:
        log.info(f"bench: recorded in {records.write(given, values, made).path}")


def refuse_many(name: str, classes: list[str]) -> None:
    """Raises ReportError if the data have more classes than the models that are timed."""
    if len(classes) > TIMED:
        raise ReportError(
            f"{name}: the models that are timed know {TIMED} classes, and these data have "
            f"{len(classes)}"
        )


def source_of(sizes: dict, settings) -> pretrained.Source:
    """The pre-trained model that is measured: that of the settings, unless the bench names another.
    Raises ReportError if that other one cannot be had.
    """
    wanted = sizes.get("model") or one_model(settings, "bench").model
    source = pretrained.locate(wanted)
    if "model" in sizes and source.why:
        raise ReportError(
            f"bench: {wanted} is not on this machine, and it was not to be had: {source.why}"
        )
    return source
