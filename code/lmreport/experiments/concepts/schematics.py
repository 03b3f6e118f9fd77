"""Drawings of what the answers speak of, made of boxes and arrows."""

from __future__ import annotations

import numpy as np
from matplotlib.patches import Circle, Rectangle, Wedge

from lmreport.display import style
from lmreport.display.figure import cached_figure
from lmreport.experiments.concepts import foundation, positions
from lmreport.experiments.concepts.canvas import (
    FAINT,
    INK,
    SMALL,
    SOFT,
    arrow,
    box,
    disc,
    matrix,
    path,
    sheet,
    word,
)

SENTENCE = ("the", "keys", "of", "my", "dict", "are")
WRITTEN = ("⟨s⟩", "how", "do", "i", "sort", "it")


@cached_figure
def rnn_against_attention():
    """A chain of states against a graph in which every word reads every word (Vaswani et al. 2017,
    table 1).
    """
    figure, axes = sheet(1.75)
    xs, first, last = 0.32 + 0.49 * np.arange(len(SENTENCE)), 1, len(SENTENCE) - 1
    word(axes, 0.1, 1.64, "RNN: a chain", ha="left", weight="bold")
    for t, (x, text) in enumerate(zip(xs, SENTENCE, strict=True)):
        on_path = first <= t < last
        word(axes, x, 0.1, text, va="baseline")
        arrow(
            axes,
            (x, 0.3),
            (x, 0.67),
            style.ORANGE if t == first else SOFT,
            2.5 if t == first else 1,
        )
        disc(axes, x, 0.84, 0.165, f"h{chr(0x2081 + t)}", style.ORANGE if t >= first else None)
        if t < last:
            arrow(
                axes,
                (x + 0.165, 0.84),
                (xs[t + 1] - 0.165, 0.84),
                style.ORANGE if on_path else SOFT,
                2.5 if on_path else 1,
            )
    word(
        axes,
        xs[3] - 0.25,
        1.3,
        f"“keys” reaches “are” in {last - first} steps,\neach waits for the one before",
        style.ORANGE,
    )
    word(axes, 3.3, 1.64, "Self-attention: a graph", ha="left", weight="bold")
    xs = xs + 3.2
    for i, x in enumerate(xs):
        for j, above in enumerate(xs):
            chosen = j == last
            arrow(
                axes,
                (x, 0.4),
                (above, 0.98),
                style.BLUE if chosen else FAINT,
                3 if chosen and i == first else 1.2 if chosen else 0.5,
                head=False,
                zorder=2 if chosen else 1,
            )
    for t, (x, text) in enumerate(zip(xs, SENTENCE, strict=True)):
        word(axes, x, 0.1, text, va="baseline")
        disc(axes, x, 0.4, 0.09, color=style.BLUE if t == first else None)
        disc(axes, x, 0.98, 0.165, f"a{chr(0x2081 + t)}", style.BLUE if t == last else None)
    word(
        axes,
        xs[3] - 0.25,
        1.38,
        "“keys” reaches “are” in 1 step,\nall words at the same time",
        style.BLUE,
    )
    return figure


