"""What the supplement says of the data, of calibration and of errors."""

from __future__ import annotations

from typing import Any

import numpy as np

from lmreport.display import markdown
from lmreport.display.traced import MarkdownText, fill
from lmreport.models import scores
from lmreport.reporting import metrics, sentences
from lmreport.reporting.values import named


@named
def of_calibration(bert, lstm, bag):
    """How sure the models are against how often they are right."""
    return dict(
        errors=calibrated(bert, lstm, bag),
        bert=too_sure(bert),
        lstm=too_sure(lstm),
    )


NEAR = 0.02  # difference of two calibration errors, below which no model is called better


def calibrated(*records) -> MarkdownText:
    """Whose confidence is closest to the share of right answers and whose furthest, or how far each
    is where they hardly differ.
    """
    ece = {record.label: metrics.ece(record) for record in records}
    if max(ece.values()) - min(ece.values()) < NEAR:
        parts = [f"{MarkdownText(markdown.plain(name))} {{}}" for name in ece]
        return fill(
            f"the expected calibration errors hardly differ: {', '.join(parts)}.",
            *(markdown.pct(error) for error in ece.values()),
        )
    return fill(
        "the closest is {} (expected calibration error {}), the furthest off {} ({}).",
        markdown.first_of(ece, least=True),
        markdown.pct(min(ece.values())),
        markdown.first_of(ece),
        markdown.pct(max(ece.values())),
    )


def too_sure(record) -> MarkdownText:
    """By how much a model is surer than it is right, or less sure."""
    return fill(
        "{} points {}",
        markdown.fixed(100 * abs(metrics.too_sure(record)), 1),
        markdown.more_or_less(
            metrics.too_sure(record), 0, "above its accuracy", "below its accuracy"
        ),
    )


@named
def of_lengths(bert, svm, edges: list[int]):
    """Errors on short and on long texts."""
    return dict(verdict=of_ends(bert, edges), cut=of_cut(bert, svm))


def of_ends(bert, edges: list[int]) -> MarkdownText:
    """Whether short or long texts are surely the harder ones."""
    words, right = bert["test_words"], bert.correct
    ends = right[words < edges[0]], right[words >= edges[-1]]
    if not min(map(len, ends)):
        return MarkdownText("There are no short or no long texts to compare")
    parts = (0, edges[0]), (edges[-1], int(words.max()) + 1)
    short, long = (metrics.error_between(bert, *part, bert) for part in parts)
    (low, high), (other_low, other_high) = map(scores.interval, ends)
    if low <= other_high and other_low <= high:
        verdict: Any = MarkdownText(
            "For the Transformer neither short nor long texts are surely the harder ones"
        )
    else:
        verdict = markdown.more_or_less(
            short, long, "Short texts are the harder ones", "Long texts are the harder ones"
        )
    return fill(
        "{}: the Transformer errs in {} of the texts under {} words and in {} of those with {} or "
        "more",
        verdict,
        markdown.pct(short),
        markdown.count(edges[0]),
        markdown.pct(long),
        markdown.count(edges[-1]),
    )


def of_cut(bert, svm) -> MarkdownText:
    """Errors on texts that fill the Transformer's input, beside the others."""
    length = markdown.count(bert.inputs["settings"]["max_length"])
    if not metrics.cut_share(bert):
        return fill("No test text fills its {} word pieces.", length)
    return fill(
        "{} of the test texts fill its {} word pieces. {} Whether the cut is the reason was not "
        "tested.",
        markdown.pct(metrics.cut_share(bert)),
        length,
        sentences.halves(bert, svm),
    )


@named
def of_audit(audit, lengths, corpus, settings):
    """Lengths, copies and texts that name their own class."""
    shares = {tag: audit["named"][tag] for tag in audit["tags"]}
    return dict(
        median=markdown.count(np.median(lengths)),
        longest=markdown.count(lengths.max()),
        cut=of_bounds(lengths),
        leaks=sentences.leak(shares, corpus),
        copies=fill(
            "{} texts are exact copies of another.{}",
            markdown.count(audit["copies"]),
            sentences.copied(audit),
        )
        if audit["copies"]
        else MarkdownText("No text is an exact copy of another."),
        near=sentences.nearly_copied(audit),
    )


def of_bounds(lengths) -> MarkdownText:
    """How many texts are longer than two bounds, in word pieces."""
    if lengths.max() <= 256:
        return MarkdownText("None is cut at 256 pieces.")
    return fill(
        "At 256 pieces {} of all texts are cut, at 512 still {}.",
        markdown.pct((lengths > 256).mean()),
        markdown.pct((lengths > 512).mean()),
    )


@named
def of_shape(lstm, whole, splits, settings):
    """What the LSTM is, and what part of the data this render trains on."""
    return dict(
        lstm_is=sentences.described(lstm),
        balance=sentences.balance(whole),
        used=sentences.used(splits, settings),
    )
