"""What the supplement says of the data, of calibration and of errors."""

from __future__ import annotations

import numpy as np

from lmreport.display import markdown
from lmreport.display.traced import MarkdownText, fill
from lmreport.reporting import metrics, sentences
from lmreport.reporting.values import named


@named
def of_calibration(bert, lstm, bag):
    """How sure the models are against how often they are right."""
    ece = {record.label: metrics.ece(record) for record in (bert, lstm, bag)}
    return dict(
        closest=markdown.first_of(ece, least=True),
        closest_error=markdown.pct(min(ece.values())),
        furthest=markdown.first_of(ece),
        furthest_error=markdown.pct(max(ece.values())),
        bert=too_sure(bert),
        lstm=too_sure(lstm),
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
    longest = int(bert["test_words"].max()) + 1
    short, long = (
        metrics.error_between(bert, *part, bert) for part in ((0, edges[0]), (edges[-1], longest))
    )
    return dict(
        short=markdown.pct(short),
        long=markdown.pct(long),
        low=markdown.count(edges[0]),
        high=markdown.count(edges[-1]),
        verdict=markdown.more_or_less(
            short,
            long,
            "Short texts are the harder ones",
            "Long texts are the harder ones",
            "Short and long texts are equally hard",
        )
        if np.isfinite([short, long]).all()
        else MarkdownText("There are no short or no long texts to compare"),
        cut=markdown.pct(metrics.cut_share(bert)),
        length=markdown.count(bert.inputs["settings"]["max_length"]),
        halves=sentences.halves(bert, svm),
    )


@named
def of_audit(audit, lengths, corpus, settings):
    """Lengths, copies and texts that name their own class."""
    shares = {tag: audit["named"][tag] for tag in audit["tags"]}
    return dict(
        median=markdown.count(np.median(lengths)),
        longest=markdown.count(lengths.max()),
        full_cut=markdown.pct((lengths > 256).mean()),
        bert_cut=markdown.pct((lengths > 512).mean()),
        leakiest=markdown.first_of(shares),
        leak=markdown.pct(max(shares.values())),
        leaks=sentences.leak(shares, corpus),
        copies=markdown.count(audit["copies"]),
        copied=sentences.copied(audit),
        near=sentences.nearly_copied(audit),
    )


@named
def of_shape(lstm, whole, splits, settings):
    """What the LSTM is, and what part of the data this render trains on."""
    return dict(
        lstm_is=sentences.described(lstm),
        balance=sentences.balance(whole),
        used=sentences.used(splits, settings),
    )
