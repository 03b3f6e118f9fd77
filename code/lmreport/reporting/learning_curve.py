"""What the learning curve says: how few texts pre-training needs, and where it is ahead of the SVM."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lmreport.display import markdown
from lmreport.display.traced import MarkdownText, fill
from lmreport.models import scores
from lmreport.reporting import metrics, studies
from lmreport.reporting.metrics import SURE


def curve(record) -> dict[tuple[str, int], float]:
    """{(way, size): accuracy} of the learning curve."""
    return {
        (p["way"], p["size"]): studies.share(record, f"predicted.{i}")
        for i, p in enumerate(record["points"])
    }


def saved(record):
    """How few texts the pre-trained weights need for what training from scratch gets out of all of
    them, in words.
    """
    values, sizes = curve(record), sorted({p["size"] for p in record["points"]})
    goal = values["from scratch", sizes[-1]]
    if not learned_from_scratch(record, float(metrics.guessing(record))):
        return fill(
            "Trained from scratch, {} texts do not surely get it further than always naming one "
            "class ({}).",
            markdown.count(sizes[-1]),
            markdown.pct(metrics.guessing(record)),
        )
    enough = [(n, way) for n in sizes for way in ("fine-tuned", "frozen") if values[way, n] >= goal]
    if not enough:
        return fill(
            "Training from scratch on {} texts is ahead of them all.", markdown.count(sizes[-1])
        )
    size, way = enough[0]
    return fill(
        "Trained from scratch, {} texts give {}; the {} encoder reaches that with {}.",
        markdown.count(sizes[-1]),
        markdown.pct(goal),
        way,
        markdown.count(size),
    )


def learned_from_scratch(record, chance: float) -> bool:
    """Whether the encoder without pre-training, given all texts, is surely ahead of guessing."""
    points = record["points"]
    row = max(
        (i for i, point in enumerate(points) if point["way"] == "from scratch"),
        key=lambda i: points[i]["size"],
    )
    return scores.interval(record["predicted"][row] == record["labels"])[0] > chance


class Contest(NamedTuple):
    """The better pre-trained encoder and the linear model on `size` texts: their accuracies, and 1
    where the encoder is surely ahead, −1 where the linear model is, else 0.
    """

    size: int
    way: str
    encoder: float
    linear: float
    ahead: int


def contests(record, linear) -> list[Contest]:
    """One for each number of texts of `linear`, the fewest first; [] where the two were measured on
    other texts. record: the learning curve; linear: that of the linear model.
    """
    values, sizes = curve(record), [point["size"] for point in linear["points"]]
    known = {point["size"] for point in record["points"]}
    if not np.array_equal(record["labels"], linear["labels"]) or not set(sizes) <= known:
        return []
    rows = {(p["way"], p["size"]): f"predicted.{i}" for i, p in enumerate(record["points"])}
    compared = []
    for row, size in enumerate(sizes):
        way = max(("fine-tuned", "frozen"), key=lambda way: values[way, size])
        mine, other = values[way, size], studies.share(linear, f"predicted.{row}")
        sure = studies.p_across(record, rows[way, size], linear, f"predicted.{row}") < SURE
        compared.append(Contest(size, way, mine, other, sure * (1 if mine > other else -1)))
    return compared


def choice(record, linear) -> MarkdownText:
    """What is better where labels are fewest, if a pre-trained encoder is surely ahead of the linear
    model there; record, linear: as in `contests`.
    """
    compared = contests(record, linear)
    if not compared or compared[0].ahead != 1:
        return MarkdownText("")
    first = compared[0]
    what = first.way if first.way == "fine-tuned" else "frozen pre-trained"
    return fill(
        "With {} labelled texts a {} encoder beat the SVM, in one draw (@fig-learning-curve).",
        markdown.count(first.size),
        what,
    )


def few_texts(record, linear):
    """Whether a pre-trained encoder is ahead of the linear model where texts are fewest, and from
    where on it is not; record, linear: as in `contests`.
    """
    compared = contests(record, linear)
    if not compared:
        return MarkdownText(
            "The linear SVM was measured at another scale, so it is not compared here."
        )
    first, guess = compared[0], metrics.guessing(record)
    sentence = fill(
        "With {} texts the {} encoder gets {} right, the linear SVM {}",
        markdown.count(first.size),
        first.way,
        markdown.pct(first.encoder),
        markdown.pct(first.linear),
    )
    if max(first.encoder, first.linear) <= guess:
        sentence = fill("{} (always naming one class gets {})", sentence, markdown.pct(guess))
    later = [one for one in compared if one.ahead != 1]
    if not later:
        return fill("{}, and at each other number of texts the encoder is ahead as well.", sentence)
    if first.ahead != 1:
        who = "the SVM" if first.ahead == -1 else "neither"
        return fill(f"{{}}: even then {who} is significantly ahead.", sentence)
    since = later[0].size
    if all(one.ahead == -1 for one in compared if one.size >= since):
        return fill(
            "{}. From {} texts on, the SVM is significantly ahead of each encoder.",
            sentence,
            markdown.count(since),
        )
    return fill(
        "{}. That does not last: with {} the encoder is no longer ahead.",
        sentence,
        markdown.count(since),
    )