@cached_figure
def qkv_flow():
    """Equation 1 of Vaswani et al. as matrices, n = 4 words, d = 6, d_k = 3, with the shape of
    each.
    """
    figure, axes = sheet(2.25)
    n, d, d_k, cell, middle = 4, 6, 3, 0.082, 1.08
    rows = {
        "Q": (middle + 0.72, style.BLUE, "asks", "k"),
        "K": (middle, style.GREEN, "is found by", "k"),
        "V": (middle - 0.72, style.ORANGE, "hands over", "v"),
    }
    matrix(axes, 0.4, middle, n, d, cell)
    word(axes, 0.4, middle + 0.27, "X", weight="bold")
    word(axes, 0.4, middle - 0.28, "$n$ × $d$")
    for name, (y, color, role, size) in rows.items():
        bent = [(0.95, middle), (0.95, y)] if y != middle else []
        path(axes, [(0.7, middle), *bent, (1.2, y)], SOFT)
        matrix(axes, 1.36, y, d, d_k, cell)
        word(axes, 1.38, y + 0.35, f"$W_{name}$   $d$ × $d_{size}$")
        arrow(axes, (1.54, y), (2.42, y), SOFT)
        word(axes, 1.96, y + 0.1, role, color, SMALL)
        matrix(axes, 2.58, y, n, d_k, cell, color)
        word(axes, 2.58, y + 0.27, name, color, weight="bold")
        word(axes, 2.58, y - 0.27, f"$n$ × $d_{size}$")
    scores, product = middle + 0.36, middle - 0.2
    for y in (rows["Q"][0], middle):
        path(axes, [(2.76, y), (3.0, y), (3.0, scores), (3.25, scores)], SOFT)
    shades = np.array([[7, 1, 1, 1], [2, 2, 5, 1], [1, 6, 2, 1], [3, 1, 1, 5]]) / 10
    for x, name in ((3.55, "$QK^T/\\sqrt{d_k}$"), (4.75, "weights")):
        matrix(
            axes,
            x,
            scores,
            n,
            n,
            0.12,
            filled=(lambda i, j: str(1 - shades[i, j])) if name == "weights" else None,
        )
        word(axes, x, scores + 0.4, name)
        word(axes, x, scores - 0.38, "$n$ × $n$")
    arrow(axes, (3.84, scores), (4.46, scores), SOFT)
    word(axes, 4.14, scores + 0.1, "softmax", size=SMALL)
    path(axes, [(2.76, rows["V"][0]), (5.4, rows["V"][0]), (5.4, product - 0.1)], style.ORANGE)
    path(axes, [(5.04, scores), (5.4, scores), (5.4, product + 0.12)], SOFT)
    disc(axes, 5.4, product, 0.1, "×")
    arrow(axes, (5.5, product), (5.76, product), SOFT)
    matrix(axes, 5.94, product, n, d_k, cell, style.ORANGE)
    word(axes, 5.94, product + 0.27, "A", style.ORANGE, weight="bold")
    word(axes, 5.94, product - 0.27, "$n$ × $d_v$")
    word(axes, 4.1, rows["V"][0] + 0.12, "values, mixed by the weights", style.ORANGE, SMALL)
    return figure


