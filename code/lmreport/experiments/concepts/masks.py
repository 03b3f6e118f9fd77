"""Who may look at whom: the causal mask of a decoder, the padding mask of BERT (question 3c, second
and third part).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from lmreport.display import escape, labels, markdown, style
from lmreport.display.figure import cached_figure
from lmreport.experiments.concepts.attention import attention, attention_weights, load_encoder
from lmreport.experiments.concepts.positions import sinusoidal
from lmreport.models import architecture
from lmreport.runs.memo import remember


def causal_mask(n: int):
    """(n, n), True where key j is not after query i; Vaswani et al., section 3.2.3."""
    return torch.ones(n, n, dtype=torch.bool).tril()


def masked_before(q, k, v):
    """The decoder's self-attention: −∞ before the softmax, so later keys have no say."""
    return attention(q, k, v, causal_mask(q.shape[-2]))


def masked_after(q, k, v):
    """Tempting, and wrong: later keys are cut only after the softmax has summed them."""
    return attention_weights(q, k).masked_fill(~causal_mask(q.shape[-2]), 0) @ v


VARIANTS = {
    "no mask": attention,
    "−∞ before the softmax": masked_before,
    "0 after the softmax": masked_after,
}


def decoder_weights(vocabulary: int = 20, d: int = 16, layers: int = 2, seed: int = 0) -> dict:
    """Random weights of a small decoder: token vectors (vocabulary, d) and (W_Q, W_K, W_V), (d, d)
    each, per layer.
    """
    generator = torch.Generator().manual_seed(seed)
    options: dict[str, Any]
    options = dict(generator=generator, dtype=torch.float64)
    return {
        "token": torch.randn(vocabulary, d, **options),
        "layers": torch.randn(layers, 3, d, d, **options) / d**0.5,
    }


def decode(ids, weights, attend=masked_before):
    """Logits (n, vocabulary) of the next token after each of ids (n,): attention layers with
    residual paths.
    """
    table = weights["token"]
    x = table[ids] + torch.tensor(sinusoidal(len(ids), table.shape[1]), dtype=table.dtype)  # (n, d)
    for w_q, w_k, w_v in weights["layers"]:
        x = x + attend(x @ w_q, x @ w_k, x @ w_v)
    return x @ table.T


def leak(attend, n: int = 8, seed: int = 0) -> np.ndarray:
    """Largest change of the logits at position i (row) when the token at position j (column) is
    replaced; (n, n).
    """
    weights, generator = decoder_weights(seed=seed), torch.Generator().manual_seed(seed)
    vocabulary = len(weights["token"])
    ids = torch.randint(vocabulary, (n,), generator=generator)
    before, changes = decode(ids, weights, attend), []
    for j in range(n):
        other = ids.clone()
        other[j] = (ids[j] + 1) % vocabulary
        changes.append((decode(other, weights, attend) - before).abs().amax(-1))
    return torch.stack(changes, 1).numpy()


def leaked(changes: np.ndarray) -> float:
    """Largest entry above the diagonal: what a position learns of the tokens after it."""
    return float(np.triu(changes, 1).max())


def generate(weights, n: int, start: int = 0):
    """Greedy decoding, one pass per token: ids (n + 1,) beginning with `start`, and the logits (n,
    vocabulary) used.
    """
    ids, logits = torch.tensor([start]), []
    for _ in range(n):
        logits.append(decode(ids, weights)[-1])
        ids = torch.cat([ids, logits[-1].argmax().view(1)])
    return ids, torch.stack(logits)


def teacher_forcing(n: int = 32, seed: int = 0) -> dict:
    """All n predictions in one pass over the sequence shifted right, against n passes that generate
    it.
    """
    weights = decoder_weights(seed=seed)
    ids, step_by_step = generate(weights, n)
    # input: start token and all but the last; target: ids[1:]
    at_once = decode(ids[:-1], weights)
    return {
        "n": n,
        "difference": float((at_once - step_by_step).abs().max()),
        "scale": float(step_by_step.abs().max()),
        "same_tokens": bool((at_once.argmax(-1) == ids[1:]).all()),
    }


