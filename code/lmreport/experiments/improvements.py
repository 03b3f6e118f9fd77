"""Two studies of what better accuracy takes: every step on the validation texts, and the chosen
ones on the test.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from typing import Any

import numpy as np

from lmreport.core import files, progress
from lmreport.data.splits import splits_for
from lmreport.experiments import kept_trainings
from lmreport.models import pretrained, stacking
from lmreport.models.recipe import Recipe
from lmreport.models.stacking import Linear

log = logging.getLogger(__spec__.name)  # of the package, also where this file is started

ON_RECORD = {
    "tfidf_svm": "TF-IDF + SVM",
    "lstm": "LSTM",
    "transformer": "Transformer, the assignment’s recipe",
}
LINEAR = {  # linear models on all training texts: what a view of the texts loses
    "SVM: words only": Linear(characters=0),
    "SVM: no punctuation": Linear(view="no punctuation"),
    "SVM: marks as words": Linear(view="marks as words", characters=0),
    "SVM: word pieces": Linear(view="word pieces", characters=0),
    "SVM: word pieces and characters": Linear(view="word pieces", words=3),
}
PILOT = Recipe(texts=1600, max_length=128, epochs=1, learning_rate=3e-4)
PILOTS: dict[str, dict[str, Any]]
PILOTS = {  # small trainings, each with one thing changed against the first
    "pilot": dict(average=0.98),
    "pilot: a third of the learning rate": dict(learning_rate=1e-4, average=0.98),
    "pilot: 64 first and 64 last pieces": dict(tail=63),
    "pilot: 256 pieces": dict(max_length=256),
    "pilot: learning rate × 0.8 a layer": dict(layer_decay=0.8),
    "pilot: masked language model first": dict(masked_epochs=1, masked_length=32),
    "pilot: label smoothing": dict(label_smoothing=0.1),
    "pilot: 8 texts a batch": dict(batch_size=8),
    "pilot: 32 texts a batch": dict(batch_size=32),
    "pilot: cosine schedule": dict(schedule="cosine"),
    "pilot: no warm-up": dict(warmup=0.0),
    "pilot: another seed": dict(seed=158),
}
MEANS: dict[str, tuple[str, ...]]
MEANS = {
    "pilots: mean of two seeds": ("pilot", "pilot: another seed")
}  # name: the models whose scores are averaged
SHORT, LONG = "64 first and 64 last pieces, one epoch", "512 pieces, two epochs"
FULL = {  # trainings on all texts; the long one costs about what the assignment's recipe costs
    SHORT: Recipe(max_length=128, tail=63, epochs=1, learning_rate=3e-4),
    LONG: Recipe(max_length=512, epochs=2, learning_rate=1e-4),
}
TRANSFORMER, SVM, PIECES = (
    ON_RECORD["transformer"],
    ON_RECORD["tfidf_svm"],
    "SVM: word pieces and characters",
)
EVERYTHING = "stack: three Transformers, two SVMs, LSTM"
STACKS = {  # name: the models whose scores are weighted
    "stack: SVM, LSTM": (SVM, ON_RECORD["lstm"]),
    "stack: Transformer, SVM": (TRANSFORMER, SVM),
    "stack: Transformer, two SVMs": (TRANSFORMER, SVM, PIECES),
    "stack: Transformer, two SVMs, LSTM": (TRANSFORMER, SVM, PIECES, ON_RECORD["lstm"]),
    "stack: Transformer, short one": (TRANSFORMER, SHORT),
    "stack: Transformer, short one, two SVMs": (TRANSFORMER, SHORT, SVM, PIECES),
    "stack: Transformer, long one": (TRANSFORMER, LONG),
    "stack: Transformer, long one, SVM": (TRANSFORMER, LONG, SVM),
    "stack: Transformer, long one, two SVMs": (TRANSFORMER, LONG, SVM, PIECES),
    "stack: Transformer, long one, two SVMs, LSTM": (
        TRANSFORMER,
        LONG,
        SVM,
        PIECES,
        ON_RECORD["lstm"],
    ),
    EVERYTHING: (TRANSFORMER, *FULL, SVM, PIECES, ON_RECORD["lstm"]),
}
COSTS = (
    "seconds",
    "cpu_seconds",
    "tokens",
    "memory",
)  # of the training; tokens without padding, memory in MiB
SMALLER: dict[str, Any]
SMALLER = dict(
    texts=32, max_length=24, masked_length=16
)  # of the recipes in the quick form, and its only steps:
QUICK = (
    "pilot",
    "pilot: a third of the learning rate",
    "pilot: another seed",
    *FULL,
    "SVM: words only",
    PIECES,
)


def chosen(scale: str) -> dict:
    """{name: what it sets} of the steps that are trained at a scale."""
    named = (
        {n: dataclasses.replace(PILOT, **change) for n, change in PILOTS.items()} | FULL | LINEAR
    )
    if scale == "full":
        return named
    return {
        name: dataclasses.replace(step, **SMALLER, tail=min(step.tail, 8))
        if isinstance(step, Recipe)
        else step
        for name, step in named.items()
        if name in QUICK
    }


def against(name: str) -> str:
    """The step that `name` is compared with: for a pilot the plain one, for a linear model that on
    record, for a stack the same without its short or long Transformer, for anything else the
    assignment's recipe."""
    if name.startswith("pilot"):
        return "pilot"
    if name.startswith("SVM") or name == SVM:
        return SVM
    fewer = (
        name.replace("three Transformers", "Transformer, long one")
        if name == EVERYTHING
        else name.replace(", short one", "").replace(", long one", "")
    )
    return fewer if fewer in STACKS and fewer != name else TRANSFORMER


