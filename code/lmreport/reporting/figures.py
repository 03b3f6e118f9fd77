"""The figures of results. Each function draws what it is given and returns a matplotlib Figure."""

from __future__ import annotations

import itertools

import numpy as np

from lmreport.display import markdown, style
from lmreport.display.escape import label
from lmreport.display.figure import cached_figure
from lmreport.models import scores
from lmreport.reporting import encoder, metrics

FEW = 6  # tags of a confusion matrix whose cells have room for a decimal
MOST_IN_MATRIX = 25  # tags of a confusion matrix that can be read
MOST_PAIRS = 15  # errors that are shown instead


def cuts(settings) -> dict[str, int]:
    """{what it is: word pieces} of the lengths that texts are cut to."""
    known = {"full on a CPU": 256, "BERT's limit": 512}
    mine = {} if settings.max_length in known.values() else {"this render": settings.max_length}
    return mine | known


@cached_figure
def plot_lengths(lengths: dict, cuts: dict[str, int]):
    """Histogram of text lengths in word pieces on a logarithmic axis, with the truncation lengths
    marked.
    """
    figure, axes = style.figure(height=2.6)
    both = np.concatenate([lengths["train"], lengths["test"]])
    edges = np.geomspace(max(both.min(), 4 if both.max() > 8 else 1), both.max() + 1, 45)
    axes.hist(
        both, np.unique(edges.round()) - 0.5, color=style.SKY, edgecolor="white", linewidth=0.4
    )
    for (name, cut), line, color in zip(cuts.items(), style.LINES, style.CYCLE, strict=False):
        axes.axvline(
            cut,
            color=color,
            linestyle=line,
            marker="",
            linewidth=1.6,
            label=f"{name}: {cut} ({markdown.pct((both > cut).mean())} are cut)",
        )
    axes.set(xscale="log", xlabel="word pieces in a text (logarithmic)", ylabel="texts")
    ticks = 2 ** np.arange(4, 13)
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlim(both.min() * 0.9, max(both.max(), 2 * max(cuts.values())) * 1.1)
    axes.minorticks_off()
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(max(cuts.values()), 1),
        bbox_transform=axes.get_xaxis_transform(),
        frameon=True,
        framealpha=1,
        edgecolor="none",
        handlelength=1.6,
    )
    return figure


@cached_figure
def plot_training(records: dict):
    """Loss and validation accuracy by epoch, of the LSTM and of the Transformer; in words which of
    them has logged no loss.
    """
    figure, (left, right) = style.figure(2, height=2.5)
    ends, unlogged = [], []
    for name, curve in curves(records).items():
        look = dict(color=style.MODEL_COLORS[name], linestyle="-")
        left.plot(curve["loss_epoch"], curve["loss"], marker="", **look)
        unlogged += [] if curve["loss"] else [f"{label(records[name].label)}: no loss was logged"]
        epochs, accuracy = curve["accuracy_epoch"], curve["accuracy"]
        right.plot(epochs, accuracy, marker="o", **look)
        ends.append((epochs[-1], accuracy[-1], records[name].label, look["color"]))
    if unlogged:
        left.set_title("\n".join(unlogged), fontsize=8)
    left.set(xlabel="epoch", ylabel="training loss (cross-entropy)")
    right.set(xlabel="epoch", ylabel="validation accuracy")
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
    left.margins(y=0.1)
    left.set_ylim(0, None)
    style.ends(right, ends)
    if unlogged:
        here = {
            line.get_color(): line.get_xydata()[-1] for line in left.lines if len(line.get_xdata())
        }
        style.ends(left, [(*here[color], name, color) for *_, name, color in ends if color in here])
    return figure


def curves(records: dict) -> dict[str, dict]:
    """{model: loss and accuracy with their epochs} of the records that were trained by epochs."""
    series = {}
    if "transformer" in records:
        history = records["transformer"]["history"]
        steps = [h for h in history if "loss" in h]
        series["transformer"] = {
            "loss": [h["loss"] for h in steps],
            "loss_epoch": [h["epoch"] for h in steps],
            "accuracy": metrics.validated(records["transformer"]),
            "accuracy_epoch": [h["epoch"] for h in history if "eval_accuracy" in h],
        }
    if "lstm" in records:
        history = records["lstm"]["history"]
        epochs = list(range(1, len(history["loss"]) + 1))
        series["lstm"] = {
            "loss": history["loss"],
            "loss_epoch": epochs,
            "accuracy": metrics.validated(records["lstm"]),
            "accuracy_epoch": epochs,
        }
    return series


