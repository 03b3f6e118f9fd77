"""The fast recipe: what it changes is what it says, and nothing else."""

import numpy as np
import pytest
import torch
from datasets import Dataset

import families
from lmreport.data.corpus import TAGS
from lmreport.models import (
    arrow_batches,
    callbacks,
    fast_finetune,
    finetune,
    pretrained,
    token_budget,
    tokenizer,
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The folder of a two-layer BERT without dropout outside attention."""
    return str(families.tiny_bert(tmp_path_factory.mktemp("tiny"), hidden_dropout_prob=0.0))


@pytest.fixture(scope="module")
def tokens(tiny):
    rng = np.random.default_rng(0)
    texts = {
        "text": ["sort a dict " * n for n in rng.integers(1, 20, 80)],
        "labels": rng.integers(0, 4, 80).tolist(),
    }
    return arrow_batches.tokenized(Dataset.from_dict(texts), tokenizer.load_tokenizer(tiny), 48)


def test_only_the_dropout_of_attention_weights_is_left_out(tiny):
    usual, ours = (
        load(tiny, list(TAGS)).config.to_dict()
        for load in (finetune.load_classifier, fast_finetune.load_classifier)
    )
    different = {k for k in usual | ours if usual.get(k) != ours.get(k)}
    assert (
        different == {"attention_probs_dropout_prob"} and ours["attention_probs_dropout_prob"] == 0
    )


def test_distilbert_has_another_name_for_it():
    from transformers import DistilBertConfig

    assert fast_finetune.without_attention_dropout(DistilBertConfig()).attention_dropout == 0


def test_the_loss_is_the_mean_over_the_rows_of_all_processes(tiny):
    import torch

    model = fast_finetune.load_classifier(tiny, list(TAGS)).eval()
    ids, labels = torch.randint(1000, 2000, (6, 9)), torch.tensor([0, 1, 2, 3, 1, 2])
    outputs = model(input_ids=ids, labels=labels)
    assert fast_finetune.mean_over_rows(outputs, labels).item() == pytest.approx(
        outputs.loss.item(), abs=1e-6
    )
    assert fast_finetune.mean_over_rows(outputs, labels, 12).item() == pytest.approx(
        outputs.loss.item() / 2, abs=1e-6
    )


def test_a_batch_text_by_text_has_the_gradients_of_the_padded_batch(tiny, tokens):
    import torch

    model, table = (
        fast_finetune.load_classifier(tiny, list(TAGS)).train(),
        arrow_batches.Rows(tokens),
    )
    gradients = []
    for parts in ([[0, 1, 2, 3]], [[0], [1], [2], [3]]):
        model.zero_grad()
        for part in parts:
            batch = (
                arrow_batches.collator(0, 48)(table.__getitems__(part))
                if len(parts) == 1
                else arrow_batches.collator(0)(table.__getitems__(part))
            )
            labels = batch.pop("labels")
            fast_finetune.mean_over_rows(model(**batch), labels, 4).backward()
        gradients.append(
            torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
        )
    assert torch.allclose(*gradients, atol=1e-6) and gradients[0].abs().max() > 1e-3


def test_every_update_keeps_the_budget_and_an_epoch_reads_each_text_once(tiny, tokens, tmp_path):
    seen = []
    collate = arrow_batches.collator

    def watched(*given):
        def made(table):
            batch = collate(*given)(table)
            seen.append((tuple(batch["input_ids"].shape), table["labels"].to_pylist()))
            return batch

        return made

    arguments = fast_finetune.arguments(tmp_path, num_train_epochs=1, seed=1, use_cpu=True)
    trainer = fast_finetune.make_trainer(
        fast_finetune.load_classifier(tiny, list(TAGS)),
        arguments,
        tokens,
        tokenizer.load_tokenizer(tiny),
        400,
    )
    trainer.data_collator = watched(0)
    finetune.train(trainer)
    assert len(seen) == trainer.state.global_step and all(n * m <= 400 for (n, m), _ in seen)
    assert sorted(label for _, labels in seen for label in labels) == sorted(tokens["labels"])
    assert [len(labels) for _, labels in seen] == [
        len(b) for b in token_budget.by_length(token_budget.token_lengths(tokens), 400, 1, 0)
    ]


def test_progress_tells_texts_per_second_rightly_when_batches_differ(tiny, tokens, tmp_path, told):
    import re

    arguments = fast_finetune.arguments(
        tmp_path, num_train_epochs=2, seed=1, use_cpu=True, logging_steps=2
    )
    trainer = fast_finetune.make_trainer(
        fast_finetune.load_classifier(tiny, list(TAGS)),
        arguments,
        tokens,
        tokenizer.load_tokenizer(tiny),
        400,
    )
    clock = callbacks.training_clock(every=0)
    trainer.add_callback(clock)
    trainer.train()
    last = re.fullmatch(
        r"training: step (\d+)/\1, loss [\d.]+, ([\d.]+) texts/s, 0 s left", told[-1]
    )
    assert float(last[2]) == pytest.approx(2 * 80 / clock.seconds, rel=0.1), told[-1]


def test_the_first_deberta_is_trained_in_bf16(tmp_path, monkeypatch):
    kind = ("deberta", "bytes", families.WIDE | families.RELATIVE)
    monkeypatch.setitem(families.FAMILIES, "deberta", kind)
    source = pretrained.locate(str(families.save("deberta", tmp_path / "model")))
    model = fast_finetune.load_classifier(source.path, ["a", "b"]).eval()
    inputs = tokenizer.load_tokenizer(source.path)(
        ["Hello world", "Hi"], padding=True, return_tensors="pt"
    ) | {"labels": torch.tensor([0, 1])}
    plain = model(**inputs).loss.item()
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(**inputs).loss
    loss.backward()
    assert loss.item() == pytest.approx(plain, abs=0.02)
    gradients = [one.grad for one in model.parameters() if one.grad is not None]
    assert len(gradients) > 20 and all(one.isfinite().all() for one in gradients)