def climb(settings, splits, path: str, records: dict, scale: str) -> dict:
    """Every step on the validation texts.

    records: the models on record by name. Returns points (name, against: the row it is compared
    with, texts, sets, made), COSTS (points,), NaN where they are not known, logits (points, texts,
    classes), predicted (points, texts), labels (texts,).
    """
    points: list[dict[str, Any]]
    logits: list[np.ndarray]
    cost: list[list[float]]
    at: dict[str, int]  # the row of each name
    labels, points, logits, cost, at = np.array(splits["validation"]["labels"]), [], [], [], {}

    def add(name: str, found: dict, scores) -> None:
        told = (
            "texts",
            "sets",
            "made",
            "weights",
            "masked_cpu_seconds",
            "masked_tokens",
            "masked_loss",
        )
        at[name] = len(points)
        points.append({"name": name} | {k: found[k] for k in told if k in found})
        cost.append(
            [float(found.get(k, np.nan)) + float(found.get(f"masked_{k}", 0)) for k in COSTS]
        )
        logits.append(np.asarray(scores, np.float32))
        log.info(
            f"ladder: {name}, validation accuracy {(logits[-1].argmax(-1) == labels).mean():.4f}"
        )

    for name, label in ON_RECORD.items():
        record = records[name]
        add(
            label,
            {
                "seconds": record["train_seconds"],
                "texts": int(record["train_texts"]),
                "made": record.made,
                "cpu_seconds": record.made["cpu_seconds"],
                "tokens": record.values.get("train_tokens", 0) * record["epochs"],
            },
            record["validation_logits"],
        )
    for name, step in chosen(scale).items():
        found = kept_trainings.measure(step, splits, path)
        add(name, found, found["validation_logits"])
        if "average_logits" in found:
            add(f"{name}, averaged weights", found, found["average_logits"])
        if name == "pilot":
            found = kept_trainings.reading_on(step, splits, path, 2)
            add("pilot: two windows at prediction", found, found["validation_logits"])
    for name, members in MEANS.items():
        if at.keys() >= set(members):
            rows = [at[member] for member in members]
            found = dict(zip(COSTS[:3], np.sum([cost[row][:3] for row in rows], 0), strict=True))
            add(
                name,
                found | {"texts": points[rows[0]]["texts"]},
                np.mean([stacking.normalised(logits[row]) for row in rows], 0),
            )
    for name, members in STACKS.items():
        start, rows = time.process_time(), [at[member] for member in members]
        scores = np.stack([stacking.normalised(logits[row]) for row in rows])
        found = {"weights": list(stacking.fit_stack(scores, labels)[0]), "texts": len(labels)}
        crossed = stacking.cross_fitted(scores, labels, settings.seed)
        whole = np.nansum(
            [cost[row] for row in rows], 0
        )  # a stack costs what its members cost, and itself
        found |= {
            "seconds": whole[0],
            "cpu_seconds": whole[1] + time.process_time() - start,
            "tokens": whole[2],
        }
        add(name, found, crossed)
    for point in points:
        point["against"] = at[against(point["name"])]
    return {
        "points": points,
        "logits": np.array(logits).astype(np.float16),
        "predicted": files.small(np.array(logits).argmax(-1)),
        "labels": files.small(labels),
    } | {name: np.array(cost)[:, i] for i, name in enumerate(COSTS)}


