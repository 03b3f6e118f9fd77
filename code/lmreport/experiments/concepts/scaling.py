"""Why scores are divided by √d_k (Vaswani et al. 2017, section 3.2.1 and its footnote 4)."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from lmreport.display import style
from lmreport.display.figure import cached_figure
from lmreport.experiments.concepts.threads import one_thread
from lmreport.runs.memo import remember

DIMENSIONS = tuple(2**i for i in range(11))  # 1 … 1,024
DIVISORS = {"none": lambda d_k: 1.0, "root": lambda d_k: d_k**0.5, "whole": lambda d_k: float(d_k)}
LABELS = {"none": "q·k", "root": "q·k / √dₖ", "whole": "q·k / dₖ"}


def random_scores(d_k: int, keys: int = 64, samples: int = 200, seed: int = 0):
    """q·k of one random query with each of `keys` random keys, components of variance 1: (samples,
    keys).
    """
    generator = torch.Generator().manual_seed(seed)
    q, k = (
        torch.randn(samples, 1, d_k, generator=generator),
        torch.randn(samples, keys, d_k, generator=generator),
    )
    return (q @ k.mT)[:, 0]


def entropy(weights):
    """Entropy of each row of weights (…, n), in units of ln n: 1 for equal weights, 0 for one
    weight of 1.
    """
    return torch.special.entr(weights).sum(-1) / np.log(weights.shape[-1])


def softmax_jacobian(weights):
    """∂weights/∂scores of a softmax: diag(w) − w wᵀ; (…, n) → (…, n, n). Zero where one weight is
    1.
    """
    return torch.diag_embed(weights) - weights[..., :, None] * weights[..., None, :]


@remember
@one_thread()
def saturation(
    dimensions: tuple[int, ...] = DIMENSIONS, keys: int = 64, samples: int = 200, seed: int = 0
) -> dict:
    """{f"{divisor}_{quantity}": (dimensions, samples)} for entropy, largest weight and Jacobian of
    random rows.

    jacobian: the Frobenius norm of the softmax's Jacobian, a factor of every gradient that reaches
    Q and K.
    """
    scores = [random_scores(d_k, keys, samples, seed) for d_k in dimensions]
    found = {}
    for name, divisor in DIVISORS.items():
        weights = torch.stack(
            [(s / divisor(d_k)).softmax(-1) for s, d_k in zip(scores, dimensions, strict=True)]
        )
        found[f"{name}_entropy"] = entropy(weights).numpy()
        found[f"{name}_largest"] = weights.max(-1).values.numpy()
        found[f"{name}_jacobian"] = torch.linalg.matrix_norm(softmax_jacobian(weights)).numpy()
    return found


def one_softmax(d_k: int, keys: int = 8, samples: int = 201, seed: int = 0) -> dict:
    """Weights of one typical random query over `keys` keys, largest first, for each divisor:
    {divisor: (keys,)}.

    Typical: of `samples` queries the one whose largest undivided weight is the median.
    """
    scores = random_scores(d_k, keys, samples, seed)  # (samples, keys)
    typical = scores.softmax(-1).amax(-1).argsort()[samples // 2]
    one = scores[typical].sort(descending=True).values  # (keys,)
    return {name: (one / divisor(d_k)).softmax(-1).numpy() for name, divisor in DIVISORS.items()}


def recall_task(batch: int, pairs: int, classes: int, words, generator):
    """Dictionaries of `pairs` different words, each with a class, and one of the words asked for
    again.

    words (vocabulary, d). Returns keys (batch, pairs, d), their classes (batch, pairs), queries
    (batch, 1, d), answers (batch,).
    """
    chosen = torch.rand(batch, len(words), generator=generator).argsort(-1)[:, :pairs]
    values = torch.randint(classes, (batch, pairs), generator=generator)
    asked = torch.randint(pairs, (batch, 1), generator=generator)
    return words[chosen], values, words[chosen.gather(1, asked)], values.gather(1, asked)[:, 0]


def lookup(x_keys, values, x_query, weights: dict, divisor: float):
    """One attention head and a linear readout; (b, n, d), (b, n), (b, 1, d) → logits (b,
    classes).
    """
    q, k = x_query @ weights["q"], x_keys @ weights["k"]  # (b, 1, d_k), (b, n, d_k)
    attention = (q @ k.mT / divisor).softmax(-1)  # (b, 1, n)
    return (attention @ weights["v"][values])[:, 0] @ weights["out"]  # (b, classes)


@remember
@one_thread()
def training(
    divisor: str, d_k: int = 512, rate: float = 1e-3, steps: int = 250, seeds: int = 3
) -> dict:
    """Loss of each step of `lookup` on `recall_task` with Adam: {"loss": (seeds, steps)}.

    Weights start so that the components of q and k have variance 1, as in footnote 4.
    """
    losses = np.empty((seeds, steps))
    for seed in range(seeds):
        generator = torch.Generator().manual_seed(seed)
        words = torch.randn(64, 32, generator=generator)
        shapes = {"q": (32, d_k), "k": (32, d_k), "v": (8, 32), "out": (32, 8)}
        weights = {
            name: (torch.randn(shape, generator=generator) / 32**0.5).requires_grad_()
            for name, shape in shapes.items()
        }
        optimizer = torch.optim.Adam(weights.values(), lr=rate)
        for step in range(steps):
            *task, answers = recall_task(32, 16, 8, words, generator)  # task: keys, values, query
            loss = F.cross_entropy(lookup(*task, weights, DIVISORS[divisor](d_k)), answers)  # type: ignore[call-arg]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses[seed, step] = loss.item()
    return {"loss": losses}


@remember
def best_training(
    divisor: str, d_k: int = 256, rates: tuple[float, ...] = (1e-3, 3e-3, 1e-2), seeds: int = 2
) -> dict:
    """`training` at the learning rate that ends lowest for this divisor: {"loss": (seeds, steps),
    "rate"}.
    """
    runs = [training(divisor, d_k, rate, seeds=seeds) | {"rate": rate} for rate in rates]
    return min(runs, key=lambda run: run["loss"][:, -30:].mean())


@cached_figure
def plot_one_softmax(dimensions: tuple[int, ...] = (4, 64, 1024)):
    """The weights of `one_softmax` as bars: a column for each d_k, a row for each divisor."""
    figure, axes = style.figure(
        len(dimensions), len(DIVISORS), height=2.2, sharex=True, sharey=True
    )
    colors = dict(zip(DIVISORS, (style.ORANGE, style.BLUE, style.PURPLE), strict=True))
    words = {"none": "undivided", "root": "divided\nby $\\sqrt{d_k}$", "whole": "divided\nby $d_k$"}
    for column, d_k in zip(axes.T, dimensions, strict=True):
        for ax, (name, weights) in zip(column, one_softmax(d_k).items(), strict=True):
            ax.bar(range(1, len(weights) + 1), weights, color=colors[name], width=0.75)
            ax.annotate(
                f"{weights[0]:.2f}",
                (1, weights[0]),
                (0, 1.5),
                textcoords="offset points",
                fontsize=8,
                ha="center",
            )
            ax.set(ylim=(0, 1.35), xticks=range(1, len(weights) + 1), yticks=(0, 1))
            ax.grid(False)  # a line would cross the labels out
        column[0].set_title(f"$d_k$ = {d_k:,}")
        column[-1].set_xlabel("key, best first")
    for row, name in zip(axes, DIVISORS, strict=True):
        look = dict(color=style.INKS[colors[name]], rotation=0, ha="right", va="center")
        row[0].set_ylabel(words[name], **look)
    return figure


@cached_figure
def plot_saturation(found: dict, dimensions: tuple[int, ...] = DIMENSIONS):
    """Median (line) and middle 80% (band) of entropy, largest weight and Jacobian against d_k, per
    divisor.
    """
    figure, axes = style.figure(3, height=2.5)
    titles = {
        "entropy": "entropy / ln n",
        "largest": "largest weight",
        "jacobian": "norm of the Jacobian",
    }
    for ax, (quantity, title) in zip(axes, titles.items(), strict=True):
        ends = []
        for name, color in zip(DIVISORS, style.CYCLE, strict=False):
            low, middle, high = np.quantile(found[f"{name}_{quantity}"], (0.1, 0.5, 0.9), axis=1)
            ax.semilogx(dimensions, middle, color=color, marker="o", linestyle="-", markersize=3)
            ax.fill_between(dimensions, low, high, color=color, alpha=0.15, linewidth=0)
            ends.append((dimensions[-1], middle[-1], LABELS[name], color))
        ax.set(title=title, xlabel="$d_k$", ylim=(0, None))
        ax.set_xticks([1, 8, 64, 512], ["1", "8", "64", "512"])
        ax.minorticks_off()
    style.ends(axes[-1], ends)
    return figure


@cached_figure
def plot_training(runs: dict, classes: int = 8):
    """Loss against step for each divisor in `runs` ({divisor: record of `best_training`}), mean of
    the seeds.
    """
    figure, ax = style.figure(height=2.3)
    ends = []
    for (name, run), color, line in zip(runs.items(), style.CYCLE, style.LINES, strict=False):
        smooth = np.convolve(run["loss"].mean(0), np.ones(10) / 10, "valid")
        steps, look = np.arange(len(smooth)) + 10, dict(color=color, linestyle=line, marker="")
        ax.plot(steps, smooth, **look, linewidth=2)
        ends.append((steps[-1], smooth[-1], f"{LABELS[name]}, rate {run['rate']:g}", color))
    ax.axhline(np.log(classes), color="0.4", linestyle=":", marker="", linewidth=1)
    ax.annotate(
        "guessing",
        (1, np.log(classes)),
        (0, 3),
        ("axes fraction", "data"),
        "offset points",
        color="0.3",
        fontsize=7.5,
        ha="right",
    )
    ax.set(xlabel="step", ylabel="loss (mean of 10 steps)", ylim=(-0.25, None))
    style.ends(ax, ends)
    return figure
