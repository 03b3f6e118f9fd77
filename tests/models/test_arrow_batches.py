"""Batches straight from Arrow: the same tensors as the Trainer's own collator makes, from any
selection of rows.
"""

import numpy as np
import pytest
from datasets import Dataset

from lmreport.models import arrow_batches, pretrained
from lmreport.models.tokenizer import load_tokenizer, tokenized


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(pretrained.from_package("any").path)


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    return Dataset.from_dict(
        {
            "text": [" ".join(["sort", "a", "dict"] * n) for n in rng.integers(0, 9, 60)],
            "labels": rng.integers(0, 4, 60).tolist(),
        }
    )


@pytest.mark.parametrize("multiple", [1, 8])
def test_batches_are_those_of_the_trainers_collator(texts, tokenizer, multiple):
    import torch
    from transformers import DataCollatorWithPadding

    usual = texts.map(lambda b: tokenizer(b["text"], truncation=True, max_length=16), batched=True)
    usual = usual.remove_columns("text")
    for chosen in (usual.select(range(60)), usual.select([7, 3, 50, 21])):
        made = arrow_batches.Rows(chosen)
        numbers = [2, 0, 3, 1]
        ours = arrow_batches.collator(tokenizer.pad_token_id, multiple)(made.__getitems__(numbers))
        theirs = DataCollatorWithPadding(tokenizer, pad_to_multiple_of=multiple)(
            [chosen[i] for i in numbers]
        )
        assert len(made) == len(chosen)
        for name in ("input_ids", "attention_mask", "labels"):
            assert torch.equal(ours[name], theirs[name]), name


def test_tokens_are_those_of_the_report_and_are_made_once(texts, tokenizer, tmp_path):
    from datasets import DatasetDict, load_from_disk

    texts.save_to_disk(tmp_path / "texts")
    first = arrow_batches.tokenized(load_from_disk(tmp_path / "texts"), tokenizer, 16)
    assert first["input_ids"] == tokenized(DatasetDict(a=texts), tokenizer, 16)["a"]["input_ids"]
    made = {p: p.stat().st_mtime_ns for p in (tmp_path / "texts").glob("cache-*")}
    again = arrow_batches.tokenized(
        load_from_disk(tmp_path / "texts"), load_tokenizer(pretrained.from_package("any").path), 16
    )
    assert made and {p: p.stat().st_mtime_ns for p in (tmp_path / "texts").glob("cache-*")} == made
    assert again["input_ids"] == first["input_ids"]