def fills() -> list[tuple[str, ...]]:
    """What a fill value does in each number format: (format, fill, as stored, by product, by where,
    row all masked).

    Scores 1, 2, 3; the third key is hidden. "by product" adds (1 − mask) · fill, "by where" puts
    the fill at the hidden place; both give the weights of the three keys. The last cell: a row in
    which all three are hidden.
    """
    rows = []
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        scores, mask = torch.tensor([1, 2, 3], dtype=dtype), torch.tensor([1, 1, 0], dtype=dtype)
        for name, fill in (
            ("−∞", -torch.inf),
            ("−1e9", -1e9),
            ("lowest finite", torch.finfo(dtype).min),
        ):
            stored = torch.tensor(fill, dtype=dtype)
            weights = [
                (scores + (1 - mask) * stored).softmax(-1),
                torch.where(mask > 0, scores, stored).softmax(-1),
                (scores + stored).softmax(-1),
            ]
            kept = markdown.num(stored.item(), 5).replace("-", "−").replace("inf", "∞")
            rows.append(
                (
                    str(dtype).removeprefix("torch."),
                    name,
                    kept,
                    *(", ".join(f"{w:.2f}" for w in row.tolist()) for row in weights),
                )
            )
    return rows


@torch.inference_mode()
def padded(model, tokenizer, text: str, pads=(0, 1, 2, 4, 8, 16, 32, 64, 128, 256)) -> dict:
    """How far a sentence vector moves when padding is appended, with BERT's mask and with a mask of
    ones only.

    1 − cosine between the mean of the real tokens' last hidden states and the same without padding,
    arrays (pads,);
    largest: greatest difference of any component of these states while the mask is used.
    """
    inputs = tokenizer(text, truncation=True, return_tensors="pt").to(model.device)
    n, rows, largest = inputs["input_ids"].shape[1], [], 0.0
    pads = room(model, n, pads)
    alone = model(**inputs).last_hidden_state[0]  # (n, d)
    for extra in pads:
        ids = torch.nn.functional.pad(inputs["input_ids"], (0, extra), value=tokenizer.pad_token_id)
        row = []
        for mask in (
            torch.nn.functional.pad(inputs["attention_mask"], (0, extra)),
            torch.ones_like(ids),
        ):
            states = model(input_ids=ids, attention_mask=mask).last_hidden_state[0, :n]
            row.append(
                1
                - float(
                    torch.cosine_similarity(states.double().mean(0), alone.double().mean(0), dim=0)
                )
            )
            if mask.sum() == n:
                largest = max(largest, float((states - alone).abs().max()))
        rows.append(row)
    return {
        "pads": np.array(pads),
        "with": np.array(rows)[:, 0],
        "without": np.array(rows)[:, 1],
        "largest": largest,
        "n": n,
    }


@remember
def padded_vectors(path: str, digest: str, text: str) -> dict:
    """`padded` of the encoder at `path`; digest: of its weights."""
    encoder, tokenizer = load_encoder(path)
    return padded(encoder, tokenizer, text)


@remember
def padded_prediction(
    path: str, digest: str, text: str, pads: Sequence[int] = (0, 4, 16, 64, 128, 256)
) -> dict:
    """Class probabilities of the classifier at `path` for one text when padding is appended;
    digest: of its weights.

    Returns classes, pads, n (tokens of the text), and `with` and `without` the attention mask,
    (pads, classes) each.
    """
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer, model = (
        AutoTokenizer.from_pretrained(path),
        AutoModelForSequenceClassification.from_pretrained(path),
    )
    ids, rows = tokenizer(text, truncation=True, return_tensors="pt")["input_ids"], []
    n = ids.shape[1]
    pads = room(model, n, pads)
    with torch.inference_mode():
        for extra in pads:
            longer = torch.nn.functional.pad(
                ids, (0, extra), value=tokenizer.pad_token_id
            )  # (1, n + extra)
            real = torch.nn.functional.pad(torch.ones_like(ids), (0, extra))
            masks = torch.cat([real, torch.ones_like(longer)])  # (2, n + extra)
            rows.append(
                model.eval()(longer.expand_as(masks), attention_mask=masks)
                .logits.softmax(-1)
                .numpy()
            )
    return {
        "classes": list(model.config.id2label.values()),
        "pads": np.array(pads),
        "n": n,
        "with": np.array(rows)[:, 0],
        "without": np.array(rows)[:, 1],
    }


def room(model, n: int, pads) -> list[int]:
    """Of the numbers `pads` of padding tokens those that the model still reads after `n` tokens of
    a text.
    """
    most = architecture.longest(model)
    return [extra for extra in pads if not most or n + extra <= most]


def padded_questions(folder, digest: str, texts) -> list[dict]:
    """`padded_prediction` of each text by the classifier in `folder`; [] where it is None."""
    return [padded_prediction(str(folder), digest, text) for text in texts] if folder else []


def flips_at(found: dict) -> int | None:
    """The first number of padding tokens at which `padded_prediction` without a mask names another
    class.
    """
    named = found["without"].argmax(-1)
    return next(
        (int(pads) for pads, one in zip(found["pads"], named, strict=True) if one != named[0]), None
    )


