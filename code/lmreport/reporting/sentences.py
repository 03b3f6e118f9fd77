"""Sentences that depend on the results, so that the prose stays true whatever a run says."""

from __future__ import annotations

import inspect

import numpy as np

from lmreport.display import markdown
from lmreport.display.traced import MarkdownText, fill
from lmreport.experiments import near_copies
from lmreport.models import architecture, scores
from lmreport.reporting import metrics

UNEQUAL = 1.5  # times as many texts as the smallest class has, from which on measures differ


def used(splits, settings) -> MarkdownText:
    """What part of the data a render trains on."""
    if not settings.train_size and not settings.test_size:
        return fill("This render uses all of them.")
    return fill(
        "At the scale “{}”, this render trains on {} of them, validates on {} and tests on {}, "
        "drawn by class with a fixed seed.",
        settings.scale,
        *(markdown.count(len(splits[name])) for name in ("train", "validation", "test")),
    )


def live(records: dict) -> MarkdownText:
    """Which of a render's own models is best, with the warning that few texts call for."""
    best = max(records.values(), key=metrics.accuracy)
    width = 100 * (metrics.upper(best) - metrics.lower(best))
    return fill(
        "There {} is best with {} of {} texts; its 95% interval is {} points wide, so small "
        "differences mean nothing.",
        markdown.first_of({r.label: metrics.accuracy(r) for r in records.values()}),
        markdown.pct(metrics.accuracy(best)),
        markdown.count(metrics.texts(best)),
        markdown.num(width, 2),
    )


def encoders(records: list) -> MarkdownText:
    """Which of several Transformers the validation texts would choose, and whether it is ahead on
    the test texts; nothing of one.
    """
    if len(records) == 1:
        return MarkdownText("")
    best = max(records, key=lambda r: float(metrics.validation_accuracy(r)))
    comparisons = [
        fill(
            "{} {} ({} of the test texts)",
            markdown.word(
                metrics.outcome(best, other),
                "surely better than",
                "surely worse than",
                "not surely better than",
            ),
            MarkdownText(markdown.plain(other.label)),
            markdown.pct(metrics.accuracy(other)),
        )
        for other in records
        if other is not best
    ]
    return fill(
        f"Of the {{}} encoders, the validation texts choose {{}}. With {{}} of the test texts it is "
        f"{', '.join(['{}'] * len(comparisons))}.",
        markdown.count(len(records)),
        MarkdownText(markdown.plain(best.label)),
        markdown.pct(metrics.accuracy(best)),
        *comparisons,
    )


def described(lstm) -> MarkdownText:
    """What the LSTM is, in a sentence."""
    from lmreport.models.lstm import CONFIGURATIONS, vectorization

    chosen, tried = CONFIGURATIONS[lstm["configuration"]], len(lstm["tried"])
    which = (
        "Of {} LSTMs we take the best on the validation texts"
        if tried > 1
        else "{} LSTM was trained"
    )
    return fill(
        f"{which}: one layer of {{}} units {{}}, whose output is {{}}, trained for {{}} epoch{{}}. It reads "
        "at most {} words and marks of a text, from a vocabulary of at most {}.",
        markdown.count(tried),
        markdown.count(chosen["units"]),
        "in each direction" if chosen["bidirectional"] else "from left to right",
        "the maximum over all positions" if chosen["max_pooling"] else "the last state",
        markdown.count(lstm["epochs"]),
        "" if lstm["epochs"] == 1 else "s",
        markdown.count(words_read()),
        markdown.count(default_of(vectorization, "vocabulary")),
    )


def size(bert, lstm, classifier, source) -> MarkdownText:
    """How many times as many parameters the Transformer has, embeddings counted and not.

    classifier: the one loaded from `source`; only if that is what was recorded are the embeddings
    known.
    """
    whole = markdown.num(bert["parameters"] / lstm["parameters"], 2)
    if bert.inputs["model"]["digest"] != source.digest:
        return fill("The Transformer has {} times the parameters.", whole)
    mine, other = computing(bert, lstm, classifier, source)
    return fill(
        "The Transformer has {} times the parameters, or {} times without the embeddings, which are only "
        "looked up.{}",
        whole,
        markdown.num(mine / other, 3),
        f" Its {classifier.config.num_hidden_layers} layers share their weights, so each of them "
        "is used as often."
        if architecture.shares_layers(classifier)
        else "",
    )


