"""Question 2: texts as numbers, with the tokenizer of BERT."""

from __future__ import annotations

from lmreport.core.errors import ReportError


def load_tokenizer(path: str):
    """The WordPiece tokenizer saved with the model at `path` (a folder or a name on the hub).

    Raises ReportError for a folder without one, out of which Transformers makes a tokenizer without
    words.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path)
    if len(tokenizer) <= len(tokenizer.all_special_tokens):
        raise ReportError(
            f"model: the folder {path} holds no tokenizer; save the model’s there with "
            f"save_pretrained"
        )
    return tokenizer


def tokenized(splits, tokenizer, max_length: int, padding: str | bool = False):
    """The splits with `input_ids` and `attention_mask` added by `Dataset.map`, texts cut to
    `max_length` tokens.

    padding="max_length" gives every example the same length, as question 2d asks; False leaves the
    padding to the collator, which pads each batch to its longest text only (same logits, fewer
    wasted positions).
    """

    def tokenize(batch):
        return tokenizer(batch["text"], truncation=True, max_length=max_length, padding=padding)

    return splits.map(tokenize, batched=True)
