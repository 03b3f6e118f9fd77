"""One run: found among the records, or trained, evaluated and recorded."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import psutil

from lmreport.core import checkpoints, lock
from lmreport.core.durations import in_words
from lmreport.core.files import write_atomically
from lmreport.core.settings import Settings, cache_root
from lmreport.data import download
from lmreport.data.splits import splits_for
from lmreport.models import fitness, pretrained, saved_weights
from lmreport.runs import records
from lmreport.runs.kinds import KINDS

log = logging.getLogger(__name__)

LAST = Path("_report", "model.json")  # in the project's root


def run(
    name: str, settings: Settings, corpus: download.Corpus, force: bool = False
) -> records.Record:
    """The record of the model `name` under resolved `settings` on `corpus`; trains it if there is
    none, or by force.
    """
    source = fitness.whole(settings.model) if KINDS[name].pretrained else None
    given = records.inputs(name, settings, corpus, source)

    def make() -> dict:
        if source:
            fitness.refuse_unfit(source, settings.max_length)
        log.info(f"{name}: training at scale {settings.scale} on {corpus.name}")
        folder = weights(records.predicted(given))
        checkpoints.drop_damaged(checkpoints.beside(folder))
        return KINDS[name].make(splits_for(settings, corpus), settings, source, folder)

    return once(given, make, force)


def others(settings: Settings, corpus: download.Corpus) -> dict[str, records.Record]:
    """{model: its record} of the Transformers that are compared with the first; trains what has no
    record yet.
    """
    return {other.model: run("transformer", other, corpus) for other in settings.others}


def once(given: dict, make: Callable[[], dict], force: bool) -> records.Record:
    """The record of the run with the inputs `given`; `make()` gives what is to be recorded where
    there is none.
    """
    if not force and (record := records.find(given)):
        return record
    with lock.only_one(f"{given['name']}-{records.predicted(given)}"):
        if not force and (
            record := records.find(given)
        ):  # another process may have made it meanwhile
            return record
        made, cpu = records.made_here(), time.process_time()
        values = make()
        made |= {"cpu_seconds": time.process_time() - cpu, "load_after": psutil.getloadavg()[0]}
        return records.write(given, values, made)


def weights(key: str) -> Path:
    """The folder in the cache that holds, or will hold, the fine-tuned model of the record
    `key`.
    """
    return cache_root() / "models" / f"transformer-{key}"


def trained_model(settings: Settings, corpus: download.Corpus) -> Path:
    """The folder of the model fine-tuned under `settings`; trains it where this machine has only
    numbers or nothing.
    """
    record = run("transformer", settings, corpus)
    folder = fine_tuned(record)
    if folder is None:
        took = in_words(record["train_seconds"])
        log.info(
            f"transformer: this machine lacks the weights of record {record.key}; training it "
            f"here, which took {took} where it was recorded ({record.made['date'][:10]})"
        )
        with lock.only_one(f"transformer-{record.key}"):
            if (
                fine_tuned(record) is None
            ):  # another process may have made it meanwhile; the record stays as it is
                KINDS["transformer"].make(
                    splits_for(settings, corpus),
                    settings,
                    pretrained.locate(settings.model),
                    weights(record.key),
                )
        folder = fine_tuned(record)
        assert folder is not None  # it was made just now
    return folder


def note_model(
    root: Path, asked: Settings, corpus: download.Corpus, record: records.Record
) -> None:
    """Write which model the report in `root` was made with, and the settings that asked for it: for
    `lmreport predict`.
    """
    note = {
        "settings": asdict(asked),
        "data": corpus.name,
        "run": f"{record.name}-{record.key}",
        "folder": str(weights(record.key)),
    }
    write_atomically(root / LAST, (json.dumps(note, indent=1) + "\n").encode())


def noted_model(root: Path) -> dict:
    """What `note_model` wrote for the last report; {} where there is none or it cannot be read."""
    try:
        note = json.loads((root / LAST).read_text(encoding="utf-8"))
        return note if {"settings", "data", "run", "folder"} <= set(note) else {}
    except (OSError, ValueError, TypeError):
        return {}


def fine_tuned(record: records.Record) -> Path | None:
    """The saved model of a recorded fine-tuning, None where it was trained on another machine."""
    folder = weights(record.key)
    return (
        folder
        if (folder / "config.json").is_file() and saved_weights.opens(folder / "model.safetensors")
        else None
    )
