"""Pilots of the larger encoder: which learning rate is best on the validation texts, after a training
on few texts that are cut early. The test texts are not read.
"""

from __future__ import annotations

import functools
import logging
from pathlib import Path

import numpy as np

from lmreport.core import machine
from lmreport.core.settings import Settings, cache_root
from lmreport.data.corpus import Corpus
from lmreport.data.splits import load_splits, subset
from lmreport.experiments.bench import encoder
from lmreport.models import fast_finetune, predict
from lmreport.models.pretrained import Source
from lmreport.models.tokenizer import load_tokenizer
from lmreport.runs import memo, records

log = logging.getLogger(__name__)


def make(sizes: dict, settings: Settings, corpus: Corpus, source: Source) -> dict:
    """Validation accuracy by learning rate; each training that ends is kept.

    sizes: rates, train_texts (drawn by class), max_length, epochs, budget (tokens of an update).
    Returns rates and cpu_seconds (rates,), validation_right (rates, texts) of bool, train_texts.
    """
    splits = load_splits(corpus, settings.seed)
    splits["train"] = subset(splits["train"], sizes["train_texts"], settings.seed)
    shared = {name: value for name, value in sizes.items() if name != "rates"}
    given = records.inputs(
        "bench_rates", settings, corpus, source, shared, "full", fast_finetune.device()
    )
    code = [memo.code_of(pilot), memo.code_of(predict.logits)]
    found = []
    for rate in sizes["rates"]:
        kept = cache_root() / "bench" / f"rate-{machine.digest([given, rate, code])}"
        chosen = sizes | {"learning_rate": rate}
        train = functools.partial(pilot, splits, source.path, chosen, settings.seed, kept)
        found.append(memo.once(kept / "pilot.npz", train))
        log.info(f"bench: learning rate {rate:g}, validation {found[-1]['right'].mean():.4f}")
    return {
        "rates": sizes["rates"],
        "validation_right": np.stack([one["right"] for one in found]),
        "cpu_seconds": [one["cpu_seconds"] for one in found],
        "train_texts": len(splits["train"]),
        "list": [
            {"learning_rate": rate, "validation_accuracy": float(one["right"].mean())}
            for rate, one in zip(sizes["rates"], found, strict=True)
        ],
    }


def pilot(splits, path: str, sizes: dict, seed: int, kept: Path) -> dict:
    """One training, and which validation texts it gets right: right (texts,), cpu_seconds."""
    found = encoder.trained(splits, path, sizes, seed, kept)
    validation = splits["validation"]
    model = predict.load(str(kept / "model"), validation.features["labels"].names)
    logits = predict.logits(
        model, load_tokenizer(path), list(validation["text"]), sizes["max_length"]
    )
    return {
        "right": logits.argmax(-1) == np.array(validation["labels"]),
        "cpu_seconds": found["cpu_seconds"],
    }
