"""What self-attention costs against an LSTM (Vaswani et al. 2017, section 4, table 1): FLOPs, time,
memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lmreport.display import style
from lmreport.display.figure import cached_figure
from lmreport.experiments.concepts.attention import load_encoder, multi_head_attention
from lmreport.experiments.concepts.threads import one_thread
from lmreport.models import architecture
from lmreport.runs.memo import remember

Count = TypeVar("Count", int, np.ndarray)  # of tokens: of one text, or of several
LENGTHS = (64, 128, 256, 512, 1024, 2048, 4096)
BLOCK_CROSSING = "n² part of an encoder block = rest of the block: 4n²d = 24nd²"
LABELS = {
    "stored": "attention, scores stored",
    "fused": "attention, scores never stored",
    "lstm": "LSTM",
}
LOOK = {
    "stored": dict(color=style.MODEL_COLORS["transformer"], marker="o", linestyle="-"),
    "fused": dict(color=style.SKY, marker="v", linestyle="-."),
    "lstm": dict(color=style.MODEL_COLORS["lstm"], marker="s", linestyle="--"),
    "block": dict(color=style.BLACK, marker="X", linestyle="-."),
}


def attention_flops(n: Count, d: int) -> Count:
    """FLOPs of one self-attention over n tokens of width d; a multiply-add counts 2, softmax and
    bias nothing.
    """
    projections = 4 * (2 * n * d * d)  # X W for Q, K, V and for the output
    scores = 2 * n * n * d  # Q Kᵀ
    mixing = 2 * n * n * d  # weights V
    return projections + scores + mixing


def lstm_flops(n: Count, d: int) -> Count:
    """FLOPs of one LSTM layer over n tokens, input and state of width d; only the matrix products
    count.
    """
    # W x_t and U h_{t−1} for three gates and the candidate
    gates = 4 * (2 * d * d + 2 * d * d)
    return n * gates


def block_flops(n: int, d: int, feed_forward: int | None = None) -> int:
    """FLOPs of one encoder block: self-attention, then position-wise products with so many weights;
    8d² if left out, those of two products with an inner width of 4d.
    """
    return attention_flops(n, d) + 2 * n * (8 * d * d if feed_forward is None else feed_forward)


def quadratic_share(n, d: int):
    """Share of a block's FLOPs that grows with n²: 4n²d of 24nd² + 4n²d, that is n / (6d + n)."""
    return n / (6 * d + n)


def crossings(d: int, feed_forward: int | None = None) -> dict[str, int]:
    """Lengths n from which on the quadratic side costs more FLOPs; width d on both sides,
    feed_forward as for `block_flops`.
    """
    rest = 8 * d * d if feed_forward is None else feed_forward
    return {
        "n²·d = n·d² (table 1: no projections, no constants)": d,
        "attention with its projections = LSTM: 8nd² + 4n²d = 16nd²": 2 * d,
        "products with n² alone = LSTM: 4n²d = 16nd²": 4 * d,
        BLOCK_CROSSING: round(2 * d + rest / (2 * d)),
    }


def score_bytes(n: int, heads: int, layers: int = 1, batch: int = 1, width: int = 4) -> int:
    """Bytes of the attention weights of one pass, kept for the backward pass: batch · layers ·
    heads · n · n.
    """
    return batch * layers * heads * n * n * width


def fused_attention(x, w_in, w_out):
    """One-head self-attention whose kernel works through the scores in tiles; (batch, n, d) →
    (batch, n, d).
    """
    batch, n, d = x.shape
    q, k, v = (
        F.linear(x, w_in).reshape(batch, n, 3, 1, d).permute(2, 0, 3, 1, 4)
    )  # each (batch, 1, n, d)
    return F.linear(F.scaled_dot_product_attention(q, k, v).reshape(batch, n, d), w_out)


