"""What the two studies of the ladder say: its table and figure, what each step brings, and which errors remain."""

from __future__ import annotations

import numpy as np

from lmreport import findings, measures, sentences, show, steps, style
from lmreport.drawn import drawn
from lmreport.origin import told
from lmreport.quantity import of_records
from lmreport.shown import Marked, sentence, strong

GOAL = 0.93  # test accuracy that this part of the work aimed at
KINDS = {  # by how a step's name begins
    "pilot": "small trainings", "pilots": "small trainings", "SVM": "linear models", "stack": "stacks"}


def row(record, name: str) -> int:
    """The place of a step, −1 if it was not made."""
    names = [p["name"] for p in record["points"]]
    return names.index(name) if name in names else -1


def accuracy(record, at: int) -> float:
    """Validation accuracy of the step in row `at`."""
    return findings.share(record, f"predicted.{at}")


def gain(record, at: int) -> float:
    """By how much (0 … 1) the step is more accurate than the one that it is compared with."""
    return accuracy(record, at) - accuracy(record, record["points"][at]["against"])


def p_value(record, at: int) -> float:
    """McNemar's exact test of the step and the one that it is compared with."""
    return findings.p_between(record, f"predicted.{record['points'][at]['against']}", f"predicted.{at}")


def interval(record, at: int) -> tuple[float, float]:
    """Ends of the 95 % interval of the gain."""
    half = findings.margin(record, f"predicted.{record['points'][at]['against']}", f"predicted.{at}")
    return gain(record, at) - half, gain(record, at) + half


def cost(record, at: int, name: str) -> float:
    """One of `steps.COSTS` of the step."""
    return findings.entry(record, f"{name}.{at}")


def table(record):
    """Every step with its validation accuracy, what it gained against which one, and what its training cost."""
    rows, points = [], record["points"]
    for at, point in enumerate(points):
        compared = [""] * 4
        if point["against"] != at:
            change, low, high = (show.fixed(100 * v, 1) for v in (gain(record, at), *interval(record, at)))
            compared = [show.count(point["against"] + 1), change, sentence("{} to {}", low, high),
                        show.p_value(p_value(record, at))]
        paid = [show.duration(cost(record, at, "cpu_seconds")) if point["texts"] else "", *(
            way(cost(record, at, name) * factor) if cost(record, at, name) > 0 else ""
            for name, factor, way in (("tokens", 1e-6, lambda v: show.num(v, 2)), ("memory", 1, show.count)))]
        rows.append([show.count(at + 1), point["name"], show.pct(accuracy(record, at)), *compared, *paid])
    headers = ["", "step", "accuracy", "against", "points", "95 % interval", "p", "processor time", "million tokens",
               "MiB"]
    return show.table(rows, headers, ("right", "left", *["right"] * 8), of=record)


def effect(record, name: str) -> Marked:
    """What a step brought, in words: "1.2 points (0.3 to 2.1, p = 0.010), more than chance"."""
    at = row(record, name)
    if at < 0:
        return Marked("was not tried at this scale")
    low, high = interval(record, at)
    points, base = 100 * gain(record, at), f"predicted.{record['points'][at]['against']}"
    return sentence("{} points ({} to {}, p {}), {}", show.fixed(points, 1), show.fixed(100 * low, 1),
                    show.fixed(100 * high, 1),
                    sentences.p_phrase(p_value(record, at)),
                    show.word(surely(record, base, f"predicted.{at}"), "more than chance", "within chance"))


@of_records
def surely(record, first: str, second: str) -> float:
    """0 if McNemar's test tells two predictions apart, 1 if the difference may be chance."""
    return int(findings.p_between(record, first, second) >= measures.SURE)