def computing(bert, lstm, classifier, source) -> tuple:
    """The parameters of Transformer and LSTM that compute: all but the embeddings, whose rows are
    only looked up. Those of a Transformer that is not the `classifier` loaded from `source` count
    whole.
    """
    from lmreport.models.lstm import EMBEDDING, build

    looked_up = sum(
        p.numel()
        for name, p in classifier.named_parameters()
        if ".embeddings." in name and bert.inputs["model"]["digest"] == source.digest
    )
    words = default_of(build, "vocabulary") * EMBEDDING
    return bert["parameters"] - looked_up, lstm["parameters"] - words


def words_read() -> int:
    """How many words of a text the LSTM reads."""
    from lmreport.models.lstm import vectorization

    return default_of(vectorization, "length")


def default_of(function, parameter: str):
    """What a parameter of a function is where a caller does not say."""
    return inspect.signature(function).parameters[parameter].default


POSITIONS = {
    "learned": "it adds a learned vector of its place to each word.",
    "fixed": "it adds a fixed vector of its place to each word.",
    "relative": "its attention looks at the distance between two words (relative positions).",
    "rotary": "its attention turns queries and keys by an angle that grows with the place (rotary "
    "positions).",
}


def of_positions(known: tuple[str, ...]) -> str:
    """How a model knows where a word stands; known: `architecture.positions`."""
    clauses = [POSITIONS[kind] for kind in known]
    if not clauses:
        return "nothing in it tells where a word stands."
    return ", and ".join([*(one.removesuffix(".") for one in clauses[:-1]), clauses[-1]])


def shared_cores(record) -> bool:
    """Whether other work had more processes ready than there were cores when a run began, or left
    it less than one of several cores, so that its time is an upper bound.
    """
    cores = record.made["hardware"]["cores"]
    starved = (
        cores > 1
        and "cpu_seconds" in record.values
        and not record.made["hardware"]["gpu"]
        and record["cpu_seconds"] < record["train_seconds"]
    )
    return record.made.get("load_before", 0) > cores or starved


def at_most(record, said: str = "at most", of: str = "train_seconds"):
    """A time of a record in words, that of the training unless `of` names another; an upper bound,
    and `said` to be one, where other work shared the cores.
    """
    is_bound = shared_cores(record)
    return fill(f"{said} {{}}" if is_bound else "{}", markdown.duration(record[of], up=is_bound))


def times(bert, lstm):
    """How many times as long one of the two trainings took as the other; a bound where one time is
    an upper bound.
    """
    return times_as_long(bert["train_seconds"] / lstm["train_seconds"], bert, lstm, 3)


def times_as_long(ratio, bert, lstm, digits: int):
    """How many times as long one of the two takes as the other, by the `ratio` of some times of
    theirs; a bound, of two digits, where one of these is an upper bound.
    """
    slower, faster = (bert, lstm) if ratio > 1 else (lstm, bert)
    bounds = {(False, True): ("at least {}", "down"), (True, False): ("at most {}", "up")}
    said, way = bounds.get((shared_cores(slower), shared_cores(faster)), ("{}", ""))
    return fill(said, markdown.num(max(ratio, 1 / ratio), 2 if way else digits, way))