@cached_figure
def plot_accuracy(groups: dict[str, dict]):
    """Test accuracy with its 95% interval, a panel for each group of records (this render's, the
    recorded ones).
    """
    figure, panels = style.figure(len(groups), height=1.9, sharex=True, squeeze=False)
    for axes, (title, records) in zip(panels[0], groups.items(), strict=True):
        for row, record in enumerate(records.values()):
            value, name = record.correct.mean(), record.name
            low, high = scores.interval(record.correct)
            marker = style.MARKERS[list(style.MODEL_COLORS).index(name)]
            axes.errorbar(
                100 * value,
                row,
                xerr=[[100 * (value - low)], [100 * (high - value)]],
                capsize=3,
                color=style.MODEL_COLORS[name],
                marker=marker,
                linestyle="",
            )
            axes.annotate(
                markdown.pct(value),
                (100 * value, row),
                xytext=(0, 6),
                textcoords="offset points",
                ha="center",
                fontsize=8,
            )
        axes.set_yticks(range(len(records)), [r.label for r in records.values()])
        axes.set(title=title, xlabel="test accuracy (%)", ylim=(-0.6, len(records) - 0.3))
        axes.grid(axis="y", visible=False)
    return figure


@cached_figure
def plot_confusion(records: dict, class_names: list[str]):
    """What each model takes for what, side by side, as `draw_errors` does it."""
    few = len(class_names) <= FEW
    figure, panels = style.figure(len(records), height=3.0 if few else 4.2, squeeze=False)
    for axes, record in zip(panels[0], records.values(), strict=True):
        draw_errors(axes, record, class_names)
    turn_crowded(*panels[0])
    return figure


@cached_figure
def plot_results(models: dict, encoders: list, class_names: list[str]):
    """Test accuracy of each model (see `encoder.by_clock`) against the time of its training; beside
    it what the Transformer takes for what.
    """
    few = len(class_names) <= FEW
    figure, (left, right) = style.figure(2, height=3.0 if few else 4.2, width_ratios=(1.2, 1))
    draw_errors(right, models["transformer"], class_names)
    left.set(xlabel="time of the training [min] (logarithmic)")
    turn_crowded(right)
    encoder.draw(left, encoder.by_clock(models, encoders))  # last, since it fits the names in
    return figure


def draw_errors(axes, record, class_names: list[str]) -> None:
    """The confusion matrix of a model, or, where that could not be read, its commonest errors."""
    if len(class_names) > MOST_IN_MATRIX:
        draw_pairs(axes, record, [label(middle_cut(name)) for name in class_names])
    else:
        names = [label(middle_cut(name)) for name in class_names]
        draw_confusion(axes, record, names, len(names) <= FEW)


def turn_crowded(*panels) -> None:
    """Turn the names below those of the panels of a figure in which they would touch."""
    panels[0].figure.draw_without_rendering()  # so that they have their places
    for axes in panels:
        boxes = [name.get_window_extent() for name in axes.get_xticklabels()]
        if any(a.x1 > b.x0 for a, b in itertools.pairwise(boxes)):
            axes.tick_params(axis="x", rotation=90)


def draw_pairs(axes, record, names: list[str]) -> None:
    """The commonest errors of a model, true tag → predicted one, in percent of the true tag's
    texts.
    """
    tags: list = list(range(len(names)))
    pairs = scores.worst_pairs(record["logits"], record["labels"], tags, MOST_PAIRS)
    texts = np.bincount(record["labels"], minlength=len(names))
    shares = [100 * number / texts[true] for true, _, number in pairs]
    axes.barh(range(len(pairs)), shares, color=style.SKY)
    for row, (share, (_, _, number)) in enumerate(zip(shares, pairs, strict=True)):
        axes.annotate(f" {number}", (share, row), va="center", fontsize=6)
    ticks = [f"{names[true]} → {names[taken]}" for true, taken, _ in pairs]
    axes.set_yticks(range(len(pairs)), ticks, fontsize=6)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set(title=record.label, xlabel="of the true tag (%)", ylabel="true tag → predicted")
    axes.grid(axis="y", visible=False)


