"""What the recorded benches say: tables and the figure of the section on speed. Numbers are `Quantity`s (findings)."""

from __future__ import annotations

from lmreport import findings, runs, show, style
from lmreport.drawn import drawn
from lmreport.origin import told
from lmreport.shown import sentence

MODELS = {"minilm": "MiniLM’s size", "distilbert": "DistilBERT’s size"}
STEPS = {
    "literal": "literal recipe", "dynamic padding": "padded per batch", "grouped by length": "like lengths together",
    "no attention dropout": "fused attention", "token budget": "batches by tokens",
    "first token": "last layer: first token", "bf16": "bf16", "larger budget": "larger batches",
}


def recorded(corpus, device: str = "cpu") -> dict[str, runs.Record]:
    """The newest record of each bench on that device: {name without "bench_": Record}.

    On these data, or on others where there is none: a speed depends on the lengths of the texts only.
    """
    made = [r for r in runs.all_records("full") if r.name in runs.BENCHES and r.inputs["settings"]["device"] == device]
    edition, found = runs.edition(corpus), {}
    for record in sorted(made, key=lambda r: r.inputs["data"]["digest"] != edition):
        found.setdefault(record.name.removeprefix("bench_"), record)
    return found


def of(record, name: str, number: int):
    """Entry `number` (from the end if negative) of one of a record's arrays, as a `Quantity`."""
    return findings.entry(record, f"{name}.{number % len(record[name])}")


def gain(record, model: str):
    """How many times as fast as the literal recipe ours is."""
    return of(record, f"{model}_samples_per_s", -1) / of(record, f"{model}_samples_per_s", 0)


def as_accurate(bench: dict):
    """Whether the fast recipe is as accurate as the literal one, as sentences."""
    if "accuracy" not in bench:
        return "That comparison has not been recorded yet (make bench-accuracy RECORD=1)."
    record = bench["accuracy"]
    chosen, seeds = record.inputs["settings"], len(record["seeds"])
    points, margin = record["difference_points"], record["margin_points"]
    return sentence(
        "Both recipes fine-tuned MiniLM on {} texts, with {} seed{}, the same {} epochs, truncation and learning rate. "
        "On the {} validation texts the literal one reaches {}, ours {}: {} percentage points {}. The 95 % margin of "
        "that difference is {} points, so it is {}; only larger differences are ruled out.{}",
        show.count(chosen["train_texts"]), show.count(seeds), "s" * (seeds > 1), show.count(chosen["epochs"]),
        show.count(len(record["labels"])), show.pct(record["literal_accuracy"]), show.pct(record["ours_accuracy"]),
        show.fixed(abs(points), 2), show.more_or_less(points, 0, "more", "less", "of difference"),
        show.fixed(margin, 2), show.more_or_less(abs(points), margin, "more than chance", "within chance"),
        "" if seeds == 1 else sentence(" From seed to seed it goes from {} to {} points.", *(
            show.fixed(record[name], 2) for name in ("lowest_points", "highest_points"))))


def eight_bits(bench: dict):
    """What weights of eight bits change in the predictions, as a sentence."""
    record = bench.get("accuracy")
    if record is None or "eight_bits_changed" not in record.values:
        return "How many predictions the 8-bit weights change has not been recorded yet."
    points = record["eight_bits_points"]
    return sentence(
        "8-bit weights change {} of {} predictions on the validation texts, models of all seeds together, and the "
        "accuracy by {} percentage points.", show.count(record["eight_bits_changed"]),
        show.count(record["eight_bits_of"]), show.fixed(points, 2))


@told
def steps(record):
    """Training, step by step, for both models."""
    rows = []
    for model, label in MODELS.items():
        for i, step in enumerate(record[f"{model}_steps"]):
            rate, first = (of(record, f"{model}_samples_per_s", n) for n in (i, 0))
            rows.append([label if i == 0 else "", STEPS[step] if model == "minilm" or i == 0 else "all of these",
                         show.num(rate), show.num(rate / first, 2),
                         show.num(of(record, f"{model}_tokens_per_s", i)),
                         show.pct(of(record, f"{model}_padding_share", i)),
                         show.num(of(record, f"{model}_epoch_s", i) / 60),
                         show.count(of(record, f"{model}_peak_mb", i)), show.pct(of(record, f"{model}_spread", i), 0)])
    heads = ["model", "recipe", "texts/s", "times", "tokens/s", "padding", "epoch, min", "MB", "spread"]
    return show.table(rows, heads, align=("left", "left", *["right"] * 7))


@told
def ways(record):
    """Prediction: the stock pipeline and ours."""
    rows = [[way, show.num(of(record, "samples_per_s", i)),
             show.num(of(record, "samples_per_s", i) / of(record, "samples_per_s", 0), 2),
             show.duration(of(record, "whole_s", i)), show.pct(of(record, "spread", i), 0)]
            for i, way in enumerate(record["ways"])]
    return show.table(rows, ["prediction", "texts/s", "times", "all test texts", "spread"],
                      align=("left", *["right"] * 4))


@drawn
def plot_speed(train, scale):
    """Texts per second after each step of the recipe, and time and memory against the number of rows."""
    figure, (left, right) = style.figure(2, height=2.9, gridspec_kw={"width_ratios": [1.25, 1]})
    names, rates = train["minilm_steps"], train["minilm_samples_per_s"]
    bars = left.barh(range(len(names)), rates, color=style.SKY, edgecolor="black", linewidth=0.6)
    left.bar_label(bars, [f"{rate / rates[0]:.1f}×" for rate in rates], padding=3, fontsize=8)
    left.set_yticks(range(len(names)), [STEPS[name] for name in names])
    left.invert_yaxis()
    left.set(xlabel="texts per second in training", xlim=(0, 1.18 * max(rates)))
    left.grid(axis="y", visible=False)
    rows = scale["rows"] / 1e6
    right.plot(rows, scale["total_s"], color=style.BLUE, label="time")
    right.plot(rows, scale["total_s"][-1] * rows / rows[-1], color="black", linestyle=":", marker="",
               label="in proportion")
    right.set(xlabel="rows (millions)", ylabel="seconds", xlim=(0, None), ylim=(0, None))
    memory = right.twinx()
    memory.plot(rows, scale["peak_mb"] / 1000, color=style.ORANGE, marker="s", linestyle="--", label="memory")
    memory.set(ylabel="memory (GB)", ylim=(0, 2))
    memory.grid(visible=False)
    memory.spines["right"].set_visible(True)
    lines = [*right.get_lines(), *memory.get_lines()]
    right.legend(lines, [line.get_label() for line in lines], loc="upper left")
    return figure
