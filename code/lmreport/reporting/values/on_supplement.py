"""Values of the supplement: what it takes to be better, errors and calibration, attention, this
render's own runs.
"""

from __future__ import annotations

import numpy as np
import yaml

from lmreport.core.settings import project_root
from lmreport.display import markdown
from lmreport.display.traced import MarkdownText, fill
from lmreport.experiments.concepts import cost, heads, masks, positions
from lmreport.experiments.improvements import SVM, TRANSFORMER
from lmreport.reporting import encoder, improvements, metrics, recipes, sentences, studies
from lmreport.reporting.values import named

COMPARED = 128  # positions whose vectors are compared


@named
def of_stack(climbed, top, seeds_of_test):
    """The best of all: the stack, what it is made of, what it costs and what it cannot reach."""
    best, plain, svm = (
        studies.share(top, f"predicted.{top['names'].index(name)}")
        for name in (top["names"][-1], TRANSFORMER, SVM)
    )
    texts, missed = metrics.texts(top), improvements.missed_by_all(top)
    return dict(
        members_number=markdown.count(len(top["members"])),
        members=improvements.members(top),
        best=markdown.pct(best),
        over_svm=markdown.fixed(100 * abs(best - svm), 1),
        more=markdown.more_or_less(best, svm, "more", "fewer"),
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
        missed=markdown.count(missed),
        missed_share=markdown.pct(missed / texts),
        agreed=markdown.count(improvements.agreed_wrong(top)),
        read=of_reading(top),
        bound=markdown.pct(1 - improvements.agreed_wrong(top) / texts),
        origin=MarkdownText(markdown.plain(studies.origin(top, climbed))),
    )


@named
def of_steps(climbed, corpus, splits):
    """What each step of the ladder brought, sorted by what it did."""
    letters = [c for text in splits["train"]["text"] for c in text if c.isalpha()]
    upper = sum(map(str.isupper, letters)) / len(letters)
    return dict(
        validation=markdown.count(len(climbed["labels"])),
        helped=changes(climbed, 1),
        hurt=changes(climbed, -1),
        by_chance=improvements.by_chance(climbed),
        pilot_texts=markdown.count(climbed["points"][improvements.row(climbed, "pilot")]["texts"]),
        upper=fill(
            "Lower-casing loses {} here: of the letters, {} are upper-case.",
            markdown.word(int(upper > 0.001), "nothing", "something"),
            markdown.pct(upper, 2),
        ),
    )


def changes(climbed, sign: int) -> MarkdownText:
    """The steps that changed the accuracy significantly up (1) or down (−1), with their points."""
    found = [
        at
        for at, point in enumerate(climbed["points"])
        if point["against"] != at
        and improvements.kind_of(point["name"]) != "LSTM"
        and sign * float(improvements.gain(climbed, at)) > 0
        and improvements.p_value(climbed, at) < metrics.SURE
    ]
    if not found:
        return MarkdownText("nothing, significantly")
    told = [
        fill(
            "{} ({} points)",
            climbed["points"][at]["name"].removeprefix("pilot: "),
            markdown.fixed(100 * improvements.gain(climbed, at), 1),
        )
        for at in found
    ]
    return MarkdownText("; ".join(told))


@named
def of_recipes(searched, seeds_of_test):
    """The trainings on a GPU: how far recipes differ, and seeds, and what they reach together."""
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
    )


@named
def of_calibration(bert, lstm, bag):
    """How sure the models are against how often they are right."""
    ece = {record.label: metrics.ece(record) for record in (bert, lstm, bag)}
    return dict(
        closest=markdown.first_of(ece, least=True),
        closest_error=markdown.pct(min(ece.values())),
        furthest=markdown.first_of(ece),
        furthest_error=markdown.pct(max(ece.values())),
        bert=too_sure(bert),
        lstm=too_sure(lstm),
    )


def too_sure(record) -> MarkdownText:
    """By how much a model is surer than it is right, or less sure."""
    return fill(
        "{} points {}",
        markdown.fixed(100 * abs(metrics.too_sure(record)), 1),
        markdown.more_or_less(
            metrics.too_sure(record), 0, "above its accuracy", "below its accuracy"
        ),
    )


