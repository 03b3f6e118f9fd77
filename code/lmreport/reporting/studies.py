"""What the recorded studies say: their numbers, tables and sentences.

The numbers are `Quantity`s, as in `metrics`; `path` names predictions in a record: an array and
its indices, as in "predicted.3.11". `lmreport verify` computes each of them a second way.
"""

from __future__ import annotations

import numpy as np

from lmreport.core import progress
from lmreport.display import markdown
from lmreport.display.again import of_inputs
from lmreport.display.traced import MarkdownText, fill
from lmreport.experiments import improvements, studies
from lmreport.models import scores
from lmreport.reporting.metrics import SURE
from lmreport.runs import records as run_records
from lmreport.runs.quantity import of_records


@of_records
def entry(record, path: str) -> float:
    """One number of an array."""
    return at(record, path)


@of_records
def share(record, path: str) -> float:
    """Share of the texts whose predicted class at `path` is the right one."""
    return (at(record, path) == record["labels"]).mean()


@of_records
def p_between(record, first: str, second: str) -> float:
    """McNemar's exact test of two predictions for the same texts."""
    one, other = (at(record, path) == record["labels"] for path in (first, second))
    return scores.mcnemar(one, other)["p"]


@of_records
def margin(record, first: str, second: str) -> float:
    """Half the width of the 95% interval of the difference of two shares on the same texts (normal
    approximation).
    """
    one, other = ((at(record, path) == record["labels"]).astype(float) for path in (first, second))
    return 1.96 * (one - other).std() / len(one) ** 0.5


@of_records
def rank_correlation(record, first: str, second: str) -> float:
    """Spearman's rank correlation of the sizes (absolute values) of two arrays."""
    from scipy.stats import spearmanr

    return spearmanr(np.abs(at(record, first)), np.abs(at(record, second))).statistic


@of_records
def rank_p(record, first: str, second: str) -> float:
    """How probable so strong a rank correlation is between arrays that have nothing to do with each
    other (t test).
    """
    from scipy.stats import spearmanr

    return spearmanr(np.abs(at(record, first)), np.abs(at(record, second))).pvalue


@of_records
def mean_size_but(record, path: str, place: int) -> float:
    """Mean of the sizes (absolute values) in an array, but for one place."""
    return np.abs(np.delete(at(record, path), place)).mean(dtype=float)


@of_records
def column_mean(record, path: str, column: int) -> float:
    """Mean of one column of matrices (…, n, n), such as the attention that one token gets."""
    return at(record, path)[..., column].mean(dtype=float)


@of_records
def p_across(record, first: str, other, second: str) -> float:
    """McNemar's exact test of predictions of two records for the same texts."""
    return scores.mcnemar(
        at(record, first) == record["labels"], at(other, second) == other["labels"]
    )["p"]


def at(record, path: str):
    """The array, or the part of it, that a path names."""
    name, *indices = path.split(".")
    return record[name][tuple(map(int, indices))]


def notice(record):
    """A callout if `record` is a quick stand-in for a full-scale study that nobody has recorded on
    this data.
    """
    if record.inputs["settings"]["scale"] == "full":
        return None
    steps = (
        f" Each training that is not a model on record has {improvements.SMALLER['texts']} texts of at most "
        f"{improvements.SMALLER['max_length']} word pieces, whatever a step's name says."
        if record.name in improvements.NAMES
        else ""
    )
    command = " ".join(["lmreport run", record.name, "--scale full", *of_inputs(record.inputs)])
    return markdown.markdown(
        markdown.callout(
            "warning",
            f"Small-scale study: {record.label}",
            (
                "No full-scale record of this study fits these data. What follows is its quick "
                f"form, which says little.{steps} `{command}` records the full one."
            ),
        )
    )


def lead(record, first: str, second: str) -> list:
    """Three cells of a table: by how many percentage points `first` is more often right than
    `second`, the 95% interval of that, and McNemar's p. Both are paths of predicted classes.
    """
    points, half = share(record, first) - share(record, second), margin(record, first, second)
    return [
        markdown.fixed(100 * points, 1),
        fill(
            "{} to {}",
            markdown.fixed(100 * max(points - half, -1), 1),
            markdown.fixed(100 * min(points + half, 1), 1),
        ),
        markdown.p_value(p_between(record, first, second)),
    ]


