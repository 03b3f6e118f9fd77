"""Question 6: what logits and labels say – accuracy with its uncertainty, errors, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Name = TypeVar("Name")  # of a class: a word, or its number

QUESTIONS = (  # the assignment's two, letter for letter
    "how do I extract keys from a dict into a list?",
    "debug public static void main(string[] args) ...",
)


WORDS = (50, 100, 150, 250, 400)


def accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Share of rows of logits (n, classes) whose largest entry is at the label (n,)."""
    return float((logits.argmax(-1) == labels).mean())


def guessing(labels: np.ndarray) -> float:
    """Accuracy of always naming the class that is most frequent among the labels (n,)."""
    return float(np.bincount(labels).max() / len(labels))


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Softmax over the classes: (n, classes) → (n, classes), rows sum to 1."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


FEW = 10  # right or wrong answers, below which an interval is an exact one


def interval(correct: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of `correct` (n,) of 0 and 1 (Efron & Tibshirani
    1993, ch. 13).

    Resampled sums of zeros and ones are binomial, so the quantiles are exact; nothing is drawn.
    With fewer than FEW ones or zeros resampling says too little, and the exact interval of Clopper &
    Pearson (1934) is given.
    """
    from scipy.special import bdtr, betaincinv  # scipy.stats takes half a second to import

    ones, texts, rest = int(correct.sum()), len(correct), (1 - level) / 2
    if min(ones, texts - ones) < FEW:
        least = float(betaincinv(ones, texts - ones + 1, rest)) if ones else 0.0
        most = float(betaincinv(ones + 1, texts - ones, 1 - rest)) if ones < texts else 1.0
        return least, most
    at_most = bdtr(np.arange(texts + 1), texts, correct.mean())  # P(sum ≤ k) of a resample
    low, high = np.searchsorted(at_most, [rest, 1 - rest]) / texts
    return float(low), float(high)


def mcnemar(a_correct: np.ndarray, b_correct: np.ndarray) -> dict:
    """McNemar's exact test of two models on the same texts (McNemar 1947).

    only_a, only_b: texts that just one of them gets right; p: two-sided, from the binomial
    distribution.
    """
    from scipy.special import bdtr

    only_a, only_b = int((a_correct & ~b_correct).sum()), int((~a_correct & b_correct).sum())
    p = min(1.0, 2 * float(bdtr(min(only_a, only_b), only_a + only_b, 0.5)))
    return {"only_a": only_a, "only_b": only_b, "p": p}


def per_class(logits: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Precision, recall, F1 and support of each class, arrays (classes,)."""
    from sklearn.metrics import precision_recall_fscore_support

    values = precision_recall_fscore_support(
        labels, logits.argmax(-1), labels=range(logits.shape[1]), zero_division=0
    )
    return dict(zip(("precision", "recall", "f1", "support"), values, strict=True))


def confusion(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Counts (classes, classes): rows are the true class, columns the predicted one."""
    classes = logits.shape[1]
    pairs = labels * classes + logits.argmax(-1)  # a number for each pair of classes
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def worst_pairs(
    logits: np.ndarray, labels: np.ndarray, names: Sequence[Name], most: int = 6
) -> list[tuple[Name, Name, int]]:
    """The commonest errors as (true, predicted, number), commonest first."""
    counts = confusion(logits, labels)
    np.fill_diagonal(counts, 0)
    order = np.dstack(
        np.unravel_index(np.argsort(-counts, axis=None, kind="stable"), counts.shape)
    )[0][:most]
    return [(names[i], names[j], int(counts[i, j])) for i, j in order if counts[i, j]]


def calibration(logits: np.ndarray, labels: np.ndarray, bins: int = 10) -> dict:
    """Reliability: mean confidence and accuracy of equal-width bins of the largest probability, and
    the ECE.

    ECE = Σ (bin's share) · |accuracy − confidence| (Guo et al. 2017, equation 3). Empty bins hold
    NaN.
    """
    p = probabilities(logits)
    confidence, correct = p.max(-1), p.argmax(-1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    number = np.bincount(which, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_confidence = np.bincount(which, confidence, bins) / number
        mean_accuracy = np.bincount(which, correct, bins) / number
    gap = np.nan_to_num(np.abs(mean_accuracy - mean_confidence))
    return {
        "confidence": mean_confidence,
        "accuracy": mean_accuracy,
        "number": number,
        "ece": float((gap * number).sum() / len(labels)),
    }


def length_edges(words: np.ndarray) -> list[int]:
    """The inner borders of ranges of length: WORDS, or sextiles where that leaves a range with few
    of these texts.

    There are always two or more; where nearly all texts have one length, some of the ranges hold
    none.
    """
    if np.bincount(np.digitize(words, WORDS), minlength=len(WORDS) + 1).min() >= 10:
        return list(WORDS)
    found = np.unique(np.quantile(words, np.arange(1, 6) / 6, method="higher"))
    edges = [int(edge) for edge in found if edge > words.min()] or [int(words.max())]
    return edges if len(edges) > 1 else [*edges, edges[0] + 1]


def by_length(
    correct: np.ndarray, lengths: np.ndarray, edges: Sequence[float]
) -> dict[str, np.ndarray]:
    """Error rate, 95% interval and number of texts for each range of length; `edges` are the inner
    borders.
    """
    group = np.digitize(lengths, edges)
    parts = [correct[group == g] for g in range(len(edges) + 1)]
    bounds = np.array([interval(part) if len(part) else (np.nan, np.nan) for part in parts])
    return {
        "error": np.array([1 - part.mean() if len(part) else np.nan for part in parts]),
        "low": 1 - bounds[:, 1],
        "high": 1 - bounds[:, 0],
        "number": np.array([len(part) for part in parts]),
    }
