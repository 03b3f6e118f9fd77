"""Question 2b: one text through BERT's tokenizer and through last week's `TextVectorization`
layer.
"""

from __future__ import annotations

import re

import numpy as np

from lmreport.core import progress
from lmreport.data.corpus import SAMPLE
from lmreport.display import markdown
from lmreport.display.origin import with_origin
from lmreport.models import lstm
from lmreport.models.tokenizer import load_tokenizer
from lmreport.runs.memo import remember

TELLING = ("dataframe", "getelementbyid", "nullpointerexception", "println", "async", "string")


def example(words: int = 40) -> str:
    """A training text to look at: of the package's own short samples with code, the one with the
    longest word.
    """
    paths = sorted((SAMPLE / "train" / "python").glob("*.txt"), key=lambda p: int(p.stem))
    texts = [p.read_text(encoding="utf-8").strip() for p in paths]
    return max(
        (t for t in texts if "(" in t and len(t.split()) <= words),
        key=lambda t: max(map(len, re.findall("[a-z]+", t))),
    )


@remember
def both_ways(
    text: str, tokenizer_path: str, train_texts_digest: str, folder: str, seed: int
) -> dict:
    """What the two make of `text`: types, keys, shapes, ids and the tokens that the ids stand for.

    The layer is adapted to the training split of the corpus in `folder`; `train_texts_digest`
    identifies it.
    """
    from lmreport.data import splits

    progress.load_keras()
    tokenizer = load_tokenizer(tokenizer_path)
    encoded = tokenizer(text)
    train, _, _ = splits.tf_splits(folder, seed)
    layer = lstm.vectorization(train.map(lambda texts, labels: texts))
    numbers = layer([text])
    vocabulary = layer.get_vocabulary()
    ids = numbers.numpy()[0]
    used = int((ids > 0).sum())
    return {
        "tokenizer_type": type(encoded).__name__,
        "tokenizer_keys": list(encoded.keys()),
        "tokenizer_value_type": type(encoded["input_ids"]).__name__,
        "input_ids": np.array(encoded["input_ids"]),
        "attention_mask": np.array(encoded["attention_mask"]),
        "pieces": tokenizer.convert_ids_to_tokens(encoded["input_ids"]),
        "decoded": tokenizer.decode(encoded["input_ids"]),
        "unknown_pieces": int(sum(i == tokenizer.unk_token_id for i in encoded["input_ids"])),
        "vocabulary": tokenizer.vocab_size,
        "special": tokenizer.all_special_tokens,
        "layer_type": type(numbers).__name__,
        "layer_shape": list(numbers.shape),
        "layer_dtype": numbers.dtype.name,
        "layer_ids": ids,
        "layer_words": [vocabulary[i] for i in ids[:used]],
        "layer_used": used,
        "layer_unknown": int((ids == 1).sum()),
        "layer_vocabulary": len(vocabulary),
        "unknown_words": sorted(
            {str(w) for w, i in zip(split_words(text), ids[:used], strict=False) if i == 1}
        ),
    }


def split_words(text: str) -> list[str]:
    """The words that the layer looks up, in its own standardization."""
    return [w.decode() for w in lstm.standardize([text]).numpy()[0].split()]


@with_origin
def differences(found: dict):
    """The two outputs side by side."""
    rows = [
        [
            "type of the output",
            found["tokenizer_type"] + ", a dictionary",
            found["layer_type"] + ", one tensor",
        ],
        ["keys", ", ".join(found["tokenizer_keys"]), "none"],
        [
            "ids",
            f"{len(found['input_ids'])} in a {found['tokenizer_value_type']}, as long as the text",
            f"shape {tuple(found['layer_shape'])}, {found['layer_dtype']}: {found['layer_used']} "
            f"and zeros",
        ],
        ["unit", "word piece", "word or punctuation mark"],
        [
            "vocabulary",
            f"{found['vocabulary']:,} pieces, fixed with the model",
            f"{found['layer_vocabulary']:,} entries: words of our training texts, padding, [UNK]",
        ],
        ["special tokens", " ".join(found["special"]), "none but [UNK] and the empty padding"],
        [
            "unknown",
            f"{found['unknown_pieces']} of {len(found['input_ids'])}: rare words fall into known "
            f"pieces",
            f"{found['layer_unknown']} of {found['layer_used']} words become [UNK]",
        ],
        [
            "padding",
            "only if asked, marked by 0 in attention_mask",
            f"always to {found['layer_shape'][1]}, id 0",
        ],
    ]
    return markdown.table(rows, ["", "tokenizer", "TextVectorization"], ("left",) * 3)


@with_origin
def strips(found: dict, number: int = 9):
    """The first positions of both, each output a row: pieces with their ids and mask over words
    with their ids.
    """
    rows = [
        ["tokenizer: piece", *found["pieces"][:number]],
        *([key, *map(str, found[key][:number])] for key in ("input_ids", "attention_mask")),
        ["layer: word", *found["layer_words"][:number]],
        ["id", *map(str, found["layer_ids"][:number])],
    ]
    return markdown.table(
        rows, ["position", *map(str, range(1, number + 1))], ("left", *["center"] * number)
    )


@with_origin
def pieces_of(tokenizer, words=TELLING):
    """How single words fall into pieces."""
    rows = [
        [word, " ".join(tokenizer.tokenize(word)), str(len(tokenizer.tokenize(word)))]
        for word in words
    ]
    return markdown.table(rows, ["word", "pieces", "number"], ("left", "left", "right"))
