"""Values of questions 1 and 2: which data, what tokenizer and layer make of a text."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from lmreport.data.splits import VALIDATION_SHARE
from lmreport.data.words import unit
from lmreport.display import markdown
from lmreport.display.traced import MarkdownText, fill
from lmreport.models import architecture, fitness
from lmreport.models import pieces as piece_traits
from lmreport.reporting import sentences, tables, tokenizing
from lmreport.reporting.values import named


@named
def of_splits(corpus, whole):
    """The data, its splits, and how many of them this render trains on."""
    parts = {name: len(part) for name, part in whole.items()}
    return dict(
        fetched=MarkdownText(
            sentences.of_data(
                corpus,
                "`get_file` fetches the archive once and then finds it in its cache. A second "
                "function unpacks it.",
                "`get_file` fetches an archive once and finds it in its cache afterwards. Here other "
                "data were given.",
            )
        ),
        files=MarkdownText(sentences.of_data(corpus, ", each in a file of its own")),
        folders=MarkdownText(
            sentences.of_data(corpus, "Training and test texts lie in two folders.")
        ),
        texts=markdown.count(sum(map(len, whole.values()))),
        classes=markdown.count(len(whole["train"].features["labels"].names)),
        train=markdown.count(len(whole["train"])),
        validation=markdown.count(len(whole["validation"])),
        moved=MarkdownText(
            ""
            if abs(VALIDATION_SHARE * (parts["train"] + parts["validation"]) - parts["validation"])
            < 2
            else " More were moved so that each class is in both."
        ),
        about=MarkdownText(
            sentences.of_data(
                corpus,
                "The texts are CC BY-SA [@so16k]; most names of the languages became *blank*.",
            )
        ),
    )


@named
def of_tokenizer(tokenizer, source, strange):
    """The tokenizer of the checkpoint; strange: `data_audit.strange` of the training texts."""
    pieces = piece_traits.of(tokenizer)
    return dict(
        name=MarkdownText(markdown.plain(source.name)),
        kind=tokenizing.kind(pieces),
        splits=tokenizing.splits(pieces),
        casing=tokenizing.casing(pieces),
        framed=tokenizing.framed(pieces),
        rare=tokenizing.rare(strange),
        decoding=tokenizing.decoding(pieces, strange),
        mark=tokenizing.mark(pieces),
        loses=tokenizing.loses(pieces),
        pieces=markdown.count(len(tokenizer)),
        special=MarkdownText(", ".join(f"`{t}`" for t in tokenizer.all_special_tokens)),
        same=MarkdownText(
            SAME_IDS
            if "distilbert" not in source.name and is_of_bert(Path(source.path, "vocab.txt"))
            else ""
        ),
    )


OF_BERT = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
SAME_IDS = (
    f"The tokenizer's vocabulary file has the same SHA-256 ({OF_BERT[:8]}…) as that of "
    "`bert-base-uncased`, which DistilBERT uses too."
)


def is_of_bert(vocabulary: Path) -> bool:
    """Whether the file is the vocabulary of bert-base-uncased, by its SHA-256. Transformers' own list
    (tokenization_distilbert.py, version 2.5) names it for distilbert-base-uncased as well.
    """
    return vocabulary.is_file() and sha256(vocabulary.read_bytes()).hexdigest() == OF_BERT


@named
def of_outputs(outputs, text: str, tokenizer, source):
    """One text through tokenizer and layer: how many ids, and how many of them unknown."""
    return dict(
        units=MarkdownText(
            "single characters of a script without spaces between words, and whole words of others"
            if unit(text) == "character"
            else "whole words and marks"
        ),
        unknown=unknown(outputs),
        types=tokenizing.types(
            "token_type_ids" in outputs["tokenizer_keys"],
            *architecture.sentences_apart(source.path),
        ),
        decoded=tokenizing.came_back(
            outputs["decoded"], text, piece_traits.of(tokenizer), outputs["unknown_pieces"]
        ),
    )


def unknown(outputs) -> MarkdownText:
    """How many words of the text the layer does not know, and one that the tokenizer splits."""
    units = f"{unit(outputs['text'])}s and marks"
    if not outputs["layer_unknown"]:
        return fill(
            "All {} {} of this text are among them.",
            markdown.count(outputs["layer_used"]),
            units,
        )
    example = outputs["unknown_words"][0]
    return fill(
        "Of this text's {} {}, {} became `[UNK]` (“{}”).",
        markdown.count(outputs["layer_used"]),
        units,
        markdown.count(outputs["layer_unknown"]),
        MarkdownText(markdown.plain(example)),
    )


@named
def of_tokenized(tokenized, settings, tokenizer, source, bert):
    """Length and padding of the tokenized training split, and those of the run that the answers
    speak of.
    """
    return dict(
        how=of_cut(len(tokenized["train"]), settings.max_length, bert),
        limit=tokenizing.limit(
            piece_traits.longest(tokenizer),
            fitness.positions(fitness.configuration(Path(source.path))),
        ),
        padding=markdown.pct(tables.padding_share(tokenized["train"])),
    )


def of_cut(texts: int, length: int, bert) -> MarkdownText:
    """How many training texts this render tokenizes and where it cuts them, beside the run `bert`."""
    here, recorded = (texts, length), (bert["train_texts"], bert.inputs["settings"]["max_length"])
    if here == recorded:
        return fill(
            "This report tokenizes all {} training texts and cuts them at {} word pieces.",
            *map(markdown.count, here),
        )
    return fill(
        "The code shown here tokenizes {} training texts and cuts them at {} word pieces; the recorded run "
        "tokenized {} and cut them at {}.",
        *map(markdown.count, here + recorded),
    )
