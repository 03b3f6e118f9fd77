"""What recurrence costs: one step after the other, and a gradient that fades with distance
(question 3a).
"""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import nn

from lmreport.display import markdown, style
from lmreport.display.figure import cached_figure
from lmreport.experiments.concepts.attention import attention
from lmreport.experiments.concepts.threads import one_thread
from lmreport.runs.memo import remember

LENGTHS = (16, 32, 64, 128, 256, 512, 1024)
DISTANCES = (4, 8, 16, 32, 64)
RADIUS = 3.0  # largest eigenvalue of the recurrent weights of the RNN that explodes
FORGET_BIAS = 3.0  # the forget gates of the LSTM that keeps start near σ(3) = 0.95


def lstm(x, w, u, b):
    """The LSTM of Hochreiter & Schmidhuber (1997) with forget gate, step by step; x (n, d) → h (n,
    d).

    w, u: (d, 4d), b: (4d,), for the input, forget and output gates and the candidate in PyTorch's
    order i, f, g, o.
    """
    h = c = torch.zeros(len(u), dtype=u.dtype)
    states = []
    for x_t in x:  # step t cannot start before step t − 1 has given h and c
        i, f, g, o = (x_t @ w + h @ u + b).chunk(4)  # (d,) each
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        states.append(h)
    return torch.stack(states)  # (n, d)


def self_attention(x, w_q, w_k, w_v):
    """One head of self-attention over x (n, d); w_q, w_k, w_v: (d, d)."""
    return attention(x @ w_q, x @ w_k, x @ w_v)  # (n, d): all positions in one go


def longest_chain(output) -> int:
    """Number of operations on the longest path of the graph behind `output`: what no parallel
    machine can shorten.
    """
    depth, todo = {None: 0}, [output.grad_fn]
    while todo:
        node = todo[-1]
        before = [parent for parent, _ in node.next_functions]
        waiting = [parent for parent in before if parent not in depth]
        if waiting:
            todo += waiting
        else:
            depth[todo.pop()] = 1 + max((depth[parent] for parent in before), default=0)
    return depth[output.grad_fn]


@remember
def sequential_steps(lengths=LENGTHS, d: int = 8, seed: int = 0) -> dict:
    """Longest chain of dependent operations behind the last output of LSTM and self-attention, for
    each length.
    """
    generator = torch.Generator().manual_seed(seed)

    def weights(*shape):
        return torch.randn(*shape, generator=generator, requires_grad=True)

    w, u, b = weights(d, 4 * d), weights(d, 4 * d), weights(4 * d)
    w_q, w_k, w_v = (weights(d, d) for _ in range(3))
    steps = [
        (longest_chain(lstm(x, w, u, b)[-1]), longest_chain(self_attention(x, w_q, w_k, w_v)[-1]))
        for x in (weights(n, d) for n in lengths)
    ]
    return {
        "lengths": np.array(lengths),
        "lstm": np.array(steps)[:, 0],
        "attention": np.array(steps)[:, 1],
    }


def slope(lengths, values, first: int = 0) -> float:
    """Exponent a of the power law values ∝ lengthsᵃ, by least squares on the logarithms from index
    `first` on.
    """
    return float(np.polyfit(np.log(lengths[first:]), np.log(values[first:]), 1)[0])


@remember
def times(lengths=LENGTHS, d: int = 256, heads: int = 4, repeats: int = 5, seed: int = 0) -> dict:
    """Seconds, forward and backward, of one layer of width d over one sequence; the best of
    `repeats` runs.

    nn.LSTM (all steps in one compiled call) against nn.MultiheadAttention, on this machine with its
    threads.
    """
    torch.manual_seed(seed)
    recurrent, attending = (
        nn.LSTM(d, d, batch_first=True),
        nn.MultiheadAttention(d, heads, batch_first=True),
    )
    layers = {
        "lstm": lambda x: recurrent(x)[0],
        "attention": lambda x: attending(x, x, x, need_weights=False)[0],
    }
    best = {name: np.full(len(lengths), np.inf) for name in layers}
    for i, n in enumerate(lengths):
        x = torch.randn(1, n, d, requires_grad=True)
        for _ in range(repeats + 1):
            for name, layer in layers.items():  # in turn, so that a busy moment hits both
                start = time.perf_counter()
                layer(x).sum().backward()
                best[name][i] = min(best[name][i], time.perf_counter() - start)
    return {"lengths": np.array(lengths), "d": d, "threads": torch.get_num_threads()} | best


