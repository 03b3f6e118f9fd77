"""The recipe that did best on the validation texts with new seeds and, on a GPU, a stack on out-of-fold predictions.

The recipe is chosen in `search`. Nothing here is chosen on the test texts: each model below scores them once. Masked
language-model training before a fold has read the fold's texts, without their labels.
"""

from __future__ import annotations

import datetime

import numpy as np

from lmreport import combine, fast, vectorize
from lmreport.bench import machine, recipes
from lmreport.combine import Linear

LINEAR = {"SVM": Linear(), "SVM on word pieces": Linear(view="word pieces", words=3)}


def best_of(searched) -> dict:
    """Name and settings of the recipe to take, from what `search` has found or from its record."""
    best = searched["recipes"][int(searched["best"])]
    return {"recipe": best["name"], "sets": best["sets"]}


def measured(splits, path: str, sizes: dict, best: dict, say) -> dict:
    """The test texts, scored by the recipe `best` (`best_of`) with every seed, and by their mean.

    names, predicted (names, texts), labels (texts,); seconds_of, ended: of the training with each seed. Where `sizes`
    has "folded_seeds", also what `stacked` gives.
    """
    from datasets import concatenate_datasets

    plan, seeds, test = recipes.Training(**best["sets"]), sizes["seeds"], list(splits["test"]["text"])
    things = {("seed", seed): (plan, seed, splits["train"], {"test": test}, path) for seed in seeds}
    if sizes["folded_seeds"]:
        whole = concatenate_datasets([splits["train"], splits["validation"]])
        folds = folds_of(np.array(whole["labels"]), sizes["folds"])
        things |= for_stack(plan, whole, folds, test, path, sizes)
    made = machine.side_by_side(one, [(thing,) for thing in things.values()], machine.PROCESSES[fast.device()])
    made = dict(zip(things, made, strict=True))
    scores = of_seeds([made["seed", seed]["logits"] for seed in seeds], seeds, "")
    values = {"labels": np.array(splits["test"]["labels"], np.int8), "seeds": seeds} | best | {
        "seconds_of": np.array([made["seed", seed]["seconds"] for seed in seeds]),
        "ended": [ended(things["seed", seed]) for seed in seeds]}
    if sizes["folded_seeds"]:
        more, found = stacked(made, folds, np.array(whole["labels"]), sizes)
        scores, values = scores | more, values | found
    values |= {"names": list(scores), "predicted": classes(scores)}
    return values | accuracies(values)


def for_stack(plan, whole, folds, test: list[str], path: str, sizes: dict) -> dict[tuple, tuple]:
    """What `stacked` needs beside the seeds, each for `one`: models of all labelled texts and of each fold's others."""
    things = {("more", seed): (plan, seed, whole, {"test": test}, path) for seed in sizes["seeds"]}
    things |= {("linear", name): (whole, np.arange(len(whole)), test, path, linear) for name, linear in LINEAR.items()}
    for i, (rest, fold) in enumerate(folds):
        asked = list(whole.select(fold)["text"])
        things |= {("linear fold", name, i): (whole, rest, asked, path, linear) for name, linear in LINEAR.items()}
        things |= {("fold", seed, i): (plan, seed, whole.select(rest), {"fold": asked}, path, whole)
                   for seed in sizes["folded_seeds"]}
    return things


def stacked(made: dict, folds, labels: np.ndarray, sizes: dict) -> tuple[dict, dict]:
    """({name: scores (texts, classes) of the test texts}, values) of the seeds trained on validation texts too, of two
    linear models, and of their stack, whose weights come from predictions of texts that the models have not seen.

    values: logits (texts, classes) of the stack, its members, weights, bias; fold_names, fold_predicted (names, texts),
    fold_labels: of the training and validation texts.
    """
    def folded(*key):
        return in_order(folds, [made[*key, i]["logits"] for i in range(len(folds))])

    fold_scores = {"Transformer": mean([folded("fold", seed) for seed in sizes["folded_seeds"]])}
    fold_scores |= {name: folded("linear fold", name) for name in LINEAR}
    scores = np.stack([combine.normalised(one) for one in fold_scores.values()])
    weights, bias = combine.fit_stack(scores, labels)
    fold_scores["stack"] = combine.cross_fitted(scores, labels, 0)
    more = [made["more", seed]["logits"] for seed in sizes["seeds"]]
    test = {name: made["linear", name]["logits"] for name in LINEAR}
    stack = combine.stacked(np.stack([combine.normalised(one) for one in (mean(more), *test.values())]), weights, bias)
    return of_seeds(more, sizes["seeds"], ", validation texts too") | test | {"stack": stack}, {
        "logits": stack.astype(np.float32), "members": list(fold_scores)[:-1], "weights": weights, "bias": bias,
        "fold_names": list(fold_scores), "fold_predicted": classes(fold_scores), "fold_labels": labels.astype(np.int8)}


def of_seeds(logits: list[np.ndarray], seeds: list[int], also: str) -> dict[str, np.ndarray]:
    """Scores of every seed and of their mean, under their names."""
    return {f"seed {seed}{also}": one for seed, one in zip(seeds, logits, strict=True)} | {
        f"mean of the seeds{also}": mean(logits)}


def accuracies(values: dict) -> dict:
    """Test accuracies (names,), their mean and standard deviation over the seeds, and those out of fold."""
    right, number = (values["predicted"] == values["labels"]).mean(1), len(values["seeds"])
    groups = [right[:number]] + ([right[number + 1:2 * number + 1]] if "fold_names" in values else [])
    found = {"accuracies": right, "seed_means": np.array([one.mean() for one in groups]),
             "seed_points": 100 * np.array([one.std(ddof=1) for one in groups])}
    if "fold_names" in values:
        found["fold_accuracies"] = (values["fold_predicted"] == values["fold_labels"]).mean(1)
    return found


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
    texts, tokenizer = list(whole["text"]), vectorize.load_tokenizer(path)
    model, labels = combine.pipeline(linear, 0), np.array(whole["labels"])
    model.fit(combine.VIEWS[linear.view][0]([texts[i] for i in rest], tokenizer), labels[rest])
    return {"logits": combine.scores_of(model, linear, asked, tokenizer)}


def ended(thing: tuple) -> str:
    """When a training ended that is kept: maybe on an earlier day than the others."""
    made = datetime.datetime.fromtimestamp(recipes.kept_at(*thing).stat().st_mtime, datetime.UTC)
    return made.strftime("%Y-%m-%dT%H:%M:%SZ")


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
