"""What the supplement says of what it takes to be better, and of the errors that remain."""

from __future__ import annotations

import yaml

from lmreport.core.settings import project_root
from lmreport.display import markdown
from lmreport.display.traced import MarkdownText, fill
from lmreport.experiments.improvements import ON_RECORD, SVM, TRANSFORMER
from lmreport.reporting import encoder, improvements, metrics, notices, recipes, sentences, studies
from lmreport.reporting.values import named

ANOTHER_SEED = "pilot: another seed"  # of the steps, the one that changes nothing but chance


@named
def of_stack(climbed, top, seeds_of_test, answering):
    """The stack, what it is made of, what it costs and what it cannot reach, beside the models that
    answer.
    """
    best, plain, svm = (
        studies.share(top, f"predicted.{top['names'].index(name)}")
        for name in (top["names"][-1], TRANSFORMER, SVM)
    )
    texts, missed = metrics.texts(top), improvements.missed_by_all(top)
    return dict(
        members_number=markdown.count(len(top["members"])),
        members=improvements.members(top),
        best=markdown.pct(best),
        beside_svm=fill(
            "{} points {} than",
            markdown.fixed(100 * abs(best - svm), 1),
            markdown.more_or_less(best, svm, "more", "fewer"),
        )
        if best != svm
        else MarkdownText("as many as"),
        price=markdown.num(improvements.price(climbed, top["names"][-1]), 2),
        worth=improvements.worth(top),
        second=recipes.apart(seeds_of_test, top),
        scored_before=MarkdownText(
            ""
            if top.inputs["data"]["kind"] == "other"
            else "One exception: a smaller form of the second stack had been scored before and decided "
            "nothing."
        ),
        a_point=improvements.a_point(climbed, top),
        without_last=improvements.without_last(climbed, top),
        missed=fill(
            "{} of the test texts ({}) are missed by every model of @tbl-summit.",
            markdown.count(missed),
            markdown.pct(missed / texts),
        )
        if missed
        else MarkdownText("No test text is missed by every model of @tbl-summit."),
        alone=alone(best, answering),
        read=of_reading(top),
        ceiling=ceiling(top),
    )


def alone(best, answering) -> MarkdownText:
    """The most accurate of the single models, if it is ahead of the stack, which gets `best`."""
    shares = {record.label: metrics.accuracy(record) for record in answering.values()}
    if max(shares.values()) <= best:
        return MarkdownText("")
    return fill(
        "One model alone gets more: {}, with {}.",
        markdown.first_of(shares),
        markdown.pct(max(shares.values())),
    )


def ceiling(top) -> MarkdownText:
    """What no positive weighting of the models of the final table can reach; nothing where they
    are never wrong alike.
    """
    agreed = improvements.agreed_wrong(top)
    if not agreed:
        return MarkdownText("")
    return fill(
        "For {} all models agree on the same wrong tag. There no positive weighting can help, so {} "
        "is the ceiling of such stacks, biases aside{}.",
        markdown.count(agreed),
        markdown.pct(1 - agreed / metrics.texts(top)),
        MarkdownText("; here a fitted weight is negative" if min(top["weights"]) < 0 else ""),
    )


@named
def of_limits(climbed, top, has_recipes: bool):
    """Where the numbers of the section are from; has_recipes: those of a GPU are among them."""
    origin = markdown.plain(studies.origin(top, climbed))
    return dict(
        origin=MarkdownText(origin + "; those of @tbl-recipes from the GPU" * has_recipes),
        some_rows=MarkdownText(", and some rows of @tbl-recipes too" * has_recipes),
    )


@named
def of_steps(climbed, corpus, splits):
    """What each step of the ladder brought, sorted by what it did."""
    return dict(
        validation=markdown.count(len(climbed["labels"])),
        helped=changes(climbed, 1),
        hurt=changes(climbed, -1),
        by_chance=improvements.by_chance(climbed),
        pilot_texts=markdown.count(climbed["points"][improvements.row(climbed, "pilot")]["texts"]),
        upper=of_case(splits["train"]["text"][:]),
    )


def of_case(texts: list[str]) -> MarkdownText:
    """What the texts lose where their letters become lower-case."""
    letters = [c for text in texts for c in text if c.lower() != c.upper()]
    if not letters:
        return MarkdownText(
            "Lower-casing loses nothing here: the texts have no letter with a case."
        )
    upper = sum(map(str.isupper, letters)) / len(letters)
    return fill(
        "Lower-casing would lose {} here: of the letters that have a case, {} upper-case.",
        markdown.word(int(upper > 0.001), "nothing", "something"),
        fill("{} are", markdown.pct(upper, 2)) if upper else "none is",
    )


def changes(climbed, sign: int) -> MarkdownText:
    """The steps that changed the accuracy significantly up (1) or down (−1), with their points."""
    steps = [
        at
        for at, point in enumerate(climbed["points"])
        if point["against"] != at
        and point["name"] not in (ON_RECORD["lstm"], ANOTHER_SEED)
        and sign * float(improvements.gain(climbed, at)) > 0
        and (sign < 0 or improvements.is_better(climbed, at))
        and improvements.p_value(climbed, at) < metrics.SURE
    ]
    if not steps:
        return MarkdownText("nothing, significantly")
    phrases = [
        fill(
            "{} ({} points against {})",
            climbed["points"][at]["name"].removeprefix("pilot: "),
            markdown.fixed(100 * improvements.gain(climbed, at), 1),
            climbed["points"][climbed["points"][at]["against"]]["name"].removeprefix("pilot: "),
        )
        for at in steps
    ]
    return MarkdownText("; ".join(phrases))


