"""What the recorded benches say: tables and the figure of the section on speed. Numbers are
`Quantity`s (findings).
"""

from __future__ import annotations

from lmreport.display import markdown, style
from lmreport.display.figure import cached_figure
from lmreport.display.origin import with_origin
from lmreport.display.traced import MarkdownText, fill
from lmreport.reporting import studies
from lmreport.runs import records
from lmreport.runs.kinds import BENCHES

MODELS = {"minilm": "MiniLM’s size", "distilbert": "DistilBERT’s size"}
STEPS = {
    "literal": "literal recipe",
    "dynamic padding": "padded per batch",
    "grouped by length": "like lengths together",
    "no attention dropout": "fused attention",
    "token budget": "batches by tokens",
    "first token": "last layer: first token",
    "bf16": "bf16",
    "larger budget": "larger batches",
    "compiled": "compiled",
}


def recorded(corpus, device: str = "cpu") -> dict[str, records.Record]:
    """The newest record of each bench on that device: {name without "bench_": Record}.

    On these data, or on others where there is none: a speed depends on the lengths of the texts
    only.
    """
    made = [
        r
        for r in records.all_records("full")
        if r.name in BENCHES and r.inputs["settings"]["device"] == device
    ]
    newest: dict = {}
    edition = records.edition(corpus)
    for record in sorted(made, key=lambda r: r.inputs["data"]["digest"] != edition):
        newest.setdefault(record.name.removeprefix("bench_"), record)
    return newest


def of(record, name: str, number: int):
    """Entry `number` (from the end if negative) of one of a record's arrays, as a `Quantity`."""
    return studies.entry(record, f"{name}.{number % len(record[name])}")


def ours(record, model: str) -> int:
    """The place of our recipe among the steps: the last one, but for compiling, which pays in long
    trainings only.
    """
    return max(i for i, step in enumerate(record[f"{model}_steps"]) if step != "compiled")


def gain(record, model: str):
    """How many times as fast as the literal recipe ours is."""
    name = f"{model}_samples_per_s"
    return of(record, name, ours(record, model)) / of(record, name, 0)


def before_larger(record, name: str) -> list:
    """One of the arrays of the smaller model at the steps before the larger batches, as
    quantities.
    """
    return [
        of(record, f"minilm_{name}", i)
        for i in range(record["minilm_steps"].index("larger budget"))
    ]


def compiling(record, model: str):
    """What compiling the model costs and brings, as a sentence."""
    rate, other = (of(record, f"{model}_samples_per_s", i) for i in (ours(record, model), -1))
    took = of(record, f"{model}_warm_up_s", -1)
    if other <= rate:
        return fill(
            "For {} it took {} and brought nothing.", MODELS[model], markdown.duration(took)
        )
    return fill(
        "For {} it took {} before the first step and made the later ones {} times as fast, which "
        "pays from {} thousand texts on, or {} epochs.",
        MODELS[model],
        markdown.duration(took),
        markdown.num(other / rate, 2),
        markdown.num(took * rate * other / (other - rate) / 1000, 2),
        markdown.num(took * rate * other / (other - rate) / record["train_texts"], 2),
    )


def as_accurate(bench: dict):
    """Whether the fast recipe is as accurate as the literal one, as sentences."""
    if "accuracy" not in bench:
        return "That comparison has not been recorded yet (make bench-accuracy RECORD=1)."
    record = bench["accuracy"]
    chosen, seeds = record.inputs["settings"], len(record["seeds"])
    literal, mine = (of(record, "accuracies", i) for i in (0, -1))
    points, margin = (of(record, f"{name}_points", -1) for name in ("difference", "margin"))
    name = record.inputs["model"]["name"]
    rate = (
        "truncation; the learning rate grew with the square root of the batch"
        if record.device == "cuda"
        else "truncation and learning rate"
    )
    return fill(
        f"Both recipes fine-tuned {{}} on {{}} texts, with {{}} seed{{}}, the same {{}} epoch{{}} "
        f"and {rate}. "
        "On the {} validation texts the literal one reaches {}, ours {}: {} percentage points {}. "
        "The 95% margin of that difference is {} points, so it is {}; ruled out are differences, "
        "ours less the literal one’s, outside {} to {} points.{}",
        MarkdownText("MiniLM" if "MiniLM" in name else markdown.plain(name)),
        markdown.count(record["train_texts"]),
        markdown.count(seeds),
        "s" * (seeds > 1),
        markdown.count(chosen["epochs"]),
        "s" * (chosen["epochs"] > 1),
        markdown.count(len(record["labels"])),
        markdown.pct(literal),
        markdown.pct(mine),
        markdown.fixed(abs(points), 2),
        markdown.more_or_less(points, 0, "more", "less", "of difference"),
        markdown.fixed(margin, 2),
        markdown.more_or_less(abs(points), margin, "significant", "not significant"),
        markdown.fixed(points - margin, 2),
        markdown.fixed(points + margin, 2),
        ""
        if seeds == 1
        else fill(
            " From seed to seed it goes from {} to {} points.",
            *(
                markdown.fixed(of(record, name, -1), 2)
                for name in ("lowest_points", "highest_points")
            ),
        ),
    )


