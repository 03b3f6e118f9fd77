"""Every number that the report takes from recorded runs, as a `Quantity`: functions of
`records.Record`s.

`lmreport verify` has a second function under each of these names, which shares no code with this
one.
"""

from __future__ import annotations

import numpy as np

from lmreport.models import scores
from lmreport.runs.quantity import of_records

SURE = 0.05  # the level below which a difference counts as more than chance


@of_records
def texts(record) -> float:
    """Number of test texts."""
    return len(record["labels"])


@of_records
def accuracy(record) -> float:
    """Share of the test texts that are classified rightly."""
    return scores.accuracy(record["logits"], record["labels"])


@of_records
def validation_accuracy(record) -> float:
    """The same on the validation texts."""
    return scores.accuracy(record["validation_logits"], record["validation_labels"])


@of_records
def pilot_accuracy(record, pilot: int) -> float:
    """Share of the validation texts that the training number `pilot` of a record of pilots gets
    right.
    """
    return float(np.mean(record["validation_right"][pilot]))


@of_records
def best_epoch(record) -> float:
    """Number of the epoch, from 1, after which the validation accuracy was highest; the first of
    equal ones.
    """
    return float(np.argmax(validated(record)) + 1)


def validated(record) -> list[float]:
    """Validation accuracy after each epoch, from the history of Keras or of the Trainer."""
    history = record["history"]
    return (
        history["val_accuracy"]
        if isinstance(history, dict)
        else [h["eval_accuracy"] for h in history if "eval_accuracy" in h]
    )


@of_records
def lower(record) -> float:
    """Lower end of the 95% interval of the test accuracy."""
    return scores.interval(record.correct)[0]


@of_records
def upper(record) -> float:
    """Upper end of the 95% interval of the test accuracy."""
    return scores.interval(record.correct)[1]


@of_records
def score(record, name: str, tag: int) -> float:
    """Precision, recall, f1 or support of one class (its number)."""
    return scores.per_class(record["logits"], record["labels"])[name][tag]


@of_records
def macro_f1(record) -> float:
    """Mean over the classes of F1."""
    return scores.per_class(record["logits"], record["labels"])["f1"].mean()


@of_records
def balanced_accuracy(record) -> float:
    """Mean over the classes of recall, so that each class counts alike."""
    by_class = scores.per_class(record["logits"], record["labels"])
    return by_class["recall"][by_class["support"] > 0].mean()


@of_records
def guessing(record) -> float:
    """Accuracy of always naming the class that is most frequent among the test texts."""
    return scores.guessing(record["labels"])


@of_records
def fewest(record) -> float:
    """Number of test texts of the smallest class."""
    return np.bincount(record["labels"]).min()


@of_records
def most_texts(record) -> float:
    """Number of test texts of the largest class."""
    return np.bincount(record["labels"]).max()


@of_records
def ece(record) -> float:
    """Expected calibration error (Guo et al. 2017, equation 3), ten bins."""
    return scores.calibration(record["logits"], record["labels"])["ece"]


@of_records
def too_sure(record) -> float:
    """By how much the mean of the largest probabilities is above the accuracy; below 0: not sure
    enough.
    """
    return scores.probabilities(record["logits"]).max(-1).mean() - record.correct.mean()


@of_records
def only_first(a, b) -> float:
    """Number of test texts that `a` classifies rightly and `b` does not."""
    return scores.mcnemar(a.correct, b.correct)["only_a"]


@of_records
def only_second(a, b) -> float:
    """Number of test texts that `b` classifies rightly and `a` does not."""
    return scores.mcnemar(a.correct, b.correct)["only_b"]


@of_records
def p_value(a, b) -> float:
    """McNemar's exact test, two-sided."""
    return scores.mcnemar(a.correct, b.correct)["p"]


@of_records
def outcome(a, b) -> float:
    """0: `a` is surely more accurate than `b`; 1: less; 2: the difference may be chance (McNemar's
    p ≥ 0.05).
    """
    if scores.mcnemar(a.correct, b.correct)["p"] >= SURE:
        return 2
    return 0 if a.correct.sum() > b.correct.sum() else 1


@of_records
def accuracy_of(record, name: str) -> float:
    """Share of the test texts that the logits `name` of a record, such as those of its stack,
    classify rightly.
    """
    return scores.accuracy(record[name], record["labels"])


@of_records
def p_of(record, name: str, other) -> float:
    """McNemar's exact test of the logits `name` of a record and the other record's, on the same
    texts.
    """
    right = record[name].argmax(-1) == record["labels"]
    return scores.mcnemar(right, other.correct)["p"]


@of_records
def wrong(record) -> float:
    """Number of test texts that are classified wrongly."""
    return (~record.correct).sum()


def kinds_of_error(record) -> int:
    """How many pairs of a true and another predicted class there are."""
    return len(_pairs(record))


@of_records
def named(record) -> float:
    """Number of classes that at least one test text is tagged with."""
    return len(set(record["logits"].argmax(-1)))


@of_records
def classes(record) -> float:
    """Number of classes that a model can name."""
    return record["logits"].shape[1]


@of_records
def confused_true(record, rank: int) -> float:
    """Number of the true class in the commonest error but `rank`."""
    return _pairs(record)[rank][0]


@of_records
def confused_as(record, rank: int) -> float:
    """Number of the predicted class in the commonest error but `rank`."""
    return _pairs(record)[rank][1]


@of_records
def confused(record, rank: int) -> float:
    """Number of texts in the commonest error but `rank`."""
    return _pairs(record)[rank][2]


@of_records
def error_between(record, low: int, high: int, lengths) -> float:
    """Share of errors among the test texts of at least `low` and under `high` words, as counted for
    `lengths`.
    """
    words = lengths["test_words"]
    return 1 - share(record.correct[(words >= low) & (words < high)])


@of_records
def cut_share(record) -> float:
    """Share of the test texts that fill the longest input and so were cut, or just fit."""
    return reaching(record, 1).mean()


@of_records
def texts_reaching(reader, filled: int) -> float:
    """Number of test texts that fill (1) the longest input of `reader`, or do not (0)."""
    return reaching(reader, filled).sum()


@of_records
def error_reaching(record, reader, filled: int) -> float:
    """Share of errors among the test texts that fill (1) the longest input of `reader`, or do not
    (0).
    """
    return 1 - share(record.correct[reaching(reader, filled)])


@of_records
def p_reaching(a, b, reader, filled: int) -> float:
    """McNemar's exact test on the test texts that fill (1) the longest input of `reader`, or do not
    (0).
    """
    inside = reaching(reader, filled)
    return scores.mcnemar(a.correct[inside], b.correct[inside])["p"]


def reaching(reader, filled: int) -> np.ndarray:
    """Which test texts fill (1) the longest input of `reader`, so that most of them were cut, or do
    not (0).
    """
    return (reader["test_tokens"] >= reader.inputs["settings"]["max_length"]) == bool(filled)


@of_records
def chance_of(record, question: int, tag: int) -> float:
    """Probability of a class for one of the assignment's two questions."""
    return record["question_probabilities"][question][tag]


@of_records
def answer(record, question: int) -> float:
    """Number of the class that one of the two questions gets."""
    return float(np.argmax(record["question_probabilities"][question]))


def share(correct: np.ndarray) -> float:
    """Share of the right ones; of none at all it is not defined (nan)."""
    return correct.mean() if len(correct) else float("nan")


def _pairs(record) -> list[tuple]:
    number = record["logits"].shape[1]
    classes: list = list(range(number))
    return scores.worst_pairs(record["logits"], record["labels"], classes)
