"""How fast many texts are classified: the stock pipeline of Transformers against ours."""

from __future__ import annotations

import logging
import statistics
import time
import warnings

import numpy as np

from lmreport.experiments.bench import machine
from lmreport.models import fast_finetune, finetune
from lmreport.models import predict as bulk_predict

log = logging.getLogger(__name__)

MAX_LENGTH = 512


def evenly(texts: list[str], lengths: np.ndarray, number: int, seed: int) -> list[str]:
    """`number` texts, evenly from the shortest to the longest, in an order by chance."""
    order = np.argsort(lengths, kind="stable")
    chosen = order[((np.arange(number) + 0.5) * len(order) / number).astype(int)]
    return [texts[i] for i in np.random.default_rng(seed).permutation(chosen)]


def ways(folder: str, class_names: list[str], tokenizer) -> dict:
    """{name: function from texts to logits or labels}; all cut the texts to the same length."""
    from transformers import pipeline

    stock = pipeline(
        "text-classification",
        model=finetune.load_classifier(folder, class_names),
        tokenizer=tokenizer,
        device=fast_finetune.device(),
    )
    found = {
        "stock pipeline": lambda texts: stock(texts, truncation=True, max_length=MAX_LENGTH),
        "stock pipeline, batch 32": lambda texts: stock(
            texts, truncation=True, max_length=MAX_LENGTH, batch_size=32
        ),
    }
    ours = ["fp32", "bf16"] if fast_finetune.device() == "cuda" else ["fp32", "int8"]
    for precision in ours:
        model = bulk_predict.load(folder, class_names, precision)
        found[f"ours, {precision}"] = lambda texts, model=model: bulk_predict.logits(
            model, tokenizer, texts, MAX_LENGTH
        )
    return found


def measured(
    folder: str, class_names: list[str], tokenizer, texts: list[str], whole: int, repeats: int
) -> list[dict]:
    """One entry a way: texts per second (median over the repeats, in turn) on `texts`, time for
    `whole` extrapolated.
    """
    found, kept, peaks = ways(folder, class_names, tokenizer), {}, {}
    for repeat in range(repeats):
        for name, predict in found.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                predict(texts[:4])
                machine.forget_peak(fast_finetune.device())
                start = time.perf_counter()
                predict(texts)
                kept.setdefault(name, []).append(len(texts) / (time.perf_counter() - start))
            peaks[name] = max(peaks.get(name, 0), machine.peak_mb(fast_finetune.device()))
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
