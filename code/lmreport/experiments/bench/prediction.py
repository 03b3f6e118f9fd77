"""How fast many texts are classified: the stock pipeline of Transformers against ours."""

from __future__ import annotations

import dataclasses
import logging
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lmreport.core.settings import Settings, load, resolved
from lmreport.data.corpus import Corpus
from lmreport.data.splits import load_splits
from lmreport.experiments.bench import resources
from lmreport.models import arrow_batches, fast_finetune, finetune, token_budget
from lmreport.models import predict as bulk_predict
from lmreport.models.pretrained import Source
from lmreport.models.saved_classifier import class_names
from lmreport.models.tokenizer import load_tokenizer
from lmreport.runs import train

log = logging.getLogger(__name__)

MAX_LENGTH = 512
FEWER_BITS = {"cpu": "int8", "cuda": "bf16"}  # in which we predict on any machine of that device


def make(sizes: dict, settings: Settings, corpus: Corpus, source: Source) -> dict:
    """Speed of prediction in full precision and in fewer bits."""
    fewer_bits = FEWER_BITS[fast_finetune.device()]
    return of_precisions(("fp32", fewer_bits), sizes, settings, corpus)[0]


def of_precisions(
    precisions: tuple[str, ...], sizes: dict, settings: Settings, corpus: Corpus
) -> tuple[dict, Path]:
    """The speed of each way of predicting, and the folder of the model that predicts."""
    quick = resolved(dataclasses.replace(load(), scale="quick"))
    folder = train.trained_model(quick, corpus)  # what it has learned does not matter for its speed
    tokenizer, test = load_tokenizer(str(folder)), load_splits(corpus, settings.seed)["test"]
    lengths = token_budget.token_lengths(
        arrow_batches.tokenized(test, tokenizer, sizes["max_length"])
    )
    texts = evenly(list(test["text"]), lengths, sizes["texts"], settings.seed)
    names = class_names(folder)
    listed = measured(str(folder), names, tokenizer, precisions, texts, len(test), sizes["repeats"])
    values = {
        "list": listed,
        "texts": len(texts),
        "whole_texts": len(test),
        "ways": [one["way"] for one in listed],
    } | {
        key: np.array([one[key] for one in listed])
        for key in ("samples_per_s", "spread", "whole_s", "peak_mb")
    }
    return values, folder


def evenly(texts: list[str], lengths: np.ndarray, number: int, seed: int) -> list[str]:
    """`number` texts, evenly from the shortest to the longest, in an order by chance."""
    order = np.argsort(lengths, kind="stable")
    chosen = order[((np.arange(number) + 0.5) * len(order) / number).astype(int)]
    return [texts[i] for i in np.random.default_rng(seed).permutation(chosen)]


def ways(folder: str, class_names: list[str], tokenizer, precisions) -> dict:
    """{name: function from texts to logits or labels}; all cut the texts to the same length."""
    from transformers import pipeline

    stock = pipeline(
        "text-classification",
        model=finetune.load_classifier(folder, class_names),
        tokenizer=tokenizer,
        device=fast_finetune.device(),
    )
    found: dict[str, Callable]
    found = {
        "stock pipeline": lambda texts: stock(texts, truncation=True, max_length=MAX_LENGTH),
        "stock pipeline, batch 32": lambda texts: stock(
            texts, truncation=True, max_length=MAX_LENGTH, batch_size=32
        ),
    }
    for precision in precisions:
        model = bulk_predict.load(folder, class_names, precision)
        found[f"ours, {precision}"] = lambda texts, model=model: bulk_predict.logits(
            model, tokenizer, texts, MAX_LENGTH
        )
    return found


def compared(folder: str, class_names: list[str], tokenizer, texts: dict, max_length: int) -> dict:
    """How many of the predictions on `texts` (text, labels) fewer bits change, and their
    accuracies: int8_changed, bf16_changed, of, int8_points, bf16_points (percentage points).
    """
    labels = np.array(texts["labels"])
    found = {
        precision: bulk_predict.logits(
            bulk_predict.load(folder, class_names, precision), tokenizer, texts["text"], max_length
        ).argmax(-1)
        for precision in ("fp32", "int8", "bf16")
    }
    told: dict = {"compared_texts": len(labels)}
    for precision in ("int8", "bf16"):
        points = 100 * float((found[precision] == labels).mean() - (found["fp32"] == labels).mean())
        changed = int((found[precision] != found["fp32"]).sum())
        told |= {f"{precision}_changed": changed, f"{precision}_points": points}
    return told


def measured(
    folder: str,
    class_names: list[str],
    tokenizer,
    precisions: tuple[str, ...],
    texts: list[str],
    whole: int,
    repeats: int,
) -> list[dict]:
    """One entry a way: texts per second (median over the repeats, in turn) on `texts`, time for
    `whole` extrapolated.
    """
    kept: dict[str, list[float]]
    peaks: dict[str, float]
    found, kept, peaks = ways(folder, class_names, tokenizer, precisions), {}, {}
    for repeat in range(repeats):
        for name, predict in found.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                predict(texts[:4])
                resources.forget_peak(fast_finetune.device())
                start = time.perf_counter()
                predict(texts)
                kept.setdefault(name, []).append(len(texts) / (time.perf_counter() - start))
            peaks[name] = max(peaks.get(name, 0), resources.peak_mb(fast_finetune.device()))
            log.info(
                f"bench: predict, {name}, {repeat + 1} of {repeats}: {kept[name][-1]:.1f} texts/s"
            )
    base = statistics.median(kept["stock pipeline"])
    return [
        {
            "way": name,
            "device": fast_finetune.device(),
            "samples_per_s": (rate := statistics.median(rates)),
            "repeats": rates,
            "spread": (max(rates) - min(rates)) / rate,
            "ratio": rate / base,
            "whole_texts": whole,
            "whole_s": whole / rate,
            "peak_mb": peaks[name],
        }
        for name, rates in kept.items()
    ]
