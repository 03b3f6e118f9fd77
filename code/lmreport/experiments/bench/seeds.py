"""The recipe that did best on the validation texts with new seeds, and their stack with two linear
models.

The recipe is chosen in `search`, the weights of the stack come from predictions of training texts
that the models of the folds have not seen; where time is short, not every fold is predicted.
Nothing here is chosen on the test texts: each model below scores them once. Masked language-model
training before a fold has read the fold's texts, without their labels.
"""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

from lmreport.core.settings import Settings
from lmreport.data.corpus import Corpus
from lmreport.data.splits import load_splits
from lmreport.experiments.bench import recipes, resources, search
from lmreport.models import fast_finetune, stacking
from lmreport.models.pretrained import Source
from lmreport.models.stacking import Linear
from lmreport.models.tokenizer import load_tokenizer
from lmreport.runs import records
from lmreport.runs.kinds import KINDS

LINEAR = {"SVM": Linear(), "SVM on word pieces": Linear(view="word pieces", words=3)}


def make(sizes: dict, settings: Settings, corpus: Corpus, source: Source) -> dict:
    """Test accuracy of the best recipe by seed, averaged and stacked. The recipe is that of the
    recorded search on this data and model, or of one made now.
    """
    splits, here = load_splits(corpus, settings.seed), (corpus.digest, source.digest)
    searches = [r for r in records.all_records() if r.name == "bench_recipes"]
    known = next(
        (r for r in searches if (r.inputs["data"]["digest"], r.inputs["model"]["digest"]) == here),
        None,
    )
    best = best_of(
        known or search.measured(splits, source.path, KINDS["bench_recipes"].sizes["cpu"])
    )
    found = measured(splits, source.path, sizes, best)
    return found | {
        "list": [
            {"name": name, "test_accuracy": right}
            for name, right in zip(found["names"], found["accuracies"], strict=True)
        ]
    }


def best_of(searched) -> dict:
    """Name and settings of the recipe to take, from what `search` has found or from its record."""
    best = searched["recipes"][int(searched["best"])]
    return {"recipe": best["name"], "sets": best["sets"]}


def measured(splits, path: str, sizes: dict, best: dict) -> dict:
    """The test texts, scored by the recipe `best` (`best_of`) with every seed, by their mean, and
    by a stack.

    names, predicted (names, texts), labels (texts,); seconds_of, ended: of the training with each
    seed, then with each fold left out for each of `sizes["folded_seeds"]`; and what `stacked`
    gives.
    """
    seeds, test, labels = (
        sizes["seeds"],
        list(splits["test"]["text"]),
        np.array(splits["train"]["labels"]),
    )
    folds = folds_of(labels, sizes["folds"])[: sizes["predicted_folds"]]
    things = planned(recipes.Training(**best["sets"]), splits["train"], folds, test, path, sizes)
    made: Any  # in the order of `things`, then by their keys
    made = resources.side_by_side(
        one, [(thing,) for thing in things.values()], resources.PROCESSES[fast_finetune.device()]
    )
    made = dict(zip(things, made, strict=True))
    trainings = [key for key in things if key[0] in ("seed", "fold")]
    test_scores, values = stacked(made, folds, labels, sizes)
    scores = {f"seed {seed}": made["seed", seed]["logits"] for seed in seeds} | test_scores
    values |= {
        "labels": np.array(splits["test"]["labels"], np.int8),
        "seeds": seeds,
        "folds": sizes["folds"],
        "predicted_folds": len(folds),
    } | best
    values |= {
        "seconds_of": np.array([made[key]["seconds"] for key in trainings]),
        "ended": [ended(things[key]) for key in trainings],
    }
    values |= {"names": list(scores), "predicted": classes(scores)}
    return values | accuracies(values)


