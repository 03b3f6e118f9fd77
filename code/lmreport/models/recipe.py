"""What a fine-tuning sets beyond the assignment's recipe, as one frozen object, and what each of it
does to the data, the parameters and the weights."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Recipe:
    """Everything that a fine-tuning of the ladder sets; the standard values are the recipe that the
    others change.

    texts: training texts, drawn by class (0: all); max_length: word pieces of a text with [CLS] and
    [SEP]; tail: how many of them come from the end of a text that is longer; layer_decay: factor of
    the learning rate from a layer to the one below; average: weight of the old mean in the moving
    average of the weights (0: none); masked_epochs: passes of masked-language-model training over
    all training texts before.
    """

    texts: int = 0
    max_length: int = 256
    tail: int = 0
    epochs: int = 2
    batch_size: int = 16
    learning_rate: float = 1e-4
    schedule: str = "linear"
    warmup: float = 0.1
    weight_decay: float = 0.01
    layer_decay: float = 1.0
    label_smoothing: float = 0.0
    dropout: float = 0.1
    attention_dropout: float = 0.0  # on a CPU, dropout inside attention rules out the fast kernel
    average: float = 0.0
    masked_epochs: int = 0
    masked_length: int = 128
    seed: int = 157  # of the head, the batches and dropout
    drawn: int = 157  # of the split and of the texts that are drawn


def cut(pieces: list[int], max_length: int, tail: int, first: int, last: int) -> list[int]:
    """Word pieces between [CLS] (`first`) and [SEP] (`last`), at most `max_length` in all: of a
    longer text its beginning and its last `tail` pieces."""
    room = max_length - 2
    if len(pieces) > room:
        pieces = pieces[: room - tail] + pieces[len(pieces) - tail :]
    return [first, *pieces, last]


def windows(
    pieces: list[int], max_length: int, most: int, first: int, last: int
) -> list[list[int]]:
    """A text as at most `most` inputs, one after the other, for a prediction that reads beyond the
    cut.
    """
    room = max_length - 2
    starts = range(0, max(len(pieces), 1), room)[:most]
    return [[first, *pieces[start : start + room], last] for start in starts]


def depth(name: str, layers: int) -> int:
    """How far a parameter lies above the input: 0 embeddings, 1 … `layers` the layers, `layers` + 1
    pooler and head.
    """
    if "embeddings." in name:
        return 0
    found = re.search(r"\.layer\.(\d+)\.", name)
    return int(found[1]) + 1 if found else layers + 1


def parameter_groups(model, recipe: Recipe) -> list[dict]:
    """Groups for AdamW with their own learning rate (layer by layer) and weight decay (none of
    biases and norms).
    """
    layers, groups = model.config.num_hidden_layers, {}  # type: int, dict
    for name, parameter in model.named_parameters():
        rate = recipe.learning_rate * recipe.layer_decay ** (layers + 1 - depth(name, layers))
        decay = 0.0 if parameter.ndim < 2 else recipe.weight_decay
        groups.setdefault((rate, decay), []).append(parameter)
    return [
        {"params": group, "lr": rate, "weight_decay": decay}
        for (rate, decay), group in groups.items()
    ]


def factor(recipe: Recipe, step: int, steps: int) -> float:
    """By what the learning rate is multiplied at `step` of `steps`: up during the warm-up, then
    down to zero.
    """
    up = max(1, round(recipe.warmup * steps))
    if step < up:
        return (step + 1) / up
    done = (step - up) / max(1, steps - up)
    return {"linear": 1 - done, "cosine": (1 + math.cos(math.pi * done)) / 2, "constant": 1.0}[
        recipe.schedule
    ]


def batches(lengths: np.ndarray, recipe: Recipe, epoch: int) -> list[np.ndarray]:
    """Row numbers of each batch of an epoch: texts of like length together, batches in random
    order.

    The order depends on the recipe's seed and the epoch only, so that a resumed training sees what
    it would have seen.
    """
    rng, size = np.random.default_rng([recipe.seed, epoch]), recipe.batch_size
    shuffled = rng.permutation(len(lengths))
    pools = [shuffled[start : start + 32 * size] for start in range(0, len(shuffled), 32 * size)]
    rows = [pool[np.argsort(-lengths[pool], kind="stable")] for pool in pools]
    made = [pool[start : start + size] for pool in rows for start in range(0, len(pool), size)]
    return [made[i] for i in rng.permutation(len(made))]


def update_average(mean: dict, weights: dict, keep: float) -> None:
    """The moving average w̄ ← β·w̄ + (1 − β)·w of each floating-point tensor, in place; the others
    are copied.
    """
    for name, weight in weights.items():
        if weight.is_floating_point():
            mean[name].mul_(keep).add_(weight, alpha=1 - keep)
        else:
            mean[name].copy_(weight)
