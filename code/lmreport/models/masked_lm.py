"""Masked-language-model training on texts without their labels, before the fine-tuning (Devlin et
al. 2019, section 3.1)."""

from __future__ import annotations

import dataclasses
import logging
import time

import numpy as np

from lmreport.models import recipe_training
from lmreport.models.recipe import Recipe, batches, cut, factor, parameter_groups

log = logging.getLogger(__name__)

# of the word pieces are predicted; of these 80 % hidden, 10 % replaced, 10 % left as they are
SHARE = 0.15
RATE = 2e-4


def mask(ids, special, mask_id: int, vocabulary: int, generator):
    """(ids with some pieces hidden, which are to be predicted): both (batch, n); `special` pieces
    are never chosen.
    """
    import torch

    chosen = (torch.rand(ids.shape, generator=generator) < SHARE) & ~special
    way = torch.rand(ids.shape, generator=generator)
    other = torch.randint(vocabulary, ids.shape, generator=generator)
    hidden = torch.where(chosen & (way < 0.8), mask_id, ids)
    return torch.where(chosen & (way >= 0.9), other, hidden), chosen


def special_tokens(ids, tokenizer):
    """Which of ids (batch, n) are [CLS], [SEP], [PAD] and the like."""
    import torch

    return torch.isin(ids, torch.tensor(tokenizer.all_special_ids))


def logits_of(model, hidden):
    """The model's own head on hidden states (chosen, d): logits (chosen, vocabulary)."""
    if hasattr(model, "vocab_transform"):  # DistilBERT
        return model.vocab_projector(
            model.vocab_layer_norm(model.activation(model.vocab_transform(hidden)))
        )
    return model.cls(hidden)


def load_into(model, folder) -> None:
    """Give a classifier the encoder that `train` left in `folder`; its pooler and head stay as they
    are.
    """
    import torch

    unknown = model.base_model.load_state_dict(
        torch.load(folder / "encoder.pt", weights_only=True), strict=False
    )
    assert not unknown.unexpected_keys, unknown.unexpected_keys


def train(path: str, pieces: list[list[int]], recipe: Recipe, tokenizer, folder) -> dict:
    """Train the encoder at `path` on hidden pieces and save it in `folder`; returns seconds, tokens
    and losses.

    The checkpoint may come without the head (a sentence encoder does); then its transformation
    starts at random and its last matrix is that of the embeddings. Logits are computed at the
    chosen pieces only.
    """
    import torch
    from torch.nn.functional import cross_entropy
    from transformers import AutoModelForMaskedLM, set_seed

    set_seed(recipe.seed)
    model = AutoModelForMaskedLM.from_pretrained(path, attention_probs_dropout_prob=0.0).train()
    chosen = dataclasses.replace(
        recipe, learning_rate=RATE, layer_decay=1.0, epochs=recipe.masked_epochs
    )
    optimizer = torch.optim.AdamW(parameter_groups(model, chosen), fused=True)
    rows = [
        cut(row, recipe.masked_length, 0, tokenizer.cls_token_id, tokenizer.sep_token_id)
        for row in pieces
    ]
    lengths = np.array([len(row) for row in rows])
    plan = [batch for epoch in range(chosen.epochs) for batch in batches(lengths, chosen, epoch)]
    generator = torch.Generator().manual_seed(recipe.seed)
    start, cpu, told, losses, tokens = time.perf_counter(), time.process_time(), 0.0, [], 0
    for step, batch in enumerate(plan):
        for group in optimizer.param_groups:
            group["lr"] = RATE * factor(chosen, step, len(plan))
        inputs = recipe_training.padded([rows[i] for i in batch], tokenizer.pad_token_id)
        given, wanted = mask(
            inputs["input_ids"],
            special_tokens(inputs["input_ids"], tokenizer),
            tokenizer.mask_token_id,
            len(tokenizer),
            generator,
        )
        if not wanted.any():
            continue
        hidden = model.base_model(
            input_ids=given, attention_mask=inputs["attention_mask"]
        ).last_hidden_state
        logits = logits_of(model, hidden[wanted])  # (chosen, vocabulary)
        loss = cross_entropy(logits, inputs["input_ids"][wanted])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        tokens += int(inputs["attention_mask"].sum())
        if time.perf_counter() - told > 30:
            told = time.perf_counter()
            log.info(f"masked: step {step + 1}/{len(plan)}, loss {np.mean(losses[-50:]):.3f}")
    recipe_training.save(folder / "encoder.pt", model.base_model.state_dict())
    return {
        "masked_seconds": time.perf_counter() - start,
        "masked_cpu_seconds": time.process_time() - cpu,
        "masked_tokens": tokens,
        "masked_loss": [float(np.mean(losses[:20])), float(np.mean(losses[-50:]))],
    }