def influence(layer, x):
    """‖∂h_T/∂x_t‖ (Frobenius) for every distance T − t = 0, 1, …; `layer` maps x (n, d) to h (n,
    d).
    """
    jacobian = torch.autograd.functional.jacobian(lambda x: layer(x)[-1], x)  # (d, n, d)
    return jacobian.norm(dim=(0, 2)).flip(0)  # (n,)


SENTENCE = (
    "my loop over the keys prints the last key in every line , why ?".split()
)  # written for this report


def moved(layer, x, others):
    """‖change of h_T‖ for each word t when x_t is replaced by others_t; layer maps (n, d) to (n,
    d); returns (n,).
    """
    last = layer(x)[-1]  # (d,)
    replaced = x.repeat(len(x), 1, 1)  # (n, n, d): one copy of the sentence per word
    replaced[range(len(x)), range(len(x))] = others
    return torch.stack([(layer(one)[-1] - last).norm() for one in replaced])


@remember
@one_thread()
def still_moves(n: int = len(SENTENCE), d: int = 32, seeds: int = 20) -> dict:
    """Share of each word in what moves the last output, for the layers of `untrained`; arrays (n,)
    that sum to 1.

    Each of n random word vectors is replaced by another one in turn (`moved`); mean over seeds of
    words and weights.
    """
    shares = {}
    for seed in range(seeds):
        torch.manual_seed(seed)
        x, others = torch.randn(2, n, d, dtype=torch.float64)
        for name, layer in untrained(d).items():
            with torch.no_grad():
                change = moved(layer, x, others)
            shares[name] = shares.get(name, 0) + (change / change.sum()).numpy() / seeds
    return shares