def planned(plan, train, folds, test: list[str], path: str, sizes: dict) -> dict[tuple, tuple]:
    """What is fitted, each for `one`: Transformers first, the longest first; then what takes
    seconds.
    """
    things: dict[tuple, tuple]
    things = {("seed", seed): (plan, seed, train, {"test": test}, path) for seed in sizes["seeds"]}
    for i, (rest, fold) in enumerate(folds):
        things |= {
            ("fold", seed, i): (
                plan,
                seed,
                train.select(rest),
                {"fold": list(train.select(fold)["text"])},
                path,
                train,
            )
            for seed in sizes["folded_seeds"]
        }
    for name, linear in LINEAR.items():
        things[name,] = (train, np.arange(len(train)), test, path, linear)
        things |= {
            (name, i): (train, rest, list(train.select(fold)["text"]), path, linear)
            for i, (rest, fold) in enumerate(folds)
        }
    return things


def stacked(made: dict, folds, labels: np.ndarray, sizes: dict) -> tuple[dict, dict]:
    """({name: scores (texts, classes) of the test texts}, values) of the mean of the seeds, two
    linear models, and their stack, whose weights come from predictions of training texts that the
    models have not seen.

    values: logits (texts, classes) of the stack, its members, weights, bias; fold_names,
    fold_predicted (names, texts),
    fold_labels: of the training texts in the predicted folds; the stack's are cross-fitted.
    """

    def folded(*key):
        return np.concatenate([made[*key, i]["logits"] for i in range(len(folds))])

    labels = np.concatenate([labels[fold] for _, fold in folds])
    fold_scores = {
        "mean of the seeds": mean([folded("fold", seed) for seed in sizes["folded_seeds"]])
    }
    fold_scores |= {name: folded(name) for name in LINEAR}
    scores = np.stack([stacking.normalised(one) for one in fold_scores.values()])
    weights, bias = stacking.fit_stack(scores, labels)
    fold_scores["stack"] = stacking.cross_fitted(scores, labels, 0)
    test = {"mean of the seeds": mean([made["seed", seed]["logits"] for seed in sizes["seeds"]])}
    test |= {name: made[name,]["logits"] for name in LINEAR}
    stack = stacking.stacked(
        np.stack([stacking.normalised(one) for one in test.values()]), weights, bias
    )
    return test | {"stack": stack}, {
        "logits": stack.astype(np.float32),
        "members": list(test),
        "weights": weights,
        "bias": bias,
        "fold_names": list(fold_scores),
        "fold_predicted": classes(fold_scores),
        "fold_labels": labels.astype(np.int8),
    }


def accuracies(values: dict) -> dict:
    """Test accuracies (names,), their mean and standard deviation over the seeds, and those out of
    fold.
    """
    right, seeds = (values["predicted"] == values["labels"]).mean(1), len(values["seeds"])
    return {
        "accuracies": right,
        "seed_mean": right[:seeds].mean(),
        "seed_points": 100 * right[:seeds].std(ddof=1),
        "fold_accuracies": (values["fold_predicted"] == values["fold_labels"]).mean(1),
    }


def folds_of(labels: np.ndarray, number: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(rows to train on, rows to predict) of each fold; every row is predicted once."""
    from sklearn.model_selection import StratifiedKFold

    return list(StratifiedKFold(number, shuffle=True, random_state=0).split(labels, labels))


def one(thing: tuple) -> dict:
    """`logits` of one model, linear or not: what `measured` asks of its processes."""
    if isinstance(thing[0], recipes.Training):
        found = recipes.trained(*thing)
        return {"logits": found["test" if "test" in found else "fold"], "seconds": found["seconds"]}
    whole, rest, asked, path, linear = thing
    texts, tokenizer = list(whole["text"]), load_tokenizer(path)
    labels = np.array(whole["labels"])[rest]
    model = stacking.fitted(linear, [texts[i] for i in rest], labels, tokenizer)
    return {"logits": stacking.scores_of(model, linear, asked, tokenizer)}


def ended(thing: tuple) -> str:
    """When a training ended that is kept: maybe on an earlier day than the others."""
    made = datetime.datetime.fromtimestamp(recipes.kept_at(*thing).stat().st_mtime, datetime.UTC)
    return made.strftime("%Y-%m-%dT%H:%M:%SZ")


def mean(logits) -> np.ndarray:
    """The mean of the logarithms of probabilities of several models."""
    return np.mean([stacking.normalised(one) for one in logits], 0)


def classes(scores: dict) -> np.ndarray:
    return np.array([one.argmax(1) for one in scores.values()]).astype(np.int8)
