"""What a larger encoder brings and what it costs, beside the models on record: table, figure and
counts.
"""

from __future__ import annotations

import dataclasses
import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml
from matplotlib.ticker import LogLocator

from lmreport.core.settings import project_root
from lmreport.display import labels, markdown, style
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
        return energy(self.seconds)


@dataclass(frozen=True)
class Runs:
    """Records of a larger encoder, the oldest first, and those of the same data beside them: models
    by kind, the ladder, its best stack.
    """

    encoders: list
    models: dict
    climbed: records.Record
    top: records.Record

    @property
    def encoder(self) -> records.Record:
        return chosen(self.encoders)

    @property
    def stacked(self) -> records.Record | None:
        return best_stacked(self.encoders)

    @property
    def all(self) -> list[records.Record]:
        return [*self.encoders, *self.models.values(), self.climbed, self.top]


def chosen(encoders: list) -> records.Record:
    """The run that is best on the validation texts."""
    return max(encoders, key=lambda record: float(metrics.validation_accuracy(record)))


def best_stacked(encoders: list) -> records.Record | None:
    """The run whose stack is best on the validation texts; None if none was stacked."""
    return max(
        (record for record in encoders if "stack" in record.values),
        key=lambda record: max(record["stack_accuracies"]),
        default=None,
    )


def recorded(corpus) -> Runs | None:
    """The runs of the larger encoder that was recorded last, of these data if there are any; only
    of data on which all that stands beside them is recorded too.
    """
    edition = records.edition(corpus)
    made = [record for record in records.all_records("full") if record.name == "bench_encoder"]
    made = [record for record in made if not lacking(record.inputs["data"]["digest"])]
    made.sort(key=lambda record: record.inputs["data"]["digest"] != edition)
    if not made:
        return None

    def what(record) -> tuple[str, str]:
        return record.inputs["model"]["digest"], record.inputs["data"]["digest"]

    beside = records.of_edition(made[0].inputs["data"]["digest"])
    models = {kind: beside[kind] for kind in MODELS}
    runs = [record for record in reversed(made) if what(record) == what(made[0])]
    return Runs(runs, models, beside["ladder"], beside["summit"])


def lacking(digest: str) -> list[str]:
    """The names of those of the runs beside a larger encoder that are not recorded on the data with
    this digest.
    """
    known = records.of_edition(digest)
    return [name for name in (*MODELS, "ladder", "summit") if name not in known]


def left_out(runs: Runs, corpus) -> list[str]:
    """The names of the runs without which nothing of a larger encoder can be said of `corpus`; []
    where `runs`, from `recorded`, are of these data.
    """
    if is_of(runs, corpus):
        return []
    digest = records.edition(corpus)
    return [*lacking(digest), "bench_encoder"]


def name(record) -> str:
    """The encoder's name without that of its owner."""
    return record.inputs["settings"]["model"].rpartition("/")[2]


def differing(runs: list) -> dict[str, str]:
    """{key: in what a run differs from the others, in words}; "" where there is only one."""
    traits = {
        record.key: {"pieces": f"{given['max_length']} pieces", "seed": f"seed {seed_of(record)}"}
        for record in runs
        for given in [record.inputs["settings"]]
    }
    differ = [
        kind for kind in ("pieces", "seed") if len({one[kind] for one in traits.values()}) > 1
    ]
    return {key: ", ".join(one[kind] for kind in differ) for key, one in traits.items()}


def seed_of(record) -> int:
    """The seed of the training; that of the settings, which also splits the texts, if no other one
    was given.
    """
    given = record.inputs["settings"]
    return given.get("train_seed", given["seed"])


def energy(seconds):
    """Watt-hours of so many seconds of processor time, estimated."""
    return seconds / 3600 * WATTS * OVERHEAD


def seconds(climbed, label: str):
    """Processor time of the training of a model that the ladder names."""
    return improvements.cost(climbed, improvements.row(climbed, label), "cpu_seconds")


