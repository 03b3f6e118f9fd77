"""Where a word stands: attention does not know, so a vector of its place is added to it (question
3c, first part).
"""

from __future__ import annotations

import numpy as np
import torch

from lmreport.display import style
from lmreport.display.figure import cached_figure
from lmreport.experiments.concepts.attention import load_encoder, multi_head_attention
from lmreport.models import architecture
from lmreport.runs.memo import remember


def sinusoidal(n: int, d: int) -> np.ndarray:
    """PE(pos, 2i) = sin(pos / 10000^(2i/d)), PE(pos, 2i+1) = cos of the same; Vaswani et al.,
    section 3.5; (n, d).
    """
    angles = np.arange(n)[:, None] / 10_000 ** (np.arange(0, d, 2) / d)  # (n, d/2)
    # sin and cos of a frequency side by side
    return np.stack([np.sin(angles), np.cos(angles)], -1).reshape(n, d)


def hands(p: int, d: int) -> np.ndarray:
    """The angles p · 10000^(−2i/d) of the d/2 pairs at position p: PE(p) is (sin, cos) of each;
    (d/2,), in radians.
    """
    return p / 10_000 ** (np.arange(0, d, 2) / d)


def similarity(table) -> np.ndarray:
    """Cosines between the rows of a position table (n, d) after its mean row is taken out; (n,
    n).
    """
    table = np.asarray(table)
    centred = table - table.mean(0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return unit @ unit.T


def by_offset(matrix: np.ndarray, offsets: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of matrix[p, p + k] over p, for k = 0 … offsets − 1."""
    diagonals = [np.diagonal(matrix, k) for k in range(offsets)]
    return np.array([d.mean() for d in diagonals]), np.array([d.std() for d in diagonals])


def offset_share(matrix: np.ndarray) -> float:
    """Share of the variance of matrix[p, q], q > p, that the offset q − p explains."""
    rows, columns = np.triu_indices(len(matrix), 1)
    mean, _ = by_offset(matrix, len(matrix))
    values = matrix[rows, columns]
    return float(1 - (values - mean[columns - rows]).var() / values.var())


@torch.no_grad()
def equivariance(n: int = 12, d: int = 32, heads: int = 4, seed: int = 0) -> dict[str, float]:
    """Largest |f(Px) − P f(x)| of a self-attention f under a permutation P, bare and with positions
    added to x.
    """
    generator = torch.Generator().manual_seed(seed)
    x, w_in, w_out = (
        torch.randn(*shape, generator=generator) / d**0.5
        for shape in ((1, n, d), (3 * d, d), (d, d))
    )
    order, places = (
        torch.randperm(n, generator=generator),
        torch.tensor(sinusoidal(n, d), dtype=torch.float32),
    )

    def change(add):
        before = multi_head_attention(x + add, w_in, None, w_out, None, heads)
        after = multi_head_attention(x[:, order] + add, w_in, None, w_out, None, heads)
        return float((after - before[:, order]).abs().max())

    return {"without": change(0), "with": change(places)}


@torch.no_grad()
def shuffled_sentence(model, tokenizer, text: str, shuffles: int = 20, seed: int = 0) -> dict:
    """How far the sentence vector moves when the word pieces of `text` change places, with and
    without positions.

    The vector is the mean of the last hidden states, at unit length. without, with: largest
    difference in any component over all shuffles, without: None where the positions are no tables
    that could be taken out; cosine: mean cosine with the vector of the text in order, positions
    present.
    """
    inputs = tokenizer(
        text, truncation=True, return_tensors="pt", return_special_tokens_mask=True
    ).to(model.device)
    ids, generator = inputs["input_ids"], torch.Generator().manual_seed(seed)
    free = (inputs["special_tokens_mask"][0] == 0).nonzero().flatten()  # what frames a text stays
    batch = ids.repeat(1 + shuffles, 1)
    for row in batch[1:]:
        row[free] = ids[0, free[torch.randperm(len(free), generator=generator).to(ids.device)]]

    def vectors(parameters):
        arguments = {"input_ids": batch, "attention_mask": torch.ones_like(batch)}
        states = torch.func.functional_call(model, parameters, (), arguments).last_hidden_state
        return torch.nn.functional.normalize(states.mean(1), dim=-1)  # (1 + shuffles, d)

    def moved(found) -> float:
        return float((found[1:] - found[0]).abs().max())

    placed, bare = vectors({}), None
    if architecture.order_alone_in_tables(model):
        known = architecture.position_parameters(model)
        bare = moved(vectors({name: torch.zeros_like(table) for name, table in known.items()}))
    return {
        "without": bare,
        "with": moved(placed),
        "cosine": float((placed[1:] @ placed[0]).mean()),
        "shuffles": shuffles,
    }


@remember
def known(path: str, digest: str) -> dict:
    """How the encoder at `path` knows where a word stands; digest: of its weights.

    Returns kinds (`architecture.positions`), family (its name), and the learned table (places, d)
    where it has one.
    """
    encoder, _ = load_encoder(path)
    kinds, family = architecture.known(encoder)
    table = architecture.position_table(encoder)
    return {"kinds": kinds, "family": family} | ({} if table is None else {"table": table})


@remember
def shuffled(path: str, digest: str, text: str) -> dict:
    """`shuffled_sentence` of the encoder at `path`; digest: of its weights."""
    encoder, tokenizer = load_encoder(path)
    return shuffled_sentence(encoder, tokenizer, text)


@cached_figure
def plot_learned(table: np.ndarray | None, shown: int = 128):
    """Left: cosines between the first learned position vectors; right: mean by offset, beside the
    sinusoidal ones. Without a table the sinusoidal ones alone.
    """
    fig, (left, right) = style.figure(2, height=2.9)
    places, width = (512, 768) if table is None else table.shape  # BERT-base's without a table
    curves = {"learned": similarity(table)} if table is not None else {}
    curves["sinusoidal"] = similarity(sinusoidal(places, width))
    first, matrix = next(iter(curves.items()))
    image = left.imshow(matrix[:shown, :shown], cmap=style.DIVERGING, vmin=-1, vmax=1)
    title = f"{first.capitalize()} positions:\ncosine, centred"
    left.set(title=title, xlabel="position", ylabel="position")
    left.grid(False)
    fig.colorbar(image, ax=left)
    shown = min(shown, places)
    for label, values in curves.items():
        mean, spread = by_offset(values, shown)
        (line,) = right.plot(mean, markevery=16, label=label)
        right.fill_between(
            range(shown),
            mean - spread,
            mean + spread,
            color=line.get_color(),
            alpha=0.2,
            linewidth=0,
        )
    right.set(title="By offset:\ncosine, mean ± s.d. over p", xlabel="offset k")
    right.legend()
    return fig
