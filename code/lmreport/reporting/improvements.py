"""What the two studies of the ladder say: its table, what each step brings, and which errors remain."""

from __future__ import annotations

from lmreport.display import markdown
from lmreport.display.traced import MarkdownText, fill, strong
from lmreport.experiments import improvements
from lmreport.reporting import metrics, studies
from lmreport.runs.quantity import of_records

GOAL = 0.93  # test accuracy that this part of the work aimed at


def row(record, name: str) -> int:
    """The place of a step, −1 if it was not made."""
    names = [p["name"] for p in record["points"]]
    return names.index(name) if name in names else -1


def accuracy(record, at: int) -> float:
    """Validation accuracy of the step in row `at`."""
    return studies.share(record, f"predicted.{at}")


def gain(record, at: int) -> float:
    """By how much (0 … 1) the step is more accurate than the one that it is compared with."""
    return accuracy(record, at) - accuracy(record, record["points"][at]["against"])


def p_value(record, at: int) -> float:
    """McNemar's exact test of the step and the one that it is compared with."""
    return studies.p_between(
        record, f"predicted.{record['points'][at]['against']}", f"predicted.{at}"
    )


def is_better(record, at: int) -> bool:
    """Whether a step has learned something, and a stack got more than the best of its members."""
    members = improvements.STACKS.get(record["points"][at]["name"], ())
    alone = [accuracy(record, row(record, one)) for one in members if row(record, one) >= 0]
    return studies.has_learned(record, f"predicted.{at}") and accuracy(record, at) > max(
        alone, default=0
    )


def margin(record, at: int) -> float:
    """Half the width of the 95% interval of the gain."""
    return studies.margin(record, f"predicted.{record['points'][at]['against']}", f"predicted.{at}")


def cost(record, at: int, name: str) -> float:
    """One of `improvements.COSTS` of the step."""
    return studies.entry(record, f"{name}.{at}")


def table(record):
    """Every step with its validation accuracy, what it gained against which one, and what its
    training cost.
    """
    rows, points = [], record["points"]
    for at, point in enumerate(points):
        compared = [""] * 3
        if point["against"] != at:
            compared = [
                markdown.count(point["against"] + 1),
                *told_apart(gain(record, at), margin(record, at), p_value(record, at)),
            ]
        paid = [
            markdown.num(cost(record, at, "cpu_seconds") / 60, 2) if point["texts"] else "",
            *(
                way(cost(record, at, name) * factor) if cost(record, at, name) > 0 else ""
                for name, factor, way in (
                    ("tokens", 1e-6, lambda v: markdown.num(v, 2)),
                    ("memory", 1, markdown.count),
                )
            ),
        ]
        rows.append(
            [
                markdown.count(at + 1),
                point["name"],
                markdown.pct(accuracy(record, at)),
                *compared,
                *paid,
            ]
        )
    headers = [
        "",
        "step",
        "accuracy",
        "against",
        "points ±",
        "p",
        "CPU min",
        "10⁶ tokens",
        "peak MiB",
    ]
    return markdown.table(rows, headers, ("right", "left", *["right"] * 7), of=record)


def told_apart(difference: float, half: float, p: float) -> list:
    """Two cells: a difference (0 … 1) in points with half its interval, and its p."""
    return [
        fill("{} ± {}", markdown.fixed(100 * difference, 1), markdown.fixed(100 * half, 1)),
        markdown.p_value(p),
    ]


@of_records
def surely(record, first: str, second: str) -> float:
    """0 if McNemar's test tells two predictions apart, 1 if the difference may be chance."""
    return int(studies.p_between(record, first, second) >= metrics.SURE)


def final(record):
    """Test accuracy of the models on record, of the full training and of the stack, each against
    the assignment's.
    """
    rows, base = [], record["names"].index(improvements.TRANSFORMER)
    for at, name in enumerate(record["names"]):
        mine = markdown.pct(studies.share(record, f"predicted.{at}"))
        compared = (
            studies.lead(record, f"predicted.{at}", f"predicted.{base}") if at != base else [""] * 3
        )
        last = at == len(record["names"]) - 1
        rows.append([name, strong(mine) if last else mine, *compared])
    return markdown.table(
        rows,
        ["model", "test accuracy", "points", "95% interval", "p (McNemar)"],
        ("left", *["right"] * 4),
        of=record,
    )


