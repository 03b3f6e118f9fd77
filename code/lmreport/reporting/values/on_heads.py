"""What the supplement says of heads, of saturation and residual stacks, and of what attention costs."""

from __future__ import annotations

import numpy as np

from lmreport.core import listing
from lmreport.display import markdown
from lmreport.display.traced import MarkdownText, fill
from lmreport.experiments.concepts import cost, heads
from lmreport.reporting import studies
from lmreport.reporting.values import named


@named
def of_heads(attention, best, removal, headless, digest: str):
    """Where the heads look and what goes with each of them."""
    return dict(
        previous=markdown.pct(best[0]["score"], 0),
        equal=markdown.pct(best[0]["equal"], 0),
        kinds=kinds(best),
        on_first=on_first(attention),
        median=markdown.pct(np.median(removal["change"])),
        strongest=markdown.pct(removal["change"].max()),
        whole=markdown.pct(studies.share(headless, "whole")),
        texts=markdown.count(len(headless["labels"])),
        costs=what_heads_cost(headless),
        length=markdown.count(headless.inputs["settings"]["max_length"]),
        origin=MarkdownText(markdown.plain(studies.origin(headless))),
    )


def better(heads, number: int) -> MarkdownText:
    """How many of the heads the model gives more right answers without; nothing of none."""
    if not heads:
        return MarkdownText("")
    if heads == number:
        return MarkdownText(" Whichever head is removed, more answers are right than with all.")
    return fill(
        " Without {} of the {} heads, taken one at a time, more answers are right than with all.",
        markdown.count(heads),
        markdown.count(number),
    )


def what_heads_cost(headless) -> MarkdownText:
    """What removing heads does to the right answers, one at a time and a layer at a time."""
    if not studies.has_learned(headless, "whole"):
        return MarkdownText("It has learned nothing that removing heads could take away.")
    tests = studies.head_changes(headless).size
    return fill(
        "{} of {} tests came out significant, where chance predicts {}.{} {}",
        markdown.count(tests - studies.heads_within_chance(headless)),
        markdown.count(tests),
        markdown.num(studies.SURE * tests, 2),
        better(studies.heads_better_removed(headless), tests),
        studies.standing_in(headless),
    )


FOLLOWED = 3  # a head follows a pattern that gets so many times what equal weights would give it


def kinds(best) -> MarkdownText:
    """Whether the heads that follow the patterns most follow them at all; best:
    `heads.best_heads`.
    """
    followed = [row["pattern"] for row in best if row["score"] >= FOLLOWED * row["equal"]]
    if followed:
        only = f"Only for {listing.joined(followed)} is it {FOLLOWED} times what equal weights would give. "
        return MarkdownText(
            only * (len(followed) < len(best))
            + "Heads of such kinds were found in BERT [@clark2019, sections 3 and 4]."
        )
    return fill(
        "No head gives any of the patterns {} times what equal weights would give, so none follows "
        "one; trained heads of BERT do [@clark2019, sections 3 and 4].",
        markdown.count(FOLLOWED),
    )


def on_first(attention) -> MarkdownText:
    """How much attention the special token at the beginning gets, layer by layer."""
    by_layer = attention["scores"][4].mean(1)  # (layers,)
    name = MarkdownText(f"`{attention['patterns'][4]}`")
    if len(by_layer) < 3:
        return fill("Heads give {} {} on average.", name, markdown.pct(by_layer.mean(), 0))
    return fill(
        "From the second layer on, heads give {} {} to {} on average.",
        name,
        markdown.pct(by_layer[1:].min(), 0),
        markdown.pct(by_layer[1:].max(), 0),
    )


def of_limits(lengths, size: dict) -> list[dict]:
    """What each limit on the number of word pieces costs an encoder of a `cost.size` on all texts."""
    return cost.limits(lengths, (128, 256, 512, 2048), **size)


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
            markdown.count(row["bound"])
            if row["readable"]
            else fill("{} (beyond its positions)", markdown.count(row["bound"])),
            markdown.pct(row["cut"]),
            markdown.pct(row["lost"]),
            markdown.num(row["flops"] / 1e9, 3),
            markdown.num(row["padded_flops"] / 1e9, 3),
            markdown.num(row["score_bytes"] / 2**20, 3),
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
        ("left", *["right"] * 5),
        of=cost.limits,
    )


def crossings(size: dict):
    """From which lengths the quadratic side costs more operations, for BERT-base's width and for an
    encoder of a `cost.size`.
    """
    width, inner = size["d"], size["feed_forward"]
    mine = cost.crossings(width, inner)
    if inner != 8 * width**2:
        rest = f"{8 + 2 * inner / width**2:.3g}"
        label = f"{cost.BLOCK_CROSSING} ({rest}nd² in the loaded model)"
    else:
        label = cost.BLOCK_CROSSING
    rows = [
        [
            label if what == cost.BLOCK_CROSSING else what,
            markdown.count(n),
            markdown.count(mine[what]),
        ]
        for what, n in cost.crossings(768).items()
    ]
    return markdown.table(
        rows, ["The two sides", "n for d = 768", f"n for d = {width}"], of=cost.crossings
    )


@named
def of_times(times):
    """How long many heads take beside one, with the width shared and with full width for each."""
    return dict(
        n=markdown.count(times["n"]),
        d=markdown.count(times["d"]),
        most=markdown.count(times["heads"][-1]),
        shared=markdown.fixed(times["shared"][-1] / times["shared"][0], 1),
        wide=markdown.fixed(times["wide"][-1] / times["wide"][0], 0),
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
