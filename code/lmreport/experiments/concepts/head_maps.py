"""Where single heads look, as maps over the words of one text, and what each head is worth to the
task (7d).
"""

from __future__ import annotations

import numpy as np

from lmreport.display import style
from lmreport.display.figure import cached_figure
from lmreport.experiments.concepts.attention import load_encoder, look
from lmreport.experiments.concepts.heads import QUESTIONS, best_heads
from lmreport.runs.memo import remember

SHOWN = (0, 3)  # places in the patterns: previous token, same word elsewhere
FOUR = (0, 1, 3, 5)  # … next token, and the special token at the end


@remember
def map_of(path: str, digest: str, layer: int, head: int, text: str = QUESTIONS[2]) -> dict:
    """What one head (layer and head counted from 1) of the encoder at `path` looks at in `text`:
    tokens, map (n, n).
    """
    seen = look(*load_encoder(path), text)
    return {
        "tokens": seen["tokens"],
        "map": seen["weights"][layer - 1, head - 1],
        "layer": layer,
        "head": head,
    }


def specialists(
    path: str,
    digest: str,
    patterns: dict,
    places: tuple[int, ...] = SHOWN,
    text: str = QUESTIONS[2],
):
    """The map of the head that follows each of these patterns most, by `heads.patterns_of`;
    [{pattern, score, …}].
    """
    best = best_heads(patterns)
    return [
        best[place] | map_of(path, digest, best[place]["layer"], best[place]["head"], text)
        for place in places
    ]


def falls(record) -> np.ndarray:
    """Points of accuracy that each removed head costs in a record of `studies.heads_removed`;
    (layers, heads).
    """
    right = (record["predicted"] == record["labels"]).mean(-1)
    return 100 * ((record["whole"] == record["labels"]).mean() - right)


@cached_figure
def plot_worth(record, found: list[dict], named: int = 2):
    """Left: what each head costs when it is removed, sorted; the `named` dearest in words, if they
    cost something. Right: maps of `found`. Where no head costs anything, that in words above maps
    alone.
    """
    cost = falls(record)
    figure = style.figure(height=3.2 if cost.any() else 1.9)[0]
    figure.clear()
    if not cost.any():
        figure.suptitle("Without any one head the test accuracy stays the same.", fontsize=9)
        _draw_maps(figure, figure.add_gridspec(1, len(found)), found)
        return figure
    halves = figure.add_gridspec(1, 2, width_ratios=(1.25, 1))
    strip = figure.add_subplot(halves[0])
    order = np.argsort(cost, axis=None)[::-1]  # the dearest first
    colors = np.where(cost.flat[order] > 0, style.ORANGE, style.SKY)
    places = np.arange(1, cost.size + 1)
    strip.bar(places, cost.flat[order], color=colors, width=1)
    strip.set_xticks(places if cost.size <= 12 else places[9 :: 10 * (1 + cost.size // 100)])
    strip.axhline(0, color="0.3", linestyle="-", marker="", linewidth=0.8)
    strip.set(xlabel=f"the {cost.size} heads, sorted", ylabel="points lost without it")
    _draw_maps(figure, halves[1].subgridspec(2, 2), found)
    dearest = []
    for rank, at in enumerate(order[: min(named, (cost > 0).sum())], 1):
        layer, head = np.unravel_index(at, cost.shape)
        above = cost.flat[at] + 0.06 * np.ptp(cost)  # the bar
        dearest.append((rank, above, f"head {layer + 1}-{head + 1}", style.ORANGE))
    strip.margins(y=0.14)  # room for the words above the bars
    if dearest:
        style.ends(strip, dearest)
    return figure


def _draw_maps(figure, grid, found: list[dict]) -> None:
    """What each of the heads `found` looks at, from nothing to the most that one of them gives."""
    top = max(one["map"].max() for one in found)
    for place, one in zip(grid, found, strict=False):
        ax = figure.add_subplot(place)
        ax.imshow(one["map"], vmin=0, vmax=1 if top > 0.5 else top)
        ax.set_title(
            f"{one['layer']}-{one['head']}: {one['pattern'].removesuffix(' elsewhere')}", fontsize=8
        )
        ax.set(xticks=[], yticks=[])