def orders(record):
    """Accuracy for each order of the words, and its fall against the texts as they are."""
    rows = []
    for i, name in enumerate(record["orders"]):
        fall = lead(record, "predicted.0", f"predicted.{i}") if i else [""] * 3
        rows.append([name, markdown.pct(share(record, f"predicted.{i}")), *fall])
    return markdown.table(
        rows,
        ["words", "accuracy", "fall in points", "95% interval", "p (McNemar)"],
        ("left", "right", "right", "right", "right"),
        of=record,
    )


def shuffled_falls(record) -> list:
    """By how much the accuracy falls with each full shuffle, smallest fall first."""
    return sorted(
        share(record, "predicted.0") - share(record, f"predicted.{i}")
        for i, name in enumerate(record["orders"])
        if name.startswith("shuffled")
    )


def has_learned(record, path: str = "predicted.0") -> bool:
    """Whether the predictions at `path` are surely better than always naming the largest class."""
    right = at(record, path) == record["labels"]
    return scores.interval(right)[0] > scores.guessing(record["labels"])


def fell(record) -> MarkdownText:
    """By how many points the accuracy falls or changes in full shuffles, and whether surely."""
    falls = shuffled_falls(record)
    if falls[0] == falls[-1] == 0:
        return MarkdownText("does not change")
    verb, ends, sign = ("changes", (-1, 0), -100) if falls[0] < 0 else ("falls", (0, -1), 100)
    return fill(
        f"{verb} by {{}} to {{}} points, which is {{}}",
        *(markdown.fixed(sign * falls[end], 1) for end in ends),
        order_matters(record),
    )


def survives(record) -> MarkdownText:
    """What is left, after the worst full shuffle, of what the model has above always naming the
    largest class.
    """
    fall, largest = shuffled_falls(record)[-1], scores.guessing(record["labels"])
    if not has_learned(record):
        return fill(
            "With {} right, the model {} always naming one class ({}): it has learned "
            "nothing that a shuffle could take away.",
            markdown.pct(share(record, "predicted.0")),
            markdown.more_or_less(
                largest,
                scores.interval(record["predicted"][0] == record["labels"])[1],
                "is worse than",
                "cannot be told from",
                "cannot be told from",
            ),
            markdown.pct(largest),
        )
    kept = 1 - fall / (share(record, "predicted.0") - largest)
    if kept >= 1:
        return MarkdownText(
            "No shuffle costs the model anything of what it has above always naming the largest "
            "class."
        )
    if kept <= 0:
        return MarkdownText(
            "Nothing survives the worst shuffle of what the model has above always naming the "
            "largest class."
        )
    return fill(
        "Of what the model has above always naming the largest class, {} or more survives.",
        markdown.pct(kept, 0),
    )


def order_matters(record) -> str:
    """Whether the fall is more than chance in each shuffle, in some, or in none."""
    sure = [
        p_between(record, "predicted.0", f"predicted.{i}") < SURE
        for i, name in enumerate(record["orders"])
        if name.startswith("shuffled")
    ]
    return markdown.word(
        0 if all(sure) else 1 if any(sure) else 2,
        "significant in each shuffle",
        "significant in some of the shuffles",
        "not significant in any shuffle",
    )


def head_changes(record) -> np.ndarray:
    """Change of the accuracy in points when a head is removed, (layers, heads); negative: worse."""
    right = record["predicted"] == record["labels"]
    return 100 * (right.mean(-1) - (record["whole"] == record["labels"]).mean())


@of_records
def heads_within_chance(record) -> float:
    """Number of heads whose removal changes the accuracy by no more than chance may (McNemar's p ≥
    0.05).
    """
    layers, heads, _ = record["predicted"].shape
    return sum(
        p_between(record, "whole", f"predicted.{i}.{j}") >= SURE
        for i in range(layers)
        for j in range(heads)
    )