@drawn
def plot(record):
    """Validation accuracy of the models trained on all texts against the processor time of it (logarithmic).

    Points that lie close together share one label.
    """
    figure, ax = style.figure(height=3.1)
    groups, labels = {}, {}
    for at, point in enumerate(record["points"]):
        kind = KINDS.get(point["name"].partition(":")[0].partition(",")[0], "single models")
        if kind != "small trainings":
            groups.setdefault(kind, []).append(at)
    for (kind, rows), marker in zip(groups.items(), style.MARKERS, strict=False):
        values = 100 * (record["predicted"][rows] == record["labels"]).mean(1)
        half = [1.96 * (v * (100 - v) / len(record["labels"])) ** 0.5 for v in values]
        minutes = np.maximum(record["cpu_seconds"][rows], 1) / 60
        ax.errorbar(minutes, values, half, linestyle="", marker=marker, capsize=2, elinewidth=0.8, label=kind)
        for at, x, y in zip(rows, minutes, values, strict=True):
            near = next((spot for spot in labels if abs(np.log(spot[0] / x)) < 0.4 and abs(spot[1] - y) < 0.7), (x, y))
            labels.setdefault(near, []).append((x, str(at + 1)))
    middle = np.exp(np.mean([np.log(x) for x, _ in labels]))
    for (x, y), members in labels.items():
        neighbour = any(1 < x / other < 4 and abs(y - height) < 2 for other, height in labels)  # to the left of it
        places, numbers = zip(*members, strict=True)
        side, shift = ("right", -5) if x > middle and not neighbour else ("left", 5)
        beside = min(places) if side == "right" else max(places)
        ax.annotate(", ".join(numbers), (beside, y), (shift, 2), textcoords="offset points", fontsize=7, ha=side)
    ax.set(xscale="log", xlabel="processor time of the training [min] (logarithmic)",
           ylabel="validation accuracy [%]")
    ax.margins(x=0.2)
    ax.legend(loc="lower left")
    return figure


def final(record):
    """Test accuracy of the models on record, of the full training and of the stack, each against the assignment's."""
    rows, base = [], record["names"].index(steps.TRANSFORMER)
    for at, name in enumerate(record["names"]):
        mine = findings.share(record, f"predicted.{at}")
        compared = ["", "", ""]
        if at != base:
            half = findings.margin(record, f"predicted.{base}", f"predicted.{at}")
            points = mine - findings.share(record, f"predicted.{base}")
            compared = [show.fixed(100 * points, 1), sentence("{} to {}", show.fixed(100 * (points - half), 1),
                                                              show.fixed(100 * (points + half), 1)),
                        show.p_value(findings.p_between(record, f"predicted.{base}", f"predicted.{at}"))]
        last = at == len(record["names"]) - 1
        rows.append([name, strong(show.pct(mine)) if last else show.pct(mine), *compared])
    return show.table(rows, ["model", "test accuracy", "points", "95 % interval", "p (McNemar)"],
                      ("left", *["right"] * 4), of=record)


def members(record) -> Marked:
    """The models in the stack, with their weights, in words."""
    return sentence(", ".join(["{} ({})"] * len(record["members"])), *(
        part for i, name in enumerate(record["members"])
        for part in (name, show.fixed(findings.entry(record, f"weights.{i}"), 2))))


def price(record, best: str) -> tuple[float, float]:
    """What the stack `best` costs in processor time against the SVM alone: (times as much, seconds more a point)."""
    at, svm = row(record, best), row(record, steps.SVM)
    paid, less = cost(record, at, "cpu_seconds"), cost(record, svm, "cpu_seconds")
    return paid / less, (paid - less) / (100 * (accuracy(record, at) - accuracy(record, svm)))


def worth(record) -> Marked:
    """Whether the stack, of which the Transformer is a part, is surely ahead of the SVM alone."""
    svm, best = (f"predicted.{at}" for at in (record["names"].index(steps.SVM), len(record["names"]) - 1))
    return sentence("The difference to the SVM is {} (McNemar's exact test: p {}); whether it is worth so much "
                    "computing depends on what an error costs.",
                    show.word(surely(record, svm, best), "more than chance", "within chance"),
                    sentences.p_phrase(findings.p_between(record, svm, best)))