@named
def of_lengths(bert, svm, edges: list[int]):
    """Errors on short and on long texts."""
    longest = int(bert["test_words"].max()) + 1
    short, long = (
        metrics.error_between(bert, *part, bert) for part in ((0, edges[0]), (edges[-1], longest))
    )
    return dict(
        short=markdown.pct(short),
        long=markdown.pct(long),
        low=markdown.count(edges[0]),
        high=markdown.count(edges[-1]),
        verdict=markdown.more_or_less(
            short,
            long,
            "Short texts are the harder ones",
            "Long texts are the harder ones",
            "Short and long texts are equally hard",
        )
        if np.isfinite([short, long]).all()
        else MarkdownText("There are no short or no long texts to compare"),
        cut=markdown.pct(metrics.cut_share(bert)),
        length=markdown.count(bert.inputs["settings"]["max_length"]),
        halves=sentences.halves(bert, svm),
    )


@named
def of_audit(found, lengths, corpus, settings):
    """Lengths, copies and texts that name their own class."""
    told = {tag: found["named"][tag] for tag in found["tags"]}
    return dict(
        median=markdown.count(np.median(lengths)),
        longest=markdown.count(lengths.max()),
        full_cut=markdown.pct((lengths > 256).mean()),
        bert_cut=markdown.pct((lengths > 512).mean()),
        leakiest=markdown.first_of(told),
        leak=markdown.pct(max(told.values())),
        leaks=sentences.leak(told, corpus),
        copies=markdown.count(found["copies"]),
        copied=sentences.copied(found),
        near=sentences.nearly_copied(found),
    )


@named
def of_ablation(ablated):
    """Do attention weights explain the answers to the two questions?"""
    first, second = studies.seen(ablated)
    return dict(
        agree=markdown.count(sum(one["rank"] == 1 for one in (first, second))),
        first=markdown.fixed(studies.rank_correlation(ablated, "attention_0", "effect_0"), 2),
        second=markdown.fixed(studies.rank_correlation(ablated, "attention_1", "effect_1"), 2),
        special=markdown.more_or_less(
            on_ends(ablated),
            2 / len(first["all_tokens"]),
            "Much attention rests on special tokens.",
            "Special tokens get no more than others here.",
            "Special tokens get no more than others here.",
        ),
        first_token=MarkdownText(f"`{first['all_tokens'][0]}`"),
        last_token=MarkdownText(f"`{first['all_tokens'][-1]}`"),
        on_first=markdown.pct(studies.column_mean(ablated, "weights_0", 0), 0),
        on_last=markdown.pct(studies.column_mean(ablated, "weights_0", -1), 0),
        origin=MarkdownText(markdown.plain(studies.origin(ablated))),
    )


def on_ends(ablated) -> float:
    """Attention on the special tokens at both ends of the first question, of which equal weights
    would give them 2 / tokens.
    """
    return sum(studies.column_mean(ablated, "weights_0", place) for place in (0, -1))


@named
def of_learned_positions(table, known: tuple[str, ...], family: str):
    """How the learned position vectors (places, d) resemble each other, by offset; None for a model
    of the named family that has none and knows positions by `architecture.positions` otherwise.
    """
    return dict(
        said=no_table(known, family) if table is None else by_offset(table),
        ends=MarkdownText("")
        if table is None
        else fill(
            "What is learned ends with the table: there is no vector for position {}.",
            markdown.count(table.shape[0] + 1),
        ),
    )


def by_offset(table) -> MarkdownText:
    """What the offset says about the likeness of the vectors, among the first `COMPARED`."""
    rows = fill("The table has {} positions.", markdown.count(table.shape[0]))
    if len(table) < COMPARED:
        return fill("{} These are too few to compare them by their offset.", rows)
    similar = positions.similarity(table)
    nearness = positions.by_offset(similar, COMPARED)[0]
    return fill(
        "{} The offset alone explains {} of the variation of similarity among the first {}. The "
        "mean cosine of the vectors, less their mean, is {} at offset 1. Between offsets 8 and 64 "
        "it swings between {} and {}; further out it falls to {}, at offset {}. The sinusoidal "
        "curve falls smoothly.",
        rows,
        markdown.pct(positions.offset_share(similar[:COMPARED, :COMPARED]), 0),
        markdown.count(COMPARED),
        markdown.fixed(nearness[1], 2),
        markdown.fixed(nearness[8:65].min(), 2),
        markdown.fixed(nearness[8:65].max(), 2),
        markdown.fixed(nearness.min(), 2),
        markdown.count(int(nearness.argmin())),
    )


def no_table(known: tuple[str, ...], family: str) -> MarkdownText:
    """That the model has no learned vectors to add, and what it has instead."""
    return MarkdownText(
        f"{family}, which this render loads, has no table of learned positions: "
        f"{sentences.of_positions(known)} So only the sinusoidal ones are drawn."
    )