@named
def of_recipes(searched, seeds_of_test, corpus):
    """The trainings on a GPU: how far recipes differ, and seeds, and what they reach together; the
    section is left out where `left_out` names runs that are lacking for `corpus`.
    """
    left_out = notices.of_other_data(corpus, searched, seeds_of_test)
    base = searched["recipes"][0]["sets"]
    ranges = [recipes.recipe_accuracy(searched, at) for at in range(len(searched["recipes"]))]
    return dict(
        gpu=MarkdownText(markdown.plain(searched.made["hardware"]["gpu"])),
        data=MarkdownText(markdown.plain(searched.inputs["data"]["name"])),
        a_training=markdown.duration(studies.entry(searched, "seconds_of.0")),
        trainings=markdown.count(len(searched["rows"])),
        epochs=markdown.count(base["epochs"]),
        budget=markdown.count(base["budget"]),
        rate=markdown.num(base["learning_rate"], 1),
        best=markdown.pct(max(ranges)),
        worst=markdown.pct(min(ranges)),
        seeds=markdown.fixed(100 * max(recipes.between_seeds(searched)), 1),
        mean=markdown.pct(recipes.joined(searched, "mean")),
        joined=markdown.pct(recipes.joined(searched, "stack")),
        goal=markdown.more_or_less(
            recipes.joined(searched, "stack"),
            improvements.GOAL,
            "above the aim",
            "still below the aim",
            "just the aim",
        ),
        new_seeds=recipes.new_seeds(seeds_of_test),
        folds=recipes.folds(seeds_of_test),
        fold_texts=markdown.count(len(seeds_of_test["fold_labels"])),
        left_out=left_out,
    )


@named
def of_encoder(runs, corpus):
    """What a larger encoder gets, with which stack, and at what price; runs: `encoder.recorded`,
    which may be of other data than `corpus`.
    """
    record, svm = runs.encoder, runs.models["tfidf_svm"]
    given, lead = record.inputs["settings"], metrics.accuracy(record) - metrics.accuracy(svm)
    small, read = runs.models["transformer"], encoder.read_run(runs)
    return dict(
        name=MarkdownText(markdown.plain(encoder.name(record))),
        parameters=markdown.count(record["parameters"] / 1e6),
        times_larger=markdown.num(record["parameters"] / small["parameters"], 2),
        small=MarkdownText(markdown.plain(small.label)),
        length=markdown.count(given["max_length"]),
        epochs=fill("{} epochs", markdown.count(given["epochs"])),
        rate=markdown.num(given["learning_rate"], 1),
        budget=markdown.count(given["budget"]),
        accuracy=markdown.pct(metrics.accuracy(record)),
        validation=markdown.pct(metrics.validation_accuracy(record)),
        lead=markdown.fixed(100 * abs(lead), 1),
        more=markdown.more_or_less(lead, 0, "more", "fewer"),
        significant=markdown.word(
            int(metrics.outcome(record, svm) == 2), "significant", "not significant"
        ),
        lasted=sentences.at_most(record),
        time=markdown.duration(record["cpu_seconds"]),
        energy=markdown.num(encoder.energy(record["cpu_seconds"]), 2),
        watts=markdown.count(encoder.WATTS),
        overhead=markdown.fixed(encoder.OVERHEAD, 2),
        searched=encoder.piloted(runs),
        scatter=encoder.scatter(runs),
        stack=encoder.stack(runs),
        headline=encoder.headline(runs, corpus),
        aim=encoder.aim(runs, corpus),
        which_run=MarkdownText(
            "" if read is record else f" (run with seed {encoder.seed_of(read)})"
        ),
        only_encoder=markdown.count(metrics.only_first(read, svm)),
        only_svm=markdown.count(metrics.only_second(read, svm)),
        read=encoder.of_read_errors(read),
        origin=MarkdownText(markdown.plain(studies.origin(record))),
        left_out=encoder.left_out(runs, corpus),
        machines=MarkdownText(
            ""
            if record.made["hardware"] == small.made["hardware"]
            else "The other models were trained on another processor, so minutes compare roughly."
        ),
    )


def of_reading(top) -> MarkdownText:
    """What we saw in the errors that we read; nothing for other data than those."""
    path = project_root() / "report" / "read-errors.yml"
    reading = yaml.safe_load(path.read_text(encoding="utf-8"))
    if reading["data"] != top.inputs["data"]["digest"]:
        return MarkdownText("")
    kinds = list(reading["read"].values())
    counts = [markdown.count(kinds.count(kind)) for kind in ("missing", "two", "clue", "label")]
    return fill(
        "We read {} of them, drawn at random. In {} the word that would tell is BLANK or not "
        "there. In {} what is left fits two languages, mostly since capitals are lost. In {} a "
        "clue is there that all models missed, and in {} the tag itself is doubtful.",
        markdown.count(len(kinds)),
        *counts,
    )
