"""The numbers of recorded runs from their logits and labels: plain NumPy, no code in common with
the report's own.

Each function stands for the one of the same name in `metrics`, `studies` or `improvements`
of `lmreport.reporting`.
"""

from __future__ import annotations

import math

import numpy as np


def right(run: dict) -> np.ndarray:
    return np.argmax(run["logits"], axis=1) == run["labels"]


def value(run, name):
    return run[name]


def texts(run):
    return run["labels"].size


def accuracy(run):
    return np.count_nonzero(right(run)) / run["labels"].size


def validation_accuracy(run):
    hits = run["validation_logits"].argmax(axis=1) == run["validation_labels"]
    return np.count_nonzero(hits) / hits.size


def pilot_accuracy(run, pilot):
    hits = run["validation_right"][pilot]
    return np.count_nonzero(hits) / hits.size


def named(run):
    return np.count_nonzero(np.bincount(run["logits"].argmax(axis=1)))


def classes(run):
    return run["logits"][0].size


def best_epoch(run):
    kept = run["history"]
    if isinstance(kept, dict):
        return kept["val_accuracy"].index(max(kept["val_accuracy"])) + 1
    return round(
        max((h for h in kept if "eval_accuracy" in h), key=lambda h: h["eval_accuracy"])["epoch"]
    )


def binomial(n: int, p: float) -> np.ndarray:
    """Probabilities of 0 … n successes, (n + 1,), from logarithms of factorials."""
    if p in (0.0, 1.0):
        return np.eye(n + 1)[int(n * p)]
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    k = np.arange(n + 1)
    return np.exp(
        log_factorial[n]
        - log_factorial
        - log_factorial[::-1]
        + k * math.log(p)
        + (n - k) * math.log1p(-p)
    )


def quantile(run, level: float) -> float:
    hits = right(run)
    ones, size = int(np.count_nonzero(hits)), hits.size
    if min(ones, size - ones) < 10:
        return exact_bound(ones, size, level)
    below = np.cumsum(binomial(size, ones / size))
    return float(np.argmax(below >= level)) / size


def exact_bound(ones: int, size: int, level: float) -> float:
    """The share at which so many right answers, or a more extreme number, have the probability
    `level` of the end of an interval that is sought: by bisection.
    """
    is_low = level < 0.5
    if ones == (0 if is_low else size):
        return float(ones > 0)
    least, most = 0.0, 1.0
    for _ in range(60):
        share = (least + most) / 2
        chances = binomial(size, share)
        tail = chances[ones:].sum() if is_low else 1 - chances[: ones + 1].sum()
        least, most = (share, most) if tail < level else (least, share)
    return least


def lower(run):
    return quantile(run, 0.025)


def upper(run):
    return quantile(run, 0.975)


def table(run) -> np.ndarray:
    """Counts (classes, classes): true class by predicted class."""
    classes = run["logits"].shape[1]
    return np.bincount(
        classes * run["labels"].astype(int) + run["logits"].argmax(1), minlength=classes**2
    ).reshape(classes, classes)


def score(run, name, tag):
    counts = table(run)
    hits, predicted, true = counts[tag, tag], counts[:, tag].sum(), counts[tag].sum()
    return {
        "precision": hits / max(predicted, 1),
        "recall": hits / max(true, 1),
        "f1": 2 * hits / max(predicted + true, 1),
        "support": true,
    }[name]


def macro_f1(run):
    return sum(score(run, "f1", tag) for tag in range(len(table(run)))) / len(table(run))


def balanced_accuracy(run):
    counts = table(run)
    there = [tag for tag in range(len(counts)) if counts[tag].sum()]
    return sum(counts[tag, tag] / counts[tag].sum() for tag in there) / len(there)


def guessing(run):
    labels = list(run["labels"])
    return max(map(labels.count, set(labels))) / len(labels)


def fewest(run):
    return min(int((run["labels"] == tag).sum()) for tag in range(len(table(run))))


def most_texts(run):
    return table(run).sum(1).max()


def surest(run) -> np.ndarray:
    """The largest probability of each text."""
    logits = run["logits"].astype(float)
    return 1 / np.exp(logits - logits.max(1, keepdims=True)).sum(1)


def too_sure(run):
    return (surest(run) - right(run)).sum() / run["labels"].size


def ece(run):
    p, hits, total = surest(run), right(run), 0.0
    for low in range(10):
        inside = np.floor(np.minimum(p * 10, 9.5)) == low
        total += abs(hits[inside].sum() - p[inside].sum())
    return total / hits.size


def only_first(a, b):
    return np.count_nonzero(right(a) > right(b))


def only_second(a, b):
    return np.count_nonzero(right(a) < right(b))


def p_value(a, b):
    first, both = only_first(a, b), only_first(a, b) + only_second(a, b)
    tail = binomial(both, 0.5)[: min(first, both - first) + 1].sum()
    return min(1.0, 2 * tail)


def outcome(a, b):
    return 2 if p_value(a, b) >= 0.05 else int(accuracy(a) <= accuracy(b))


def accuracy_of(run, name):
    return accuracy({"logits": run[name], "labels": run["labels"]})


def p_of(run, name, other):
    return p_value({"logits": run[name], "labels": run["labels"]}, other)


def wrong(run):
    return np.count_nonzero(~right(run))


def errors(run) -> list[tuple[int, int, int]]:
    """(true, predicted, number), most first; of equally many the first in the table."""
    counts = table(run)
    cells = [(i, j, int(n)) for (i, j), n in np.ndenumerate(counts) if i != j and n]
    return sorted(cells, key=lambda cell: -cell[2])


def confused_true(run, rank):
    return errors(run)[rank][0]


