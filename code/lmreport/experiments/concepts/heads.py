"""Why several heads (Vaswani et al. 2017, section 3.2.2): what they look at, what they cost, what
one alone cannot.
"""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from lmreport.display import style
from lmreport.display.figure import cached_figure
from lmreport.experiments.concepts.attention import (
    attention,
    attention_weights,
    multi_head_attention,
)
from lmreport.experiments.concepts.cost import best_time
from lmreport.experiments.concepts.threads import one_thread
from lmreport.models import architecture
from lmreport.runs.memo import remember

QUESTIONS = (  # written for this report; words come back, so that a head can look for the same word
    "how do i sort a list of lists by the second item of each inner list?",
    "why does my loop print the last value of the loop variable in every callback?",
    "the class compiles, but the class loader cannot find the class at run time",
    "string comparison with == fails although both strings print the same string",
    "i read a file line by line; the last line of the file is missing",
    "how can i merge two maps when a key of one map is also a key of the other map?",
    "my method returns null because the method that it calls returns null first",
    "convert a date string to a date object and the date object back to a string",
)
WORDS = 10  # different tokens in the task of two neighbours
PATTERNS = ("previous token", "next token", "itself", "same word elsewhere", "[CLS]", "[SEP]")


def pattern_matrices(ids, cls: int, sep: int):
    """Where each of PATTERNS would look, as 0/1 matrices (patterns, n, n) of one text's ids (n,):
    rows look.
    """
    n = len(ids)
    same = ids[:, None] == ids[None, :]
    itself = torch.eye(n, dtype=torch.bool)
    columns = [(ids == special)[None, :].expand(n, n) for special in (cls, sep)]
    return torch.stack(
        [itself.roll(-1, 1).tril(-1), itself.roll(1, 1).triu(1), itself, same & ~itself, *columns]
    )


def pattern_scores(weights, patterns):
    """Mean attention that follows each pattern; (layers, heads, n, n), (patterns, n, n) →
    (patterns, layers, heads).

    A row in which a pattern has nowhere to look (no earlier token, no second occurrence) does not
    count for it.
    """
    follows = torch.einsum(
        "lhij,pij->plhi", weights, patterns.to(weights.dtype)
    )  # (p, layers, heads, n)
    counts = patterns.any(-1).to(weights.dtype)  # (p, n)
    return torch.einsum("plhi,pi->plh", follows, counts), counts.sum(
        -1
    )  # sums, so that texts can be added up


@remember
def patterns_of(path: str, digest: str, texts: tuple[str, ...] = QUESTIONS) -> dict:
    """Scores (patterns, layers, heads) of the encoder at `path` over `texts`, and those of equal
    weights on all tokens that a head may see (patterns, layers, heads).

    digest: of the weights, so that a record belongs to one model. The special tokens at both ends
    ([CLS] and [SEP]) themselves do not look. patterns: their names, with those tokens.
    """
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModel.from_pretrained(path, attn_implementation="eager").eval()
    total: Any  # 0, then tensors
    equal: Any
    rows: Any
    total, equal, rows = 0, 0, 0
    for text in texts:
        inputs = tokenizer(text, return_tensors="pt")
        with torch.inference_mode():
            weights = torch.cat(
                model(**inputs, output_attentions=True).attentions
            )  # (layers, heads, n, n)
        ids = inputs["input_ids"][0]
        ends = [int(ids[0]), int(ids[-1])]
        patterns = pattern_matrices(ids, *ends)
        patterns[:, [0, -1]] = False
        scores, counted = pattern_scores(weights, patterns)
        total, rows = total + scores, rows + counted
        seen = (weights > 0).float()  # layers with a window weigh the tokens outside it 0
        equal = equal + pattern_scores(seen / seen.sum(-1, keepdim=True), patterns)[0]
    return {
        "scores": (total / rows[:, None, None]).numpy(),
        "equal": (equal / rows[:, None, None]).numpy(),
        "patterns": [*PATTERNS[:4], *tokenizer.convert_ids_to_tokens(ends)],
    }


