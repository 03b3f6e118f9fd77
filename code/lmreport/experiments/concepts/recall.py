"""Recall with a movable target: what attention learns to look at, and how far the word is for
either layer (3b).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from lmreport.display import style
from lmreport.display.figure import cached_figure
from lmreport.experiments.concepts.attention import attention_weights
from lmreport.experiments.concepts.recurrence import lstm, self_attention
from lmreport.experiments.concepts.threads import one_thread
from lmreport.runs.memo import remember

PAIRS, WORDS, VALUES, WIDTH = (
    24,
    32,
    8,
    48,
)  # pairs in a text, different words, different values, width d


class Recaller(nn.Module):
    """Reads PAIRS pairs (word, value), then a word; names its value. ids (b, n), values (b, n),
    asked (b,) → logits.
    """

    def __init__(self, kind: str):
        super().__init__()
        self.word, self.value = nn.Embedding(WORDS, WIDTH), nn.Embedding(VALUES, WIDTH)
        self.mix = (
            nn.LSTM(WIDTH, WIDTH, batch_first=True)
            if kind == "lstm"
            else nn.Linear(WIDTH, 3 * WIDTH)
        )
        self.read = nn.Linear(WIDTH, VALUES)

    def forward(self, ids, values, asked):
        pairs, question = (
            self.word(ids) + self.value(values),
            self.word(asked)[:, None],
        )  # (b, n, d), (b, 1, d)
        if isinstance(self.mix, nn.LSTM):
            return self.read(self.mix(torch.cat([pairs, question], 1))[0][:, -1])
        _, _, v = self.mix(pairs).chunk(3, -1)  # (b, n, d)
        return self.read((self.weights(ids, values, asked) @ v)[:, 0])

    def weights(self, ids, values, asked):
        """What the question looks at: (b, 1, n)."""
        q, _, _ = self.mix(self.word(asked)[:, None]).chunk(3, -1)  # (b, 1, d)
        _, k, _ = self.mix(self.word(ids) + self.value(values)).chunk(3, -1)  # (b, n, d)
        return attention_weights(q, k)


def task(size: int, generator):
    """Texts of pairs, a place in each that is asked for, and the value there: ids, values (size,
    n), places (size,).
    """
    ids = torch.rand(size, WORDS, generator=generator).argsort(-1)[
        :, :PAIRS
    ]  # no word twice in a text
    values = torch.randint(VALUES, (size, PAIRS), generator=generator)
    return ids, values, torch.randint(PAIRS, (size,), generator=generator)


@remember
@one_thread()
def movable(
    kind: str, steps: int = 400, tests: int = 4800, rate: float = 3e-3, seed: int = 0
) -> dict:
    """Training `Recaller` on texts whose target moves: accuracy by place (n,), and of attention the
    map (n, n).

    map: row: place of the target, column: mean weight of the place looked at. Same updates for both
    kinds.
    """
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    model = Recaller(kind)
    optimizer = torch.optim.Adam(model.parameters(), rate, fused=True)
    for step in range(steps + 1):
        ids, values, places = task(32 if step < steps else tests, generator)
        asked, answers = (part.gather(1, places[:, None])[:, 0] for part in (ids, values))
        if step == steps:
            break
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(ids, values, asked), answers).backward()
        optimizer.step()
    with torch.no_grad():
        right = (model(ids, values, asked).argmax(-1) == answers).float()
        found = {"accuracy": by_place(right, places).numpy(), "chance": 1 / VALUES}
        if kind == "attention":
            found["map"] = by_place(model.weights(ids, values, asked)[:, 0], places).numpy()
    return found


def by_place(results, places):
    """Mean of results (tests, …) over the tests with the same place: (PAIRS, …)."""
    return torch.stack([results[places == place].mean(0) for place in range(PAIRS)])


def shortest_path(node, leaf) -> int:
    """Number of operations on the shortest path of the graph from the tensor `leaf` to the
    operation `node`. Raises ValueError if there is no path.
    """
    layer, seen, steps = [node], set(), 0
    while layer:
        if any(getattr(node, "variable", None) is leaf for node in layer):
            return steps
        layer = [
            node
            for before in layer
            for node, _ in before.next_functions
            if node and node not in seen
        ]
        seen.update(layer)
        steps += 1
    raise ValueError("leaf: no path leads from it to this operation")


@remember
def paths(n: int = PAIRS + 1, d: int = 4, seed: int = 0) -> dict:
    """Operations between each word and the last output, on the shortest path, for one layer: arrays
    (n,).
    """
    generator = torch.Generator().manual_seed(seed)
    words = [torch.randn(d, generator=generator, requires_grad=True) for _ in range(n)]
    w, u, b = (
        torch.randn(*shape, generator=generator) for shape in ((d, 4 * d), (d, 4 * d), (4 * d,))
    )
    w_q, w_k, w_v = torch.randn(3, d, d, generator=generator)
    states = lstm(words, w, u, b).grad_fn  # the stack of all states; the last of them is
    last = {
        "lstm": states.next_functions[-1][0],
        "attention": self_attention(torch.stack(words), w_q, w_k, w_v)[-1].grad_fn,
    }
    return {
        name: np.array([shortest_path(node, word) for word in words]) for name, node in last.items()
    }


@cached_figure
def plot_movable(attending: dict, recurrent: dict, lengths: dict):
    """Left: the map that attention learned; middle: shortest paths; right: accuracy, both against
    the distance.
    """
    fig, (left, middle, right) = style.figure(3, height=1.7)
    _show_map(left, attending["map"])
    distance = np.arange(PAIRS, 0, -1)
    for name, found, label, color in (
        ("lstm", recurrent, "LSTM", style.ORANGE),
        ("attention", attending, "attention", style.BLUE),
    ):
        look = dict(color=color, marker="", linestyle="-", linewidth=2)
        path, accuracy = lengths[name][:-1], 100 * found["accuracy"]
        middle.plot(distance, path, **look)
        right.plot(distance, accuracy, **look)
        few, many = path.min(), path.max()
        steps = f"{label}: {few}" + (f" to {many}" if few < many else "")
        top = dict(xytext=(0, 3), va="bottom")
        style.label(middle, 1, path[-1] if few == many else 0.86 * many, steps, color, **top)
        style.label(right, 1, accuracy.max(), f"{label}: {accuracy.mean():.0f}%", color, **top)
    middle.set(title="path to the answer", ylabel="operations", ylim=(0, None))
    chance = 100 * attending["chance"]
    right.axhline(chance, color="0.5", linestyle=":", marker="", linewidth=1)
    style.label(right, 1, chance, f"guessing: {chance:.3g}%", xytext=(0, -2), va="top")
    right.set(title="answered right", ylabel="accuracy [%]", ylim=(-9, 124))
    right.set_yticks((0, 50, 100))
    for ax in (middle, right):
        ax.set(xlabel="pairs back", xlim=(0, PAIRS + 1))
        ax.set_xticks((1, PAIRS // 2, PAIRS))
    return fig


def _show_map(axes, weights) -> None:
    """What attention looks at (n, n), and its mean weight on the place asked for in words."""
    image = axes.imshow(weights, vmin=0, vmax=1)
    n, on_target = len(weights), weights.diagonal().mean()
    words = f"{100 * on_target:.0f}% of\nits weight"
    look = dict(color=style.on(image, weights[1, -2]), fontsize=8, ha="right", va="top")
    axes.text(n - 1.2, 0.2, words, **look)
    axes.set(title="where attention looks", xlabel="pair looked at", ylabel="pair asked for")
    places = (0, n // 2 - 1, n - 1)
    axes.set_xticks(places, [str(place + 1) for place in places])
    axes.set_yticks(places, [str(place + 1) for place in places])
    axes.grid(False)
