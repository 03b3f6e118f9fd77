"""Rows of a tokenized data set, straight from Arrow on disk to padded batches: no Python object for
each token.
"""

from __future__ import annotations

import numpy as np


def tokenized(dataset, tokenizer, max_length: int):
    """`dataset` with `input_ids` in place of `text`, by `Dataset.map`: made once, then found in its
    cache on disk.
    """

    def tokenize(batch):
        return tokenizer(
            batch["text"],
            truncation=True,
            max_length=max_length,
            return_attention_mask=False,
            return_token_type_ids=False,
        )

    return dataset.map(tokenize, batched=True, remove_columns="text")


class Rows:
    """A map-style data set for a DataLoader with a batch sampler; it gives a whole batch as one
    Arrow table.

    Only what a batch needs is read, so that the data set may be larger than the memory.
    """

    def __init__(self, dataset):
        self.dataset = dataset.select_columns(["input_ids", "labels"]).with_format("arrow")

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, number: int):
        return self.dataset[[number]]

    def __getitems__(self, numbers: list[int]):
        return self.dataset[numbers]


def collator(pad_token_id: int, multiple_of: int = 1):
    """A function from a table of `Rows` to input_ids and attention_mask (rows, longest) and labels
    (rows,).
    """
    import torch

    def collate(table) -> dict:
        ids = table["input_ids"].combine_chunks()
        lengths = np.diff(ids.offsets.to_numpy())
        mask = (
            np.arange(-(-lengths.max() // multiple_of) * multiple_of) < lengths[:, None]
        )  # (rows, longest)
        padded = np.full(mask.shape, pad_token_id, np.int64)
        padded[mask] = ids.flatten().to_numpy()
        return {
            "input_ids": torch.from_numpy(padded),
            "attention_mask": torch.from_numpy(mask.astype(np.int64)),
            "labels": torch.tensor(table["labels"].to_numpy(), dtype=torch.int64),
        }

    return collate