@cached_figure
def position_clocks(d: int = 8, shown=(0, 1, 2, 100), starts=(2, 100), k: int = 3):
    """Each (sin, cos) pair of a position vector as the hand of a clock (Vaswani et al. 2017,
    section 3.5).
    """
    figure, axes = sheet(1.94)
    left, right = 1.22 + 0.52 * np.arange(len(shown)), 4.52 + 0.72 * np.arange(len(starts))
    ys, radius, notes = 1.35 - 0.385 * np.arange(d // 2), 0.17, left[-1] + 0.3
    word(axes, 0.1, 1.83, f"Place p as {d // 2} clocks (width d = {d})", ha="left", weight="bold")
    word(axes, right[0] - 0.3, 1.83, f"{k} words further", ha="left", weight="bold")
    word(axes, 0.1, 1.61, "one turn in", SOFT, SMALL, ha="left")
    word(axes, 6.2, 1.61, "turned by", SOFT, SMALL, ha="right")
    for y, turn, angle in zip(
        ys, 2 * np.pi / positions.hands(1, d), np.degrees(positions.hands(k, d)), strict=True
    ):
        word(axes, 0.1, y, f"{turn:,.{1 if turn < 10 else 0}f} words", ha="left")
        word(axes, 6.2, y, f"{angle:.{0 if angle >= 10 else 1}f}°", style.ORANGE, ha="right")
    for x, p in zip(left, shown, strict=True):
        word(axes, x, 1.61, f"p = {p}")
        for y, angle in zip(ys, positions.hands(p, d), strict=True):
            _clock(axes, x, y, radius, angle, style.BLUE)
    for x, p in zip(right, starts, strict=True):
        word(axes, x, 1.61, f"{p} → {p + k}")
        for y, *hands in zip(ys, positions.hands(p + k, d), positions.hands(p, d), strict=True):
            _clock(axes, x, y, radius, hands[0], style.ORANGE, hands[1])
    for y, note in (
        (ys[0], "fast: tells\nneighbours apart"),
        (ys[-1], "slow: tells\nregions apart"),
    ):
        word(axes, notes, y, note, style.BLUE, SMALL, ha="left")
    split = right[0] - 0.45
    axes.plot([split, split], [0.05, 1.89], color=FAINT, linewidth=0.8, marker="", linestyle="-")
    return figure


def _clock(axes, x, y, radius, angle, color, before=None) -> None:
    """A clock face, its hand at `angle` (radians) clockwise from the top; `before`: where it was,
    the turn shaded.
    """
    axes.add_patch(
        Circle((x, y), radius, facecolor="white", edgecolor=SOFT, linewidth=0.8, zorder=2)
    )
    if before is not None:
        ends = 90 - np.degrees([angle, before])
        axes.add_patch(
            Wedge(
                (x, y),
                0.75 * radius,
                *ends,
                facecolor=style.TINTS[color],
                edgecolor="none",
                zorder=3,
            )
        )
        axes.plot(
            [x, x + radius * np.sin(before)],
            [y, y + radius * np.cos(before)],
            color=SOFT,
            linewidth=1,
            linestyle=(0, (3, 1.5)),
            marker="",
            zorder=4,
        )
    axes.plot(
        [x, x + radius * np.sin(angle)],
        [y, y + radius * np.cos(angle)],
        color=color,
        linewidth=2,
        linestyle="-",
        marker="",
        zorder=4,
    )


@cached_figure
def causal_mask():
    """Who may look at whom in a decoder, and the targets, shifted by one (Vaswani et al. 2017, 3.1
    and 3.2.3).
    """
    figure, axes = sheet(1.75)
    n, cell, left, top = len(WRITTEN) - 1, 0.26, 1.0, 1.33
    word(axes, left + n * cell / 2, 1.64, "the mask: row may look at column", weight="bold")
    for i in range(n):
        word(axes, left - 0.08, top - (i + 0.5) * cell, WRITTEN[i], ha="right")
        word(axes, left + (i + 0.5) * cell, top + 0.11, WRITTEN[i], size=SMALL)
        for j in range(n):
            x, y = left + j * cell, top - (i + 1) * cell
            axes.add_patch(
                Rectangle(
                    (x, y),
                    cell,
                    cell,
                    linewidth=0.8,
                    edgecolor=SOFT,
                    zorder=2,
                    facecolor=style.TINTS[style.BLUE] if j <= i else "white",
                )
            )
            word(
                axes,
                x + cell / 2,
                y + cell / 2,
                "q·k" if j <= i else "−∞",
                style.BLUE if j <= i else SOFT,
                SMALL,
                zorder=3,
            )
    word(axes, 4.65, 1.64, "the shift: target is the next word", weight="bold")
    xs = 3.42 + 0.62 * np.arange(n)
    for i, x in enumerate(xs):
        box(axes, x, 1.1, 0.54, 0.27, WRITTEN[i + 1], style.GREEN)
        box(axes, x, 0.46, 0.54, 0.27, WRITTEN[i], style.BLUE)
        arrow(axes, (x, 0.6), (x, 0.96), SOFT)
        if i < n - 1:
            arrow(
                axes,
                (x + 0.2, 0.96),
                (xs[i + 1] - 0.06, 0.6),
                style.GREEN,
                1,
                head=False,
                linestyle=(0, (3, 2)),
            )
    word(axes, xs[0] - 0.27, 1.36, "must be predicted", style.GREEN, ha="left")
    word(axes, xs[0] - 0.27, 0.16, "is read", style.BLUE, ha="left")
    word(
        axes, xs[-1] + 0.27, 0.16, "the same word, one place later", style.GREEN, SMALL, ha="right"
    )
    return figure


@cached_figure
def encoder_with_heads(parts: dict | None = None):
    """One encoder and the heads that fit on it, areas to scale with the parameters; parts:
    `foundation.encoder_parts`, DistilBERT's if it is left out."""
    parts = parts or foundation.encoder_parts()
    figure, axes = sheet(2.15)
    width, height, bottom, x = 1.3, 1.3, 0.4, 1.7
    layers = sum(parts["layers"]) + parts["other"]
    encoder = parts["embeddings"] + layers
    beside = (
        "\n(and a pooler, if\nthe head needs one)"
        if parts.get("pooler")
        else "\nand the rest"
        if parts["other"]
        else ""
    )
    scale = width * height / encoder  # square inches per parameter
    unit, name_of_unit = (1e6, "million") if encoder >= 1e6 else (1e3, "thousand")
    title = f"one encoder, pre-trained:\n{encoder / unit:.1f} {name_of_unit} parameters"
    word(axes, x, 1.97, title, weight="bold")
    word(axes, x, 0.12, "token ids  (batch, n)", size=SMALL)
    arrow(axes, (x, 0.21), (x, bottom), SOFT)
    y = bottom
    stack = [parts["embeddings"], *parts["layers"], parts["other"]]
    for count in stack:
        tall = count * scale / width
        box(axes, x, y + tall / 2, width, tall, color=style.BLUE, edge=0.8)
        y += tall
    split = bottom + stack[0] * scale / width
    for middle, name, count in (
        ((bottom + split) / 2, "embeddings", stack[0]),
        (
            (split + y) / 2,
            f"{parts.get('shared', 1) * len(parts['layers'])} layers{beside}",
            layers,
        ),
    ):
        named = f"{name}:\n{count / unit:.1f} {name_of_unit}"
        word(axes, x - width / 2 - 0.1, middle, named, style.BLUE, SMALL, ha="right")
    trunk, text, rows = 2.75, 3.2, 1.74 - 0.37 * np.arange(len(parts["heads"]) + 1)
    axes.plot([trunk] * 2, rows[[0, -1]], color=SOFT, linewidth=1, linestyle="-", marker="")
    path(axes, [(x + width / 2, y - 0.06), (trunk, y - 0.06)], SOFT, head=False)
    word(axes, text, 2.02, "what is put on it", ha="left", weight="bold")
    word(axes, 6.2, 2.02, "new parameters, share", ha="right", weight="bold")
    bare = f"no head: one vector per token (batch, n, {parts['width']})"
    heads = [("AutoModel", (0, bare, encoder))]
    heads += sorted(
        parts["heads"].items(), key=lambda head: not head[0].endswith("SequenceClassification")
    )
    for row, (name, (count, answer, whole)) in zip(rows, heads, strict=True):
        chosen = name.endswith("SequenceClassification")
        color, weight = (style.ORANGE, "bold") if chosen else (INK, "normal")
        arrow(
            axes, (trunk, row), (text - 0.08, row), color if chosen else SOFT, 1.8 if chosen else 1
        )
        word(axes, text, row + 0.08, name, color, SMALL, ha="left", weight=weight)
        word(axes, text, row - 0.08, answer, SOFT, SMALL, ha="left")
        share = 100 * count / whole
        digits = ".1g" if share < 1 else ".1f" if share < 10 else ".0f"
        new = f"{count:,}\n{share:{digits}}%" if count else "none"
        word(axes, 6.2, row, new, color, SMALL, ha="right", weight=weight)
    return figure


@cached_figure
def block_with_add():
    """The add of a block, across depth, beside the recurrence of an RNN, along the text (He et al.
    2016, eq. 1).
    """
    figure, axes = sheet(2.6)
    word(axes, 0.1, 2.47, "One encoder block", ha="left", weight="bold")
    x, side = 0.45, 1.5
    path(axes, [(x, 0.25), (x, 2.3)], style.ORANGE, 3)
    word(axes, x, 0.13, "x")
    for base, name, color in (
        (0.34, "self-\nattention", style.BLUE),
        (1.22, "feed-\nforward", style.GREEN),
    ):
        path(axes, [(x, base), (side, base), (side, base + 0.08)], SOFT)
        box(axes, side, base + 0.26, 0.85, 0.35, name, color)
        path(axes, [(side, base + 0.43), (side, base + 0.53), (x + 0.12, base + 0.53)], SOFT)
        disc(axes, x, base + 0.53, 0.1, "+", style.ORANGE, size=11)
        box(axes, x, base + 0.75, 0.55, 0.18, "norm")
    word(
        axes,
        0.82,
        2.14,
        "x goes on; each\npart adds to it",
        style.ORANGE,
        SMALL,
        ha="left",
    )
    for left, title, weights, color in (
        (2.4, "Transformer: across depth", "each layer has its own W", style.ORANGE),
        (4.6, "RNN: along the text", "each step has the same W", style.PURPLE),
    ):
        word(axes, left, 2.47, title, ha="left", weight="bold")
        word(axes, left, 2.27, weights, color, SMALL, ha="left")
    xs, ys = 2.66 + 0.48 * np.arange(3), (0.42, 1.15, 1.88)
    for level, (y, color) in enumerate(((0.785, style.BLUE), (1.515, style.GREEN)), 1):
        box(axes, xs[1], y, 1.4, 0.28, color=color)
        word(
            axes,
            xs[2] + 0.27,
            y,
            f"layer {level}:\nW{chr(0x2080 + level)}",
            color,
            SMALL,
            ha="left",
        )
    for at in xs:
        for low, high in zip(ys, ys[1:], strict=False):
            arrow(axes, (at, low + 0.1), (at, high - 0.1), style.ORANGE, 2.5, zorder=5)
        for y in ys:
            disc(axes, at, y, 0.1)
    states = 4.85 + 0.55 * np.arange(3)
    for at, after in zip(states, states[1:], strict=False):
        arrow(axes, (at + 0.1, ys[1]), (after - 0.1, ys[1]), style.PURPLE, 2.5)
        word(axes, (at + after) / 2, ys[1] + 0.17, "W", style.PURPLE)
    for i, (at, state) in enumerate(zip(xs, states, strict=True), 1):
        arrow(axes, (state, 0.3), (state, ys[1] - 0.1), SOFT)
        disc(axes, state, ys[1], 0.1)
        word(axes, at, 0.18, f"word {i}", size=SMALL)
        word(axes, state, 0.18, f"word {i}", size=SMALL)
    return figure