def best_heads(found: dict) -> list[dict]:
    """For each pattern the head that follows it most: layer and head counted from 1, its score,
    that of equal weights.
    """
    rows = []
    for pattern, scores, equal in zip(
        found["patterns"], found["scores"], found["equal"], strict=True
    ):
        layer, head = np.unravel_index(scores.argmax(), scores.shape)
        rows.append(
            {
                "pattern": pattern,
                "layer": int(layer) + 1,
                "head": int(head) + 1,
                "score": float(scores.max()),
                "equal": float(equal[layer, head]),
            }
        )
    return rows


@contextmanager
def without_head(model, layer: int, head: int):
    """`model` with the output of one head (both counted from 0) replaced by zeros, while inside."""
    projections = architecture.output_projections(model)
    width = projections[layer].in_features // model.config.num_attention_heads
    uses = [i for i, other in enumerate(projections) if other is projections[layer]]
    calls = itertools.count()  # layers that share their weights call the same module in turn

    def silence(module, inputs):
        if uses[next(calls) % len(uses)] != layer:
            return None
        joined = inputs[0].clone()  # (batch, n, heads · width)
        joined[..., head * width : (head + 1) * width] = 0
        return (joined, *inputs[1:])

    hook = projections[layer].register_forward_pre_hook(silence)
    try:
        yield model
    finally:
        hook.remove()


def over_heads(model, evaluate):
    """`evaluate(model)` with each head removed in turn: array (layers, heads)."""
    shape = model.config.num_hidden_layers, model.config.num_attention_heads
    values = np.empty(shape)
    for layer, head in np.ndindex(shape):
        with without_head(model, layer, head):
            values[layer, head] = evaluate(model)
    return values


@remember
def changes(path: str, digest: str, texts: tuple[str, ...] = QUESTIONS) -> dict:
    """How far the texts' mean vectors move when one head of the encoder is removed: {"change":
    (layers, heads)}.

    The distance relative to the vector's length, mean over the texts.
    """
    from transformers import AutoModel, AutoTokenizer

    inputs = AutoTokenizer.from_pretrained(path)(list(texts), padding=True, return_tensors="pt")
    model = AutoModel.from_pretrained(path).eval()
    mask = inputs["attention_mask"][..., None]  # (texts, n, 1)

    def vectors(model):
        with torch.inference_mode():
            hidden = model(**inputs).last_hidden_state  # (texts, n, d)
        return (hidden * mask).sum(1) / mask.sum(1)  # (texts, d)

    whole = vectors(model)
    return {
        "change": over_heads(
            model, lambda m: float(((vectors(m) - whole).norm(dim=-1) / whole.norm(dim=-1)).mean())
        )
    }


def wide_heads(x, w_in, w_out, heads: int):
    """`heads` attentions of the full width d each; (batch, n, d), (3·heads·d, d), (d, heads·d) →
    (batch, n, d).
    """
    batch, n, d = x.shape
    q, k, v = (
        F.linear(x, w_in).reshape(batch, n, 3, heads, d).permute(2, 0, 3, 1, 4)
    )  # each (batch, heads, n, d)
    return F.linear(attention(q, k, v).transpose(1, 2).reshape(batch, n, heads * d), w_out)


def head_costs(n: int, d: int, heads: int, width: int) -> dict[str, int]:
    """Weights, FLOPs of the matrix products and number of scores of `heads` heads of `width` over n
    tokens.
    """
    weights = 4 * d * heads * width  # to Q, K, V and back
    return {
        "weights": weights,
        "flops": 2 * n * weights + heads * 4 * n * n * width,
        "scores": heads * n * n,
    }