@remember
def waiting(lengths=LENGTHS, d: int = 256, heads: int = 4, repeats: int = 3, seed: int = 0) -> dict:
    """Seconds, forward and backward, of one layer over one sequence: on the GPU by the clock, else
    by one core's time.

    Only a GPU can show that LSTM steps wait for each other; on one core nothing runs side by side.
    Returns lengths, d, where ("" or the GPU's name), lstm and attention (lengths,), the best of
    `repeats`.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(seed)
    recurrent = nn.LSTM(d, d, batch_first=True).to(device)
    attending = nn.MultiheadAttention(d, heads, batch_first=True).to(device)
    layers = {
        "lstm": lambda x: recurrent(x)[0],
        "attention": lambda x: attending(x, x, x, need_weights=False)[0],
    }
    found = {
        "lengths": np.array(lengths),
        "d": d,
        "where": torch.cuda.get_device_name() if device == "cuda" else "",
    }
    with one_thread():
        for name, layer in layers.items():
            found[name] = np.array(
                [seconds(layer, torch.randn(1, n, d, device=device), repeats) for n in lengths]
            )
    return found


def seconds(layer, x, repeats: int) -> float:
    """Seconds of the fastest forward and backward pass after one that does not count: GPU's clock,
    or processor's.
    """
    clock = time.perf_counter if x.is_cuda else time.process_time
    x, times = x.requires_grad_(), []
    for _ in range(repeats + 1):
        start = clock()
        layer(x).sum().backward()
        if x.is_cuda:
            torch.cuda.synchronize()
        times.append(clock() - start)
    return min(times[1:])


def untrained(d: int) -> dict:
    """Fresh layers of width d without biases: RNNs with small and large weights, LSTMs that forget
    and keep, attention.

    The first RNN and LSTM start as PyTorch starts them.
    """
    rnn, wild, plain, keeping = (kind(d, d).double() for kind in (nn.RNN, nn.RNN, nn.LSTM, nn.LSTM))
    with torch.no_grad():
        for layer in (rnn, wild, plain, keeping):
            layer.bias_ih_l0.zero_(), layer.bias_hh_l0.zero_()
        wild.weight_hh_l0.mul_(RADIUS / torch.linalg.eigvals(wild.weight_hh_l0).abs().max())
        keeping.bias_ih_l0[d : 2 * d] = FORGET_BIAS
    w = [torch.randn(d, d, dtype=torch.float64) / d**0.5 for _ in range(3)]
    return {
        "rnn": lambda x: rnn(x)[0],
        "rnn_large": lambda x: wild(x)[0],
        "lstm": lambda x: plain(x)[0],
        "lstm_keep": lambda x: keeping(x)[0],
        "attention": lambda x: self_attention(x, *w),
    }


@remember
@one_thread()
def gradients(n: int = 101, d: int = 32, seeds: int = 5) -> dict:
    """‖∂h_T/∂x_t‖ against distance for the layers of `untrained`, geometric mean over seeds, 1 at
    distance 1.
    """
    sums = {}
    for seed in range(seeds):
        torch.manual_seed(seed)
        x = torch.randn(n, d, dtype=torch.float64)
        for name, layer in untrained(d).items():
            norms = influence(layer, x)[1:]
            sums[name] = sums.get(name, 0) + (norms / norms[0]).log().numpy() / seeds
    return {"distance": np.arange(1, n)} | {name: np.exp(value) for name, value in sums.items()}


class Recaller(nn.Module):
    """Embedding, one layer of the given kind, and a linear read-out of the last position; ids
    (batch, n) → logits.
    """

    def __init__(self, kind: str, vocabulary: int, width: int, length: int):
        super().__init__()
        self.token, self.out = nn.Embedding(vocabulary, width), nn.Linear(width, vocabulary)
        self.place = nn.Embedding(length, width) if kind == "attention" else None
        layers = {"rnn": nn.RNN, "lstm": nn.LSTM, "lstm_keep": nn.LSTM}
        self.mix = (
            layers[kind](width, width, batch_first=True)
            if kind in layers
            else nn.Linear(width, 3 * width)
        )
        if kind == "lstm_keep":
            nn.init.constant_(self.mix.bias_ih_l0[width : 2 * width], FORGET_BIAS)

    def forward(self, ids):
        x = self.token(ids)  # (batch, n, width)
        if self.place is None:
            return self.out(self.mix(x)[0][:, -1])
        q, k, v = self.mix(x + self.place.weight).chunk(3, -1)
        return self.out(attention(q[:, -1:], k, v)[:, 0])  # only the last position asks


def train_recall(
    kind: str, k: int, steps: int, seed: int, vocabulary: int = 8, width: int = 32
) -> float:
    """Accuracy on 1,000 fresh sequences after `steps` updates on naming the token k steps back
    (chance: 1 / 8).
    """
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    model = Recaller(kind, vocabulary, width, k + 1)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3, fused=True)
    for _ in range(steps):
        ids = torch.randint(vocabulary, (32, k + 1), generator=generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(ids), ids[:, 0]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1)
        optimizer.step()
    ids = torch.randint(vocabulary, (1000, k + 1), generator=generator)
    with torch.no_grad():
        return float((model(ids).argmax(-1) == ids[:, 0]).float().mean())


@remember
@one_thread()
def recall(
    kinds=("rnn", "lstm", "lstm_keep", "attention"),
    distances=DISTANCES,
    steps: int = 250,
    seeds: int = 2,
) -> dict:
    """Accuracy of `train_recall` for each kind of layer, array (distances, seeds); same updates,
    batches and rates.
    """
    found = {
        kind: np.array(
            [[train_recall(kind, k, steps, seed) for seed in range(seeds)] for k in distances]
        )
        for kind in kinds
    }
    return {"distances": np.array(distances), "steps": steps, "chance": 1 / 8} | found


NAMES = {
    "rnn": "RNN",
    "rnn_large": "RNN, large weights",
    "lstm": "LSTM, as initialised",
    "lstm_keep": "LSTM, forget gate ≈ 1",
    "attention": "self-attention",
}
LOOK = {
    name: dict(
        color=style.CYCLE[i], marker=style.MARKERS[i], linestyle=style.LINES[i], label=NAMES[name]
    )
    for i, name in enumerate(["attention", "lstm", "lstm_keep", "rnn", "rnn_large"])
}


@cached_figure
def plot_cost(steps: dict, seconds: dict):
    """Left: longest chain of operations against length; right: measured seconds. Both log-log."""
    fig, (left, right) = style.figure(2, height=2.7)
    for name, label in (("lstm", "LSTM"), ("attention", "self-attention")):
        look = LOOK[name] | {"label": label}
        left.loglog(steps["lengths"], steps[name], **look)
        right.loglog(seconds["lengths"], 1000 * seconds[name], **look)
    left.set(
        title="Operations that must wait",
        ylabel="longest chain of operations",
        xlabel="tokens in the sequence",
    )
    right.set(
        title="Time on this machine",
        ylabel="forward + backward (ms)",
        xlabel="tokens in the sequence",
    )
    for axes in (left, right):
        axes.set_xticks(steps["lengths"][::2], [f"{n:,}" for n in steps["lengths"][::2]])
        axes.minorticks_off()
        axes.legend()
    low, high = right.get_ylim()
    ticks = [m * 10.0**e for e in range(-3, 5) for m in (1, 2, 5) if low <= m * 10.0**e <= high]
    right.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    right.minorticks_off()
    return fig


@cached_figure
def plot_waiting(steps: dict, clocked: dict):
    """Left: longest chain (`sequential_steps`); right: seconds (`waiting`), on the GPU or one
    core's work.
    """
    fig, (left, right) = style.figure(2, height=2.6)
    where = clocked["where"] and f"on {clocked['where']}" or "work on one core"
    for axes, found, scale in ((left, steps, 1), (right, clocked, 1000)):
        for name, label, color in (
            ("lstm", "LSTM", style.ORANGE),
            ("attention", "attention", style.BLUE),
        ):
            axes.loglog(
                found["lengths"],
                scale * found[name],
                color=color,
                marker="",
                linestyle="-",
                linewidth=2,
            )
            at = len(found["lengths"]) // 2
            style.label(
                axes,
                found["lengths"][at],
                scale * found[name][at],
                label,
                color,
                ha="right" if name == "lstm" else "left",
                xytext=(-6, 6) if name == "lstm" else (6, -7),
            )
        axes.set_xticks(found["lengths"][::2], [f"{n:,}" for n in found["lengths"][::2]])
        axes.minorticks_off()
        top = 3 * scale * max(found["lstm"][-1], found["attention"][-1])
        axes.set(xlabel="words in the sequence", ylim=(None, top))
    left.set(title="operations that must wait")
    left.set_ylim(bottom=1)
    right.set(title=f"time [ms], {where}")
    return fig


@cached_figure
def plot_still_moves(found: dict, words: list[str] = SENTENCE):
    """Share of each word in what moves the last output, as bars over the words, one row for each of
    three layers.
    """
    rows = {
        "rnn": ("RNN", style.ORANGE),
        "lstm": ("LSTM, as initialised", style.PURPLE),
        "attention": ("self-attention", style.BLUE),
    }
    fig, panels = style.figure(1, len(rows), height=3.2, sharex=True, sharey=True)
    for axes, (name, (label, color)) in zip(panels, rows.items(), strict=True):
        axes.bar(range(len(words)), 100 * found[name], color=color, width=0.7)
        axes.text(
            -0.4,
            80 * max(found[row].max() for row in rows),
            label,
            color=style.INKS[color],
            va="center",
        )
        for t in (1, len(words) // 2, len(words) - 1):
            percent = 100 * found[name][t]
            axes.text(t, percent + 1.5, f"{markdown.num(percent, 2)}%", ha="center", fontsize=7.5)
        axes.grid(False, axis="x")
    panels[1].set_ylabel("share of what moves\nthe last output [%]")
    panels[-1].set_xticks(range(len(words)), words)
    return fig


@cached_figure
def plot_memory(fading: dict, recalled: dict):
    """Left: gradient against distance, log scale; right: accuracy of the recall task, each seed a
    marker.
    """
    fig, (left, right) = style.figure(2, height=3.5)
    for name in ("rnn_large", "attention", "lstm_keep", "lstm", "rnn"):
        left.semilogy(
            fading["distance"], np.maximum(fading[name], 1e-20), **LOOK[name], markevery=14
        )
    left.set(
        title="Gradient",
        xlabel="distance T − t (tokens)",
        ylabel="‖∂h$_T$/∂x$_t$‖, 1 at distance 1",
        ylim=(1e-18, 1e11),
    )
    for name in ("attention", "lstm_keep", "lstm", "rnn"):
        right.plot(recalled["distances"], recalled[name].mean(1), **LOOK[name])
    right.axhline(recalled["chance"], color="0.5", linestyle=":", linewidth=1)
    right.annotate(
        "chance",
        (recalled["distances"][0], recalled["chance"]),
        xytext=(0, -9),
        textcoords="offset points",
        color="0.35",
        fontsize=7.5,
    )
    right.set(
        title="Recall",
        xlabel="tokens back (k)",
        ylabel="accuracy after training",
        ylim=(0, 1.05),
        xscale="log",
    )
    right.set_xticks(recalled["distances"], [str(k) for k in recalled["distances"]])
    right.minorticks_off()
    fig.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig
