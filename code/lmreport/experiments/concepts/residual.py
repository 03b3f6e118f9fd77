"""The "add" of "add & norm" (Vaswani et al. 2017, section 3.1): an encoder block with and without
it, in depth.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from lmreport.display import style
from lmreport.display.figure import cached_figure
from lmreport.experiments.concepts.attention import multi_head_attention
from lmreport.experiments.concepts.threads import one_thread
from lmreport.runs.memo import remember

VARIANTS = ("post-norm", "pre-norm", "no add")
LABELS = {
    "post-norm": "add, then norm (2017)",
    "pre-norm": "norm inside, then add",
    "no add": "norm without add",
}


def feed_forward(x, p: dict):
    """The position-wise network of section 3.3: max(0, x W₁ + b₁) W₂ + b₂; (batch, n, d) → (batch,
    n, d).
    """
    return F.linear(F.linear(x, p["w_1"], p["b_1"]).relu(), p["w_2"], p["b_2"])


def self_attention(x, p: dict, heads: int, mask=None):
    """Multi-head self-attention with the block's weights; (batch, n, d) → (batch, n, d)."""
    return multi_head_attention(x, p["w_in"], p["b_in"], p["w_out"], p["b_out"], heads, mask)


def norm(x, p: dict, which: int):
    """Layer normalization (Ba et al. 2016) over the width, with the block's first or second gain
    and bias.
    """
    return F.layer_norm(x, x.shape[-1:], p[f"gain_{which}"], p[f"bias_{which}"])


def encoder_block(x, p: dict, heads: int, mask=None):
    """LayerNorm(x + Sublayer(x)), twice: the block of section 3.1; (batch, n, d) → (batch, n,
    d).
    """
    x = norm(x + self_attention(x, p, heads, mask), p, 1)
    return norm(x + feed_forward(x, p), p, 2)


def pre_norm_block(x, p: dict, heads: int, mask=None):
    """x + Sublayer(LayerNorm(x)), twice (Xiong et al. 2020): nothing stands on the path of x."""
    x = x + self_attention(norm(x, p, 1), p, heads, mask)
    return x + feed_forward(norm(x, p, 2), p)


def block_without_add(x, p: dict, heads: int, mask=None):
    """LayerNorm(Sublayer(x)), twice: the block of section 3.1 with the add taken out."""
    x = norm(self_attention(x, p, heads, mask), p, 1)
    return norm(feed_forward(x, p), p, 2)


def bare_block(x, p: dict, heads: int, mask=None):
    """Sublayer(x), twice: neither add nor norm."""
    return feed_forward(self_attention(x, p, heads, mask), p)


BLOCKS = {
    "post-norm": encoder_block,
    "pre-norm": pre_norm_block,
    "no add": block_without_add,
    "bare": bare_block,
}


