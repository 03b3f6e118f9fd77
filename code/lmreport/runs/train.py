"""One run: found among the records, or trained, evaluated and recorded."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import psutil

from lmreport.core import lock, machine, progress
from lmreport.core.durations import in_words
from lmreport.core.errors import ReportError
from lmreport.core.files import write_atomically
from lmreport.core.settings import Settings, cache_root
from lmreport.data import download
from lmreport.data.splits import dataset_dict, subset
from lmreport.models import pretrained
from lmreport.runs import records
from lmreport.runs.kinds import KINDS, MODELS

LAST = Path("_report", "model.json")  # in the project's root
ORDER = MODELS


def load_splits(corpus, seed: int):
    """The `DatasetDict` of a `data.Corpus`, converted once and then read from the cache (no TensorFlow needed)."""
    from datasets import load_from_disk

    folder = cache_root() / "splits" / f"{corpus.digest[:16]}-{seed}"
    if not (folder / "dataset_dict.json").is_file():
        with lock.only_one(f"splits-{folder.name}", progress.say):
            if not (folder / "dataset_dict.json").is_file():
                convert(corpus, seed, folder)
    try:
        return load_from_disk(str(folder))
    except (OSError, ValueError):  # damaged
        with lock.only_one(f"splits-{folder.name}", progress.say):
            convert(corpus, seed, folder)
        return load_from_disk(str(folder))


def convert(corpus, seed: int, folder: Path) -> None:
    """Save the splits of a corpus in `folder`, which appears when they are whole."""
    download.unchanged(corpus)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".part-") as part:
        dataset_dict(corpus.folder, seed).save_to_disk(f"{part}/splits")
        shutil.rmtree(folder, ignore_errors=True)
        Path(part, "splits").rename(folder)


def splits_for(settings: Settings, corpus: download.Corpus):
    """Train, validation and test of the size that the settings ask for.

    Raises ReportError for a size that leaves a split without a text of each class.
    """
    splits = load_splits(corpus, settings.seed)
    sizes = {"train": settings.train_size, "validation": settings.train_size // 4, "test": settings.test_size}
    for name, size in sizes.items():
        whole, classes = len(splits[name]), splits[name].features["labels"].num_classes
        asked = "test_size" if name == "test" else "train_size"
        if getattr(settings, asked) and (size < classes or whole - classes < size < whole):
            raise ReportError(f"{asked}: {getattr(settings, asked)} gives {size} of {whole:,} texts for {name}, where "
                              f"each of the {classes} classes must have one and leave one; choose more, fewer, or 0 "
                              "for all")
        splits[name] = subset(splits[name], size, settings.seed)
        missing = set(range(classes)) - set(splits[name]["labels"])
        if missing:
            raise ReportError(f"{asked}: {size} of {whole:,} texts for {name} leave none of the class "
                              f"{splits[name].features['labels'].int2str(min(missing))!r}; choose more, or 0 for all")
    return splits


def run(name: str, settings: Settings, corpus: download.Corpus, force: bool = False,
        say=progress.say) -> records.Record:
    """The record of the model `name` under resolved `settings` on `corpus`; trains it if there is none, or by force."""
    source = pretrained.locate(settings.model) if name == "transformer" else None
    given = records.inputs(name, settings, corpus, source)

    def make() -> dict:
        say(f"{name}: training at scale {settings.scale} on {corpus.name}")
        return KINDS[name].make(name, settings, splits_for(settings, corpus), source,
                                given | {"code": records.code_of(name)}, say)

    return once(given, make, force, say)


def once(given: dict, make, force: bool, say) -> records.Record:
    """The record of the run with the inputs `given`; `make()` gives what is to be recorded where there is none."""
    if not force and (found := records.find(given)):
        return found
    with lock.only_one(f"{given['name']}-{records.predicted(given)}", say):
        if not force and (found := records.find(given)):  # another process may have made it meanwhile
            return found
        made, cpu = records.made_here(), time.process_time()
        values = make()
        made |= {"cpu_seconds": time.process_time() - cpu, "load_after": psutil.getloadavg()[0]}
        return records.write(given, values, made)


def make_linear(name, settings, splits, source, given, say) -> dict:
    from lmreport.models import linear

    return linear.fit(name, splits, settings.seed)[1]


def make_lstm(name, settings, splits, source, given, say) -> dict:
    from lmreport.models import lstm

    return lstm.fit(splits, settings, say)[1]


def make_transformer(name, settings, splits, source, given, say) -> dict:
    from lmreport.models import finetune, metrics

    folder = weights(given)
    checkpoints = folder.with_name(folder.name + ".checkpoints")
    trainer, values = finetune.finetune(splits, source.path, settings, checkpoints, say)
    part = folder.with_name(folder.name + ".part")
    trainer.save_model(str(part))
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    shutil.rmtree(checkpoints, ignore_errors=True)
    asked = finetune.predict_texts(trainer.model, trainer.processing_class, list(metrics.QUESTIONS))
    return values | {"question_probabilities": asked}


def weights(given: dict) -> Path:
    """The folder in the cache that holds, or will hold, the fine-tuned model of a run with these inputs."""
    return cache_root() / "models" / f"transformer-{machine.digest(given)}"


def trained_model(settings: Settings, corpus: download.Corpus, say=progress.say) -> Path:
    """The folder of the model fine-tuned under `settings`; trains it where this machine has only numbers or nothing."""
    record = run("transformer", settings, corpus, say=say)
    folder = fine_tuned(record)
    if folder is None:
        took = in_words(record["train_seconds"])
        say(f"transformer: this machine lacks the weights of record {record.key}; training it here, which took {took} "
            f"where it was recorded ({record.made['date'][:10]})")
        with lock.only_one(f"transformer-{record.key}", say):
            if fine_tuned(record) is None:  # another process may have made it meanwhile; the record stays as it is
                make_transformer("transformer", settings, splits_for(settings, corpus),
                                 pretrained.locate(settings.model), record.inputs | {"code": record.code}, say)
        folder = fine_tuned(record)
    return folder


def note_model(root: Path, asked: Settings, corpus: download.Corpus, record: records.Record) -> None:
    """Write which model the report in `root` was made with, and the settings that asked for it: for `lmreport predict`.
    """
    told = {"settings": asdict(asked), "data": corpus.name, "run": f"{record.name}-{record.key}",
            "folder": str(weights(record.inputs))}
    write_atomically(root / LAST, (json.dumps(told, indent=1) + "\n").encode())


def noted_model(root: Path) -> dict:
    """What `note_model` wrote for the last report; {} where there is none or it cannot be read."""
    try:
        found = json.loads((root / LAST).read_text(encoding="utf-8"))
        return found if {"settings", "data", "run", "folder"} <= set(found) else {}
    except (OSError, ValueError, TypeError):
        return {}


def class_names(folder: Path) -> list[str]:
    """The classes of a saved classifier, in the order of its logits. Raises ReportError if it names none."""
    try:
        names = json.loads((folder / "config.json").read_text(encoding="utf-8"))["id2label"]
        return [names[str(i)] for i in range(len(names))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReportError(f"model: {folder} is no fine-tuned classifier, since its config.json names no classes "
                          f"({error!r}); name the folder of one") from error


def fine_tuned(record: records.Record) -> Path | None:
    """The saved model of a recorded fine-tuning, None where it was trained on another machine."""
    folder = weights(record.inputs | {"code": record.code})
    return folder if (folder / "config.json").is_file() and opens(folder / "model.safetensors") else None


def located(settings: Settings) -> pretrained.Source:
    """The model that the settings name. Raises ReportError if it is a folder from which no model can be loaded."""
    source = pretrained.locate(settings.model)
    if not Path(settings.model).is_dir():
        return source
    from transformers import AutoConfig, AutoTokenizer

    try:
        AutoConfig.from_pretrained(source.path)
        AutoTokenizer.from_pretrained(source.path)
        what = "" if opens(Path(source.path) / "model.safetensors") else "model.safetensors is damaged"
    except Exception as error:  # whatever a damaged file leads to
        what = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    if what:
        raise ReportError(f"model: no model can be loaded from the folder {source.path} ({what}); save a model and its "
                          "tokenizer there with save_pretrained, or set LMREPORT_MODEL to another one")
    return source


def opens(path: Path) -> bool:
    """Whether a file of weights is there and whole."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy"):
            return True
    except (OSError, SafetensorError):
        return False
