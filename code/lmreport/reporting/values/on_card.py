"""Values of the card: which runs and which model the report speaks of, and its answers in short."""

from __future__ import annotations

from lmreport.core import listing
from lmreport.display import markdown
from lmreport.display.traced import MarkdownText, fill
from lmreport.reporting import metrics, rubric, sentences
from lmreport.reporting.values import named, on_evaluation, on_training
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
        sentences.millions(bert),
        MarkdownText(STAND_IN * is_stand_in),
        markdown.count(bert.inputs["settings"]["max_length"]),
    )


STAND_IN = (
    " stands in for DistilBERT, since these runs were made without access to the Hugging Face hub; "
    "with access the same code loads DistilBERT"
)


def in_short(bert, lstm, svm, class_names: list[str]) -> dict:
    """The answers with computed numbers in a few words, by item, for the table of the first page."""
    told, asked = on_training.of_arguments(bert), on_evaluation.of_questions(bert, class_names)
    return {
        "4c": fill("{}, {} texts a batch, learning rate {}", told.epochs, told.batch, told.rate),
        "1b": fill(
            "{} of the training texts for validation", markdown.pct(on_training.held_out(bert), 0)
        ),
        "5a": fill(
            "{} of the validation texts right", markdown.pct(metrics.validation_accuracy(bert))
        ),
        "5b": fill(
            "{} times {} as the LSTM", sentences.times(bert, lstm), on_training.longer(bert, lstm)
        ),
        "6a": fill(
            "{}; the LSTM {}",
            markdown.pct(metrics.accuracy(bert)),
            markdown.pct(metrics.accuracy(lstm)),
        ),
        "6b": fill("(i) {}, (ii) {}", asked.first, asked.second),
        "6c": fill(
            "the waiting; {}",
            markdown.word(metrics.outcome(bert, svm), "perhaps", "not worth it", "not worth it"),
        ),
    }
