"""Values of questions 4 to 6: the arguments, the times, the accuracies, the two questions, the
verdict.
"""

from __future__ import annotations

from lmreport.data.corpus import KNOWN
from lmreport.display import markdown
from lmreport.display.traced import MarkdownText, fill
from lmreport.reporting import encoder, metrics, recipes, sentences, studies
from lmreport.reporting.values import named, on_data

A_WAIT = 10  # seconds; a shorter training is no waiting


@named
def of_classifier(source, bert, class_names: list[str]):
    """The checkpoint that this render loads, and what must be known of it (4a)."""
    return dict(
        name=MarkdownText(markdown.plain(source.name)),
        classes=markdown.count(len(class_names)),
        stand_in=MarkdownText(
            "Where the hub is in reach, `source.path` is `distilbert-base-uncased`. MiniLM's earlier "
            "training included 25 million questions of Stack Exchange, each with its "
            "title [@allminilm]. Our questions are probably among them, without their tags, which may "
            "explain part of MiniLM's accuracy."
            if "MiniLM" in bert.label and is_stack_overflow(bert)
            else ""
        ),
    )


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


def in_short(bert, lstm, svm, class_names: list[str]) -> dict:
    """The answers with computed numbers in a few words, by item, for the table of the first page."""
    told, asked = of_arguments(bert), of_questions(bert, class_names)
    return {
        "4c": fill("{}, {} texts a batch, learning rate {}", told.epochs, told.batch, told.rate),
        "1b": fill("{} of the training texts for validation", markdown.pct(held_out(bert), 0)),
        "5a": fill(
            "{} of the validation texts right", markdown.pct(metrics.validation_accuracy(bert))
        ),
        "5b": fill("{} times {} as the LSTM", sentences.times(bert, lstm), longer(bert, lstm)),
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
def of_training(bert, lstm):
    """How the two networks got on, epoch by epoch (5a)."""
    return dict(
        log=of_log(bert),
        rises=of_rising_loss(bert),
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
def of_tests(bert, lstm, svm, searched, larger):
    """Test accuracies and what their differences are worth (6a); searched: recorded trainings with
    several seeds; larger: the runs of a larger encoder beside them.
    """
    lead = 100 * (metrics.accuracy(bert) - metrics.accuracy(lstm))
    behind = 100 * (metrics.accuracy(bert) - metrics.accuracy(svm))
    return dict(
        bert=markdown.pct(metrics.accuracy(bert)),
        lstm=markdown.pct(metrics.accuracy(lstm)),
        svm=markdown.pct(metrics.accuracy(svm)),
        difference=of_difference(lead, bert, lstm),
        label=MarkdownText(markdown.plain(bert.label)),
        ranking=markdown.word(
            metrics.outcome(bert, svm),
            "The Transformer beats the linear SVM too",
            "The linear SVM beats the Transformer",
            "Against the linear SVM the difference is not significant",
        ),
        seeds=of_seeds(bert, searched, behind),
        trade=trade(bert, svm),
        seen=MarkdownText(
            "The checkpoint may have seen these questions, without their tags ([4a](#sec-4a))."
            if "MiniLM" in bert.label and is_stack_overflow(bert)
            else ""
        ),
        lstm_is=sentences.described(lstm),
        larger=fill(
            "For the larger encoder in the figure{} see [6c](#sec-6c).",
            MarkdownText(", trained on another processor," * elsewhere(larger[0], bert)),
        )
        if larger
        else MarkdownText(""),
    )


def of_points(lead) -> MarkdownText:
    """A lead in points, in words."""
    if round(float(lead), 1) == 0:
        return MarkdownText("which gets as many right")
    return fill(
        "{} points {}",
        markdown.fixed(abs(lead), 1),
        markdown.more_or_less(lead, 0, "more", "fewer"),
    )


def of_difference(lead, bert, lstm) -> MarkdownText:
    """By how many points the Transformer is ahead of the LSTM, and whether surely."""
    if round(float(lead), 1) == 0:
        return MarkdownText("So they are equally accurate")
    return fill(
        "That is {}, which is {}",
        of_points(lead),
        markdown.word(int(metrics.outcome(bert, lstm) == 2), "significant", "not significant"),
    )


def of_reading(bert, beyond) -> MarkdownText:
    """How much of the texts the run reads, and the share of all texts `beyond` BERT's limit."""
    length = markdown.count(bert.inputs["settings"]["max_length"])
    if not metrics.cut_share(bert) and not beyond:
        return MarkdownText("The size annoys too:")
    return fill(
        "The model's limit on length and its size annoy too. The run of @tbl-accuracy reads {} word pieces of a "
        "text, which {} of the test texts fill; {} of all our texts are longer than BERT's limit of 512. "
        "And",
        length,
        markdown.pct(metrics.cut_share(bert)),
        markdown.pct(beyond),
    )


def is_stack_overflow(record) -> bool:
    """Whether a run was made on the assignment's data."""
    return record.inputs["data"]["digest"] in KNOWN


def of_seeds(bert, searched, behind: float) -> MarkdownText:
    """By how much a new seed moves the accuracy, where that was measured on the same data, beside
    the points that the Transformer is `behind` the SVM.
    """
    if searched.inputs["data"]["digest"] != bert.inputs["data"]["digest"]:
        return MarkdownText("what a new seed changes was not measured on these data")
    moved = 100 * max(recipes.between_seeds(searched))
    return fill(
        "in full-scale runs with other settings, a new seed alone moved validation accuracy by up to {} points {}, "
        "{} the {} points between SVM and Transformer",
        markdown.fixed(moved, 1),
        MarkdownText("([supplement](supplement.html#sec-recipes))"),
        markdown.more_or_less(moved, abs(behind), "more than", "less than", "as much as"),
        markdown.fixed(abs(behind), 1),
    )


def trade(bert, svm) -> MarkdownText:
    """Whether the Transformer wins where it reads a text whole and loses where it must cut it;
    nothing of one that has learned nothing.
    """
    if not sentences.has_halves(bert) or metrics.lower(bert) <= metrics.guessing(bert):
        return MarkdownText("")
    clauses = [
        fill(
            "{} than the SVM ({} of them wrong against {})",
            markdown.word(
                [2, 0, 1][sentences.ahead(bert, svm, filled)],
                "significantly less",
                "significantly more",
                "not significantly more or less",
            ),
            *(markdown.pct(metrics.error_reaching(record, bert, filled)) for record in (bert, svm)),
        )
        for filled in (0, 1)
    ]
    start = (
        "Which of SVM and Transformer is better depends on the length of the text. "
        if sentences.ahead(bert, svm, 0) * sentences.ahead(bert, svm, 1) < 0
        else ""
    )
    return fill(
        "{}On texts of fewer than {} word pieces, the Transformer errs {}. On texts of at least {}, which "
        "are cut there, it errs {}.{}",
        start,
        markdown.count(bert.inputs["settings"]["max_length"]),
        clauses[0],
        markdown.count(bert.inputs["settings"]["max_length"]),
        clauses[1],
        " Whether the cut is the reason was not tested.",
    )


@named
def of_confusion(bert, class_names: list[str]):
    """What the Transformer takes for what (6a)."""
    return dict(
        error=fill("{}{}", sentences.commonest(bert, class_names), sentences.few_named(bert))
    )


@named
def of_questions(asked, class_names: list[str]):
    """The predicted tags of the two questions and whether we agree (6b)."""
    tags = [markdown.word(metrics.answer(asked, number), *class_names) for number in range(2)]
    return dict(
        first=tags[0],
        second=tags[1],
        first_sure=markdown.pct(metrics.chance_of(asked, 0, int(metrics.answer(asked, 0)))),
        second_sure=markdown.pct(metrics.chance_of(asked, 1, int(metrics.answer(asked, 1)))),
        agree=agreement(tags, class_names),
        first_why=MarkdownText(
            sentences.agreement(tags[0], "python", class_names, FIRST, f"We disagree. {FIRST}")
        ),
        second_why=MarkdownText(
            sentences.agreement(tags[1], "java", class_names, SECOND, f"We disagree. {SECOND}")
        ),
    )


FIRST = (
    "“dict” is what Python calls this type; elsewhere it would be a dictionary, a map or an object."
)
SECOND = (
    "“public static void main” with “args” is the entry point of a Java program. C# writes "
    "“Main(string[] args)” and mostly leaves “public” out, but the capitals that tell the two "
    "apart are lost in lower case."
)


def agreement(tags: list, class_names: list[str]) -> MarkdownText:
    """Whether we agree with both tags, in a few words."""
    right = [
        str(tag).casefold() == wanted for tag, wanted in zip(tags, ("python", "java"), strict=True)
    ]
    known = {"python", "java"} & {name.casefold() for name in class_names}
    if len(known) < 2:
        which = "one of them" if known else "either"
        return MarkdownText(f"These data have no class for {which}.")
    return MarkdownText(
        "We agree with both."
        if all(right)
        else "We agree with the first only."
        if right[0]
        else "We agree with the second only."
        if right[1]
        else "We agree with neither."
    )


@named
def of_worth(bert, lstm, svm, lengths, few, large, corpus, searched):
    """Whether the Transformer is worth its price for this problem (6c)."""
    bert_lead = 100 * (metrics.accuracy(bert) - metrics.accuracy(lstm))
    return dict(
        answer=markdown.word(
            metrics.outcome(bert, svm),
            "Yes, if the lead over a linear SVM is worth the time",
            "No",
            "No",
        ),
        reason=markdown.word(
            metrics.outcome(bert, svm),
            "A TF-IDF SVM is less accurate than the Transformer",
            "A TF-IDF SVM is more accurate than the Transformer",
            "A TF-IDF SVM does as well",
        ),
        svm=markdown.pct(metrics.accuracy(svm)),
        bert=markdown.pct(metrics.accuracy(bert)),
        svm_time=sentences.at_most(svm),
        wait=fill(
            "{} for every look at another setting"
            if bert["train_seconds"] >= A_WAIT
            else "{} here, but it grows with the texts and the encoder",
            sentences.at_most(bert),
        ),
        against_lstm=fill(
            (
                "Against the LSTM alone ({}), yes.",
                "Even the LSTM is better (the Transformer gets {}).",
                "The Transformer is not surely better or worse than the LSTM ({}).",
            )[int(metrics.outcome(bert, lstm))],
            of_points(bert_lead),
        ),
        size=on_data.millions(bert),
        read=of_reading(bert, (lengths > 512).mean()),
        larger=larger(large, corpus),
        choose=few.choose,
        on_gpu=of_gpu(bert, searched),
    )


def of_gpu(bert, searched) -> MarkdownText:
    """How long a training takes on a GPU, where the answers' own had none and one is recorded."""
    same = searched.inputs["data"]["digest"] == bert.inputs["data"]["digest"]
    if bert.made["hardware"]["gpu"] or not same:
        return MarkdownText("")
    return fill(
        "On a GPU the waiting shrinks: training {} on all texts, with other settings, took {} on an {} {}.",
        MarkdownText(markdown.plain(searched.inputs["model"]["name"])),
        markdown.duration(studies.entry(searched, "seconds_of.0")),
        MarkdownText(markdown.plain(searched.made["hardware"]["gpu"])),
        MarkdownText("([supplement](supplement.html#sec-recipes))"),
    )


def elsewhere(record, other) -> bool:
    """Whether two runs were made on different processors."""
    return record.made["hardware"]["cpu"] != other.made["hardware"]["cpu"]


def choice(runs) -> MarkdownText:
    """Among how many runs of the encoder this one was chosen."""
    if len(runs.encoders) == 1:
        return MarkdownText("")
    return fill(
        ". Of {} runs of this encoder, it is the best on the validation texts",
        markdown.count(len(runs.encoders)),
    )


COMPARED = ("significantly more", "significantly less", "not significantly more")  # by outcome


def larger(runs, corpus) -> MarkdownText:
    """What a larger encoder gets and costs; runs: `encoder.recorded`, of other data than `corpus`
    or None where nobody recorded one for these.
    """
    if runs is None or not encoder.is_of(runs, corpus):
        return MarkdownText(
            "The [supplement](supplement.html#sec-what-it-takes) says how much can be had."
        )
    record, svm = runs.encoder, runs.models["tfidf_svm"]
    return fill(
        "A larger encoder, {} ({} million parameters), given {} word pieces of a text, takes {}{} and gets "
        "{}, {} than the SVM{} ([supplement](supplement.html#sec-encoder)). {}",
        MarkdownText(markdown.plain(encoder.name(record))),
        markdown.count(record["parameters"] / 1e6),
        markdown.count(record.inputs["settings"]["max_length"]),
        sentences.at_most(record),
        MarkdownText(" on another processor" * elsewhere(record, svm)),
        markdown.pct(metrics.accuracy(record)),
        markdown.word(metrics.outcome(record, svm), *COMPARED),
        choice(runs),
        markdown.word(
            metrics.outcome(record, svm),
            "So with this many labels, a larger encoder pays only where the last points count.",
            "",
            "",
        ),
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
