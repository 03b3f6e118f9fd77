"""A tiny language model trained with no mask, a late mask and the right one: who cheats in training
cannot write (3c).

The language is one of our own, so that its entropy is known: a loss below it means that the model
sees the answer.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from lmreport.display import style
from lmreport.display.figure import cached_figure
from lmreport.experiments.concepts.masks import VARIANTS
from lmreport.experiments.concepts.positions import sinusoidal
from lmreport.experiments.concepts.threads import one_thread
from lmreport.runs.memo import remember

NOUNS = ("list", "map", "file", "string", "class", "array", "loop", "date")
VERBS = ("sort", "copy", "read", "merge", "print", "split")
FORMS = (
    ("how", "can", "i", VERBS, "the", NOUNS, "of", "one", NOUNS),
    ("why", "does", "my", NOUNS, "not", VERBS, "the", NOUNS, "?"),
    ("can", "one", NOUNS, VERBS, "more", "than", "one", NOUNS, "?"),
)
START = "⟨s⟩"
VOCABULARY = [
    START,
    *sorted(
        {
            word
            for form in FORMS
            for part in form
            for word in (part if isinstance(part, tuple) else (part,))
        }
    ),
]
LENGTH = len(FORMS[0])


def sentences(size: int, generator) -> torch.Tensor:
    """Sentences of the language after the start token, each form and each word equally often; ids
    (size, 1 + n).
    """

    def one(choices):
        return choices[int(torch.randint(len(choices), (), generator=generator))]

    drawn_words = [
        [START, *(one(part) if isinstance(part, tuple) else part for part in one(FORMS))]
        for _ in range(size)
    ]
    return torch.tensor([[VOCABULARY.index(word) for word in row] for row in drawn_words])


def entropy() -> float:
    """Nats per word of the language: what the loss of an honest model cannot fall below, on
    average.
    """
    choices = [sum(np.log(len(part)) for part in form if isinstance(part, tuple)) for form in FORMS]
    return float((np.log(len(FORMS)) + np.mean(choices)) / LENGTH)


def allowed(words) -> bool:
    """Whether the language has this sentence."""
    return any(
        all(
            word in part if isinstance(part, tuple) else word == part
            for word, part in zip(words, form, strict=True)
        )
        for form in FORMS
    )


def fresh_weights(d: int, layers: int, generator) -> dict:
    """Random weights of a decoder of width d: words, read-out, and per layer attention and
    feed-forward network.
    """

    def random(*shape):
        return (torch.randn(*shape, generator=generator) / shape[-2] ** 0.5).requires_grad_()

    stack = [
        {"qkv": random(3, d, d), "inner": random(d, 2 * d), "outer": random(2 * d, d)}
        for _ in range(layers)
    ]
    return {
        "word": torch.randn(len(VOCABULARY), d, generator=generator).requires_grad_(),
        "read": random(d, len(VOCABULARY)),
        "layers": stack,
    }


def logits(ids, weights, attend):
    """Logits (b, n, words) of the word after each of ids (b, n); `attend` decides who may look at
    whom.
    """
    x = (
        weights["word"][ids]
        + torch.tensor(sinusoidal(ids.shape[1], weights["word"].shape[1])).float()
    )  # (b, n, d)
    for layer in weights["layers"]:
        h = F.layer_norm(x, x.shape[-1:])
        x = x + attend(*(h @ w for w in layer["qkv"]))
        x = x + (F.layer_norm(x, x.shape[-1:]) @ layer["inner"]).relu() @ layer["outer"]
    return F.layer_norm(x, x.shape[-1:]) @ weights["read"]


def write(weights, attend, texts: int, generator) -> list[list[str]]:
    """Sentences that the model writes word by word, each drawn from its own probabilities."""
    ids = torch.zeros(texts, 1, dtype=torch.long)
    for _ in range(LENGTH):
        chances = logits(ids, weights, attend)[:, -1].softmax(
            -1
        )  # (texts, words): the future is not there to be seen
        ids = torch.cat([ids, torch.multinomial(chances, 1, generator=generator)], 1)
    return [[VOCABULARY[i] for i in row[1:]] for row in ids.tolist()]


@remember
@one_thread()
def training(
    variant: str, steps: int = 400, d: int = 32, layers: int = 2, rate: float = 3e-3, seed: int = 0
) -> dict:
    """Training with one of masks.VARIANTS: loss (steps,), three sentences that it writes, share
    that are allowed.

    Every batch is new. `share`: of 500 written sentences, those that the language has; `start`: of
    their first words.
    """
    generator = torch.Generator().manual_seed(seed)
    weights, attend = fresh_weights(d, layers, generator), VARIANTS[variant]
    parameters = [
        weights["word"],
        weights["read"],
        *(w for layer in weights["layers"] for w in layer.values()),
    ]
    optimizer = torch.optim.Adam(parameters, lr=rate, foreach=True)
    losses = np.empty(steps)
    for step in range(steps):
        ids = sentences(32, generator)  # (32, 1 + n)
        found = logits(ids[:, :-1], weights, attend)
        loss = F.cross_entropy(found.flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses[step] = loss.item()
    with torch.no_grad():
        written = write(weights, attend, 500, generator)
    return {
        "loss": losses,
        "written": [" ".join(words) for words in written[:3]],
        "entropy": entropy(),
        "share": float(np.mean([allowed(words) for words in written])),
    }


@cached_figure
def plot_training(runs: dict[str, dict]):
    """Loss against step for each mask, with the entropy of the language; beside it what each model
    writes.
    """
    figure, (left, right) = style.figure(2, height=2.05, width_ratios=(1.15, 1))
    looks = dict(
        zip(runs, ((style.ORANGE, "-"), (style.BLUE, "-"), (style.PURPLE, "--")), strict=False)
    )
    beside = {"no mask": (0.3, 9, "left"), "0 after the softmax": (0.61, 8, "left")}
    for (name, run), top in zip(runs.items(), (0.99, 0.65, 0.31), strict=True):
        color, line = looks[name]
        right.text(
            0,
            top,
            f"{name}: {100 * run['share']:.0f}% correct",
            color=style.INKS[color],
            weight="bold",
            va="top",
            transform=right.transAxes,
        )
        right.text(
            0,
            top - 0.105,
            "\n".join(run["written"][:2]),
            va="top",
            fontsize=7.5,
            transform=right.transAxes,
        )
        smooth = np.convolve(run["loss"], np.ones(10) / 10, "valid")
        left.plot(
            np.arange(len(smooth)) + 10, smooth, color=color, linestyle=line, marker="", linewidth=2
        )
        share, up, side = beside.get(name, (1, 9, "right"))
        at = int(share * (len(smooth) - 1))
        style.label(left, at + 10, smooth[at], name, color, xytext=(0, up), ha=side)
    bound = next(iter(runs.values()))["entropy"]
    left.axhline(bound, color="0.4", linestyle=":", marker="", linewidth=1)
    words = f"entropy of the language, {bound:.2f}"
    style.label(left, len(smooth) + 10, bound, words, xytext=(0, -7), ha="right")
    left.set(xlabel="training step", ylabel="loss per word [nats]", ylim=(0, 1.6))
    left.set_title("training loss")
    left.set_yticks((0, 0.5, 1, 1.5))
    right.set_title("what each model writes", loc="left")
    right.axis("off")
    return figure
