"""What the tokenizer at hand does to a text, in sentences (question 2)."""

from __future__ import annotations

from lmreport.display import markdown
from lmreport.display.traced import MarkdownText, fill
from lmreport.models.pieces import Pieces

MANY = 0.05  # share of what is unknown from which on a reader is warned
SPLITS = {
    "WordPiece": "WordPiece splits a word into the longest pieces that it knows [@wu2016; "
    "@devlin2019].",
    "BPE": "BPE (byte-pair encoding) begins with single characters and joins neighbours, pair by "
    "pair, in the order that it learned.",
    "Unigram": "A unigram tokenizer chooses, of all ways to split a text, the one that is the most "
    "probable by its vocabulary.",
    "WordLevel": "Its pieces are whole words; it splits none.",
}


def kind(pieces: Pieces) -> MarkdownText:
    """The name of the kind of tokenizer."""
    return MarkdownText(
        f"byte-level {pieces.kind}" if pieces.by_bytes and pieces.kind == "BPE" else pieces.kind
    )


def splits(pieces: Pieces) -> MarkdownText:
    """How it comes to its pieces."""
    sentence = SPLITS.get(pieces.kind, "")
    if pieces.by_bytes:
        sentence += " Its characters are bytes, so that no text is unknown to it."
    return MarkdownText(sentence.strip())


def casing(pieces: Pieces) -> MarkdownText:
    """What it does to capitals, as part of a sentence."""
    return MarkdownText("lower-cases the text" if pieces.lowers else "keeps capitals apart")


def frame(pieces: Pieces) -> tuple[str, str]:
    """The special tokens before and after a text, as code; "" for none."""
    begin, end = (" ".join(f"`{t}`" for t in tokens) for tokens in (pieces.begin, pieces.end))
    return begin, end


def framed(pieces: Pieces) -> MarkdownText:
    """What stands around a text, as part of a sentence."""
    begin, end = frame(pieces)
    if begin and end:
        return MarkdownText(f"framed by {begin} and {end}")
    if begin or end:
        return MarkdownText(f"with {begin or end} {'before' if begin else 'after'} them")
    return MarkdownText("with nothing around them")


def is_of_characters(strange: dict) -> bool:
    """Whether unknown pieces stand for more of the characters than they are of the pieces, since
    one of them may stand for a long run; strange: `data_audit.strange`.
    """
    return strange["characters"] > strange["unknown"]


def unknown(strange: dict) -> float:
    """The larger share of the training texts that is unknown, of their pieces or characters."""
    return max(strange["unknown"], strange["characters"])


def rare(strange: dict) -> MarkdownText:
    """What becomes of a word outside both vocabularies; strange: `data_audit.strange` of the
    training texts.
    """
    if unknown(strange) < MANY:
        return MarkdownText(
            "A word outside the vocabulary survives as pieces in the first and becomes `[UNK]` in "
            "the second."
        )
    return fill(
        "A word outside the vocabulary becomes `[UNK]` in the second; in the first it should "
        f"survive as pieces, but {{}} of the {'characters' if is_of_characters(strange) else 'pieces'} "
        "of these texts are unknown.",
        markdown.pct(unknown(strange), 0),
    )


def decoding(pieces: Pieces, strange: dict) -> MarkdownText:
    """What `decode` returns; strange: `data_audit.strange` of the training texts."""
    begin, end = frame(pieces)
    between = f" between {begin} and {end}" if begin and end else f" with {begin}{end}"
    case = " in lower case" if pieces.lowers else ""
    sentence = f"`decode` returns the text{case}{between if begin or end else ''}"
    if unknown(strange) >= MANY:
        return MarkdownText(f"{sentence}, and a special token for what is unknown.")
    if pieces.exact:
        return MarkdownText(f"{sentence}.")
    return MarkdownText(f"{sentence}; it rejoins some punctuation, not all.")


def mark(pieces: Pieces) -> MarkdownText:
    """What `##` means, or what this tokenizer writes instead."""
    if pieces.marks == "continues":
        return MarkdownText(
            f"`{pieces.mark}` marks a piece that continues the word before it without a space; "
            "`decode` joins such pieces again."
        )
    instead = {
        "begins": f"it writes `{pieces.mark}` before a piece that follows a space, and `decode` "
        "makes spaces of these marks.",
        "ends": f"it writes `{pieces.mark}` after a piece that ends a word.",
    }.get(pieces.marks, "it marks nothing.")
    return MarkdownText(
        "WordPiece writes `##` before a piece that continues a word without a space. This "
        f"tokenizer has no `##`: {instead}"
    )


def loses(pieces: Pieces) -> MarkdownText:
    """What of a text would not come back, beside what the example shows."""
    lost = [
        name
        for name, gone in (
            ("capitals", pieces.lowers),
            ("accents", pieces.plain),
            ("line breaks", pieces.breaks),
        )
        if gone
    ]
    if not lost:
        return MarkdownText(
            "Capitals, accents and line breaks would come back"
            + ("." if pieces.by_bytes else ", where they are in its vocabulary.")
        )
    names = ", ".join(lost[:-1]) + (" or " if lost[1:] else "") + lost[-1]
    return MarkdownText(f"Where a text has {names}, they are lost too.")


def came_back(decoded: str, text: str, pieces: Pieces, unknown: int) -> MarkdownText:
    """Whether the decoded example is the original; unknown: how many of its pieces are."""
    inner = decoded
    for token in pieces.begin:
        inner = inner.removeprefix(token).lstrip()
    for token in reversed(pieces.end):
        inner = inner.removesuffix(token).rstrip()
    special = len(pieces.begin) + len(pieces.end)
    without = {0: "The", 1: "Without that token, the", 2: "Without these two, the"}.get(
        special, "Without these tokens, the"
    )
    if inner.strip() == text:
        return MarkdownText(f"{without} decoded text is exactly the original.")
    if inner.strip().casefold() == text.casefold():
        return MarkdownText(f"{without} decoded text is the original, but for capitals.")
    same = "".join(inner.split()).casefold() == "".join(text.split()).casefold()
    why = (
        "what was unknown is lost"
        if unknown
        else "white space and the spacing of punctuation differ"
        if same
        else "some characters came back as others"
    )
    return MarkdownText(f"The decoded text is not exactly the original: {why}.")


def types(given: bool, vectors: int, family: str) -> MarkdownText:
    """What `token_type_ids` are for; given: whether the tokenizer returns them; vectors: how many
    kinds of tokens the model of that family tells apart.
    """
    if not given:
        return MarkdownText(
            "`token_type_ids`, which BERT uses to tell two sentences apart, is missing: "
            f"{family} does without it."
        )
    sentence = (
        "`token_type_ids` says which of two sentences a token belongs to. With one text all are 0. "
        "{} does without them."
    )
    if vectors > 1:
        return MarkdownText(sentence.format("DistilBERT"))
    return MarkdownText(sentence.format(family))


def limit(tokenizer: int, model: int) -> MarkdownText:
    """The longest text that both can take; each 0 where it sets no bound."""
    if tokenizer and (not model or tokenizer <= model):
        return fill("The tokenizer's limit is {}.", markdown.count(tokenizer))
    if not model:
        return MarkdownText("Neither the tokenizer nor the model sets a limit.")
    return fill(
        "The model's limit is {}, of which its tokenizer does not know.", markdown.count(model)
    )