def fewer_bits(bench: dict, name: str):
    """What fewer bits ("int8" or "bf16") change in the predictions, as a sentence."""
    record = bench.get("accuracy")
    what = {"int8": "8-bit weights change", "bf16": "Numbers of 16 bits change"}[name]
    if record is None or f"{name}_changed" not in record.values:
        return "How many predictions fewer bits change has not been recorded yet."
    return fill(
        "{} {} of {} predictions on the validation texts, models of all seeds together, and the "
        "accuracy by {} percentage points.",
        what,
        markdown.count(record[f"{name}_changed"]),
        markdown.count(record[f"{name}_of"]),
        markdown.fixed(record[f"{name}_points"], 2),
    )


@with_origin
def steps(record):
    """Training, step by step, for both models."""
    rows, (seconds, unit) = [], (1, "s") if record.device == "cuda" else (60, "min")
    for model, label in MODELS.items():
        for i, step in enumerate(record[f"{model}_steps"]):
            rate, first = (of(record, f"{model}_samples_per_s", n) for n in (i, 0))
            whole = model != "minilm" and i == ours(record, model)
            rows.append(
                [
                    label if i == 0 else "",
                    "all but compiled"
                    if whole and "compiled" in record[f"{model}_steps"]
                    else "all of these"
                    if whole
                    else STEPS[step],
                    markdown.num(rate),
                    markdown.num(rate / first, 2),
                    markdown.num(of(record, f"{model}_tokens_per_s", i)),
                    markdown.pct(of(record, f"{model}_padding_share", i)),
                    markdown.num(of(record, f"{model}_epoch_s", i) / seconds),
                    markdown.count(of(record, f"{model}_peak_mb", i)),
                    markdown.pct(spread, 0)
                    if (spread := of(record, f"{model}_spread", i))
                    else "one run",
                ]
            )
    heads = [
        "model",
        "recipe",
        "texts/s",
        "times",
        "tokens/s",
        "padding",
        f"epoch, {unit}",
        "MB",
        "spread",
    ]
    return markdown.table(rows, heads, align=("left", "left", *["right"] * 7))


@with_origin
def ways(record):
    """Prediction: the stock pipeline and ours."""
    rows = [
        [
            way,
            markdown.num(of(record, "samples_per_s", i)),
            markdown.num(of(record, "samples_per_s", i) / of(record, "samples_per_s", 0), 2),
            markdown.duration(of(record, "whole_s", i)),
            markdown.pct(of(record, "spread", i), 0),
        ]
        for i, way in enumerate(record["ways"])
    ]
    return markdown.table(
        rows,
        ["prediction", "texts/s", "times", "all test texts", "spread"],
        align=("left", *["right"] * 4),
    )


@cached_figure
def plot_speed(train, scale):
    """Texts per second after each step of the recipe, and time and memory against the number of
    rows.
    """
    figure, (left, right) = style.figure(2, height=2.9, gridspec_kw={"width_ratios": [1.25, 1]})
    names, rates = train["minilm_steps"], train["minilm_samples_per_s"]
    bars = left.barh(range(len(names)), rates, color=style.SKY)
    left.bar_label(bars, [f"{rate / rates[0]:.1f}×" for rate in rates], padding=3, fontsize=8)
    left.set_yticks(range(len(names)), [STEPS[name] for name in names])
    left.invert_yaxis()
    left.set(xlabel="texts per second in training", xlim=(0, 1.18 * max(rates)))
    left.grid(axis="y", visible=False)
    rows = scale["rows"] / 1e6
    right.plot(rows, scale["total_s"], color=style.BLUE, label="time")
    right.plot(
        rows,
        scale["total_s"][-1] * rows / rows[-1],
        color="black",
        linestyle=":",
        marker="",
        label="in proportion",
    )
    right.set(xlabel="rows (millions)", ylabel="seconds", xlim=(0, None), ylim=(0, None))
    memory = right.twinx()
    memory.plot(
        rows,
        scale["peak_mb"] / 1000,
        color=style.ORANGE,
        marker="s",
        linestyle="--",
        label="memory",
    )
    memory.set(ylabel="memory (GB)", ylim=(0, 2))
    memory.grid(visible=False)
    memory.spines["right"].set_visible(True)
    middle, place = len(rows) // 2, dict(xytext=(-6, 7), ha="right")
    style.label(right, rows[-1], scale["total_s"][-1], "time", style.BLUE, **place)
    style.label(memory, rows[-1], scale["peak_mb"][-1] / 1000, "memory", style.ORANGE, **place)
    style.label(
        right,
        rows[middle],
        scale["total_s"][-1] * rows[middle] / rows[-1],
        "in proportion",
        **place,
    )
    return figure
