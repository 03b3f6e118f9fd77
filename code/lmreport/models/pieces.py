"""What a tokenizer does to texts, found by giving it some: how it splits, what it puts around them,
and what it loses.
"""

from __future__ import annotations

from dataclasses import dataclass

WORDS = ("Hello", "World", "Python", "String", "Java")  # tried with and without their capital
SPACES = ("Ġ", "▁")  # what stands for a space in byte-level BPE and in SentencePiece
NO_LIMIT = 10**6  # a tokenizer that knows no longest text says a number far above it


@dataclass(frozen=True)
class Pieces:
    """How a tokenizer works.

    kind: "WordPiece", "BPE", "Unigram" or "WordLevel"; by_bytes: whether it can spell any character
    by its bytes; begin, end: the special tokens around a text; mark: what it writes at a piece;
    marks: "continues" (the mark stands before a piece that goes on with a word), "begins" (before
    one that follows a space), "ends" (after one that ends a word) or ""; lowers: whether capitals
    are lost; plain: whether accents are; breaks: whether line breaks are; exact: whether `decode`
    gives code back as it was, but for what is lost otherwise.
    """

    kind: str
    by_bytes: bool
    begin: tuple[str, ...]
    end: tuple[str, ...]
    mark: str
    marks: str
    lowers: bool
    plain: bool
    breaks: bool
    exact: bool


def of(tokenizer) -> Pieces:
    """What `tokenizer`, one of Transformers' fast ones, does."""
    model = tokenizer.backend_tokenizer.model
    mark, marks = marked(tokenizer, model)
    begin, end = frame(tokenizer)
    return Pieces(
        type(model).__name__,
        by_bytes(tokenizer),
        begin,
        end,
        mark,
        marks,
        all(tokenizer.tokenize(word) == tokenizer.tokenize(word.lower()) for word in WORDS),
        tokenizer.tokenize("café") == tokenizer.tokenize("cafe"),
        "\n" not in back(tokenizer, "one line\nand one more"),
        back(tokenizer, "f(x) = a[0];") == "f(x) = a[0];",
    )


def back(tokenizer, text: str) -> str:
    """`text` through the tokenizer and back, without special tokens."""
    return tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True)


def frame(tokenizer) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The special tokens that it puts before and after a text."""
    given = tokenizer("a b", return_special_tokens_mask=True)
    names = tokenizer.convert_ids_to_tokens(given["input_ids"])
    words = [i for i, special in enumerate(given["special_tokens_mask"]) if not special]
    return tuple(names[: words[0]]), tuple(names[words[-1] + 1 :])


def by_bytes(tokenizer) -> bool:
    """Whether a character that stands in no vocabulary is spelled by its bytes."""
    ids = tokenizer("\U0001f9ff\u0dea", add_special_tokens=False)["input_ids"]
    return bool(ids) and tokenizer.unk_token_id not in ids


def marked(tokenizer, model) -> tuple[str, str]:
    """The mark at its pieces, and what it marks."""
    before = getattr(model, "continuing_subword_prefix", None)
    if before:
        return before, "continues"
    after = getattr(model, "end_of_word_suffix", None)
    if after:
        return after, "ends"
    found = [
        space for space in SPACES if any(p.startswith(space) for p in tokenizer.tokenize("a a"))
    ]
    return (found[0], "begins") if found else ("", "")


def longest(tokenizer) -> int:
    """The longest text, in pieces, that a tokenizer says it is made for; 0 if it says none."""
    return tokenizer.model_max_length if tokenizer.model_max_length < NO_LIMIT else 0


def unknown(tokenizer, texts: list[str]) -> tuple[float, float]:
    """Share of the pieces of `texts` that stand for something unknown, and share of the characters,
    but for spaces, that these stand for: one such piece may stand for a long run of them.
    """
    if not texts:
        return 0.0, 0.0
    read = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
    rows = list(zip(texts, read["input_ids"], read["offset_mapping"], strict=True))
    lost = [
        text[start:end]
        for text, ids, places in rows
        for i, (start, end) in zip(ids, places, strict=True)
        if i == tokenizer.unk_token_id
    ]
    pieces = sum(len(ids) for _, ids, _ in rows)
    return len(lost) / max(pieces, 1), letters(lost) / max(letters(texts), 1)


def letters(texts: list[str]) -> int:
    """How many characters there are that are no space."""
    return sum(len("".join(text.split())) for text in texts)
