"""Pieces of a tokenizer beside words of a layer: what stands under what."""

import numpy as np

from lmreport.display import markdown
from lmreport.experiments import tokenizer_comparison

PIECES = ["[CLS]", "says", "over", "##flower", "##ror", ":", "long", "[SEP]"]
WORDS = ["says", "overflowerror", ":", "long"]
TEXT = "Says OverflowError: long"
SPANS = [[0, 0], [0, 4], [5, 9], [9, 15], [15, 18], [18, 19], [20, 24], [0, 0]]


def found(ids, words=("says", "[UNK]", ":", "long")):
    return {
        "text": TEXT,
        "spans": SPANS,
        "pieces": PIECES,
        "words": WORDS,
        "input_ids": np.arange(len(PIECES)),
        "attention_mask": np.ones(len(PIECES), int),
        "layer_words": list(words),
        "layer_ids": np.array(ids),
    }


def cells(table) -> list[list[str]]:
    rows = [row for row in table.data.splitlines() if row.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_each_word_starts_where_its_first_piece_stands():
    starts = tokenizer_comparison.word_starts
    assert starts(TEXT, SPANS, WORDS) == {1: 0, 2: 1, 5: 2, 6: 3}
    spaced = [[0, 0], [0, 4], [4, 9], [9, 18], [18, 19], [19, 24], [0, 0]]  # as byte-level BPE does
    assert starts(TEXT, spaced, WORDS) == {1: 0, 2: 1, 4: 2, 5: 3}
    joined = [[0, 4], [4, 19], [19, 24]]  # a piece of two words belongs to the first
    assert starts(TEXT, joined, WORDS) == {0: 0, 1: 1, 2: 3}


def test_words_end_where_the_text_does_not_hold_them():
    assert tokenizer_comparison.word_starts("a é b", [[0, 1], [2, 3], [4, 5]], ["a", "e", "b"]) == {
        0: 0
    }
    assert tokenizer_comparison.word_starts("", [[0, 0], [0, 0]], ["a"]) == {}


def test_strips_put_a_word_under_its_first_piece_and_nothing_under_the_others():
    head, _, _, _, mask, words, ids = cells(tokenizer_comparison.strips(found([5, 1, 6, 7])))
    assert head == ["position", *map(str, range(1, 9))] and mask[1:] == ["1"] * 8
    assert ids == ["layer&#58; id", "", "5", "1", "", "", "6", "7", ""]
    assert [bool(word) for word in words[1:]] == [bool(one) for one in ids[1:]]


def test_strips_show_the_word_that_the_layer_does_not_know():
    text = found([5, 1, 6, 7]) | {
        "text": "ab " * 5 + TEXT,
        "spans": [
            [0, 0],
            *(span for i in range(0, 15, 3) for span in ([i, i + 1], [i + 1, i + 2])),
            *([a + 15, b + 15] for a, b in SPANS[1:-1]),
            [0, 0],
        ],
        "pieces": ["[CLS]", *["a", "##b"] * 5, *PIECES[1:]],
        "words": [*["ab"] * 5, *WORDS],
        "layer_words": [*["ab"] * 5, "says", "[UNK]", ":", "long"],
        "layer_ids": np.array([9] * 5 + [5, 1, 6, 7]),
        "input_ids": np.arange(18),
        "attention_mask": np.ones(18, int),
    }
    rows = cells(tokenizer_comparison.strips(text, number=8))
    assert len(rows[0]) == 9 and "1" in rows[-1]
    assert all(row[4] == "…" for row in rows if not set(row[1]) <= set(":-"))  # some are left out


def test_the_example_is_the_first_short_text_with_a_word_that_falls_into_pieces():
    class Tokenizer:
        def tokenize(self, word):
            return ["a", "##b"] if word == "rare" else [word]

    plain, rare, long = ("word " * 25, "word " * 24 + "rare\n", "rare " * 60)
    example = tokenizer_comparison.example
    assert example([long, plain, rare, rare + "late"], Tokenizer()) == rare.strip()
    assert example([plain, long], Tokenizer()) == plain.strip()  # the first, where none is such


def test_a_piece_that_is_a_line_break_is_seen():
    broken = found([5, 1, 6, 7]) | {"pieces": [*PIECES[:5], "\n", "a\tb", "[SEP]"]}
    pieces = cells(tokenizer_comparison.strips(broken))[2]
    assert pieces[6:8] == ["&#92;n", "a&#92;tb"] and "" not in pieces
    assert markdown.quote(["a", "\n", "b"]).data == "> a · &#92;n · b\n"
    assert markdown.quote("a\nb").data == "> a b\n"