def summit(settings, splits, path: str, records: dict, scale: str) -> dict:
    """The test texts, once: the models on record, and the stack that did best on validation.

    names, predicted (names, texts), labels (texts,); logits of the stack (texts, classes) and its
    validation_logits, cross-fitted; members and weights of the stack; seconds of the prediction of
    each member.
    """
    steps, labels = (
        climb(settings, splits, path, records, scale),
        np.array(splits["test"]["labels"]),
    )
    right = {
        p["name"]: (row == steps["labels"]).mean()
        for p, row in zip(steps["points"], steps["predicted"], strict=True)
    }
    allowed = [name for name, members in STACKS.items() if TRANSFORMER in members]
    best = max(allowed, key=right.get)  # type: ignore[arg-type]  # of equal ones the first, the smallest
    at = {p["name"]: i for i, p in enumerate(steps["points"])}
    test = {label: np.asarray(records[name]["logits"]) for name, label in ON_RECORD.items()}
    for name, step in chosen(scale).items():
        if name in STACKS[best]:
            test[name] = kept_trainings.test_logits(step, splits, path)
    members = STACKS[best]
    scores = np.stack(
        [stacking.normalised(steps["logits"][at[m]].astype(np.float32)) for m in members]
    )
    weights, bias = stacking.fit_stack(scores, steps["labels"].astype(int))
    test[best] = stacking.stacked(
        np.stack([stacking.normalised(test[m]) for m in members]), weights, bias
    )
    return {
        "names": list(test),
        "predicted": files.small([t.argmax(-1) for t in test.values()]),
        "logits": test[best].astype(np.float32),
        "labels": labels,
        "members": list(members),
        "weights": weights,
        "bias": bias,
        "validation_labels": steps["labels"].astype(int),
        "validation_logits": steps["logits"][at[best]].astype(np.float32),
    }


NAMES = ("ladder", "summit")


def main(names: list[str], predict: bool) -> None:
    """Make the named full-scale steps one after the other (all if none is named), as a process
    beside others.

    predict: instead, let the finished steps of these names predict the test texts, from the last
    one on.
    """
    import torch

    from lmreport.core import settings
    from lmreport.data import download

    torch.set_num_threads(1)
    progress.hide_bars()
    now = settings.resolved(settings.load(scale="full"))
    corpus, source = download.obtain(now.data), pretrained.locate(now.model)
    splits = splits_for(now, corpus)
    for name, step in chosen("full").items():
        if not names or name in names:
            log.info(f"ladder: {name}")
            if predict:
                kept_trainings.test_logits(step, splits, source.path, backwards=True)
            else:
                kept_trainings.measure(step, splits, source.path)


if __name__ == "__main__":
    import sys

    main([name for name in sys.argv[1:] if name != "--predict"], "--predict" in sys.argv)
