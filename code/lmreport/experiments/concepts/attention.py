"""Self-attention (Vaswani et al. 2017, section 3.2): weights, output, heads; what it looks up, what
its maps say.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from lmreport.display import escape, style
from lmreport.display.figure import cached_figure

TOKEN_SIZE = 7  # pt of the tokens along a map


def attention_weights(q, k, mask=None):
    """softmax(QKᵀ/√d_k), equation 1 of Vaswani et al. without the V; (…, n, d_k), (…, m, d_k) → (…,
    n, m).

    mask: bool, broadcastable to (…, n, m), True where a query (row) may look at a key (column). A
    row that may look nowhere gets weights 0. Half precision is computed in float32, where q·k
    cannot overflow. Inputs stay unchanged.
    """
    wide = torch.promote_types(q.dtype, torch.float32)
    scores = q.to(wide) @ k.to(wide).mT / q.shape[-1] ** 0.5  # (…, n, m)
    if mask is None:
        return scores.softmax(-1)
    # a row without any True: NaN → 0
    return scores.masked_fill(~mask, -torch.inf).softmax(-1).masked_fill(~mask, 0)


def attention(q, k, v, mask=None):
    """softmax(QKᵀ/√d_k)V, equation 1 of Vaswani et al.; (…, n, d_k), (…, m, d_k), (…, m, d_v) → (…,
    n, d_v).

    mask as in `attention_weights`; the output of a row that may look nowhere is 0. Same dtype as
    `v`.
    """
    weights = attention_weights(q, k, mask)  # (…, n, m)
    return (weights @ v.to(weights.dtype)).to(v.dtype)  # (…, n, d_v)


def multi_head_attention(x, w_in, b_in, w_out, b_out, heads, mask=None):
    """`heads` attentions side by side (Vaswani et al., section 3.2.2); x (batch, n, d) → (batch, n,
    d).

    w_in (3d, d), b_in (3d) or None: the projections to Q, K and V of all heads, stacked as in
    nn.MultiheadAttention; w_out (d, d), b_out (d) or None: the projection of the joined heads.
    mask: as in `attention_weights`, broadcastable to (batch, heads, n, n). Raises ValueError if
    `heads` does not divide d.
    """
    batch, n, d = x.shape
    if d % heads:
        raise ValueError(f"heads: {heads} does not divide the width {d}")
    projected = F.linear(x, w_in, b_in).reshape(batch, n, 3, heads, d // heads)
    q, k, v = projected.permute(2, 0, 3, 1, 4)  # each (batch, heads, n, d / heads)
    joined = (
        attention(q, k, v, mask).transpose(1, 2).reshape(batch, n, d)
    )  # heads side by side again
    return F.linear(joined, w_out, b_out)


def worked_sentence() -> dict:
    """Equation 1 for “Python sorts its lists”: named features, and a different question in each
    query; d_k = 4.

    x (4 words, 5 features); queries and keys have one component per kind of word: name, action,
    owner, things.
    """
    x = np.array(
        [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 1]]
    )  # the last feature: plural
    asks = np.array(
        [[0, 1, 0, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, 0, 1, 0]]
    )  # a name asks for an action, …
    w_q, w_k = (
        np.vstack([4 * asks, [0] * 4]),
        np.eye(5, 4, dtype=int),
    )  # (5, 4) each; plural neither asks nor is found
    w_v = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]])  # (5, 4)
    q, k, v = x @ w_q, x @ w_k, x @ w_v  # (4, 4) each
    weights = attention_weights(torch.tensor(q), torch.tensor(k)).numpy()  # (4, 4)
    return {
        "x": x,
        "w_q": w_q,
        "w_k": w_k,
        "w_v": w_v,
        "q": q,
        "k": k,
        "v": v,
        "scores": q @ k.T,
        "weights": weights,
        "output": weights @ v,
        "words": ["Python", "sorts", "its", "lists"],
        "features": ["name", "action", "owner", "things", "plural"],
        "questions": ["what do I do?", "what is acted on?", "who is meant?", "whose are we?"],
        "values": ["is Python", "puts in order", "owns", "many things"],
    }


def soft_lookup(query, keys, values, scale: float):
    """A dictionary that answers with a mixture: weights softmax(scale · q·k) (m,) and the weighted
    value (d_v,).
    """
    weights = np.exp(scale * (keys @ query - (keys @ query).max()))
    weights = weights / weights.sum()
    return weights, weights @ values


def lookup(largest: float = 24, number: int = 49) -> dict:
    """Soft against hard lookup in four keys on the unit circle, for growing scale (0 … largest).

    weights (scales, 4), answers (scales,), hard: the value of the nearest key; error and its bound
    Σ over the other keys of e^(−scale · (best score − its score)) · |its value − hard|, both
    (scales,).
    """
    angles, toward = np.radians([15, 65, 130, 250]), np.radians(60)
    keys, values = np.stack([np.cos(angles), np.sin(angles)], 1), np.array([2.0, 1.0, 3.0, 4.0])
    query = np.array([np.cos(toward), np.sin(toward)])
    scales = np.linspace(0, largest, number)
    found = [soft_lookup(query, keys, values, scale) for scale in scales]
    match = keys @ query
    hard, gaps = values[match.argmax()], match.max() - match
    bound = [(np.exp(-scale * gaps) * np.abs(values - hard)).sum() for scale in scales]
    answers = np.array([answer for _, answer in found])
    return {
        "scales": scales,
        "match": match,
        "weights": np.array([w for w, _ in found]),
        "answers": answers,
        "hard": float(hard),
        "error": np.abs(answers - hard),
        "bound": np.array(bound),
    }


def load_encoder(path: str) -> tuple[Any, Any]:
    """The pre-trained encoder at `path` with its tokenizer, on the CPU, able to give its attention
    maps.
    """
    from transformers import AutoModel, AutoTokenizer, logging

    logging.set_verbosity_error()  # heads of the pre-training that are left out are no news here
    logging.disable_progress_bar()
    model = AutoModel.from_pretrained(path, attn_implementation="eager", dtype=torch.float32)
    return model.eval(), AutoTokenizer.from_pretrained(path)


@torch.inference_mode()
def look(model, tokenizer, text: str) -> dict:
    """Tokens of `text` and the model's attention, array (layers, heads, n, n), rows: who looks,
    columns: at whom.

    Raises ValueError if the model gives no attention maps.
    """
    inputs = tokenizer(text, truncation=True, return_tensors="pt").to(model.device)
    maps = model(**inputs, output_attentions=True).attentions
    if not maps:
        raise ValueError(
            "the model gives no attention maps; load it with attn_implementation='eager'"
        )
    return {
        "tokens": tokenizer.convert_ids_to_tokens(inputs["input_ids"][0]),
        "weights": torch.cat(maps).float().cpu().numpy(),
    }


def received(maps: np.ndarray) -> np.ndarray:
    """Attention that each token gets in the last layer, mean over heads and over the tokens that
    look: (n,), sum 1.
    """
    return maps[-1].mean((0, 1))


def without_each(tokenizer, text: str, device) -> tuple[dict, list[int]]:
    """A batch of the same text: first with all tokens visible, then with one word piece hidden from
    all in each row.
    """
    inputs = tokenizer(
        text, truncation=True, return_tensors="pt", return_special_tokens_mask=True
    ).to(device)
    pieces = (inputs.pop("special_tokens_mask")[0] == 0).nonzero().flatten().tolist()
    batch = {name: value.repeat(len(pieces) + 1, 1) for name, value in inputs.items()}
    batch["attention_mask"][range(1, len(pieces) + 1), pieces] = 0
    return batch, pieces


@torch.inference_mode()
def ablation_logits(model, tokenizer, text: str) -> dict:
    """How far the logit of the predicted class falls when one token is hidden from a classifier.

    tokens: the word pieces; attention: what each receives; effect: fall of that logit; arrays over
    these pieces.
    predicted: class number; logit: with all tokens visible; the rest as in `_with_attention`.
    """
    batch, pieces = without_each(tokenizer, text, model.device)
    logits = model(**batch).logits.float()  # (1 + pieces, classes)
    predicted = int(logits[0].argmax())
    effect = (logits[0, predicted] - logits[1:, predicted]).cpu().numpy()
    return _with_attention(model, tokenizer, text, pieces, effect) | {
        "predicted": predicted,
        "logit": float(logits[0, predicted]),
    }


def _with_attention(model, tokenizer, text, pieces, effect) -> dict:
    """most: index of the piece that gets most attention; strongest: of the largest effect; rank: 1
    if they agree.

    others: mean effect of hiding another piece than `most`, which is what hiding a random one does
    on average.
    """
    seen = look(model, tokenizer, text)
    attended = received(seen["weights"])[pieces]
    most, size = int(attended.argmax()), np.abs(effect)
    return {
        "tokens": [seen["tokens"][i] for i in pieces],
        "attention": attended,
        "effect": effect,
        "most": most,
        "strongest": int(size.argmax()),
        "rank": int((size > size[most]).sum()) + 1,
        "others": float(np.delete(effect, most).mean()) if len(effect) > 1 else float("nan"),
        "special": float(1 - attended.sum()),
    }


@cached_figure
def plot_lookup(found: dict):
    """Left: weights of the four keys against scale; right: distance to the hard lookup and its
    bound.
    """
    fig, (left, right) = style.figure(2, height=2.7)
    ends = []
    for i, color in zip(np.argsort(-found["match"]), style.CYCLE, strict=False):
        weights, look = found["weights"][:, i], dict(color=color, linestyle="-", marker="")
        left.plot(found["scales"], weights, **look)
        label = f"q·k = {found['match'][i]:.2f}".replace("-", "−")
        ends.append((found["scales"][-1], weights[-1], label, color))
    left.set(title="Weights of the four keys", xlabel="scale", ylabel="weight", ylim=(-0.14, 1.03))
    style.ends(left, ends)
    for key, label, look in (
        ("error", "|soft − hard|", dict(marker="o", linestyle="-")),
        ("bound", "bound", dict(marker="", linestyle=":")),
    ):
        right.semilogy(
            found["scales"], found[key], **look, markevery=8, color=style.BLACK, label=label
        )
    right.set(
        title="Distance to the hard lookup", xlabel="scale", ylabel="difference of the values"
    )
    right.legend()
    return fig


@cached_figure
def plot_maps(looks: list[dict]):
    """The last layer's attention, mean over its heads, one map per text; one colour scale for
    all. Of more tokens than there is room to name, those are named that get most.
    """
    fig, axes = style.figure(len(looks), height=2.8, squeeze=False)
    maps = [found["weights"][-1].mean(0) for found in looks]
    for axis, found, weights in zip(axes[0], looks, maps, strict=True):
        image = axis.imshow(weights, vmin=0, vmax=max(m.max() for m in maps))
        _name_tokens(axis, found["tokens"], range(len(weights)))
        axis.set(xlabel="looked at", ylabel="looking")
        axis.grid(False)
    fig.colorbar(image, ax=axes[0], shrink=0.75, label="weight")
    fig.draw_without_rendering()  # so that it is known how much room a token has
    for axis, found, weights in zip(axes[0], looks, maps, strict=True):
        room = axis.get_window_extent().height / len(weights) * 72 / fig.dpi
        if room < TOKEN_SIZE:
            named = far_apart(weights.mean(0), math.ceil(1.2 * TOKEN_SIZE / room))
            _name_tokens(axis, found["tokens"], named)
            axis.set_xlabel("looked at (those that get most are named)", fontsize=7.5)
    return fig


def _name_tokens(axis, tokens: list[str], places) -> None:
    """The tokens at these places along both sides of a map."""
    names = [escape.label(tokens[place]) for place in places]
    axis.set_xticks(places, names, rotation=90, fontsize=TOKEN_SIZE)
    axis.set_yticks(places, names, fontsize=TOKEN_SIZE)


def far_apart(values, gap: int) -> list[int]:
    """Places of the largest values, in their order, no two of them closer than `gap`."""
    chosen: list[int] = []
    for place in np.argsort(-np.asarray(values), kind="stable").tolist():
        if all(abs(place - other) >= gap for other in chosen):
            chosen.append(place)
    return sorted(chosen)


@cached_figure
def plot_ablation(results: list[dict], ylabel: str):
    """Effect of hiding a word piece against the attention it receives; the most attended one is
    ringed and named.
    """
    fig, axes = style.figure(len(results), height=2.8, squeeze=False)
    for number, (axis, found) in enumerate(zip(axes[0], results, strict=True), 1):
        axis.plot(found["attention"], found["effect"], linestyle="", label="word piece")
        for which in {found["strongest"], found["most"]}:
            away = 8 * _free_side(found["attention"], found["effect"], which)
            axis.annotate(
                found["tokens"][which],
                (found["attention"][which], found["effect"][which]),
                (0, away),
                textcoords="offset points",
                ha="center",
                va="bottom" if away > 0 else "top",
                fontsize=8,
            )
        axis.plot(
            found["attention"][found["most"]],
            found["effect"][found["most"]],
            "o",
            markersize=10,
            fillstyle="none",
            color=style.BLACK,
            label="most attended",
        )
        axis.set(
            title=f"question ({'i' * number})",
            xlabel="attention received, last layer",
            ylabel=ylabel,
        )
        axis.margins(0.12, 0.2)
    axes[0, 0].legend()
    return fig


def _free_side(x, y, at: int) -> int:
    """1 if the point nearest to the point `at` lies below it or beside it, so that a label fits
    above it; else −1.
    """
    apart = np.hypot((x - x[at]) / np.ptp(x), (y - y[at]) / np.ptp(y))
    apart[at] = np.inf
    return 1 if y[apart.argmin()] <= y[at] else -1
