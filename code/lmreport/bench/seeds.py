"""The recipe that did best on the validation texts with five new seeds, and a stack on out-of-fold predictions.

The recipe is chosen in `search`. Nothing here is chosen on the test texts: each model below scores them once. Masked
language-model training before a fold has read the fold's texts, without their labels.
"""

from __future__ import annotations

import numpy as np

from lmreport import combine, fast, vectorize
from lmreport.bench import machine, recipes
from lmreport.combine import Linear

LINEAR = {"SVM": Linear(), "SVM on word pieces": Linear(view="word pieces", words=3)}


def measured(splits, path: str, sizes: dict, searched: dict, say) -> dict:
    """The test texts, scored by every seed, by their mean and by the stack; `searched`: what `search` found.

    names, predicted (names, texts), labels (texts,); few, all: rows of the seeds trained without and with the
    validation texts; fold_names, fold_predicted (names, texts), fold_labels: on training and validation texts, each
    predicted by models that have not seen it; weights, bias of the stack.
    """
    from datasets import concatenate_datasets

    best = searched["recipes"][searched["best"]]
    plan = recipes.Training(**best["sets"])
    whole, test = concatenate_datasets([splits["train"], splits["validation"]]), list(splits["test"]["text"])
    labels, seeds = np.array(whole["labels"]), sizes["seeds"]
    folds = folds_of(labels, sizes["folds"])
    things = [(whole, rest, fold, path, linear) for linear in LINEAR.values() for rest, fold in folds]
    things += [(whole, np.arange(len(whole)), test, path, linear) for linear in LINEAR.values()]
    things += [(plan, seed, train, {"test": test}, path) for seed in seeds for train in (splits["train"], whole)]
    things += [(plan, seed, whole.select(rest), {"fold": list(whole.select(fold)["text"])}, path, whole)
               for seed in sizes["folded_seeds"] for rest, fold in folds]
    made = iter(machine.side_by_side(one, [(thing,) for thing in things], machine.PROCESSES[fast.device()]))
    linear_folds = [in_order(folds, [next(made) for _ in folds]) for _ in LINEAR]
    linear_test = [next(made) for _ in LINEAR]
    few, more = zip(*[(next(made), next(made)) for _ in seeds], strict=True)
    folded = mean([in_order(folds, [next(made) for _ in folds]) for _ in sizes["folded_seeds"]])
    scores = np.stack([combine.normalised(one) for one in (folded, *linear_folds)])
    weights, bias = combine.fit_stack(scores, labels)
    stack = combine.stacked(np.stack([combine.normalised(one) for one in (mean(more), *linear_test)]), weights, bias)
    test_scores = {f"seed {seed}": one for seed, one in zip(seeds, few, strict=True)} | {"mean of the seeds": mean(few)}
    test_scores |= {f"seed {seed}, validation texts too": one for seed, one in zip(seeds, more, strict=True)}
    test_scores |= {"mean of the seeds, validation texts too": mean(more)}
    test_scores |= dict(zip(LINEAR, linear_test, strict=True)) | {"stack": stack}
    fold_scores = {"Transformer": folded, **dict(zip(LINEAR, linear_folds, strict=True)),
                   "stack": combine.cross_fitted(scores, labels, 0)}
    values = {"names": list(test_scores), "predicted": classes(test_scores), "logits": stack.astype(np.float32),
              "labels": np.array(splits["test"]["labels"], np.int8), "fold_names": list(fold_scores),
              "fold_predicted": classes(fold_scores), "fold_labels": labels.astype(np.int8), "weights": weights,
              "bias": bias, "members": list(fold_scores)[:-1], "seeds": seeds,
              "recipe": best["name"], "sets": best["sets"]}
    return values | accuracies(values)


def accuracies(values: dict) -> dict:
    """Test accuracies (names,), their mean and standard deviation over the seeds, and those out of fold."""
    right, number = (values["predicted"] == values["labels"]).mean(1), len(values["seeds"])
    few, more = right[:number], right[number + 1:2 * number + 1]
    return {"accuracies": right, "seed_means": np.array([few.mean(), more.mean()]),
            "seed_points": 100 * np.array([few.std(ddof=1), more.std(ddof=1)]),
            "fold_accuracies": (values["fold_predicted"] == values["fold_labels"]).mean(1)}


def folds_of(labels: np.ndarray, number: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(rows to train on, rows to predict) of each fold; every row is predicted once."""
    from sklearn.model_selection import StratifiedKFold

    return list(StratifiedKFold(number, shuffle=True, random_state=0).split(labels, labels))


def one(thing: tuple) -> np.ndarray:
    """Logits of one model, linear or not: what `measured` asks of its processes."""
    if isinstance(thing[0], recipes.Training):
        found = recipes.trained(*thing)
        return found["test" if "test" in found else "fold"]
    whole, rest, asked, path, linear = thing
    texts, tokenizer = list(whole["text"]), vectorize.load_tokenizer(path)
    asked = asked if isinstance(asked, list) else [texts[i] for i in asked]
    model, labels = combine.pipeline(linear, 0), np.array(whole["labels"])
    model.fit(combine.VIEWS[linear.view][0]([texts[i] for i in rest], tokenizer), labels[rest])
    return combine.scores_of(model, linear, asked, tokenizer)


def in_order(folds, found: list[np.ndarray]) -> np.ndarray:
    """The predictions of all folds in the order of the texts."""
    whole = np.empty((sum(map(len, found)), found[0].shape[1]), np.float32)
    for (_, fold), logits in zip(folds, found, strict=True):
        whole[fold] = logits
    return whole


def mean(logits) -> np.ndarray:
    """The mean of the logarithms of probabilities of several models."""
    return np.mean([combine.normalised(one) for one in logits], 0)


def classes(scores: dict) -> np.ndarray:
    return np.array([one.argmax(1) for one in scores.values()]).astype(np.int8)
