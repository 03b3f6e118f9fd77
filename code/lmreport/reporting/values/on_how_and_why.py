"""Values of question 7: cost, scaling, heads, the add."""

from __future__ import annotations

import numpy as np

from lmreport.display import markdown
from lmreport.display.traced import MarkdownText, fill
from lmreport.experiments.concepts import cost, heads, residual, scaling
from lmreport.reporting import studies
from lmreport.reporting.values import named

FAR = 8192  # tokens: where the square decides


@named
def of_cost(measured, limits):
    """How time and memory grow with the length, and what that means here (7b)."""
    lengths = measured["lengths"]
    return dict(
        stored_time=markdown.fixed(cost.slope(lengths, measured["stored_training_seconds"]), 1),
        lstm_time=markdown.fixed(cost.slope(lengths, measured["lstm_training_seconds"]), 1),
        stored_memory=markdown.fixed(cost.slope(lengths, measured["stored_training_bytes"]), 1),
        fused_memory=markdown.fixed(cost.slope(lengths, measured["fused_training_bytes"]), 1),
        fused_time=markdown.fixed(cost.slope(lengths, measured["fused_training_seconds"]), 1),
        longest=markdown.count(lengths[-1]),
        width=markdown.count(measured["d"]),
        crossing=crossing(measured),
        memory=markdown.fixed(
            measured["stored_training_bytes"][-1] / measured["lstm_training_bytes"][-1], 0
        ),
        short_share=markdown.pct(cost.quadratic_share(512, 768)),
        long_share=markdown.pct(cost.quadratic_share(FAR, 768), 0),
        far=markdown.count(FAR),
        cut=markdown.pct(limits[512]),
        long_cut=markdown.pct(limits[2048]),
    )


def crossing(measured) -> MarkdownText:
    """From which length on attention takes longer than the LSTM by the clock, beside the count."""
    lengths, width = measured["lengths"], measured["d"]
    seconds = [measured[f"{name}_training_seconds"] for name in ("stored", "lstm")]
    found = cost.crossing(lengths, *seconds)
    if not found > 2 * width:
        return MarkdownText("The clock does not say so: see the supplement's measured times.")
    return fill(
        "By the clock it falls behind later, here at {} tokens or {} widths: the LSTM's many small "
        "products take longer per operation than attention's few large ones.",
        markdown.num(found, 2),
        markdown.num(found / width, 1),
    )


def cut_at(lengths, bounds=(128, 256, 512, 2048)) -> dict[int, float]:
    """Share of all texts that are longer than each bound, in word pieces."""
    return {bound: float((lengths > bound).mean()) for bound in bounds}


def growth(measured):
    """Exponents of time and memory, and the cost at the longest input relative to the LSTM (7b)."""

    def slope(name, job, kind):
        return cost.slope(measured["lengths"], measured[f"{name}_{job}_{kind}"])

    def ratio(name, kind):
        return measured[f"{name}_training_{kind}"][-1] / measured[f"lstm_training_{kind}"][-1]

    return markdown.table(
        [
            [
                label,
                *(
                    markdown.fixed(slope(name, "training", kind), 2)
                    for kind in ("seconds", "bytes")
                ),
                *(markdown.fixed(ratio(name, kind), 1) for kind in ("seconds", "bytes")),
            ]
            for name, label in cost.LABELS.items()
        ],
        ["", "time: power of n", "memory: power of n", "time, LSTM = 1", "memory, LSTM = 1"],
        of=measured,
    )


@named
def of_scaling(saturated, trained):
    """What the divisor does to the softmax and to training (7c)."""
    return dict(
        widest=markdown.count(scaling.DIMENSIONS[-1]),
        largest=markdown.num(np.median(saturated["none_largest"][-1]), 2),
        dead=markdown.pct((saturated["none_jacobian"][-1] < 0.01).mean(), 0),
        root_dead=markdown.pct((saturated["root_jacobian"][-1] < 0.01).mean(), 0),
        flat=markdown.num(np.median(saturated["whole_largest"][-1]), 1),
        root_loss=markdown.num(trained["root"]["loss"][:, -30:].mean(), 2),
        none_loss=markdown.num(trained["none"]["loss"][:, -30:].mean(), 2),
    )


@named
def of_heads(neighbours, times, headless):
    """Two tokens at once with one, two and four heads; what heads cost; which can go (7d)."""
    found, trained = studies.head_changes(headless), neighbours
    falls, tests = studies.layer_falls(headless), found.size
    significant = tests - studies.heads_within_chance(headless)
    return dict(
        one=markdown.pct(trained[1]["accuracy"][-20:].mean(), 0),
        two=markdown.pct(trained[2]["accuracy"][-20:].mean(), 0),
        half=markdown.pct((1 + 1 / heads.WORDS) / 2, 0),
        most=markdown.count(times["heads"][-1]),
        shared=markdown.fixed(times["shared"][-1] / times["shared"][0], 1),
        wide=markdown.fixed(times["wide"][-1] / times["wide"][0], 0),
        tests=markdown.count(tests),
        significant=markdown.count(significant),
        by_chance=markdown.count(studies.SURE * tests),
        single=markdown.more_or_less(
            float(significant),
            studies.SURE * tests,
            "Removing single heads made a difference more often than chance predicts",
            "Removing any single head made no reliable difference",
            "Removing any single head made no reliable difference",
        ),
        layer=markdown.fixed(100 * max(falls), 1),
        origin=MarkdownText(markdown.plain(studies.origin(headless))),
    )


@named
def of_add(deep, stacks, readable, layers: int):
    """What the add does for gradients and for the identity of tokens (7e)."""
    return dict(
        adds=markdown.count(2 * layers),
        own=markdown.pct(deep["post-norm"]["own"][0], 0),
        none_own=markdown.pct(deep["no add"]["own"][24], 0),
        cosine=markdown.fixed(deep["no add"]["alike"][-1], 2),
        with_add=markdown.num(stacks["post-norm", 8]["loss"][-20:].mean(), 2),
        without=markdown.num(stacks["no add", 8]["loss"][-20:].mean(), 2),
        depth=markdown.count(len(readable["no add"]["accuracy"]) - 1),
        kept=markdown.pct(readable["post-norm"]["accuracy"][-1], 0),
        lost=markdown.pct(readable["no add"]["accuracy"][-1], 0),
    )


def paths():
    """Additive paths and what each alone keeps of a gradient over 48 steps at the start of training
    (7e).
    """
    return markdown.table(
        [
            [
                row["path"],
                row["along"],
                row["update"],
                markdown.fixed(row["factor"], 3),
                markdown.num(row["kept"], 2),
            ]
            for row in residual.kept(48)
        ],
        ["path", "along", "update", "factor a step", "kept"],
        of=residual.kept,
    )