def bound(bert, lstm) -> MarkdownText:
    """What the load of the machine, the numbers that were computed with and the choice of the LSTM
    mean for the ratio of the two times.
    """
    shared = [
        name for name, record in (("LSTM", lstm), ("Transformer", bert)) if shared_cores(record)
    ]
    longest = "Transformer" if bert["train_seconds"] > lstm["train_seconds"] else "LSTM"
    tried = len(lstm["tried"])
    return fill(
        "{}{}{}",
        f"The {shared[0]} shared its cores, so its time is an upper bound, and "
        f"{'so is the ratio' if shared == [longest] else 'the ratio a lower one'}."
        if len(shared) == 1
        else "Both shared their cores, so both times are upper bounds, and the ratio is rough."
        if shared
        else "Each was timed once, so the ratio is rough.",
        " The Transformer used bf16, which not every processor has."
        if bert["bf16"] and not bert.made["hardware"]["gpu"]
        else "",
        fill(" Choosing among {} LSTMs is not counted.", markdown.count(tried))
        if tried > 1
        else MarkdownText(""),
    )


def balance(splits) -> MarkdownText:
    """What always naming the most frequent class of the test texts gets, and whether the others
    have fewer texts.
    """
    trained, tested = (
        np.bincount(np.concatenate([splits[name]["labels"][:] for name in names]))
        for names in (("train", "validation"), ("test",))
    )
    guess = markdown.pct(scores.guessing(splits["test"]["labels"][:]))
    if len(set(trained)) == len(set(tested)) == 1:
        return fill("The classes are balanced, so guessing gets {}.", guess)
    return fill(
        "The classes are not balanced: they have from {} to {} test texts, and always naming the "
        "largest one gets {}.",
        markdown.count(tested.min()),
        markdown.count(tested.max()),
        guess,
    )


def are_unequal(record) -> bool:
    """Whether the largest class of the test texts has a half more texts than the smallest one."""
    return metrics.most_texts(record) > UNEQUAL * metrics.fewest(record)


def of_guessing(record) -> MarkdownText:
    """What the sizes of the classes mean for accuracies, and whether a model is better than always
    naming the largest one; nothing where the classes are alike and it is.
    """
    guess, parts = metrics.guessing(record), []
    if are_unequal(record):
        parts.append(
            fill(
                "The classes have from {} to {} test texts, and always naming the largest gets {}; "
                "balanced accuracy and macro F1 count each class alike.",
                markdown.count(metrics.fewest(record)),
                markdown.count(metrics.most_texts(record)),
                markdown.pct(guess),
            )
        )
    if metrics.lower(record) <= guess:
        parts.append(
            fill(
                "The Transformer {} always naming one class ({}).",
                markdown.more_or_less(
                    guess,
                    metrics.upper(record),
                    "is worse than",
                    "cannot be told from",
                    "cannot be told from",
                ),
                markdown.pct(guess),
            )
        )
    return fill(" ".join(["{}"] * len(parts)), *parts)


def leak(named: dict[str, float], corpus) -> MarkdownText:
    """What it means that texts name their own class; `named`: share of the texts of each class that
    do.
    """
    if not max(named.values()):
        return MarkdownText("Here none does.")
    return fill(
        "Those of {} do most often ({}). {}What these names do for each model was not tested.",
        markdown.first_of(named),
        markdown.pct(max(named.values())),
        of_data(
            corpus,
            "So the blanking is not complete (“js” counts as JavaScript); the table also shows "
            "how often the word *blank* stands in a text. ",
        ),
    )


def commonest(record, class_names: list[str]) -> MarkdownText:
    """The most frequent error of a model."""
    if not metrics.wrong(record):
        return MarkdownText("The Transformer makes no error on these texts.")
    alone = metrics.kinds_of_error(record) == 1 or (
        metrics.confused(record, 0) > metrics.confused(record, 1)
    )
    return fill(
        "{} is to tag texts of {} as {} ({} of them).",
        MarkdownText(
            "The Transformer’s most frequent error"
            if alone
            else "One of the Transformer’s most frequent errors"
        ),
        markdown.word(metrics.confused_true(record, 0), *class_names),
        markdown.word(metrics.confused_as(record, 0), *class_names),
        markdown.count(metrics.confused(record, 0)),
    )


def few_named(record) -> MarkdownText:
    """That a model names few of the classes, if less than half of them."""
    if 2 * metrics.named(record) >= metrics.classes(record):
        return MarkdownText("")
    return fill(
        " It names only {} of the {} classes.",
        markdown.count(metrics.named(record)),
        markdown.count(metrics.classes(record)),
    )


