"""Values of question 6: the accuracies, the two questions, the verdict."""

from __future__ import annotations

from lmreport.display import markdown
from lmreport.display.traced import MarkdownText, fill
from lmreport.reporting import encoder, metrics, recipes, sentences, studies
from lmreport.reporting.values import named
from lmreport.reporting.values.on_training import A_WAIT, is_stack_overflow


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


def of_reading(bert, lengths) -> MarkdownText:
    """How many of the texts are longer than what the run reads and than BERT's limit; lengths
    (texts,): of all of them, in word pieces.
    """
    read = bert.inputs["settings"]["max_length"]
    cut, beyond = ((lengths > limit).mean() for limit in (read, 512))
    if not cut and not beyond:
        return MarkdownText("The size annoys too:")
    return fill(
        "The model's limit on length and its size annoy too. Of all our texts, {} are longer than the {} "
        "word pieces that the run of @tbl-accuracy reads, and {} are longer than BERT's limit of 512. And",
        markdown.pct(cut),
        markdown.count(read),
        markdown.pct(beyond),
    )


def of_seeds(bert, searched, behind: float) -> MarkdownText:
    """By how much a new seed moves the accuracy, where that was measured on the same data, beside
    the points that the Transformer is `behind` the SVM.
    """
    if searched.inputs["data"]["digest"] != bert.inputs["data"]["digest"]:
        return MarkdownText("what a new seed changes was not measured on these data")
    moved = 100 * max(recipes.between_seeds(searched))
    return fill(
        "in other full-scale runs, changing only the seed moved validation accuracy by up to {} points {}, "
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
    short, long = (sentences.ahead(bert, svm, filled) for filled in (0, 1))
    words = ("significantly less", "significantly more", "not significantly more or less")
    length = markdown.count(bert.inputs["settings"]["max_length"])
    return fill(
        "{} a text has fewer than {} word pieces, the Transformer errs {} than the SVM; on the others "
        "it errs {} {}. Whether the cut at {} is the reason was not tested.",
        MarkdownText("Short and long texts differ: where" if short * long < 0 else "Where"),
        length,
        markdown.word([2, 0, 1][short], *words),
        markdown.word([2, 0, 1][long], *words),
        MarkdownText("([supplement](supplement.html#sec-errors-length))"),
        length,
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
        size=sentences.millions(bert),
        read=of_reading(bert, lengths),
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
    name = fill(
        "{} ({} million parameters)",
        MarkdownText(markdown.plain(encoder.name(record))),
        markdown.count(record["parameters"] / 1e6),
    )
    one = fill("A larger encoder, {},", name)
    of_several = fill(
        "We trained a larger encoder, {}, in {} runs. The one that is best on the validation texts",
        name,
        markdown.count(len(runs.encoders)),
    )
    some_fail = any(metrics.outcome(run, svm) for run in runs.encoders)
    return fill(
        "{} reads {} word pieces of a text and gets {}, "
        "{} than the SVM, after {} of training{} "
        "([supplement](supplement.html#sec-encoder)).{} {}",
        one if len(runs.encoders) == 1 else of_several,
        markdown.count(record.inputs["settings"]["max_length"]),
        markdown.pct(metrics.accuracy(record)),
        markdown.word(metrics.outcome(record, svm), *COMPARED),
        sentences.at_most(record),
        MarkdownText(" on another processor" * elsewhere(record, svm)),
        MarkdownText(
            " Not every run is significantly ahead."
            * (some_fail and not metrics.outcome(record, svm))
        ),
        markdown.word(
            metrics.outcome(record, svm),
            "So with this many labelled texts, a larger encoder pays only where the last points count.",
            "",
            "",
        ),
    )
