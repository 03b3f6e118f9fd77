"""What a larger encoder brings and what it costs, beside the models on record: table, figure and
counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml

from lmreport.core.settings import project_root
from lmreport.display import markdown, style
from lmreport.display.figure import cached_figure
from lmreport.display.traced import MarkdownText, fill, strong
from lmreport.experiments.improvements import ON_RECORD
from lmreport.models import scores
from lmreport.reporting import improvements, metrics, studies
from lmreport.runs import records
from lmreport.runs.kinds import MODELS

# Energy of a computation: processor time × power of a core × overhead of the data centre, with the
# defaults for a processor of unknown power (Lannelongue et al. 2021). Memory is left out.
WATTS, OVERHEAD = 12, 1.67


@dataclass(frozen=True)
class Priced:
    """One model: its test accuracy, the time of its training in seconds, and McNemar's p against
    the SVM, "" for the SVM itself.
    """

    name: str
    accuracy: Any
    seconds: Any
    p: Any
    color: str
    correct: np.ndarray  # (texts,) of bool

    @property
    def energy(self):
        """Watt-hours of the training, estimated."""
        return self.seconds / 3600 * WATTS * OVERHEAD


@dataclass(frozen=True)
class Runs:
    """A larger encoder's record and those of the same data beside it: models by kind, the ladder,
    its best stack.
    """

    encoder: records.Record
    models: dict
    climbed: records.Record
    top: records.Record

    @property
    def all(self) -> list[records.Record]:
        return [self.encoder, *self.models.values(), self.climbed, self.top]


def recorded(corpus) -> Runs | None:
    """The newest record of a larger encoder, of these data if there is one."""
    full, edition = records.all_records("full"), records.edition(corpus)
    made = [record for record in full if record.name == "bench_encoder"]
    made.sort(key=lambda record: record.inputs["data"]["digest"] != edition)
    if not made:
        return None
    beside: dict = {}
    for record in full:
        if record.inputs["data"]["digest"] == made[0].inputs["data"]["digest"]:
            beside.setdefault(record.title, record)
    models = {kind: beside[kind] for kind in MODELS}
    return Runs(made[0], models, beside["ladder"], beside["summit"])


def name(record) -> str:
    """The encoder's name without that of its owner."""
    return record.inputs["settings"]["model"].rpartition("/")[2]


def seconds(climbed, label: str):
    """Processor time of the training of a model that the ladder names."""
    return improvements.cost(climbed, improvements.row(climbed, label), "cpu_seconds")


def priced(runs: Runs) -> list[Priced]:
    """All models by processor time, from the bag of words to the stack of the larger encoder.

    The bag of words stands with its training's wall clock: it runs on one thread.
    """
    climbed, top, svm = runs.climbed, runs.top, runs.models["tfidf_svm"]

    def of_kind(kind: str):
        if kind in ON_RECORD:
            return seconds(climbed, ON_RECORD[kind])
        return runs.models[kind]["train_seconds"]

    best, plain = len(top["names"]) - 1, top["names"].index(ON_RECORD["tfidf_svm"])
    before = Priced(
        "best stack without it",
        improvements.last_share(top),
        seconds(climbed, top["names"][-1]),
        studies.p_between(top, f"predicted.{best}", f"predicted.{plain}"),
        style.BLACK,
        top["predicted"][best] == top["labels"],
    )
    return [
        *of_models(runs.models, of_kind),
        before,
        *with_encoder(runs.encoder, svm, runs.encoder["cpu_seconds"], of_kind),
    ]


def of_models(models: dict, seconds_of) -> list[Priced]:
    """The recorded models with `seconds_of` their kinds."""
    svm = models["tfidf_svm"]
    return [
        Priced(
            model.label,
            metrics.accuracy(model),
            seconds_of(kind),
            "" if model is svm else metrics.p_value(model, svm),
            style.MODEL_COLORS[kind],
            model.correct,
        )
        for kind, model in models.items()
    ]


def with_encoder(record, svm, own, seconds_of) -> list[Priced]:
    """The larger encoder, whose training took `own` seconds, and its stack, if it has one."""
    found = [
        Priced(
            name(record),
            metrics.accuracy(record),
            own,
            metrics.p_value(record, svm),
            style.BLUE,
            record.correct,
        )
    ]
    if "stack" in record.values:
        found.append(
            Priced(
                stacked_with(record),
                metrics.accuracy_of(record, "stack_logits"),
                sum((seconds_of(kind) for kind in record["members"]), own),
                metrics.p_of(record, "stack_logits", svm),
                style.BLACK,
                record["stack_logits"].argmax(-1) == record["labels"],
            )
        )
    return found


def stacked_with(record) -> str:
    """The name of the encoder's stack: what it is stacked with."""
    others = record["stack"].removeprefix("encoder").removeprefix(",").removeprefix(" and")
    return f"stacked with {others.strip()}"


def by_clock(models: dict) -> list[Priced]:
    """Models by the wall clock of their trainings, and, if `models` has a "bench_encoder", that
    encoder and its stack.
    """
    trained = {kind: models[kind] for kind in MODELS if kind in models}

    def of_kind(kind: str):
        return trained[kind]["train_seconds"]

    found = of_models(trained, of_kind)
    if record := models.get("bench_encoder"):
        found += with_encoder(record, trained["tfidf_svm"], record["train_seconds"], of_kind)
    return found


def beside(models: dict, corpus) -> dict:
    """`models`, and a larger encoder on record if it was fine-tuned and stacked beside just these."""
    runs = recorded(corpus)
    return models | ({"bench_encoder": runs.encoder} if runs and runs.models == models else {})


