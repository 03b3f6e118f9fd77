"""Every metric again by hand, from logits and labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from lmreport.models import scores

seeds = st.integers(0, 10_000)


def draw(seed, n=60, classes=4):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(n, classes)), generator.integers(0, classes, n)


@given(seeds)
def test_accuracy_and_f1_by_counting(seed):
    logits, labels = draw(seed)
    predicted = [max(range(4), key=lambda j: row[j]) for row in logits]
    right = sum(p == y for p, y in zip(predicted, labels, strict=True))
    assert scores.accuracy(logits, labels) == right / len(labels)
    found = scores.per_class(logits, labels)
    for c in range(4):
        tp = sum(p == c and y == c for p, y in zip(predicted, labels, strict=True))
        wrong = sum((p == c) != (y == c) for p, y in zip(predicted, labels, strict=True))
        assert found["f1"][c] == pytest.approx(2 * tp / (2 * tp + wrong) if tp + wrong else 0)


@given(seeds)
def test_confusion_rows_are_the_true_classes(seed):
    logits, labels = draw(seed)
    counts = scores.confusion(logits, labels)
    assert (counts.sum(1) == np.bincount(labels, minlength=4)).all()
    assert np.trace(counts) == (logits.argmax(1) == labels).sum()
    for true, predicted, number in scores.worst_pairs(logits, labels, list("abcd")):
        assert counts["abcd".index(true), "abcd".index(predicted)] == number and true != predicted


@given(seeds)
def test_ece_by_a_loop_over_texts(seed):
    logits, labels = draw(seed)
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    bins = {}
    for row, y in zip(p, labels, strict=True):
        bins.setdefault(min(int(row.max() * 10), 9), []).append((row.max(), row.argmax() == y))
    expected = sum(abs(sum(c - r for c, r in b)) for b in bins.values()) / len(labels)
    assert scores.calibration(logits, labels)["ece"] == pytest.approx(expected)


def test_mcnemar_known_value():
    a = np.array([True] * 10 + [False] * 2 + [True] * 5)
    b = np.array([False] * 10 + [True] * 2 + [True] * 5)
    found = scores.mcnemar(a, b)
    # two-sided binomial: 2 · (1 + 12 + 66) / 2¹²
    assert (found["only_a"], found["only_b"], found["p"]) == (10, 2, pytest.approx(2 * 79 / 4096))
    assert scores.mcnemar(a, a)["p"] == 1


@given(seeds, st.integers(1, 9000))
def test_interval_and_p_are_those_of_scipy_stats(seed, texts):
    generator = np.random.default_rng(seed)
    a, b = generator.random((2, texts)) < generator.random((2, 1))
    found = scores.mcnemar(a, b)
    of_one = found["only_a"], found["only_a"] + found["only_b"]
    assert found["p"] == pytest.approx(binomtest(*of_one).pvalue if of_one[1] else 1)
    if min(a.sum(), texts - a.sum()) >= scores.FEW:
        quantiles = binom.ppf([0.025, 0.975], texts, a.mean()) / texts
    else:
        exact = binomtest(int(a.sum()), texts).proportion_ci(method="exact")
        quantiles = exact.low, exact.high
    assert scores.interval(a) == pytest.approx(quantiles)


def test_interval_covers_the_truth_about_as_often_as_it_says():
    generator = np.random.default_rng(0)
    hits = 0
    for _ in range(200):
        low, high = scores.interval(generator.random(400) < 0.8)
        hits += low <= 0.8 <= high
    assert 0.9 <= hits / 200 <= 0.99


@pytest.mark.parametrize("right", [True, False])
def test_interval_of_texts_that_are_all_right_or_all_wrong_has_a_width(right):
    """Clopper and Pearson: of 400 alike the other kind may still be 0.9%."""
    low, high = scores.interval(np.full(400, right))
    assert (low, high) == pytest.approx((0.9908, 1) if right else (0, 0.0092), abs=1e-4)
    assert binomtest(400 * right, 400).proportion_ci(method="exact").low == pytest.approx(low)


@given(seeds)
def test_errors_by_length_add_up(seed):
    generator = np.random.default_rng(seed)
    correct, lengths = generator.random(50) < 0.7, generator.integers(1, 300, 50)
    found = scores.by_length(correct, lengths, [50, 100])
    assert found["number"].sum() == 50
    assert np.nansum(found["error"] * found["number"]) == pytest.approx((~correct).sum())


def test_ranges_of_length_fit_the_texts():
    rng = np.random.default_rng(0)
    assert scores.length_edges(rng.integers(1, 900, 2000)) == list(scores.WORDS)
    short = rng.integers(1, 30, 500)
    edges = scores.length_edges(short)
    assert len(edges) == 5 and np.bincount(np.digitize(short, edges)).min() >= 60


@pytest.mark.parametrize("words", [[6] * 40, [6] * 39 + [7], [3, 5] * 20, list(range(1, 41))])
def test_lengths_have_borders_whatever_they_are(words):
    words = np.array(words)
    edges = scores.length_edges(words)
    assert len(edges) >= 2 and edges == sorted(set(edges))
    found = scores.by_length(np.ones(40, bool), words, edges)
    assert found["number"].sum() == 40 and len(found["number"]) == len(edges) + 1


def test_texts_of_one_length_can_be_drawn():
    from types import SimpleNamespace

    from lmreport.reporting import figures

    words = np.repeat(6, 40)
    records = {
        name: SimpleNamespace(correct=np.arange(40) % 2 == 0, label=name)
        for name in ("transformer", "lstm", "tfidf_svm")
    }
    drawn = figures.plot_errors_by_length.__wrapped__(records, words, scores.length_edges(words))
    assert [label.get_text() for label in drawn.axes[0].get_xticklabels()] == ["6\n(40)"]
    assert {text.get_text() for text in drawn.axes[0].texts} == set(records)  # each dot its name
    for length in (2, 3, 8):
        figures.plot_lengths.__wrapped__(
            {"train": np.repeat(length, 50), "test": np.repeat(length, 20)}, {"a": 128}
        )