def priced(runs: Runs) -> list[Priced]:
    """All models by processor time, from the bag of words to the stack of the larger encoder.

    The bag of words stands with its training's wall clock: it runs on one thread.
    """
    climbed, top = runs.climbed, runs.top

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
    svm = runs.models["tfidf_svm"]
    return [
        *of_models(runs.models, of_kind),
        before,
        *of_encoders(runs.encoders, svm, "cpu_seconds"),
        *of_stack(runs.encoders, svm, of_kind),
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


def of_encoders(encoders: list, svm, field: str) -> list[Priced]:
    """Each run of the larger encoder; field: the record's value that is the time of a training."""
    apart = differing(encoders)
    return [
        Priced(
            f"{name(record)}, {apart[record.key]}" if apart[record.key] else name(record),
            metrics.accuracy(record),
            record[field],
            metrics.p_value(record, svm),
            style.BLUE,
            record.correct,
        )
        for record in encoders
    ]


def of_stack(encoders: list, svm, seconds_of) -> list[Priced]:
    """The best stack of the larger encoder, if there is one; seconds_of: processor time of the other
    models, by kind.
    """
    if (stacked := best_stacked(encoders)) is None:
        return []
    beside = [one for one in encoders if one.key in stacked.values.get("others", ())]
    return [
        Priced(
            stack_name(stacked),
            metrics.accuracy_of(stacked, "stack_logits"),
            sum(
                (seconds_of(kind) for kind in stacked["members"]),
                sum((record["cpu_seconds"] for record in beside), stacked["cpu_seconds"]),
            ),
            metrics.p_of(stacked, "stack_logits", svm),
            style.BLACK,
            stacked["stack_logits"].argmax(-1) == stacked["labels"],
        )
    ]


def piloted(runs: Runs):
    """What the pilots got with each learning rate on the validation texts, if such are recorded of
    the encoder and its data.
    """
    told = runs.encoder.inputs
    made = [
        record
        for record in records.all_records("full")
        if record.name == "bench_rates"
        and record.inputs["model"]["digest"] == told["model"]["digest"]
        and record.inputs["data"]["digest"] == told["data"]["digest"]
    ]
    if not made:
        return fill("These settings were set beforehand and not searched.")
    record, given = made[-1], made[-1].inputs["settings"]
    found = [
        fill(
            "{} (rate {})",
            markdown.pct(metrics.pilot_accuracy(record, pilot)),
            markdown.num(rate, 1),
        )
        for pilot, rate in enumerate(record["rates"])
    ]
    return fill(
        "These settings were set beforehand. Pilots made afterwards, on {} texts cut at {} word "
        f"pieces, get {', '.join(['{}'] * (len(found) - 1))} and {{}} of the validation texts right; they "
        "took {} of processor time in all.",
        markdown.count(record["train_texts"]),
        markdown.count(given["max_length"]),
        *found,
        markdown.duration(sum(record["cpu_seconds"])),
    )


def stack_name(record) -> str:
    """The name of the encoder's stack: what it is stacked with."""
    own, _, rest = record["stack"].partition(", " if "," in record["stack"] else " and ")
    if own == "encoder":
        return f"stack with {rest}"
    return f"stack of its runs{', ' if ' and ' in rest else ' and '}{rest}"


def by_clock(models: dict, encoders: list) -> list[Priced]:
    """Models by the wall clock of their trainings, and of the runs `encoders` of a larger one the
    best.
    """
    trained = {kind: models[kind] for kind in MODELS if kind in models}
    best = [chosen(encoders)] if encoders else []
    return [
        *of_models(trained, lambda kind: trained[kind]["train_seconds"]),
        *of_encoders(best, trained["tfidf_svm"], "train_seconds"),
    ]


def beside(models: dict, corpus) -> list:
    """The runs of a larger encoder on record, if it was fine-tuned and stacked beside just these
    models.
    """
    runs = recorded(corpus)
    return runs.encoders if runs and runs.models == models else []


def table(runs: Runs):
    """Accuracy, difference to the SVM and price of each model."""
    entries = priced(runs)
    svm = next(entry for entry in entries if entry.p == "")
    best = max(entries, key=lambda entry: float(entry.accuracy))
    rows = []
    for entry in entries:
        points = 100 * (entry.accuracy - svm.accuracy)
        accuracy = markdown.pct(entry.accuracy)
        rows.append(
            [
                entry.name,
                strong(accuracy) if entry is best else accuracy,
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
    if (record := runs.stacked) is None:
        return fill("No stack was made with it.")
    return fill(
        "Of {} stacks with it, the one that is best on the validation texts, “{}”, gets {}.",
        markdown.count(len(record["stacks"])),
        record["stack"],
        markdown.pct(metrics.accuracy_of(record, "stack_logits")),
    )


def scatter(runs: Runs):
    """Which of several runs is told of, and between which test accuracies they lie; nothing of
    one.
    """
    if len(runs.encoders) == 1:
        return fill("")
    right = [metrics.accuracy(record) for record in runs.encoders]
    return fill(
        "Of {} runs this is the one that is best on the validation texts; on the test texts they "
        "get from {} to {}.",
        markdown.count(len(right)),
        markdown.pct(min(right, key=float)),
        markdown.pct(max(right, key=float)),
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
def plot(encoders: list, models: dict, climbed, top):
    """Test accuracy (95% intervals) against the processor time of the training, each model a named
    dot; above, the energy.
    """
    figure, ax = style.figure(height=3.0)
    ax.set(xscale="log", xlabel="processor time of the training [min] (logarithmic)")
    watt_hours = WATTS * OVERHEAD / 60
    above = ax.secondary_xaxis(
        "top", functions=(lambda m: m * watt_hours, lambda e: e / watt_hours)
    )
    above.set_xlabel("energy [Wh], estimated")
    above.xaxis.set_major_formatter("{x:g}")
    runs = Runs(encoders, models, climbed, top)
    draw(ax, [shortly(entry, runs) for entry in priced(runs)], True)  # last: it fits the names in
    return figure


def shortly(entry: Priced, runs: Runs) -> Priced:
    """A run of the encoder under a name that fits into a figure: the best one under the encoder's,
    the others under what differs.
    """
    owner, _, apart = entry.name.partition(", ")
    if owner != name(runs.encoder) or not apart:
        return entry
    is_best = apart == differing(runs.encoders)[runs.encoder.key]
    return dataclasses.replace(entry, name=owner if is_best else apart)


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
        label = f"{entry.name}, {markdown.pct(value)}" if with_shares else in_lines(entry.name)
        spots.append((label, minutes, 100 * value, entry.color))
        bars.append((minutes, 100 * low, 100 * high))
    ax.set(xscale="log", ylabel="test accuracy [%]")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter("")
    ax.margins(0.2, 0.14)
    low, high = ax.get_xlim()
    if np.floor(np.log10(high)) - np.ceil(np.log10(low)) < 1:  # fewer than two powers of ten
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    if with_shares:  # room at the right for the longer names
        ax.set_xlim(right=ax.get_xlim()[1] * 4)
    labels.write_beside(ax, spots, bars)


def in_lines(name: str, longest: int = 28) -> str:
    """A long name in lines, so that it needs less room beside its dot."""
    return textwrap.fill(name, longest, break_on_hyphens=False, break_long_words=False)


def read_errors() -> dict:
    """What we saw in the texts on which an encoder and the SVM differ: `record`, its key, and the
    kinds.
    """
    path = project_root() / "report" / "read-errors.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8")).get("apart", {})


def read_run(runs: Runs) -> records.Record:
    """The run whose errors we read; the best one if it was none of these."""
    key = read_errors().get("record")
    return next((record for record in runs.encoders if record.key == key), runs.encoder)


def of_read_errors(record):
    """What we saw in the texts on which encoder and SVM differ, a sentence for each side; nothing
    for another record than the one whose errors we read.
    """
    apart = read_errors()
    if apart.get("record") != record.key:
        return fill("")
    sentences = []
    for side, label in (("encoder", "the encoder"), ("svm", "the SVM")):
        kinds = list(apart[side].values())
        parts = [
            fill("in {} " + text, markdown.count(kinds.count(kind)))
            for kind, text in apart["kinds"].items()
            if kind in kinds
        ]
        sentences.append(
            fill(
                f"We read {{}} that only {label} gets right: {', '.join(['{}'] * len(parts))}.",
                markdown.count(len(kinds)),
                *parts,
            )
        )
    return fill("{} {} {}", *sentences, MarkdownText(markdown.plain(apart["conclusion"])))