@cached_figure
def plot_leaks(changes: dict[str, np.ndarray]):
    """One map per variant: how much the output in the row changes with the token in the column;
    future outlined.
    """
    fig, axes = style.figure(len(changes), height=2.6, sharey=True)
    top = max(values.max() for values in changes.values())
    for axis, (name, values) in zip(axes, changes.items(), strict=True):
        image, n = axis.imshow(values, vmin=0, vmax=top), len(values)
        for (i, j), value in np.ndenumerate(values):
            written = "0" if value == 0 else f"{value:.0f}" if value >= 0.95 else "< 1"
            look = dict(color=style.on(image, value), fontsize=7)
            axis.text(j, i, written, ha="center", va="center", **look)
        steps = [
            (edge - 0.5, row - 0.5) for row in range(n) for edge in (row, row + 1)
        ]  # along the diagonal
        axis.plot(
            *zip(*steps[1:], (n - 0.5, n - 1.5), (n - 0.5, -0.5), steps[1], strict=True),
            color=style.ORANGE,
            linestyle="-",
            marker="",
            linewidth=2,
            clip_on=False,
        )
        axis.set_title(name, fontsize=8.5)
        axis.set(xlabel="token replaced")
        axis.set_xticks(range(len(values)), range(1, len(values) + 1))
        axis.set_yticks(range(len(values)), range(1, len(values) + 1))
        axis.grid(False)
    axes[0].set_ylabel("output observed")
    return fig


def plot_effect(found: dict, tagged: list[dict]):
    """What padding does to the tags of some texts, or to a text's vector where no classifier is at
    hand.
    """
    return plot_padded_prediction(tagged) if tagged else plot_padding(found)


@cached_figure
def plot_padding(found: dict):
    """Distance of the sentence vector from the unpadded one against the number of padding tokens,
    mask on and off.
    """
    fig, axis = style.figure(height=1.95)
    pads = found["pads"]
    ends = []
    for name, label, color, line, marker in PADDED_LOOKS:
        values = np.abs(found[name])  # rounding may make it negative
        axis.plot(pads, values, color=color, marker=marker, linestyle=line)
        ends.append((pads[-1], values[-1], label, color))
    axis.set(xlabel=_padding_axis(found["n"]), ylabel="vector changed by\n1 − cosine")
    axis.set(ylim=(-0.02, None))
    style.ends(axis, ends)
    return fig


PADDED_LOOKS = (
    ("with", "with mask", style.BLUE, "-", "o"),
    ("without", "without mask", style.ORANGE, "--", "s"),
)


def _padding_axis(n: int) -> str:
    return f"padding tokens added (the text has {n})"


@cached_figure
def plot_padded_prediction(found: list[dict]):
    """Probability of the class that a text gets without padding, against padding, mask on and off;
    a panel per text.
    """
    fig, axes = style.figure(len(found), height=1.55, squeeze=False, sharey=True)
    names: list[tuple[Any, dict]] = []
    for number, (axis, one) in enumerate(zip(axes[0], found, strict=True), 1):
        first, pads, flip = int(one["without"][0].argmax()), one["pads"], flips_at(one)
        half = len(pads) // 2 + 1
        for name, label, color, line, marker in PADDED_LOOKS:
            chances = 100 * one[name][:, first]
            axis.plot(pads, chances, color=color, marker=marker, linestyle=line)
            other = one["without" if name == "with" else "with"][half, first]
            lower = (one[name][half, first], name == "with") < (other, name == "without")
            spot = axis, pads[half], chances[half], label, color, (4, -9 if lower else 9)
            names.append((spot, {}))
        if flip is not None:
            at = list(pads).index(flip)
            now = f"now {escape.label(one['classes'][int(one['without'][at].argmax())])}"
            spot = axis, flip, 100 * one["without"][at, first], now, style.ORANGE, (-7, -3)
            names.insert(0, (spot, {"weight": "bold"}))  # bound to its point most
        name = escape.label(one["classes"][first])
        axis.set(title=f"question ({'i' * number}), tagged {name}")
        axis.set(xlabel=_padding_axis(one["n"]))
        axis.set_xticks(pads[-1] * np.arange(5) // 4)
    top = max(axis.dataLim.y1 for axis in axes[0])
    high = 120 if top > 85 else 100 if top > 45 else 2.2 * top  # room for words above the curves
    axes[0, 0].set(ylabel="probability\nof that tag [%]", ylim=(0, high))
    if top > 45:
        axes[0, 0].set_yticks((0, 25, 50, 75, 100))
    for spot, look in names:
        labels.where_free(*spot, **look)
    return fig
