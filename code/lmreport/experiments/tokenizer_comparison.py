"""Question 2b: one text through BERT's tokenizer and through last week's `TextVectorization`
layer.
"""

from __future__ import annotations

import itertools

import numpy as np

from lmreport.core import progress
from lmreport.data.words import unit
from lmreport.display import markdown
from lmreport.display.origin import with_origin
from lmreport.models import lstm
from lmreport.models.tokenizer import load_tokenizer
from lmreport.runs.memo import remember


def example(texts, tokenizer) -> str:
    """The first of the training texts that has 20 to 45 words, one of which the tokenizer splits
    into pieces; the first of all if there is none such among the first thousands.
    """
    for text in itertools.islice(texts, 5000):
        words = text.split()
        if 20 <= len(words) <= 45 and any(
            word.isalpha() and len(tokenizer.tokenize(word)) > 1 for word in words
        ):
            return text.strip()
    return next(iter(texts)).strip()


def adapted_layer(folder: str, seed: int):
    """Last week's layer, its vocabulary counted in the training texts alone."""
    from lmreport.data import splits

    train, _, _ = splits.tf_splits(folder, seed)
    return lstm.vectorization(train.map(lambda texts, labels: texts))


@remember
def both_ways(
    text: str, tokenizer_path: str, train_texts_digest: str, folder: str, seed: int
) -> dict:
    """What the two make of `text`: types, keys, shapes, ids and the tokens that the ids stand for.

    The layer is adapted to the training split of the corpus in `folder`; `train_texts_digest`
    identifies it.
    """
    progress.load_keras()
    tokenizer = load_tokenizer(tokenizer_path)
    encoded = tokenizer(text)
    layer = adapted_layer(folder, seed)
    numbers = layer([text])
    vocabulary = layer.get_vocabulary()
    ids = numbers.numpy()[0]
    used = int((ids > 0).sum())
    words = split_words(layer, text)[:used]
    return {
        "tokenizer_type": type(encoded).__name__,
        "tokenizer_keys": list(encoded.keys()),
        "tokenizer_value_type": type(encoded["input_ids"]).__name__,
        "input_ids": np.array(encoded["input_ids"]),
        "attention_mask": np.array(encoded["attention_mask"]),
        "text": text,
        "spans": [list(s) for s in tokenizer(text, return_offsets_mapping=True)["offset_mapping"]],
        "pieces": tokenizer.convert_ids_to_tokens(encoded["input_ids"]),
        "decoded": tokenizer.decode(encoded["input_ids"]),
        "unknown_pieces": int(sum(i == tokenizer.unk_token_id for i in encoded["input_ids"])),
        "vocabulary": len(tokenizer),
        "special": tokenizer.all_special_tokens,
        "layer_type": type(numbers).__name__,
        "layer_shape": list(numbers.shape),
        "layer_dtype": numbers.dtype.name,
        "layer_ids": ids,
        "layer_words": [vocabulary[i] for i in ids[:used]],
        "words": words,
        "layer_used": used,
        "layer_unknown": int((ids == 1).sum()),
        "layer_vocabulary": len(vocabulary),
        "unknown_words": sorted({str(w) for w, i in zip(words, ids[:used], strict=True) if i == 1}),
    }


def split_words(layer, text: str) -> list[str]:
    """The words that the layer looks up, in its own standardization."""
    return [w.decode() for w in layer._standardize([text]).numpy()[0].split()]


@with_origin
def differences(found: dict):
    """The two outputs side by side."""
    word = unit(found["text"])
    rows = [
        [
            "type of the output",
            found["tokenizer_type"] + ", a dictionary",
            found["layer_type"] + ", one tensor",
        ],
        ["keys", ", ".join(found["tokenizer_keys"]), "none"],
        [
            "ids",
            f"{found['tokenizer_value_type']} of {len(found['input_ids'])}, unpadded",
            f"shape {tuple(found['layer_shape'])}, {found['layer_dtype']}: {found['layer_used']} "
            f"ids, then zeros",
        ],
        ["unit", "word piece", f"{word} or punctuation mark"],
        [
            "vocabulary",
            f"{found['vocabulary']:,} pieces, fixed with the model",
            f"{found['layer_vocabulary']:,} entries: {word}s of our training texts, padding, [UNK]",
        ],
        ["special tokens", " ".join(found["special"]), "only [UNK] and padding"],
        [
            "unknown",
            f"{found['unknown_pieces']} of {len(found['input_ids'])}"
            + ": rare words are split into known pieces" * (not found["unknown_pieces"]),
            f"{found['layer_unknown']} of {found['layer_used']} {word}s and marks: [UNK]",
        ],
        [
            "padding",
            "only if asked, marked by 0 in attention_mask",
            f"always to {found['layer_shape'][1]}, id 0",
        ],
    ]
    return markdown.table(rows, ["", "tokenizer", "TextVectorization"], ("left",) * 3)


def word_starts(text: str, spans: list, words: list[str]) -> dict[int, int]:
    """{place of a piece: place of the word that begins with it}.

    spans: begin and end of each piece in `text`, both 0 for a special one; a piece may begin with
    the space before its word. Words that the text does not hold as they are end the search.
    """
    starts: dict[int, int] = {}
    lowered, at = text.lower(), 0
    for place, word in enumerate(words):
        begin = lowered.find(word, at)
        if begin < 0 or len(lowered) != len(text):
            break
        at = begin + len(word)
        for piece, (first, last) in enumerate(spans):
            if first <= begin < last and not text[first:begin].strip():
                starts.setdefault(piece, place)
                break
    return starts


@with_origin
def strips(found: dict, number: int = 11):
    """Positions of both outputs, aligned: the first three, then, after a “…”, those about
    a word that falls into pieces, if there is one that the layer does not know; `number` columns in
    all.
    """
    pieces = found["pieces"]
    starts = word_starts(found["text"], found["spans"], found["words"])
    split = [i for i in starts if i < max(starts) and i + 1 not in starts]
    unknown = [i for i in split if found["layer_ids"][starts[i]] == 1]
    about = next(iter(unknown + split), 0)
    begin = max(3, min(about - 2, len(pieces) - number + 4))
    left_out = begin > 3
    shown = range(begin, min(begin + number - 3 - left_out, len(pieces)))

    def around(told) -> list[str]:
        """What is told of each position that is shown, and a mark where some are left out."""
        first = [told(i) for i in range(min(3, len(pieces)))]
        return [*first, *["…"] * left_out, *map(told, shown)]

    def of_words(values) -> list[str]:
        return around(lambda i: str(values[starts[i]]) if i in starts else "")

    rows = [
        ["tokenizer: piece", *around(lambda i: markdown.with_breaks(pieces[i]))],
        *(
            [key, *around(lambda i, key=key: str(found[key][i]))]
            for key in ("input_ids", "attention_mask")
        ),
        [f"layer: {unit(found['text'])}", *of_words(found["layer_words"])],
        ["layer: id", *of_words(found["layer_ids"])],
    ]
    heads = ["position", *around(lambda i: str(i + 1))]
    return markdown.table(rows, heads, ["left"] * len(heads))