def members(record) -> MarkdownText:
    """The models in the stack, with their weights, in words."""
    return fill(
        ", ".join(["{} ({})"] * len(record["members"])),
        *(
            part
            for i, name in enumerate(record["members"])
            for part in (name, markdown.fixed(studies.entry(record, f"weights.{i}"), 2))
        ),
    )


def last_share(record):
    """Share of the test texts that the last model of the record, its stack, classifies rightly."""
    return studies.share(record, f"predicted.{len(record['names']) - 1}")


def price(record, best: str):
    """How many times as much processor time the stack `best` costs as the SVM alone."""
    return cost(record, row(record, best), "cpu_seconds") / cost(
        record, row(record, improvements.SVM), "cpu_seconds"
    )


def a_point(record, top) -> MarkdownText:
    """What each point costs in processor time by which the stack `top` is ahead of the SVM, if it
    is.
    """
    at, svm = row(record, top["names"][-1]), row(record, improvements.SVM)
    more = cost(record, at, "cpu_seconds") - cost(record, svm, "cpu_seconds")
    ahead = last_share(top) - studies.share(
        top, f"predicted.{top['names'].index(improvements.SVM)}"
    )
    leads = {
        "validation": 100 * (accuracy(record, at) - accuracy(record, svm)),
        "test": 100 * ahead,
    }
    behind = [name for name, lead in leads.items() if lead <= 0]
    if behind:
        return MarkdownText(f"with no lead on the {' or the '.join(behind)} texts")
    return fill(
        "{} for each point that it is ahead on the validation texts, {} on the test texts",
        *(markdown.duration(more / lead) for lead in leads.values()),
    )


def without_last(record, top) -> MarkdownText:
    """What the last member of the stack adds on the validation texts, if the stack without it was
    tried.
    """
    best, rows = (
        top["names"][-1],
        {tuple(members): name for name, members in improvements.STACKS.items()},
    )
    fewer = rows.get(tuple(top["members"][:-1]))
    if fewer is None or all(point["name"] != fewer for point in record["points"]):
        return MarkdownText("")
    more = accuracy(record, row(record, best)) - accuracy(record, row(record, fewer))
    return fill(
        "With its last member, {}, it gets {} of the {} validation texts {} right: {} points.",
        top["members"][-1],
        markdown.count(abs(more) * len(record["labels"])),
        markdown.count(len(record["labels"])),
        markdown.more_or_less(more, 0, "more", "fewer"),
        markdown.fixed(100 * more, 1),
    )


def by_chance(record) -> MarkdownText:
    """How many of the differences would be called more than chance by chance alone."""
    number = sum(point["against"] != at for at, point in enumerate(record["points"]))
    return fill(
        "Each row is tested by itself (McNemar), so of {} rows about {} would come out significant "
        "by chance alone.",
        markdown.count(number),
        markdown.num(studies.SURE * number, 2),
    )


def worth(record) -> MarkdownText:
    """Whether the stack, of which the Transformer is a part, is surely ahead of the SVM alone."""
    svm, best = (
        f"predicted.{at}"
        for at in (record["names"].index(improvements.SVM), len(record["names"]) - 1)
    )
    if studies.share(record, best) <= studies.share(record, svm):
        return MarkdownText("So there is no lead that would be worth its computing.")
    return fill(
        "The lead over the SVM is {}; whether it is worth so much computing depends on what an "
        "error costs.",
        markdown.word(surely(record, svm, best), "significant", "not significant"),
    )


@of_records
def missed_by_all(record) -> float:
    """Number of test texts that no model of the final table classifies rightly."""
    return (record["predicted"] != record["labels"]).all(0).sum()


@of_records
def agreed_wrong(record) -> float:
    """Number of test texts to which all models of the final table give the same wrong tag."""
    return (
        (record["predicted"] == record["predicted"][0]).all(0)
        & (record["predicted"][0] != record["labels"])
    ).sum()