@named
def of_shuffles(layer, moved, mixed, family: str):
    """Order of words: without positions nothing changes, with them the vectors do, and some
    answers.
    """
    falls = studies.shuffled_falls(mixed)
    return dict(
        taken_out=MarkdownText(
            f"The positions of {family} are part of its attention and cannot be taken out, so that "
            "column says nothing of it."
            if moved[0]["without"] is None
            else ""
        ),
        cosine=markdown.num(moved[0]["cosine"], 2),
        least=markdown.fixed(100 * falls[0], 1),
        most=markdown.fixed(100 * falls[-1], 1),
        matters=studies.order_matters(mixed),
        survives=studies.survives(mixed),
        texts=markdown.count(len(mixed["labels"])),
        origin=MarkdownText(markdown.plain(studies.origin(mixed))),
    )


def shuffles(layer, moved, questions, name: str, function):
    """Largest change of any output component when the words change places."""
    rows = [
        [
            "one layer of multi-head attention, random weights",
            markdown.num(layer["without"], 2),
            markdown.num(layer["with"], 2),
        ],
        *(
            [
                f"{name}, “{question}”",
                "–" if one["without"] is None else markdown.num(one["without"], 2),
                markdown.num(one["with"], 2),
            ]
            for question, one in zip(questions, moved, strict=True)
        ),
    ]
    return markdown.table(rows, ["", "without positions", "with positions"], of=function)


@named
def of_forcing(forced):
    """Teacher forcing: one pass against many."""
    return dict(
        words=markdown.count(forced["n"]),
        difference=markdown.num(forced["difference"], 2),
        same=markdown.word(int(not forced["same_tokens"]), "the same", "different"),
    )


@named
def of_lookup(looked_up):
    """A soft lookup that becomes a hard one."""
    return dict(
        soft=markdown.num(looked_up["error"][0], 2),
        scale=markdown.num(looked_up["scales"][-1], 2),
        hard=markdown.num(looked_up["error"][-1], 2),
    )


@named
def of_probe(probes, length: int):
    """The same linear head on pre-trained and on random weights."""
    return dict(
        texts=markdown.count(probes["sizes"][-1]),
        trained=markdown.pct(probes["pre-trained"][-1]),
        random=markdown.pct(probes["random"][-1]),
        tests=markdown.count(probes["test"]),
        verdict=markdown.more_or_less(
            float(probes["pre-trained"][-1]),
            float(probes["random"][-1]),
            "What the encoder brings was learned without these tags",
            "On so few texts the pre-trained weights bring no lead",
            "On so few texts the pre-trained weights bring no lead",
        ),
    )


@named
def of_heads(found, best, removal, headless, digest: str):
    """Where the heads look and what goes with each of them."""
    falls, tests = studies.layer_falls(headless), studies.head_changes(headless).size
    return dict(
        previous=markdown.pct(best[0]["score"], 0),
        equal=markdown.pct(best[0]["equal"], 0),
        on_first=on_first(found),
        median=markdown.pct(np.median(removal["change"])),
        strongest=markdown.pct(removal["change"].max()),
        whole=markdown.pct(studies.share(headless, "whole")),
        texts=markdown.count(len(headless["labels"])),
        significant=markdown.count(tests - studies.heads_within_chance(headless)),
        tests=markdown.count(tests),
        by_chance=markdown.count(studies.SURE * tests),
        better=markdown.count(studies.heads_better_removed(headless)),
        most=markdown.fixed(100 * max(falls), 1),
        costliest=markdown.count(int(np.argmax(falls)) + 1),
        together=studies.standing_in(headless),
        length=markdown.count(headless.inputs["settings"]["max_length"]),
        origin=MarkdownText(markdown.plain(studies.origin(headless))),
    )


def on_first(found) -> MarkdownText:
    """How much attention the special token at the beginning gets, layer by layer."""
    by_layer = found["scores"][4].mean(1)  # (layers,)
    name = MarkdownText(f"`{found['patterns'][4]}`")
    if len(by_layer) < 3:
        return fill("Heads give {} {} on average.", name, markdown.pct(by_layer.mean(), 0))
    return fill(
        "From the second layer on, heads give {} {} to {} on average.",
        name,
        markdown.pct(by_layer[1:].min(), 0),
        markdown.pct(by_layer[1:].max(), 0),
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
        time=markdown.duration(record["cpu_seconds"]),
        energy=markdown.num(encoder.energy(record["cpu_seconds"]), 2),
        watts=markdown.count(encoder.WATTS),
        overhead=markdown.fixed(encoder.OVERHEAD, 2),
        scatter=encoder.scatter(runs),
        stack=encoder.stack(runs),
        headline=encoder.headline(runs, corpus),
        aim=encoder.aim(runs, corpus),
        which_run=MarkdownText(
            "" if read is record else f" (run with seed {encoder.seed_of(read)})"
        ),
        only_encoder=markdown.count(metrics.only_first(read, svm)),
        only_svm=markdown.count(metrics.only_second(read, svm)),
        read=encoder.told_read(read),
        origin=MarkdownText(markdown.plain(studies.origin(record))),
        machines=MarkdownText(
            ""
            if record.made["hardware"] == small.made["hardware"]
            else "The other models were trained on another processor, so minutes compare roughly."
        ),
    )


