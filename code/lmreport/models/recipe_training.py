"""A fine-tuning by a `Recipe`: the loop, its checkpoints, and predictions in the order of the
texts.
"""

from __future__ import annotations

import io
import logging
import time
from pathlib import Path

import numpy as np

from lmreport.core import files
from lmreport.models.recipe import (
    Recipe,
    batches,
    cut,
    factor,
    parameter_groups,
    update_average,
    windows,
)

log = logging.getLogger(__name__)

TOKENS_AT_ONCE = 4096  # padded word pieces of one batch of prediction
SAVE_EVERY = 180.0  # seconds between two checkpoints


def pieces_of(tokenizer, texts: list[str]) -> list[list[int]]:
    """The word pieces of each text, without [CLS] and [SEP], not cut."""
    return tokenizer(texts, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]


def classifier(path: str, classes: int, recipe: Recipe):
    """The encoder at `path` under a new head drawn with the recipe's seed, with the recipe's
    dropout.
    """
    from transformers import AutoConfig, AutoModelForSequenceClassification, set_seed

    set_seed(recipe.seed)
    config = AutoConfig.from_pretrained(path, num_labels=classes)
    for name, share in (
        ("hidden_dropout_prob", recipe.dropout),
        ("dropout", recipe.dropout),
        ("attention_probs_dropout_prob", recipe.attention_dropout),
        ("attention_dropout", recipe.attention_dropout),
    ):  # BERT and DistilBERT name them so
        if hasattr(config, name):
            setattr(config, name, share)
    return AutoModelForSequenceClassification.from_pretrained(
        path, config=config, ignore_mismatched_sizes=True
    )


def padded(rows: list[list[int]], padding: int):
    """input_ids and attention_mask (batch, n) of a batch, as long as its longest row."""
    import torch

    n = max(map(len, rows))
    ids = torch.tensor([row + [padding] * (n - len(row)) for row in rows])  # (batch, n)
    return {
        "input_ids": ids,
        "attention_mask": torch.tensor([[1] * len(r) + [0] * (n - len(r)) for r in rows]),
    }


def predict(model, rows: list[list[int]], padding: int) -> np.ndarray:
    """Logits (n, classes) of rows of token ids, in their order; texts of like length are computed
    together.
    """
    import torch

    model.eval()
    logits, start = np.empty((len(rows), model.config.num_labels), np.float32), 0
    order = sorted(range(len(rows)), key=lambda i: -len(rows[i]))
    told = time.perf_counter()
    while start < len(order):
        chosen = order[start : start + max(1, TOKENS_AT_ONCE // len(rows[order[start]]))]
        with torch.inference_mode():
            logits[chosen] = (
                model(**padded([rows[i] for i in chosen], padding)).logits.float().numpy()
            )
        start += len(chosen)
        if time.perf_counter() - told > 30:
            told = time.perf_counter()
            log.info(f"predicting: {start:,} of {len(rows):,}")
    return logits


def predict_windows(
    model, pieces, recipe: Recipe, tokenizer, most: int, known: np.ndarray
) -> np.ndarray:
    """Logits as the mean over the windows of each text; `known`: logits of texts that fit into one
    window.
    """
    long = [i for i, row in enumerate(pieces) if len(row) > recipe.max_length - 2]
    parts = [
        windows(pieces[i], recipe.max_length, most, tokenizer.cls_token_id, tokenizer.sep_token_id)
        for i in long
    ]
    flat, logits = (
        predict(model, [w for part in parts for w in part], tokenizer.pad_token_id),
        known.copy(),
    )
    ends = np.cumsum([len(part) for part in parts])
    for i, end, part in zip(long, ends, parts, strict=True):
        logits[i] = flat[end - len(part) : end].mean(0)
    return logits


def train(model, rows, labels, recipe: Recipe, padding: int, folder: Path) -> dict:
    """Train `model` on rows of token ids; goes on from the checkpoint in `folder` if there is one.

    Returns seconds (wall and CPU), tokens that were computed with (padding not counted), and
    `average`: the moving average of the weights or None.
    """
    import torch
    from torch.nn.functional import cross_entropy

    optimizer = torch.optim.AdamW(parameter_groups(model, recipe), fused=True)
    base = [group["lr"] for group in optimizer.param_groups]
    mean = {k: v.clone() for k, v in model.state_dict().items()} if recipe.average else None
    lengths, labels = np.array([len(row) for row in rows]), torch.tensor(np.asarray(labels))
    plan = [batch for epoch in range(recipe.epochs) for batch in batches(lengths, recipe, epoch)]
    done = {"step": 0, "seconds": 0.0, "cpu_seconds": 0.0, "tokens": 0}  # type: dict
    if (folder / "state.pt").is_file():
        state = torch.load(folder / "state.pt", weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        mean, done = state["mean"], state["done"]
        log.info(f"training: goes on after step {done['step']} of {len(plan)}")
    model.train()
    wall, cpu, saved, told, losses = (
        time.perf_counter(),
        time.process_time(),
        time.perf_counter(),
        0.0,
        [],
    )
    for step in range(done["step"], len(plan)):
        torch.manual_seed(recipe.seed * 1_000_003 + step)  # dropout is the same after a resumption
        for group, rate in zip(optimizer.param_groups, base, strict=True):
            group["lr"] = rate * factor(recipe, step, len(plan))
        batch = [rows[i] for i in plan[step]]
        logits = model(**padded(batch, padding)).logits  # (batch, classes)
        loss = cross_entropy(logits, labels[plan[step]], label_smoothing=recipe.label_smoothing)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if mean:
            update_average(mean, model.state_dict(), recipe.average)
        losses.append(loss.item())
        now = time.perf_counter()
        done = {
            "step": step + 1,
            "seconds": done["seconds"] + now - wall,
            "tokens": done["tokens"] + sum(map(len, batch)),
            "cpu_seconds": done["cpu_seconds"] + time.process_time() - cpu,
        }
        wall, cpu = now, time.process_time()
        if now - told > 30:
            told = now
            left = (len(plan) - step - 1) * done["seconds"] / done["step"]
            log.info(
                f"training: step {step + 1}/{len(plan)}, loss {np.mean(losses[-50:]):.3f}, "
                f"{done['tokens'] / done['seconds']:.0f} tokens/s, {left:.0f} s left"
            )
        if now - saved > SAVE_EVERY:
            save(
                folder / "state.pt",
                {
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "mean": mean,
                    "done": done,
                },
            )
            saved = wall = time.perf_counter()
            cpu = time.process_time()
    return {k: v for k, v in done.items() if k != "step"} | {"average": mean}


def save(path: Path, state: dict) -> None:
    """Write a state of torch so that nobody sees half of it."""
    import torch

    buffer = io.BytesIO()
    torch.save(state, buffer)
    files.write_atomically(path, buffer.getvalue())


def rows_of(pieces: list[list[int]], recipe: Recipe, tokenizer) -> list[list[int]]:
    """What the model reads of each text under `recipe`."""
    return [
        cut(row, recipe.max_length, recipe.tail, tokenizer.cls_token_id, tokenizer.sep_token_id)
        for row in pieces
    ]
