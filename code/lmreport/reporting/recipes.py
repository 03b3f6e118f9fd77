"""What the recipes on all texts say, and the best of them with new seeds and in a stack. Numbers
are `Quantity`s.
"""

from __future__ import annotations

from lmreport.display import markdown
from lmreport.display.origin import with_origin
from lmreport.display.traced import MarkdownText, fill
from lmreport.reporting import improvements, studies


def recipe_accuracy(record, at: int):
    """Validation accuracy of a recipe on all texts, mean over its seeds."""
    rows = record["recipes"][at]["rows"]
    return sum(studies.share(record, f"predicted.{row}") for row in rows) / len(rows)


def recipe_gain(record, at: int):
    """Its difference (0 … 1) to the first recipe, mean over the seeds that both have."""
    rows, base = record["recipes"][at]["rows"], record["recipes"][0]["rows"]
    first = {record["rows"][row]["seed"]: row for row in base}
    pairs = [(row, first[seed]) for row in rows if (seed := record["rows"][row]["seed"]) in first]
    return sum(
        studies.share(record, f"predicted.{one}") - studies.share(record, f"predicted.{other}")
        for one, other in pairs
    ) / len(pairs)


def between_seeds(record) -> list:
    """By how much (0 … 1) the accuracies of a recipe's two seeds differ, for each that has two."""
    pairs = [recipe["rows"] for recipe in record["recipes"] if len(recipe["rows"]) == 2]
    return [
        abs(studies.share(record, f"predicted.{one}") - studies.share(record, f"predicted.{other}"))
        for one, other in pairs
    ]


@with_origin
def recipes(record):
    """Recipes on all texts: validation accuracy, difference to the first, updates of the
    weights.
    """
    rows = []
    for at, recipe in enumerate(record["recipes"]):
        gain = markdown.fixed(100 * recipe_gain(record, at), 1) if at else ""
        rows.append(
            [
                recipe["name"],
                markdown.count(len(recipe["rows"])),
                markdown.count(studies.entry(record, f"updates.{recipe['rows'][0]}")),
                markdown.pct(recipe_accuracy(record, at)),
                gain,
            ]
        )
    return markdown.table(
        rows, ["recipe", "seeds", "updates", "accuracy", "points"], ("left", *["right"] * 4)
    )


def joined(record, name: str):
    """Validation accuracy of several models together, or of the SVM beside them."""
    return studies.share(record, f"together_predicted.{record['together'].index(name)}")


def new_seeds(record):
    """What the best recipe reaches on the test texts with seeds that no choice was made by."""
    number = len(record["seeds"])
    mean, stack = f"predicted.{number}", f"predicted.{len(record['names']) - 1}"
    return fill(
        "The most accurate of the recipes with the most seeds, “{}”, was trained again with {} "
        "other seeds{}. On the test texts they reach {} on average ({}; standard deviation {} "
        "points), and the mean of their predictions {}. Their stack with two linear SVMs reaches "
        "{}, a difference of {} ± {} points to that mean.",
        record["recipe"],
        markdown.count(number),
        paid(record),
        markdown.pct(record["seed_mean"]),
        fill(
            ", ".join(["{}"] * number),
            *(markdown.pct(studies.share(record, f"predicted.{i}")) for i in range(number)),
        ),
        markdown.fixed(record["seed_points"], 2),
        markdown.pct(studies.share(record, mean)),
        markdown.pct(studies.share(record, stack)),
        markdown.fixed(100 * (studies.share(record, stack) - studies.share(record, mean)), 1),
        markdown.fixed(100 * studies.margin(record, mean, stack), 1),
    )


def apart(record, top) -> MarkdownText:
    """What the stack of the new seeds gets and how far that is from `top`, if it was asked for the
    same texts.
    """
    if record.inputs["data"]["digest"] != top.inputs["data"]["digest"]:
        return MarkdownText("")
    second, first = map(improvements.last_share, (record, top))
    return fill(
        "A second stack, of trainings with the recipe that did best on a GPU, gets {} "
        "(@tbl-folded); the two differ by {} points.",
        markdown.pct(second),
        markdown.fixed(100 * abs(second - first), 1),
    )


def folds(record) -> MarkdownText:
    """How the texts were predicted that the weights of the second stack come from."""
    number, predicted = markdown.count(record["folds"]), markdown.count(record["predicted_folds"])
    if record["folds"] == record["predicted_folds"]:
        return fill(
            "the training texts were cut into {} folds, and for each of them all models were "
            "fitted again on the other texts and asked for those of the fold.",
            number,
        )
    return fill(
        "the training texts were cut into {} folds; for {} of them, each model was fitted again on "
        "the other texts and asked for those of the fold.",
        number,
        predicted,
    )


def paid(record):
    """What a training of the new seeds cost, where that is why there are no more of them."""
    if record["device"] == "cuda":
        return ""
    longest = int(record["seconds_of"][: len(record["seeds"])].argmax())
    return fill(
        " (no more, since one took up to {} without a GPU)",
        markdown.duration(studies.entry(record, f"seconds_of.{longest}")),
    )


@with_origin
def folded(record):
    """The members of the stack and the stack: accuracy out of fold, weight, test accuracy, and
    against the first.
    """
    rows, first = [], len(record["seeds"])
    for at, name in enumerate(record["fold_names"]):
        here, weight, compared = f"predicted.{first + at}", "", ["", ""]
        if name != "stack":
            weight = markdown.fixed(studies.entry(record, f"weights.{at}"), 2)
        if at:
            points = studies.share(record, here) - studies.share(record, f"predicted.{first}")
            compared = improvements.told_apart(
                points,
                studies.margin(record, f"predicted.{first}", here),
                studies.p_between(record, f"predicted.{first}", here),
            )
        rows.append(
            [
                name,
                markdown.pct(studies.entry(record, f"fold_accuracies.{at}")),
                weight,
                markdown.pct(studies.share(record, here)),
                *compared,
            ]
        )
    return markdown.table(
        rows,
        ["model", "out of fold", "weight", "test accuracy", "points ±", "p (McNemar)"],
        ("left", *["right"] * 5),
    )