def of_limits(lengths, config) -> list[dict]:
    """What each limit on the number of word pieces costs on all texts."""
    return cost.limits(
        lengths,
        (128, 256, 512, 2048),
        config.hidden_size,
        config.num_hidden_layers,
        config.num_attention_heads,
    )


@named
def of_chains(chains):
    """How long the longest chain of dependent operations is, by layer."""
    return dict(
        length=markdown.count(chains["lengths"][-1]),
        lstm=markdown.count(chains["lstm"][-1]),
        attention=markdown.count(chains["attention"][-1]),
    )


def limits(bounds: list[dict]):
    """`of_limits` as a table."""
    rows = [
        [
            markdown.count(row["bound"]),
            markdown.pct(row["cut"]),
            markdown.pct(row["lost"]),
            markdown.fixed(row["flops"] / 1e9, 1),
            markdown.fixed(row["padded_flops"] / 1e9, 1),
            markdown.fixed(row["score_bytes"] / 2**20, 1),
        ]
        for row in bounds
    ]
    return markdown.table(
        rows,
        [
            "limit",
            "texts cut",
            "word pieces lost",
            "GFLOPs a text",
            "padded to the limit",
            "scores [MiB]",
        ],
        of=cost.limits,
    )


def crossings(width: int):
    """From which lengths the quadratic side costs more operations."""
    rows = [
        [what, markdown.count(n), markdown.count(cost.crossings(width)[what])]
        for what, n in cost.crossings(768).items()
    ]
    return markdown.table(
        rows, ["The two sides", "n for d = 768", f"n for d = {width}"], of=cost.crossings
    )


def head_costs(times):
    """Weights, operations and scores of one attention layer, by number of heads."""
    n, d = times["n"], times["d"]
    rows = [
        [
            markdown.count(h),
            *(
                cell
                for width in (d // int(h), d)
                for cell in counted(heads.head_costs(n, d, int(h), width))
            ),
        ]
        for h in times["heads"]
    ]
    return markdown.table(
        rows,
        [
            "h",
            "weights, d/h each",
            "MFLOPs",
            "scores h·n²",
            "weights, d each",
            "MFLOPs, d each",
            "scores",
        ],
        of=heads.head_costs,
    )


def counted(costs: dict) -> list:
    return [
        markdown.count(costs["weights"]),
        markdown.fixed(costs["flops"] / 1e6, 0),
        markdown.count(costs["scores"]),
    ]


def of_reading(top) -> MarkdownText:
    """What we saw in the errors that we read; nothing for other data than those."""
    path = project_root() / "report" / "read-errors.yml"
    told = yaml.safe_load(path.read_text(encoding="utf-8"))
    if told["data"] != top.inputs["data"]["digest"]:
        return MarkdownText("")
    kinds = list(told["read"].values())
    counts = [markdown.count(kinds.count(kind)) for kind in ("missing", "two", "clue", "label")]
    return fill(
        "We read {} of them, drawn at random. In {} the word that would tell is BLANK or not "
        "there. In {} what is left fits two languages, mostly since capitals are lost. In {} a "
        "clue is there that all models missed, and in {} the tag itself is doubtful.",
        markdown.count(len(kinds)),
        *counts,
    )


@named
def of_leaks(leaks):
    """Largest change of an output by a later token, for each of three masks."""
    bare, before, after = (masks.leaked(changes) for changes in leaks.values())
    return dict(
        bare=markdown.num(bare, 2),
        after=markdown.num(after, 2),
        before=markdown.word(int(before != 0), "exactly 0", "not 0"),
    )


@named
def of_shape(lstm, whole, splits, settings):
    """What the LSTM is, and what part of the data this render trains on."""
    return dict(
        lstm_is=sentences.described(lstm),
        balance=sentences.balance(whole),
        used=sentences.used(splits, settings),
    )