def mechanisms(d: int, seed: int) -> dict:
    """{name: function (1, n, d) → (1, n, d)} of equal width d and seeded weights."""
    torch.manual_seed(seed)
    w_in, w_out = torch.randn(3 * d, d) / d**0.5, torch.randn(d, d) / d**0.5
    lstm = torch.nn.LSTM(d, d, batch_first=True)
    return {
        "stored": lambda x: multi_head_attention(x, w_in, None, w_out, None, heads=1),
        "fused": lambda x: fused_attention(x, w_in, w_out),
        "lstm": lambda x: lstm(x)[0],
    }


class PeakMemory(TorchDispatchMode):
    """Counts the bytes of all tensors that operations return while it is active and that live at
    the same time.

    `peak` is the highest count. Scratch space inside a kernel is not seen. Exact, so it repeats to
    the byte.
    """

    def __init__(self):
        super().__init__()
        self.alive, self.peak = {}, 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                self.alive[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
        self.alive = {
            key: (ref, size) for key, (ref, size) in self.alive.items() if not ref.expired()
        }
        self.peak = max(self.peak, sum(size for _, size in self.alive.values()))
        return result


def best_time(function, repeats: int) -> float:
    """Seconds of processor time of the cheapest of `repeats` calls, after one that does not count.

    With one thread this is the time on an idle machine: waiting while others work does not count.
    """
    function()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def forward(function, x):
    """One forward pass that keeps nothing for a backward pass."""
    with torch.inference_mode():
        return function(x)


def forward_backward(function, x):
    """One forward and one backward pass down to the input."""
    x = x.detach().requires_grad_()
    return torch.autograd.grad(function(x).sum(), x)


@remember
def measured(
    lengths: tuple[int, ...] = LENGTHS, d: int = 64, repeats: int = 3, seed: int = 0
) -> dict:
    """Seconds of processor time and bytes of each mechanism at each length, on one core, one
    sequence.

    Returns arrays {mechanism}_{forward|training}_{seconds|bytes} of shape (lengths,) and `lengths`,
    `d`.
    """
    found = {"lengths": np.array(lengths), "d": d}
    with one_thread():
        for name, function in mechanisms(d, seed).items():
            for job, run in (("forward", forward), ("training", forward_backward)):
                inputs = [
                    torch.randn(1, n, d, generator=torch.Generator().manual_seed(seed))
                    for n in lengths
                ]
                found[f"{name}_{job}_seconds"] = np.array(
                    [
                        best_time(lambda: run(function, x), repeats)  # noqa: B023
                        for x in inputs
                    ]
                )
                found[f"{name}_{job}_bytes"] = np.array(
                    [
                        peak_bytes(lambda: run(function, x))  # noqa: B023
                        for x in inputs
                    ]
                )
    return found


def peak_bytes(function) -> int:
    """The most bytes of tensors that live at the same time while `function` runs."""
    with PeakMemory() as memory:
        function()
    return memory.peak


def slope(lengths, values, start: int = 512) -> float:
    """Exponent p of values ~ lengthᵖ: slope of the least-squares line through the logarithms, from
    `start` on.
    """
    lengths, values = np.asarray(lengths), np.asarray(values)
    far = lengths >= start
    return float(np.polyfit(np.log(lengths[far]), np.log(values[far]), 1)[0])


@remember
def size(path: str, digest: str) -> dict:
    """Width d, layers and heads of the encoder at `path`; digest: of its weights.

    feed_forward: weights of the position-wise matrices of a layer; longest: how many word pieces it
    reads, 0 for no bound.
    """
    encoder, _ = load_encoder(path)
    config = encoder.config
    matrices = [
        sum(p.numel() for p in layer.parameters() if p.ndim == 2)
        for layer in architecture.layers(encoder)
    ]
    return {
        "d": config.hidden_size,
        "layers": config.num_hidden_layers,
        "heads": config.num_attention_heads,
        "feed_forward": sum(matrices) // len(matrices) - 4 * config.hidden_size**2,
        "longest": architecture.longest(encoder),
    }


def limits(
    lengths,
    bounds: tuple[int, ...],
    d: int,
    layers: int,
    heads: int,
    feed_forward: int | None = None,
    longest: int = 0,
) -> list[dict]:
    """What each bound on the number of word pieces costs on texts of these `lengths` (n,), by an
    encoder of a `size`.

    Per bound: whether the encoder can read so many, share of texts cut, share of word pieces lost,
    FLOPs per text at its own length and padded to the bound, and bytes of attention weights of one
    padded text.
    """

    def flops(n: int) -> int:
        return layers * block_flops(int(n), d, feed_forward)

    lengths = np.asarray(lengths)
    rows = []
    for bound in bounds:
        kept = np.minimum(lengths, bound)
        rows.append(
            {
                "bound": bound,
                "readable": not longest or bound <= longest,
                "cut": float((lengths > bound).mean()),
                "lost": float(1 - kept.sum() / lengths.sum()),
                "flops": float(np.mean([flops(n) for n in kept])),
                "padded_flops": float(flops(bound)),
                "score_bytes": score_bytes(bound, heads, layers),
            }
        )
    return rows


def attention_kept(n: Count, d: int, heads: int) -> Count:
    """Numbers that training keeps of one self-attention for the backward pass: x, Q, K, V, the
    output, all weights.
    """
    return 5 * n * d + heads * n * n


def lstm_kept(n: Count, d: int) -> Count:
    """Numbers that training keeps of one LSTM layer for the backward pass: x, three gates,
    candidate, c and h.
    """
    return 7 * n * d


def by_length(
    lengths=(64, 128, 256, 512, 1024, 2048, 4096, 8192), d: int = 768, heads: int = 12
) -> dict:
    """Operations (forward) and bytes kept in training of one layer over one text, counted; each
    (lengths,).
    """
    n = np.array(lengths)
    return {
        "lengths": n,
        "d": d,
        "attention_flops": attention_flops(n, d),
        "lstm_flops": lstm_flops(n, d),
        "attention_bytes": 4 * attention_kept(n, d, heads),
        "lstm_bytes": 4 * lstm_kept(n, d),
    }


@cached_figure
def plot_by_length(found: dict, mark: int = 512):
    """Left: operations, right: memory of one layer against length, log-log; BERT's limit `mark` is
    a line.
    """
    figure, axes = style.figure(2, height=1.9)
    n, at = found["lengths"], list(found["lengths"]).index(mark)
    for ax, kind, unit, title, quantity in (
        (axes[0], "flops", 1e9, f"operations, d = {found['d']}", "billions"),
        (axes[1], "bytes", 2**20, "memory kept for the backward pass", "MiB"),
    ):
        for name, label, color in (
            ("attention", "attention", style.BLUE),
            ("lstm", "LSTM", style.ORANGE),
        ):
            values = found[f"{name}_{kind}"] / unit
            ax.loglog(n, values, color=color, marker="", linestyle="-", linewidth=2)
            ax.plot(n[at], values[at], "o", color=color)
            style.label(ax, n[-1], values[-1], label, color)
        ax.axvline(mark, color="0.4", linestyle=":", marker="", linewidth=1)
        share = found[f"attention_{kind}"][at] / found[f"lstm_{kind}"][at]
        ax.annotate(
            f"at {mark} tokens\n{share:.1f} × the LSTM’s",
            (mark, 0.02),
            (20, 0),
            ("data", "axes fraction"),
            "offset points",
            va="bottom",
            fontsize=8,
        )
        ax.set(xlabel="length n [tokens]", ylabel=quantity, title=title, xlim=(n[0] * 0.9, None))
        ax.yaxis.set_major_formatter("{x:,g}")
        ticks = sorted({n[0], mark, n[-1]})
        ax.set_xticks(ticks, [f"{v:,}" for v in ticks])
        ax.minorticks_off()
        ax.grid(False)
    return figure


@cached_figure
def plot_measured(found: dict, job: str = "training"):
    """Time and memory against length, logarithmic on all axes; dotted guides rise with n and with
    n².
    """
    figure, axes = style.figure(2, height=2.7)
    n = found["lengths"]
    for ax, kind, unit, title in (
        (axes[0], "seconds", 1e3, "time [ms]"),
        (axes[1], "bytes", 2**-20, "memory [MiB]"),
    ):
        curves = {name: found[f"{name}_{job}_{kind}"] * unit for name in LABELS}
        for name in LABELS:
            ax.loglog(n, curves[name], **LOOK[name])
        last = [values[-1] for values in curves.values()]
        _guide(ax, n[-3:], 2, 1.8 * max(last), "∝ n²", xytext=(-5, 1), ha="right", va="bottom")
        _guide(ax, n[-3:], 1, 0.55 * min(last), "∝ n", xytext=(4, -2), ha="left", va="top")
        ax.set(xlabel="length n [tokens]", title=title)
        ax.set_xticks(n[::2], [f"{v:,}" for v in n[::2]])
        ax.minorticks_off()
    named = [(name, label.replace(", ", ",\n")) for name, label in LABELS.items()]
    ends = [(n[-1], curves[name][-1], words, LOOK[name]["color"]) for name, words in named]
    style.ends(axes[1], ends, gap=21)
    return figure


def _guide(ax, n, power: int, end: float, text: str, **place) -> None:
    """A dotted line that rises with nᵖ to `end` and, beside its middle, what it says."""
    values = end * (n / n[-1]) ** power
    ax.loglog(n, values, color="0.45", marker="", linestyle=":", lw=1)
    ax.annotate(
        text, (n[1], values[1]), textcoords="offset points", color="0.3", fontsize=7.5, **place
    )


@cached_figure
def plot_shares(d: int, marks: tuple[int, ...] = (128, 512)):
    """FLOPs of one layer of width d against length for LSTM, attention and block; share of a block
    that is n².
    """
    figure, (left, right) = style.figure(2, height=2.9)
    n = np.geomspace(32, 32768, 60).round().astype(int)
    ends = []
    curves: dict[str, tuple[str, Callable]]
    curves = {
        "LSTM layer": ("lstm", lstm_flops),
        "self-attention": ("stored", attention_flops),
        "encoder block": ("block", block_flops),
    }
    for label, (name, count) in curves.items():
        values = [count(int(v), d) / 1e9 for v in n]
        left.loglog(n, values, **LOOK[name] | {"marker": ""})
        ends.append((n[-1], values[-1], label, LOOK[name]["color"]))
    left.plot(2 * d, lstm_flops(2 * d, d) / 1e9, "o", color="black", zorder=5)
    left.annotate(
        f"n = 2d = {2 * d:,}",
        (2 * d, lstm_flops(2 * d, d) / 1e9),
        (8, -12),
        textcoords="offset points",
    )
    left.set(xlabel="length n [tokens]", title=f"GFLOPs of one layer, d = {d}")
    style.ends(left, ends)
    right.semilogx(n, 100 * quadratic_share(n, d), **LOOK["block"] | {"marker": ""})
    for mark in marks:
        right.plot(mark, 100 * quadratic_share(mark, d), "s", color="black")
        right.annotate(
            f"n = {mark:,}",
            (mark, 100 * quadratic_share(mark, d)),
            (-4, 6),
            textcoords="offset points",
            ha="right",
        )
    right.plot(6 * d, 50, "o", color="black")
    right.annotate(
        f"n = 6d = {6 * d:,}",
        (6 * d, 50),
        (-8, 0),
        textcoords="offset points",
        ha="right",
        va="center",
    )
    right.set(
        xlabel="length n [tokens]", title="share of a block's FLOPs that is n² [%]", ylim=(0, 100)
    )
    right.set_xlim(left=n[0] / 6)  # room for the name of the first point
    return figure