def block_weights(d: int, generator) -> dict:
    """Random weights of one block of width d, inner width 4d, as large as BERT's at its start (0.02
    for d = 768).
    """
    std = 0.02 * (768 / d) ** 0.5
    shapes = {"w_in": (3 * d, d), "w_out": (d, d), "w_1": (4 * d, d), "w_2": (d, 4 * d)}
    p = {name: std * torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    p |= {
        "b_in": torch.zeros(3 * d),
        "b_out": torch.zeros(d),
        "b_1": torch.zeros(4 * d),
        "b_2": torch.zeros(d),
    }
    return p | {
        "gain_1": torch.ones(d),
        "gain_2": torch.ones(d),
        "bias_1": torch.zeros(d),
        "bias_2": torch.zeros(d),
    }


def run_stack(x, stack: list[dict], variant: str, heads: int = 4) -> list:
    """The input and the output of every block of the stack: depth + 1 tensors (batch, n, d)."""
    states = [x]
    for p in stack:
        states.append(BLOCKS[variant](states[-1], p, heads))
    return states


@remember
@one_thread()
def signals(
    variant: str, depth: int, d: int = 32, n: int = 12, batch: int = 4, seed: int = 0
) -> dict:
    """What comes down and what goes up a stack at the start of training: arrays (depth + 1,), input
    first.

    gradient: ‖∂L/∂x_l‖ of L = Σ output · random direction, divided by that at the top.
    own: the share of it that differs between the positions of a text; the rest tells all positions
    the same.
    alike: mean cosine between the vectors of different positions (1: all say the same).
    """
    generator = torch.Generator().manual_seed(seed)
    stack = [{k: w.double() for k, w in block_weights(d, generator).items()} for _ in range(depth)]
    x = torch.randn(batch, n, d, generator=generator).double().requires_grad_()
    states = run_stack(x, stack, variant)
    direction = torch.randn(batch, n, d, generator=generator)
    gradients = torch.stack(
        torch.autograd.grad((states[-1] * direction).sum(), states)
    )  # (depth + 1, batch, n, d)
    sizes = gradients.flatten(1).norm(dim=-1)
    own = (gradients - gradients.mean(2, keepdim=True)).flatten(1).norm(dim=-1) / sizes
    return {
        "gradient": (sizes / sizes[-1]).numpy(),
        "own": own.numpy(),
        "alike": np.array([likeness(s.detach()) for s in states]),
    }


def likeness(x) -> float:
    """Mean cosine between the vectors of different positions; (batch, n, d) → number."""
    unit = F.normalize(x, dim=-1)
    n = x.shape[1]
    cosines = (unit @ unit.mT).sum((-1, -2)) - n  # (batch,), the n cosines with itself taken out
    return float(cosines.mean() / (n * (n - 1)))


@remember
@one_thread()
def training(
    variant: str, depth: int, steps: int = 200, d: int = 32, rate: float = 2e-3, seed: int = 0
) -> dict:
    """Loss of each step while a stack of blocks learns to name the previous token: {"loss":
    (steps,)}.

    12 random tokens out of 8; Adam with 20 steps of warm-up; the loss of guessing is ln 8.
    """
    generator = torch.Generator().manual_seed(seed)
    n, words = 12, 8
    stack = [block_weights(d, generator) for _ in range(depth)]
    word, place = torch.randn(words, d, generator=generator), torch.randn(n, d, generator=generator)
    read = torch.randn(words, d, generator=generator) / d**0.5
    weights = [
        w.requires_grad_() for w in (word, place, read, *(w for p in stack for w in p.values()))
    ]
    optimizer = torch.optim.Adam(weights, lr=rate, foreach=True)
    losses = np.empty(steps)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * min(1, (step + 1) / 20)
        ids = torch.randint(words, (16, n), generator=generator)
        out = run_stack((word[ids] + place) / 2**0.5, stack, variant)[-1]  # (16, n, d)
        loss = F.cross_entropy(
            F.linear(out[:, 1:], read).reshape(-1, words), ids[:, :-1].reshape(-1)
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses[step] = loss.item()
    return {"loss": losses}


@remember
@one_thread()
def readable(
    variant: str, depth: int = 24, d: int = 32, n: int = 12, words: int = 16, seed: int = 0
) -> dict:
    """How many tokens a linear read-out still names right after each block of an untrained stack:
    (depth + 1,).

    Ridge regression from the states of 256 random texts to their tokens, tested on 256 others;
    chance is 1 / words.
    """
    generator = torch.Generator().manual_seed(seed)
    stack = [block_weights(d, generator) for _ in range(depth)]
    word, place = torch.randn(words, d, generator=generator), torch.randn(n, d, generator=generator)
    ids = torch.randint(words, (512, n), generator=generator)
    states = run_stack((word[ids] + place) / 2**0.5, stack, variant)
    return {
        "accuracy": np.array([named(s.double(), ids, words) for s in states]),
        "chance": 1 / words,
    }


def named(states, ids, words: int, penalty: float = 1e-3) -> float:
    """Share of tokens that ridge regression on the first half of the texts names right in the
    second; (b, n, d).
    """
    x = F.pad(states, (0, 1), value=1)  # (b, n, d + 1)
    half, targets = len(x) // 2, F.one_hot(ids, words).double()
    first, gram = x[:half].flatten(0, 1), penalty * half * torch.eye(x.shape[-1], dtype=x.dtype)
    solved = torch.linalg.solve(
        first.T @ first + gram, first.T @ targets[:half].flatten(0, 1)
    )  # (d + 1, words)
    return float(((x[half:] @ solved).argmax(-1) == ids[half:]).double().mean())


def kept(steps: int = 48) -> list[dict]:
    """Share of a gradient that the additive path alone keeps over `steps` layers or steps of time,
    at the start.
    """

    def sigmoid(v):
        return float(1 / (1 + np.exp(-v)))

    paths = (
        ("LSTM of 1997, no forget gate", "time", "c + i ⊙ g", 1.0),
        ("LSTM, forget gate, bias 1", "time", "f ⊙ c + i ⊙ g", sigmoid(1)),
        ("Highway network, gate bias −3", "depth", "(1 − T) ⊙ x + T ⊙ H(x)", 1 - sigmoid(-3)),
        ("ResNet, Transformer sub-layer", "depth", "x + F(x)", 1.0),
    )
    return [
        {"path": name, "along": axis, "update": update, "factor": factor, "kept": factor**steps}
        for name, axis, update, factor in paths
    ]


@cached_figure
def plot_signals(found: dict, variants: tuple[str, ...] = VARIANTS):
    """Gradient (top) and its share that differs by position (bottom); `found` is {(variant, depth):
    `signals`}.
    """
    figure, axes = style.figure(len(variants), 2, height=4.2, sharey="row", sharex=True)
    depths = sorted({depth for _, depth in found})
    for column, variant in zip(axes.T, variants, strict=True):
        for depth, marker, line in zip(depths, style.MARKERS, style.LINES, strict=False):
            record, blocks = found[variant, depth], np.arange(depth + 1)
            for ax, key in zip(column, ("gradient", "own"), strict=True):
                ax.plot(
                    blocks,
                    record[key],
                    marker=marker,
                    markevery=max(1, depth // 6),
                    linestyle=line,
                    label=f"{depth} blocks",
                )
        column[0].set(title=LABELS[variant], yscale="log")
        column[1].set(xlabel="after block", ylim=(-0.05, 1.05))
    axes[0, 0].set_ylabel("gradient / gradient at top")
    axes[1, 0].set_ylabel("share that differs\nbetween positions")
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(depths)
    )
    return figure


@cached_figure
def plot_readable(found: dict[str, dict]):
    """Share of tokens that can be read off after each block, a line for each variant of the block,
    labelled.
    """
    figure, ax = style.figure(height=1.6)
    looks = {
        "post-norm": (style.BLUE, "-"),
        "pre-norm": (style.GREEN, "-."),
        "no add": (style.ORANGE, "--"),
    }
    depth, last = len(next(iter(found.values()))["accuracy"]) - 1, []
    for variant, record in found.items():
        color, line = looks[variant]
        ax.plot(100 * record["accuracy"], color=color, linestyle=line, marker="", linewidth=2)
        last.append((depth, 100 * record["accuracy"][-1], LABELS[variant], color))
    chance = 100 * next(iter(found.values()))["chance"]
    ax.axhline(chance, color="0.4", linestyle=":", marker="", linewidth=1)
    ax.set(xlabel="blocks passed", ylabel="named right [%]", ylim=(0, 105), xlim=(0, depth))
    ax.set_xticks(range(0, depth + 1, 4))
    style.ends(ax, [*last, (depth, chance, "guessing", style.BLACK)])
    return figure


@cached_figure
def plot_training(found: dict, classes: int = 8):
    """Loss against step; `found` is {(variant, depth): record of `training`}, one panel for each
    depth.
    """
    depths = sorted({depth for _, depth in found})
    figure, axes = style.figure(len(depths), height=2.3, sharey=True)
    for ax, depth in zip(np.atleast_1d(axes), depths, strict=True):
        ends = []
        for variant, color, line in zip(VARIANTS, style.CYCLE, style.LINES, strict=False):
            if (variant, depth) in found:
                smooth = np.convolve(found[variant, depth]["loss"], np.ones(5) / 5, "valid")
                steps, look = np.arange(len(smooth)) + 5, dict(color=color, linestyle=line)
                ax.plot(steps, smooth, **look, marker="", linewidth=2)
                ends.append((steps[-1], smooth[-1], LABELS[variant], color))
        ax.axhline(np.log(classes), color="0.4", linestyle=":", marker="", linewidth=1)
        ax.annotate(
            "guessing",
            (0.5 * len(smooth), np.log(classes)),
            (0, 6),
            textcoords="offset points",
            color="0.3",
            fontsize=7.5,
            ha="center",
        )
        ax.set(title=f"{depth} block{'s' if depth > 1 else ''}", xlabel="step")
    np.atleast_1d(axes)[0].set(ylabel="loss (mean of 5 steps)", ylim=(-0.35, None))
    style.ends(np.atleast_1d(axes)[-1], ends)
    return figure