@of_records
def heads_better_removed(record) -> float:
    """Number of heads without which more texts are classified rightly."""
    return (head_changes(record) > 1e-9).sum()


def layer_falls(record) -> list:
    """Fall of the accuracy when all heads of a layer are removed, by layer."""
    return [
        share(record, "whole") - share(record, f"layers.{i}") for i in range(len(record["layers"]))
    ]


TOGETHER = (
    "Heads that stand in for each other are one explanation; another is that without a whole "
    "layer the vector of the first token is unlike any that the classifier has seen."
)


def standing_in(record):
    """Whether the heads of the layer that costs most cost more together than one by one, in
    words.
    """
    falls = layer_falls(record)
    layer = max(range(len(falls)), key=lambda i: falls[i])
    if falls[layer] <= 0 or p_between(record, "whole", f"layers.{layer}") >= SURE:
        return MarkdownText("In no layer does removing all heads surely cost accuracy.")
    single = sum(
        share(record, "whole") - share(record, f"predicted.{layer}.{head}")
        for head in range(record["predicted"].shape[1])
    )
    return fill(
        "All heads of a layer together cost up to {} points, in layer {}. This is {} what its heads "
        "cost one by one, {} points in sum. {}",
        markdown.fixed(100 * falls[layer], 1),
        markdown.count(layer + 1),
        markdown.more_or_less(falls[layer], single, "more than", "less than", "as much as", 1e-9),
        markdown.fixed(100 * single, 1),
        markdown.more_or_less(falls[layer], single, TOGETHER, "", "", 1e-9),
    )


def seen(record) -> list[dict]:
    """The ablation, one dict a question, as `concepts.attention` draws them; `of`: the record."""
    return [
        q
        | {
            "attention": record[f"attention_{i}"],
            "effect": record[f"effect_{i}"],
            "weights": record[f"weights_{i}"],
            "of": record,
        }
        for i, q in enumerate(record["questions"])
    ]


def others(record, question: int):
    """By how much hiding a piece other than the most attended one changes the logit, up or down, on
    average.
    """
    return mean_size_but(record, f"effect_{question}", record["questions"][question]["most"])


def ablations(record, questions):
    """What hiding the most attended piece does, beside the others, and how well attention tells the
    effect.
    """
    rows = []
    for i, (text, q) in enumerate(zip(questions, record["questions"], strict=True)):
        tokens, rank = (
            q["tokens"],
            fill("{} of {}", markdown.count(q["rank"]), markdown.count(len(q["tokens"]))),
        )
        rows.append(
            [
                text,
                q["class"],
                tokens[q["most"]],
                markdown.num(entry(record, f"effect_{i}.{q['most']}"), 2),
                markdown.num(others(record, i), 2),
                rank,
                tokens[q["strongest"]],
                markdown.fixed(rank_correlation(record, f"attention_{i}", f"effect_{i}"), 2),
                markdown.fixed(rank_correlation(record, f"from_first_{i}", f"effect_{i}"), 2),
            ]
        )
    return markdown.table(
        rows,
        [
            "question",
            "tag",
            "most attended",
            "fall of the logit",
            "change by another",
            "rank of its effect",
            "largest effect",
            "correlation",
            f"with `{record['questions'][0]['all_tokens'][0]}` only",
        ],
        ("left",) * 3 + ("right",) * 3 + ("left", "right", "right"),
        of=record,
    )


def origin(*records) -> str:
    """Where the numbers of records that were made on one machine come from, in words."""
    return run_records.origin(records[0], records[0].inputs["settings"]["scale"] == "full", records)


def of(name: str, settings, corpus) -> run_records.Record:
    """As `found_or_made`, in a cell of the report, where a line that is told would stand on the
    page.
    """
    with progress.silent():
        return found_or_made(name, settings, corpus)


def found_or_made(name: str, settings, corpus) -> run_records.Record:
    """The study to be shown: the newest full-scale record on these data, else its quick form, made
    if need be.
    """
    return run_records.newest(corpus).get(name) or studies.run(
        name, settings, corpus, scale="quick"
    )
