"""Sentences that depend on the results, so that the prose stays true whatever a run says."""

from __future__ import annotations

from lmreport import evaluate, show

SURE = 0.05  # the level below which a difference counts as more than chance


def p_value(p: float) -> str:
    """A p-value for a table: "0.031" or "< 0.001"."""
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


def p_phrase(p: float) -> str:
    """A p-value for prose: "= 0.031" or "< 0.001"."""
    return f"= {p:.3f}" if p >= 0.001 else "< 0.001"


def used(splits, settings) -> str:
    """What part of the data a render trains on."""
    if not settings.train_size and not settings.test_size:
        return "This render uses all of them."
    numbers = [show.count(len(splits[name])) for name in ("train", "validation", "test")]
    return (f"At the scale “{settings.scale}”, this render trains on {numbers[0]} of them, validates on {numbers[1]} "
            f"and tests on {numbers[2]}, drawn by class with a fixed seed.")


def verdict(bert, lstm, svm) -> str:
    """The ranking of the three, in words; differences that may be chance are called so."""
    found = []
    for other in (lstm, svm):
        sure = evaluate.mcnemar(bert.correct, other.correct)["p"] < SURE
        better = bert.correct.mean() > other.correct.mean()
        found.append(("beats" if better else "loses to") + f" {the(other)}" if sure else
                     f"cannot be told from {the(other)}")
    return f"In short, the Transformer {found[0]} and {found[1]}."


def leader(records: dict) -> str:
    """Which model has the highest accuracy, and whether that can be told from the next one's."""
    first, second = sorted(records.values(), key=lambda r: r.correct.mean(), reverse=True)[:2]
    p = evaluate.mcnemar(first.correct, second.correct)["p"]
    if p < SURE:
        return f"The most accurate model is {first.label}."
    return (f"The highest accuracy is that of {first.label}, but its lead over {second.label} may be chance "
            f"(McNemar's exact test: p {p_phrase(p)}).")


def the(record) -> str:
    return {"lstm": "the LSTM", "tfidf_svm": "the linear model"}[record.name]


def live(records: dict, settings) -> str:
    """Which of a render's own models is best, with the warning that few texts call for."""
    best = max(records.values(), key=lambda r: r.correct.mean())
    number = len(best["labels"])
    low, high = evaluate.interval(best.correct)
    return (f"There {best.label} is best with {show.pct(best.correct.mean())} of {show.count(number)} texts; its 95 % "
            f"interval is {show.num(100 * (high - low), 2)} points wide, so small differences mean nothing.")


def agreement(tag: str, right: str, yes: str, no: str) -> str:
    """`yes` if the predicted tag is the right one, else `no`."""
    return yes if tag == right else no


def worth(bert, lstm, svm) -> str:
    """The answer to 6(c): worth it only where the Transformer is surely better than the cheap model."""
    sure = evaluate.mcnemar(bert.correct, svm.correct)["p"] < SURE
    points = show.num(abs(100 * (bert.correct.mean() - svm.correct.mean())), 2)
    if sure and bert.correct.mean() > svm.correct.mean():
        return (f"Only if {points} points are worth the trouble: the linear model gives the rest in "
                f"{show.duration(svm['train_seconds'])}.")
    if sure:
        return (f"No: the linear model is {points} points more accurate and trained in "
                f"{show.duration(svm['train_seconds'])}.")
    return "No: the linear model cannot be told from it in accuracy, and costs next to nothing."