def table(runs: Runs):
    """Accuracy, difference to the SVM and price of each model."""
    entries = priced(runs)
    svm = next(entry for entry in entries if entry.p == "")
    best = max(entries, key=lambda entry: float(entry.accuracy))
    rows = []
    for entry in entries:
        points = 100 * (entry.accuracy - svm.accuracy)
        told = markdown.pct(entry.accuracy)
        rows.append(
            [
                entry.name,
                strong(told) if entry is best else told,
                "" if entry is svm else markdown.fixed(points, 1),
                "" if entry is svm else markdown.p_value(entry.p),
                markdown.num(entry.seconds / 60, 2),
                markdown.num(entry.energy, 2),
                a_point(entry, svm),
            ]
        )
    heads = ["model", "test accuracy", "points", "p", "CPU min", "Wh", "min a point"]
    return markdown.table(rows, heads, ("left", *["right"] * 6), of=runs.all)


def stack(runs: Runs):
    """What the stack that was chosen on the validation texts gets, as a sentence."""
    record = runs.encoder
    if "stack" not in record.values:
        return fill("No stack was made with it.")
    return fill(
        "Of {} stacks with it, the one that is best on the validation texts, “{}”, gets {}.",
        markdown.count(len(record["stacks"])),
        record["stack"],
        markdown.pct(metrics.accuracy_of(record, "stack_logits")),
    )


def best(runs: Runs):
    """The highest test accuracy of all."""
    return max((one.accuracy for one in priced(runs)), key=float)


def is_of(runs: Runs, corpus) -> bool:
    """Whether the encoder was trained on the edition of `corpus`."""
    return runs.encoder.inputs["data"]["digest"] == records.edition(corpus)


def headline(runs: Runs, corpus):
    """What the best of all gets, for the top of the section; nothing on other data."""
    if not is_of(runs, corpus):
        return fill("")
    return fill("With a larger encoder it is {} ([below](#sec-encoder)).", markdown.pct(best(runs)))


def aim(runs: Runs, corpus):
    """Whether the best of both stacks and the encoder reaches what was aimed at, on the data that
    this was aimed at.
    """
    if not is_of(runs, corpus):
        return fill("")
    return fill(
        "The aim was {} of the test questions; it was {}.",
        markdown.pct(improvements.GOAL, 0),
        markdown.more_or_less(best(runs), improvements.GOAL, "reached", "missed", "reached"),
    )


def a_point(entry: Priced, svm: Priced):
    """Minutes of processor time for each point that a model is surely ahead of the SVM, if it is."""
    points = 100 * (entry.accuracy - svm.accuracy)
    if entry is svm or float(points) <= 0 or float(entry.p) >= metrics.SURE:
        return ""
    return markdown.num((entry.seconds - svm.seconds) / 60 / points, 2)


@cached_figure
def plot(encoder, models: dict, climbed, top):
    """Test accuracy (95% intervals) against the processor time of the training, each model a named
    dot; above, the energy.
    """
    figure, ax = style.figure(height=3.5)
    ax.set(xscale="log", xlabel="processor time of the training [min] (logarithmic)")
    watt_hours = WATTS * OVERHEAD / 60
    above = ax.secondary_xaxis(
        "top", functions=(lambda m: m * watt_hours, lambda e: e / watt_hours)
    )
    above.set_xlabel("energy [Wh], estimated")
    above.xaxis.set_major_formatter("{x:g}")
    draw(ax, priced(Runs(encoder, models, climbed, top)), True)  # last: it fits the names in
    return figure


def draw(ax, entries: list[Priced], with_shares: bool = False) -> None:
    """Test accuracy with its 95% interval against the minutes of the training, on a logarithmic
    axis; each model a dot with its name, and with its accuracy if `with_shares`.
    """
    spots, bars = [], []
    for entry in entries:
        minutes, (low, high) = float(entry.seconds) / 60, scores.interval(entry.correct)
        value = entry.correct.mean()
        ax.errorbar(
            minutes,
            100 * value,
            yerr=[[100 * (value - low)], [100 * (high - value)]],
            linestyle="",
            marker="o",
            color=entry.color,
            capsize=2,
            elinewidth=0.8,
        )
        told = f"{entry.name}, {markdown.pct(value)}" if with_shares else entry.name
        spots.append((told, minutes, 100 * value, entry.color))
        bars.append((minutes, 100 * low, 100 * high))
    ax.set(xscale="log", ylabel="test accuracy [%]")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.margins(0.2, 0.14)
    if with_shares:  # room at the right for the longer names
        ax.set_xlim(right=ax.get_xlim()[1] * 4)
    improvements.write_beside(ax, spots, bars)


def told_read(record):
    """What we saw in the texts on which encoder and SVM differ, a sentence for each side; nothing
    for another record than the one whose errors we read.
    """
    path = project_root() / "report" / "read-errors.yml"
    apart = yaml.safe_load(path.read_text(encoding="utf-8")).get("apart", {})
    if apart.get("record") != record.key:
        return fill("")
    told = []
    for side, label in (("encoder", "the encoder"), ("svm", "the SVM")):
        kinds = list(apart[side].values())
        parts = [
            fill("in {} " + text, markdown.count(kinds.count(kind)))
            for kind, text in apart["kinds"].items()
            if kind in kinds
        ]
        told.append(
            fill(
                f"We read {{}} that only {label} gets right: {', '.join(['{}'] * len(parts))}.",
                markdown.count(len(kinds)),
                *parts,
            )
        )
    return fill("{} {} {}", *told, MarkdownText(markdown.plain(apart["conclusion"])))