@of_records
def missed_by_all(record) -> float:
    """Number of test texts that no model of the final table classifies rightly."""
    return (record["predicted"] != record["labels"]).all(0).sum()


@of_records
def agreed_wrong(record) -> float:
    """Number of test texts to which all models of the final table give the same wrong tag."""
    return ((record["predicted"] == record["predicted"][0]).all(0) & (record["predicted"][0] != record["labels"])).sum()


def recipe_accuracy(record, at: int):
    """Validation accuracy of a recipe on all texts, mean over its seeds."""
    rows = record["recipes"][at]["rows"]
    return sum(findings.share(record, f"predicted.{row}") for row in rows) / len(rows)


def recipe_gain(record, at: int):
    """Its difference (0 … 1) to the first recipe, mean over the seeds that both have."""
    rows, base = record["recipes"][at]["rows"], record["recipes"][0]["rows"]
    first = {record["rows"][row]["seed"]: row for row in base}
    pairs = [(row, first[seed]) for row in rows if (seed := record["rows"][row]["seed"]) in first]
    return sum(findings.share(record, f"predicted.{one}") - findings.share(record, f"predicted.{other}")
               for one, other in pairs) / len(pairs)


def between_seeds(record) -> list:
    """By how much (0 … 1) the accuracies of a recipe's two seeds differ, for each that has two."""
    pairs = [recipe["rows"] for recipe in record["recipes"] if len(recipe["rows"]) == 2]
    return [abs(findings.share(record, f"predicted.{one}") - findings.share(record, f"predicted.{other}"))
            for one, other in pairs]


@told
def recipes(record):
    """Recipes on all texts: validation accuracy, difference to the first, updates of the weights."""
    rows = []
    for at, recipe in enumerate(record["recipes"]):
        gain = show.fixed(100 * recipe_gain(record, at), 1) if at else ""
        rows.append([recipe["name"], show.count(len(recipe["rows"])), show.count(
            findings.entry(record, f"updates.{recipe['rows'][0]}")), show.pct(recipe_accuracy(record, at)), gain])
    return show.table(rows, ["recipe", "seeds", "updates", "accuracy", "points"], ("left", *["right"] * 4))


def joined(record, name: str):
    """Validation accuracy of several models together, or of the SVM beside them."""
    return findings.share(record, f"together_predicted.{record['together'].index(name)}")


def new_seeds(record):
    """What the best recipe reaches on the test texts with seeds that no choice was made by."""
    if record is None:
        return Marked("None of these trainings has scored the test texts; `make bench-seeds RECORD=1` trains the best "
                      "recipe anew for that.")
    number = len(record["seeds"])
    return sentence(
        "The most accurate of the recipes with the most seeds, “{}”, was trained anew with {} other seeds. On the test "
        "texts they reach {} on average ({}; standard deviation {} points), and the mean of their predictions {}. {}",
        record["recipe"], show.count(number), show.pct(findings.entry(record, "seed_means.0")),
        sentence(", ".join(["{}"] * number), *(show.pct(findings.share(record, f"predicted.{i}")) for i in
                                               range(number))),
        show.fixed(findings.entry(record, "seed_points.0"), 2), show.pct(findings.share(record, f"predicted.{number}")),
        beside_seeds(record))


def beside_seeds(record):
    """The stack on out-of-fold predictions, or why there is none."""
    if "stack" in record["names"]:
        return sentence("Trained on the validation texts too, and stacked with two SVMs by out-of-fold predictions: "
                        "{}.", show.pct(findings.share(record, f"predicted.{record['names'].index('stack')}")))
    longest = max(range(len(record["seeds"])), key=lambda i: record["seconds_of"][i])
    return sentence("They were trained without a GPU, one in up to {}; so there are no more of them, and no stack on "
                    "out-of-fold predictions.", show.duration(findings.entry(record, f"seconds_of.{longest}")))
