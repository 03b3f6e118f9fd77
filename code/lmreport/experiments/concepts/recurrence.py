"""What recurrence costs: one step after the other, and a gradient that fades with distance
(question 3a).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from lmreport.display import style
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


def influence(layer, x):
    """‖∂h_T/∂x_t‖ (Frobenius) for every distance T − t = 0, 1, …; `layer` maps x (n, d) to h (n,
    d).
    """
    jacobian = torch.autograd.functional.jacobian(lambda x: layer(x)[-1], x)  # (d, n, d)
    return jacobian.norm(dim=(0, 2)).flip(0)  # (n,)


def untrained(d: int) -> dict:
    """Fresh layers of width d without biases: RNNs with small and large weights, LSTMs that forget
    and keep, attention.

    The first RNN and LSTM start as PyTorch starts them.
    """
    rnn: Any  # by its own types, what a layer holds may be a tensor or another layer
    wild: Any
    plain: Any
    keeping: Any
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
    sums: dict[str, Any]
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
            nn.init.constant_(self.mix.bias_ih_l0[width : 2 * width], FORGET_BIAS)  # type: ignore[index]  # an LSTM

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
    "lstm": "LSTM, PyTorch’s start",
    "lstm_keep": "LSTM, forget gate ≈ 1",
    "attention": "self-attention",
}
COLORS = dict(
    zip(("attention", "lstm", "lstm_keep", "rnn", "rnn_large"), style.CYCLE, strict=False)
)


@cached_figure
def plot_memory(fading: dict, recalled: dict):
    """Left: gradient against distance, log scale; right: accuracy of the recall task in percent, mean
    of the seeds, a row for each layer and a column for each distance.
    """
    fig, (left, right) = style.figure(2, height=1.95, width_ratios=(1, 1.15))
    # attention's line is wide and pale, so that the LSTM that keeps does not hide it
    for name in ("attention", "rnn_large", "lstm_keep", "lstm", "rnn"):
        wide = dict(linewidth=6, alpha=0.45) if name == "attention" else dict(linewidth=2)
        look = dict(color=COLORS[name], linestyle="-", marker="") | wide
        left.semilogy(fading["distance"], fading[name], **look)
    left.set(title="remaining gradient (one token back: 1)", xlabel="tokens back")
    left.set_yticks([1e-30, 1e-20, 1e-10, 1], ["10⁻³⁰", "10⁻²⁰", "10⁻¹⁰", "1"])
    left.minorticks_off()
    end = fading["distance"][-1]
    style.ends(left, [(end, fading[n][-1], NAMES[n], COLORS[n]) for n in COLORS])
    _show_recalled(right, recalled)
    return fig


def _show_recalled(axes, recalled: dict) -> None:
    """Accuracy of each layer (row) at each distance (column) as a map with its values."""
    names = [n for n in ("attention", "lstm_keep", "lstm", "rnn") if n in recalled]
    shares = 100 * np.array([recalled[name].mean(1) for name in names])
    image = axes.imshow(shares, vmin=0, vmax=100, cmap="Blues", aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        color = style.on(image, share)
        axes.text(column, row, f"{share:.0f}", color=color, ha="center", va="center", fontsize=8)
    axes.set_xticks(range(len(recalled["distances"])), [str(k) for k in recalled["distances"]])
    axes.set_yticks(range(len(names)), [NAMES[name].replace(", ", ",\n") for name in names])
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        label.set_color(style.INKS[COLORS[name]])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.grid(False)
    axes.set(title="recalled after training [%]")
    axes.set_xlabel(f"tokens back (guessing: {100 * recalled['chance']:.3g}%)")
