"""Values of question 7: cost, scaling, heads, the add."""

from __future__ import annotations

import numpy as np

from lmreport.display import markdown
from lmreport.display.traced import MarkdownText, fill
from lmreport.experiments.concepts import cost, heads, residual, scaling
from lmreport.models import architecture
from lmreport.reporting import sentences
from lmreport.reporting.values import named

FAR = 8192  # tokens: where the square decides


@named
def of_cost(limits):
    """How the share of the square grows with the length, and how many texts are cut (7b)."""
    return dict(
        short_share=markdown.pct(cost.quadratic_share(512, 768)),
        long_share=markdown.pct(cost.quadratic_share(FAR, 768), 0),
        far=markdown.count(FAR),
        longer=fill("{} of our texts are longer", markdown.pct(limits[512]))
        if limits[512]
        else MarkdownText("none of our texts is longer"),
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


DEAD = 0.01  # a norm of the softmax's Jacobian below which almost no gradient comes back


@named
def of_scaling(saturated):
    """What the divisor does to the softmax (7c)."""
    return dict(
        widest=markdown.count(scaling.DIMENSIONS[-1]),
        keys=markdown.count(sentences.default_of(scaling.saturation, "keys")),
        largest=markdown.num(np.median(saturated["none_largest"][-1]), 2),
        least=markdown.num(DEAD, 1),
        dead=markdown.pct((saturated["none_jacobian"][-1] < DEAD).mean(), 0),
        root_dead=markdown.pct((saturated["root_jacobian"][-1] < DEAD).mean(), 0),
    )


@named
def of_heads(neighbours):
    """Two tokens at once with one and with two heads (7d)."""
    return dict(
        one=markdown.pct(neighbours[1]["accuracy"][-20:].mean(), 0),
        two=markdown.pct(neighbours[2]["accuracy"][-20:].mean(), 0),
        words=markdown.count(heads.WORDS),
        half=markdown.pct((1 + 1 / heads.WORDS) / 2, 0),
    )


@named
def of_add(readable, encoder):
    """What the add does for the identity of tokens, and what is other in the loaded encoder (7e)."""
    shared = architecture.shares_layers(encoder)
    return dict(
        adds=markdown.count(2 * encoder.config.num_hidden_layers),
        shared=MarkdownText(
            f" ({architecture.family(encoder.config)} is an exception: its layers share their weights.)"
            if shared
            else ""
        ),
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
