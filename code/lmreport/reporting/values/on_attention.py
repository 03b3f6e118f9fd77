"""What the supplement says of attention, positions and masks."""

from __future__ import annotations

import numpy as np

from lmreport.display import markdown
from lmreport.display.traced import MarkdownText, fill
from lmreport.experiments.concepts import masks, positions
from lmreport.reporting import metrics, sentences, studies
from lmreport.reporting.values import named

COMPARED = 128  # positions whose vectors are compared
LITTLE = 0.05  # share of a variation, below which what explains it explains nothing


@named
def of_ablation(ablated, bert):
    """Do attention weights explain the answers of the model to the two questions?"""
    first, second = studies.seen(ablated)
    return dict(
        agree=markdown.word(
            sum(one["rank"] == 1 for one in (first, second)), "neither of the", "one of the", "both"
        ),
        verdict=MarkdownText(
            "The verdict agrees with the literature: weights by themselves explain little [@jain2019, "
            "section 4.2], though how far that refutes them depends on what an explanation is asked to "
            "be [@wiegreffe2019]."
            if metrics.lower(bert) > metrics.guessing(bert)
            else "From a model that is not surely better than naming one class no verdict follows; in the "
            "literature, weights by themselves explain little [@jain2019, section 4.2; but see "
            "@wiegreffe2019]."
        ),
        first=markdown.fixed(studies.rank_correlation(ablated, "attention_0", "effect_0"), 2),
        second=markdown.fixed(studies.rank_correlation(ablated, "attention_1", "effect_1"), 2),
        special=markdown.more_or_less(
            on_ends(ablated),
            4 / len(first["all_tokens"]),  # twice what equal weights would give to two tokens
            "Much attention rests on special tokens.",
            "Special tokens get little more than others here, or no more.",
            "Special tokens get little more than others here, or no more.",
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
def of_learned_positions(placed):
    """How the learned position vectors resemble each other, by offset, or that the model knows
    positions otherwise (`positions.known`).
    """
    table = placed.get("table")
    return dict(
        said=no_table(tuple(placed["kinds"]), placed["family"])
        if table is None
        else by_offset(table),
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
    explained = positions.offset_share(similar[:COMPARED, :COMPARED])
    if explained < LITTLE:
        return fill(
            "{} The offset alone explains only {} of the variation of similarity among the first {}, so "
            "these vectors tell hardly anything of it.",
            rows,
            markdown.pct(explained, 0),
            markdown.count(COMPARED),
        )
    return fill(
        "{} The offset alone explains {} of the variation of similarity among the first {}. The "
        "mean cosine of the vectors, less their mean, is {} at offset 1. Between offsets 8 and 64 "
        "it swings between {} and {}; it is lowest, {}, at offset {}. The sinusoidal curve depends "
        "on the offset almost alone.",
        rows,
        markdown.pct(explained, 0),
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
        f"{family}, which this render loads, adds no learned vectors of positions: "
        f"{sentences.of_positions(known)} So only the sinusoidal ones are drawn."
    )


@named
def of_shuffles(layer, moved, mixed, family: str):
    """Order of words: without positions nothing changes, with them the vectors do, and some
    answers.
    """
    return dict(
        taken_out=MarkdownText(
            f"The positions of {family} are part of its attention and cannot be taken out, so that "
            "column says nothing of it."
            if moved[0]["without"] is None
            else ""
        ),
        first=markdown.num(moved[0]["cosine"], 2),
        second=markdown.num(moved[1]["cosine"], 2),
        fell=studies.fell(mixed),
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
        length=markdown.count(length),
        verdict=markdown.more_or_less(
            float(probes["pre-trained"][-1]),
            float(probes["random"][-1]),
            "What the encoder brings was learned without these tags",
            "On so few texts the pre-trained weights bring no lead",
            "On so few texts the pre-trained weights bring no lead",
        )
        if surely_apart(probes)
        else MarkdownText("On so few texts the two are not surely apart"),
    )


def surely_apart(probes) -> bool:
    """Whether the 95% intervals of the two shares (normal approximation) do not overlap."""
    shares = np.array([float(probes[way][-1]) for way in ("pre-trained", "random")])
    half = 1.96 * (shares * (1 - shares) / int(probes["test"])) ** 0.5
    return bool(abs(shares[0] - shares[1]) > half.sum())


@named
def of_leaks(leaks):
    """Largest change of an output by a later token, for each of three masks."""
    bare, before, after = (masks.leaked(changes) for changes in leaks.values())
    return dict(
        bare=markdown.num(bare, 2),
        after=markdown.num(after, 2),
        before=markdown.word(int(before != 0), "exactly 0", "not 0"),
    )