def middle_cut(name: str, longest: int = 17) -> str:
    """A name whose beginning and end are kept, since many names begin alike."""
    half = longest // 2
    return name if len(name) <= longest else f"{name[:half]}…{name[-half:]}"


def draw_confusion(axes, record, names: list[str], few: bool) -> None:
    """The confusion matrix of a model: rows are true tags and sum to 100%, columns are
    predictions.
    """
    counts = scores.confusion(record["logits"], record["labels"])
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(shares, vmin=0, vmax=1, cmap="Blues", aspect="auto")
    for (i, j), share in np.ndenumerate(shares):
        if not few and share < 0.005:
            continue  # a rounded zero, which would hide the others
        axes.text(
            j,
            i,
            f"{100 * share:.{1 if few else 0}f}",
            ha="center",
            va="center",
            fontsize=8 if few else 6 if len(names) <= 15 else 4.5,
            color=style.ON_DARK if share > 0.55 else style.ON_LIGHT,
        )
    axes.set_xticks(range(len(names)), names, rotation=0 if few else 90)
    axes.set_yticks(range(len(names)), names)
    if len(names) > 15:
        axes.tick_params(labelsize=6)
    axes.set(title=record.label, xlabel="predicted tag [% of true tag]", ylabel="true tag")
    axes.grid(False)


@cached_figure
def plot_calibration(records: dict):
    """Accuracy against confidence in ten bins; on the diagonal a model is as sure as it is
    right.
    """
    figure, axes = style.figure(height=2.9)
    lowest = min(0.2, 0.9 / next(iter(records.values()))["logits"].shape[1])
    axes.plot(
        [0, 1], [0, 1], color="#777777", linestyle=":", marker="", label="perfectly calibrated"
    )
    for name, record in records.items():
        place = list(style.MODEL_COLORS).index(name)
        bins = scores.calibration(record["logits"], record["labels"])
        enough = bins["number"] >= 20
        axes.plot(
            bins["confidence"][enough],
            bins["accuracy"][enough],
            color=style.MODEL_COLORS[name],
            marker=style.MARKERS[place],
            linestyle=style.LINES[place],
            label=f"{record.label} (ECE {markdown.pct(bins['ece'])})",
        )
    axes.set(
        xlabel="confidence (largest probability)",
        ylabel="accuracy",
        xlim=(lowest, 1.02),
        ylim=(0, 1.02),
    )
    axes.legend(loc="lower right")
    return figure


@cached_figure
def plot_errors_by_length(records: dict, words: np.ndarray, edges: list[int]):
    """Error rate of each model by number of words, with 95% intervals; groups without a text are
    left out.
    """
    figure, axes = style.figure(height=2.7)
    names = np.array(
        [
            f"under {edges[0]}",
            *(f"{a}–{b - 1}" if a < b - 1 else f"{a}" for a, b in itertools.pairwise(edges)),
            f"{edges[-1]}+",
        ]
    )
    there = np.bincount(np.digitize(words, edges), minlength=len(names)) > 0
    names, ends = names[there], []
    for shift, (name, record) in zip(
        np.linspace(-0.18, 0.18, len(records)), records.items(), strict=True
    ):
        color = style.MODEL_COLORS[name]
        rates = {k: v[there] for k, v in scores.by_length(record.correct, words, edges).items()}
        error, low, high = (100 * rates[k] for k in ("error", "low", "high"))
        axes.errorbar(
            np.arange(len(names)) + shift,
            error,
            [np.maximum(error - low, 0), np.maximum(high - error, 0)],
            color=color,
            marker="o",
            linestyle="-",
            capsize=2,
            clip_on=False,  # a dot at zero is as large as the others
        )
        ends.append((len(names) - 0.82, error[-1], record.label, color))
        if len(names) == 1:  # dots without lines: each has its name above it
            place = dict(xytext=(0, 9), ha="center")
            style.label(axes, shift, max(high[0], error[0]), record.label, color, **place)
    axes.set_xticks(
        range(len(names)), [f"{n}\n({k:,})" for n, k in zip(names, rates["number"], strict=True)]
    )
    axes.set(xlabel="words in the text (number of texts)", ylabel="errors (%)", ylim=(0, None))
    if len(names) == 1:
        axes.set(xlim=(-0.3, 0.3), ylim=(0, 1.12 * axes.get_ylim()[1]))
    else:
        style.ends(axes, ends)
    return figure