@remember
def head_times(
    heads: tuple[int, ...] = (1, 2, 3, 4, 6, 8, 12),
    n: int = 128,
    d: int = 192,
    repeats: int = 5,
    seed: int = 0,
) -> dict:
    """Seconds of one forward pass on one core for each number of heads: d shared among them, or d
    for each.
    """
    generator = torch.Generator().manual_seed(seed)
    shared, wide = [], []
    with one_thread(), torch.inference_mode():
        x = torch.randn(1, n, d, generator=generator)
        for h in heads:
            w_in, w_out = (
                torch.randn(3 * h * d, d, generator=generator),
                torch.randn(d, h * d, generator=generator),
            )
            w_in, w_out = w_in / d**0.5, w_out / d**0.5
            narrow_in, narrow_out = w_in[: 3 * d].contiguous(), w_out[:, :d].contiguous()
            shared.append(
                best_time(
                    lambda: multi_head_attention(x, narrow_in, None, narrow_out, None, h),  # noqa: B023
                    repeats,
                )
            )
            wide.append(best_time(lambda: wide_heads(x, w_in, w_out, h), repeats))  # noqa: B023
    return {
        "heads": np.array(heads),
        "shared": np.array(shared),
        "wide": np.array(wide),
        "n": n,
        "d": d,
    }


