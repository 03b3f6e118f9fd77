"""What better accuracy takes where a GPU makes each training cheap: recipes on all texts, scored on
validation texts.

Each training is kept (`recipes`), so that a stopped search goes on after it; several run side by
side.
"""

from __future__ import annotations

import dataclasses
import logging

import numpy as np

from lmreport.core import files
from lmreport.core.errors import ReportError
from lmreport.core.settings import Settings
from lmreport.data.corpus import Corpus
from lmreport.data.splits import load_splits
from lmreport.experiments.bench import recipes, resources
from lmreport.experiments.bench.recipes import Training
from lmreport.models import fast_finetune, stacking
from lmreport.models.pretrained import Source
from lmreport.models.tokenizer import load_tokenizer

log = logging.getLogger(__name__)

BASE = Training()
CHANGES = {  # name: what it changes; the order is that of the report
    "base": {},
    "learning rate: half": dict(learning_rate=1e-4),
    "learning rate: twice": dict(learning_rate=4e-4),
    "batches: half": dict(
        budget=4096, learning_rate=fast_finetune.scaled(BASE.learning_rate, 2, 1)
    ),
    "batches: twice": dict(
        budget=16384, learning_rate=fast_finetune.scaled(BASE.learning_rate, 1, 2)
    ),
    "epochs: two": dict(epochs=2),
    "epochs: five": dict(epochs=5),
    "epochs: eight": dict(epochs=8),
    "cosine schedule": dict(schedule="cosine"),
    "no warm-up": dict(warmup=0.0),
    "label smoothing": dict(label_smoothing=0.1),
    "first 256 pieces": dict(max_length=256),
    "masked language model first: 5 epochs": dict(masked_epochs=5),
    "masked language model first: 20 epochs": dict(masked_epochs=20),
    "20 masked, five epochs": dict(masked_epochs=20, epochs=5),
    "20 masked, five epochs, smoothing": dict(masked_epochs=20, epochs=5, label_smoothing=0.1),
}


def make(sizes: dict, settings: Settings, corpus: Corpus, source: Source) -> dict:
    """Every recipe on all training texts; scored on the validation texts."""
    found = measured(load_splits(corpus, settings.seed), source.path, sizes)
    return found | {"list": found["recipes"]}


def measured(splits, path: str, sizes: dict) -> dict:
    """Every recipe with each seed on the validation texts, and what the trainings reach together.

    rows: recipe and seed of each training; logits (rows, texts, classes), predicted (rows, texts),
    seconds_of, updates (rows,); labels (texts,). recipes: name, what it sets, its rows, mean
    accuracy; best: the place of the most accurate of those with the most seeds. together: names of
    predictions by several models, in together_predicted. Where `sizes` has "kept", only what an
    earlier, stopped search has finished is taken. Raises ReportError if that is nothing.
    """
    plans = {name: dataclasses.replace(BASE, **change) for name, change in chosen(sizes).items()}
    texts = {"validation": list(splits["validation"]["text"])}
    labels = files.small(splits["validation"]["labels"])
    pairs = [(name, seed) for name in plans for seed in sizes["seeds"]]
    things = [(plans[name], seed, splits["train"], texts, path) for name, seed in pairs]
    if sizes.get("kept"):
        finished = [recipes.kept_at(*thing).is_file() for thing in things]
        if not any(finished):
            raise ReportError(
                "recipes: no training of a stopped search is kept here; leave out --kept"
            )
        pairs, things = (
            [one for one, done in zip(some, finished, strict=True) if done]
            for some in (pairs, things)
        )
    order = sorted(
        range(len(things)), key=lambda i: (things[i][1], -things[i][0].masked_epochs)
    )  # the longest first
    made = resources.side_by_side(
        recipes.trained, [things[i] for i in order], resources.PROCESSES[fast_finetune.device()]
    )
    found = [made[order.index(i)] for i in range(len(order))]
    logits = np.array([one["validation"] for one in found])
    right = (logits.argmax(-1) == labels).mean(-1)
    listed = []
    for name, plan in plans.items():
        at = [i for i, (other, _) in enumerate(pairs) if other == name]
        if at:
            listed.append(
                {
                    "name": name,
                    "sets": dataclasses.asdict(plan),
                    "rows": at,
                    "accuracy": right[at].mean(),
                }
            )
            log.info(
                f"bench: recipes, {name}: validation accuracy "
                f"{', '.join(f'{one:.4f}' for one in right[at])}"
            )
    most = max(len(one["rows"]) for one in listed)
    best = max(
        (i for i, one in enumerate(listed) if len(one["rows"]) == most),
        key=lambda i: listed[i]["accuracy"],
    )
    joined = together(splits, path, logits)
    return {
        "rows": [{"recipe": name, "seed": seed} for name, seed in pairs],
        "recipes": listed,
        "best": best,
        "logits": logits.astype(np.float16),
        "predicted": files.small(logits.argmax(-1)),
        "labels": labels,
        "accuracies": right,
        "recipe_accuracies": np.array([one["accuracy"] for one in listed]),
        "seconds_of": np.array([one["seconds"] for one in found]),
        "updates": np.array([one["updates"] for one in found]),
        "together": list(joined),
        "together_predicted": files.small([one.argmax(-1) for one in joined.values()]),
    }


def together(splits, path: str, logits: np.ndarray) -> dict[str, np.ndarray]:
    """Scores (texts, classes) of the mean of all trainings, of the linear SVM, and of a
    cross-fitted stack of both.
    """
    tokenizer, labels = load_tokenizer(path), np.array(splits["validation"]["labels"])
    train = splits["train"]
    svm = stacking.fitted(stacking.Linear(), list(train["text"]), train["labels"], tokenizer)
    linear = stacking.scores_of(
        svm, stacking.Linear(), list(splits["validation"]["text"]), tokenizer
    )
    mean = np.mean([stacking.normalised(one) for one in logits], 0)
    scores = np.stack([mean, stacking.normalised(linear)])
    return {"mean": mean, "SVM": linear, "stack": stacking.cross_fitted(scores, labels, 0)}


def chosen(sizes: dict) -> dict:
    """The recipes of `CHANGES` that `sizes` names (all of them where it names none), made smaller
    by `sizes`.
    """
    names = sizes.get("recipes") or list(CHANGES)
    return {name: CHANGES[name] | sizes.get("smaller", {}) for name in names}