def confused_as(run, rank):
    return errors(run)[rank][1]


def confused(run, rank):
    return errors(run)[rank][2]


def share_of(part, whole) -> float:
    return part / whole if whole else float("nan")


def error_between(run, low, high, lengths):
    inside = (lengths["test_words"] >= low) & (lengths["test_words"] < high)
    return share_of(np.count_nonzero(~right(run)[inside]), np.count_nonzero(inside))


def cut_share(run):
    return np.count_nonzero(run["test_tokens"] >= run["max_length"]) / run["test_tokens"].size


def reads(reader, filled) -> np.ndarray:
    return np.equal(reader["test_tokens"] >= reader["max_length"], bool(filled))


def texts_reaching(reader, filled):
    return np.count_nonzero(reads(reader, filled))


def error_reaching(run, reader, filled):
    return 1 - share_of(right(run)[reads(reader, filled)].sum(), texts_reaching(reader, filled))


def p_reaching(a, b, reader, filled):
    inside = reads(reader, filled)
    return p_between(
        {"labels": True, "first": right(a)[inside], "second": right(b)[inside]}, "first", "second"
    )


def chance_of(run, question, tag):
    return run["question_probabilities"][question, tag]


def answer(run, question):
    return run["question_probabilities"][question].argmax()


def entry(run, path):
    name, *places = path.split(".")
    part = run[name]
    for place in places:
        part = part[int(place)]
    return part


def hits(run, path):
    return np.equal(entry(run, path), run["labels"])


def share(run, path):
    return np.count_nonzero(hits(run, path)) / run["labels"].size


def p_between(run, first, second):
    one, other = hits(run, first), hits(run, second)
    only, both = np.count_nonzero(one & ~other), np.count_nonzero(one ^ other)
    return min(1.0, 2 * binomial(both, 0.5)[: min(only, both - only) + 1].sum())


def margin(run, first, second):
    one, other, n = hits(run, first), hits(run, second), run["labels"].size
    gained, lost = np.count_nonzero(other & ~one) / n, np.count_nonzero(one & ~other) / n
    return 1.96 * math.sqrt((gained + lost - (gained - lost) ** 2) / n)


def ranks(values) -> np.ndarray:
    """Ranks of the sizes, equal ones sharing their mean rank."""
    size = np.abs(values)
    return np.array([(size < one).sum() + ((size == one).sum() + 1) / 2 for one in size])


def rank_correlation(run, first, second):
    one, other = (ranks(entry(run, path)) for path in (first, second))
    return np.mean((one - one.mean()) * (other - other.mean())) / (one.std() * other.std())


def rank_p(run, first, second):
    """Two tails of Student's t with n − 2 degrees of freedom: with t = √(n − 2) · tan(angle) they
    are an integral of cos(angle) to the power n − 3, here by the trapezoid rule."""
    r, power = rank_correlation(run, first, second), len(entry(run, first)) - 3

    def beyond(start):
        angles = np.linspace(start, np.pi / 2, 200_001)
        return np.trapezoid(np.cos(angles) ** power, angles)

    return beyond(math.asin(min(abs(r), 1))) / beyond(0)


def mean_size_but(run, path, place):
    values = entry(run, path)
    return sum(abs(float(v)) for i, v in enumerate(values) if i != place) / (len(values) - 1)


def column_mean(run, path, column):
    values = entry(run, path)
    return sum(values.ravel()[column % values.shape[-1] :: values.shape[-1]].tolist()) / (
        values.size // values.shape[-1]
    )


def p_across(run, first, other, second):
    return p_between(
        {"labels": run["labels"], "first": entry(run, first), "second": entry(other, second)},
        "first",
        "second",
    )


def removals(run) -> list[str]:
    layers, heads, _ = run["predicted"].shape
    return [f"predicted.{layer}.{head}" for layer in range(layers) for head in range(heads)]


def heads_within_chance(run):
    return sum(p_between(run, "whole", path) >= 0.05 for path in removals(run))


def heads_better_removed(run):
    return sum(share(run, path) > share(run, "whole") for path in removals(run))


def surely(run, first, second):
    return int(p_between(run, first, second) >= 0.05)


def missed_by_all(run):
    return sum(
        1
        for text, label in zip(run["predicted"].T, run["labels"], strict=True)
        if label not in text
    )


def agreed_wrong(run):
    return sum(
        1
        for text, label in zip(run["predicted"].T, run["labels"], strict=True)
        if len(set(text.tolist())) == 1 and text[0] != label
    )


def order(a, b, tolerance):
    return 2 if abs(a - b) <= tolerance else int(a < b)


def most(*values):
    return values.index(max(values))


def least(*values):
    return values.index(min(values))


FUNCTIONS = {
    f.__name__: f
    for f in (
        value,
        texts,
        best_epoch,
        accuracy,
        validation_accuracy,
        pilot_accuracy,
        named,
        classes,
        lower,
        upper,
        score,
        macro_f1,
        balanced_accuracy,
        guessing,
        fewest,
        most_texts,
        ece,
        too_sure,
        only_first,
        only_second,
        p_value,
        outcome,
        accuracy_of,
        p_of,
        wrong,
        confused_true,
        confused_as,
        confused,
        error_between,
        cut_share,
        chance_of,
        answer,
        order,
        most,
        least,
        abs,
        entry,
        share,
        p_between,
        margin,
        rank_correlation,
        rank_p,
        mean_size_but,
        column_mean,
        p_across,
        heads_within_chance,
        heads_better_removed,
        surely,
        missed_by_all,
        agreed_wrong,
        texts_reaching,
        error_reaching,
        p_reaching,
    )
}