@remember
@one_thread()
def two_neighbours(
    heads: int, steps: int = 250, d: int = 64, rate: float = 3e-3, seed: int = 0
) -> dict:
    """One layer of attention learns to name the token before and the one two before.

    16 random tokens out of WORDS; both answers are read linearly from the same output vector. The
    parameters are as many for each number of heads. accuracy: (steps,), share of tokens named right
    in each batch, before its update;
    maps: (heads, n, n), mean weights of 256 fresh texts after training; rows look.
    """
    generator = torch.Generator().manual_seed(seed)
    n, words = 16, WORDS
    shapes = {
        "word": (words, d),
        "place": (n, d),
        "w_in": (3 * d, d),
        "w_out": (d, d),
        "read": (d, 2 * words),
    }
    weights = {
        name: (
            torch.randn(shape, generator=generator) / (1 if name in ("word", "place") else d**0.5)
        ).requires_grad_()
        for name, shape in shapes.items()
    }
    optimizer = torch.optim.Adam(weights.values(), lr=rate)
    accuracies = np.empty(steps)
    for step in range(steps):
        ids = torch.randint(words, (32, n), generator=generator)
        x = weights["word"][ids] + weights["place"]  # (32, n, d)
        out = multi_head_attention(x, weights["w_in"], None, weights["w_out"], None, heads)
        logits = (out @ weights["read"]).unflatten(-1, (2, words))[:, 2:]  # (32, n − 2, 2, words)
        answers = torch.stack([ids[:, 1:-1], ids[:, :-2]], -1)  # (32, n − 2, 2)
        loss = F.cross_entropy(logits.reshape(-1, words), answers.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        accuracies[step] = (logits.argmax(-1) == answers).float().mean().item()
    with torch.no_grad():
        x = weights["word"][torch.randint(words, (256, n), generator=generator)] + weights["place"]
        q, k, _ = (
            F.linear(x, weights["w_in"])
            .unflatten(-1, (3, heads, d // heads))
            .permute(2, 0, 3, 1, 4)
        )
    return {
        "accuracy": accuracies,
        "maps": attention_weights(q, k).mean(0).numpy(),
    }  # (256, heads, n, n) → mean


def on_diagonal(weights: np.ndarray, back: int) -> float:
    """Mean weight that the rows of a map (n, n) give to the token `back` places before; rows from 2
    on.
    """
    return float(np.mean([weights[i, i - back] for i in range(2, len(weights))]))


@cached_figure
def plot_patterns(found: dict):
    """Score of each head (column) of each layer (row) for each pattern, one scale, up to 1 where
    some head comes near it; the best head is framed.
    """
    figure, axes = style.figure(3, 2, height=3.6, sharex=True, sharey=True)
    top = found["scores"].max()
    for ax, pattern, scores in zip(axes.flat, found["patterns"], found["scores"], strict=True):
        vmax = 1 if top > 0.5 else top
        image = ax.imshow(scores, vmin=0, vmax=vmax, aspect="auto", cmap=style.SEQUENTIAL)
        layer, head = np.unravel_index(scores.argmax(), scores.shape)
        color = style.on(image, scores.max())
        frame = style.plt.Rectangle(
            (head - 0.5, layer - 0.5), 1, 1, fill=False, color=color, lw=3.2
        )
        ax.add_patch(frame).set_clip_path(frame)  # inside its cell, even at the border
        ax.set_title(pattern)
        ax.grid(False)
        ax.set_xticks(range(1, scores.shape[1], 2), range(2, scores.shape[1] + 1, 2))
        ax.set_yticks(range(scores.shape[0]), range(1, scores.shape[0] + 1))
    for ax in axes[-1]:
        ax.set_xlabel("head")
    for ax in axes[:, 0]:
        ax.set_ylabel("layer")
    figure.colorbar(image, ax=axes, label="share of attention", shrink=0.8)
    return figure


@cached_figure
def plot_neighbours(runs: dict[int, dict]):
    """Accuracy against step for each number of heads, mean of 10 steps."""
    figure, ax = style.figure(height=2.2)
    ends = []
    for (heads, run), color, line in zip(runs.items(), style.CYCLE, style.LINES, strict=False):
        smooth = 100 * np.convolve(run["accuracy"], np.ones(10) / 10, "valid")
        steps, look = np.arange(len(smooth)) + 10, dict(color=color, linestyle=line, marker="")
        ax.plot(steps, smooth, **look, linewidth=2)
        ends.append((steps[-1], smooth[-1], f"{heads} head{'s' if heads > 1 else ''}", color))
    ax.set(xlabel="step", ylabel="tokens named right [%]", ylim=(0, 102))
    style.ends(ax, ends)
    return figure


@cached_figure
def plot_neighbour_maps(one: dict, two: dict):
    """Maps of `two_neighbours`: the only head, and each of two; their weights on the two tokens
    asked for in words.
    """
    figure, axes = style.figure(3, height=2.3)
    panels = [
        ("one head alone", one["maps"][0]),
        *((f"head {i} of two", m) for i, m in enumerate(two["maps"], 1)),
    ]
    for ax, (name, weights) in zip(axes, panels, strict=True):
        image = ax.imshow(weights, vmin=0, vmax=1)
        ax.set_title(
            f"{name}\non the token before: {100 * on_diagonal(weights, 1):.0f}%\n"
            f"on the one before that: {100 * on_diagonal(weights, 2):.0f}%",
            fontsize=8,
        )
        ax.set(xlabel="token looked at")
        ax.set_xticks(range(1, len(weights), 4), range(2, len(weights) + 1, 4))
        ax.set_yticks(range(1, len(weights), 4), range(2, len(weights) + 1, 4))
        ax.grid(False)
    axes[0].set_ylabel("token that looks")
    figure.colorbar(image, ax=axes, label="weight", shrink=0.9, ticks=(0, 0.5, 1))
    return figure


@cached_figure
def plot_head_times(found: dict):
    """Time of a forward pass against the number of heads, width shared among them or full width
    each.
    """
    figure, ax = style.figure(height=2.2)
    ends = []
    for key, label, color in (
        ("shared", "width d / h each", style.BLUE),
        ("wide", "width d each", style.ORANGE),
    ):
        times = 1000 * found[key]
        ax.plot(found["heads"], times, color=color, marker="o", linestyle="-")
        ends.append((found["heads"][-1], times[-1], label, color))
    ax.set(xlabel="heads h", ylabel="time [ms]", ylim=(0, None))
    ax.set_xticks(found["heads"])
    style.ends(ax, ends)
    return figure