def copied(audit: dict) -> MarkdownText:
    """Where exact copies stand, if there are any: across the splits, and under different tags."""
    if not audit["copies"]:
        return MarkdownText("")
    return MarkdownText(
        f" {'Some' if audit['across_splits'] else 'None'} of them reach across training and test, "
        f"and {'some' if audit['across_tags'] else 'none'} carry different tags."
    )


def nearly_copied(audit: dict) -> MarkdownText:
    """How many test texts are near copies of training texts, and what a near copy is."""
    bounds = markdown.count(near_copies.SHINGLE), markdown.pct(near_copies.NEAR, 0)
    if not audit["near"]:
        return fill(
            "No test text is a near copy of a training text: none shares {} or more of the runs of "
            "{} words with one.",
            *reversed(bounds),
        )
    if audit["near"] == 1:
        return fill(
            "1 test text is a copy of a training text{}, or nearly one: it shares {} or more of the "
            "runs of {} words with it.",
            MarkdownText(" with another tag" * audit["near_other_tag"]),
            *reversed(bounds),
        )
    return fill(
        "Of the test texts, {} are copies of a training text, or nearly so, and {} of one with "
        "another tag: they share {} or more of the runs of {} words.",
        markdown.count(audit["near"]),
        markdown.count(audit["near_other_tag"]),
        *reversed(bounds),
    )


def agreement(tag: str, right: str, class_names: list[str], yes: str, no: str) -> str:
    """`yes` if the predicted tag is the right one, else `no`; other data may have no class for
    it.
    """
    if right not in map(str.casefold, class_names):
        return f"These data have no class for it: the question is about {right.capitalize()}."
    return yes if tag.casefold() == right else no


def halves(bert, svm) -> MarkdownText:
    """Transformer and linear model on the test texts that the one reads whole, and on those that
    fill its input.
    """
    if not has_halves(bert) or metrics.lower(bert) <= metrics.guessing(bert):
        return MarkdownText("")

    def errors_on(filled: int) -> MarkdownText:
        mine, other = (metrics.error_reaching(record, bert, filled) for record in (bert, svm))
        return fill(
            "it errs in {} and the linear model in {}", markdown.pct(mine), markdown.pct(other)
        )

    return fill(
        "On the {} test texts that the Transformer reads whole {}; on the {} that fill its {} word "
        "pieces {}.{}",
        markdown.count(metrics.texts_reaching(bert, 0)),
        errors_on(0),
        markdown.count(metrics.texts_reaching(bert, 1)),
        markdown.count(bert.inputs["settings"]["max_length"]),
        errors_on(1),
        " Both differences are significant, so the tie hides a trade."
        if ahead(bert, svm, 0) * ahead(bert, svm, 1) < 0
        else "",
    )


FEW = 20  # texts, below which a share of them says nothing


def has_halves(bert) -> bool:
    """Whether enough of the test texts fill the Transformer's input, and enough do not."""
    return FEW <= metrics.texts_reaching(bert, 1) <= metrics.texts(bert) - FEW


def ahead(bert, svm, filled: int) -> int:
    """1 or −1 if the Transformer is surely ahead of, or behind, the linear model on that half of
    the test texts.
    """
    mine, other = (metrics.error_reaching(record, bert, filled) for record in (bert, svm))
    return (
        (1 if mine < other else -1)
        if metrics.p_reaching(bert, svm, bert, filled) < metrics.SURE
        else 0
    )


def of_data(corpus, asked: str, other: str = "") -> MarkdownText:
    """`asked` where the data are those that the assignment asks for, or the sample written after
    them.
    """
    return MarkdownText(other if corpus.kind == "other" else asked)


def millions(record):
    """The number of parameters, in millions where it has as many."""
    if record["parameters"] < 1e6:
        return markdown.count(record["parameters"])
    return fill("{} million", markdown.num(record["parameters"] / 1e6, 3))
