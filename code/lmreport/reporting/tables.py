"""The tables of results, as Markdown."""

from __future__ import annotations

import dataclasses
import itertools
import platform
from typing import Any

import numpy as np

from lmreport.core import machine
from lmreport.core.settings import Settings
from lmreport.data.words import unit
from lmreport.display import markdown
from lmreport.display.origin import with_origin
from lmreport.display.traced import fill, strong
from lmreport.models import scores
from lmreport.reporting import metrics, sentences
from lmreport.runs import freshness
from lmreport.runs.kinds import MODELS
from lmreport.runs.memo import remember

CHOSEN_ARGUMENTS = (
    "num_train_epochs",
    "per_device_train_batch_size",
    "per_device_eval_batch_size",
    "learning_rate",
    "lr_scheduler_type",
    "warmup_steps",
    "weight_decay",
    "optim",
    "max_grad_norm",
    "bf16",
    "train_sampling_strategy",
    "eval_strategy",
    "save_strategy",
    "save_steps",
    "seed",
)
MOST_TAGS = 6  # that have columns of their own
MOST_ROWS = 24  # tags that have rows of their own


def ends(values) -> tuple[list[int], list[int]]:
    """(rows to show, the others): all in their order; of more than MOST_ROWS those with the largest
    and with the smallest of the `values`, largest first.
    """
    if len(values) <= MOST_ROWS:
        return list(range(len(values))), []
    order = np.argsort(-np.asarray(values), kind="stable").tolist()
    half = MOST_ROWS // 2
    return order[:half] + order[-half:], order[half:-half]


@with_origin
def splits(splits, class_names: list[str]):
    """Texts by class and split; of many classes the largest and the smallest."""
    counts = np.array(
        [np.bincount(split["labels"][:], minlength=len(class_names)) for split in splits.values()]
    ).T
    shown, others = ends(counts.sum(1))
    rows = [[class_names[tag], *map(markdown.count, counts[tag])] for tag in shown]
    if others:
        rows.append([f"{len(others)} others", *map(markdown.count, counts[others].sum(0))])
    return markdown.table([*rows, ["all", *map(markdown.count, counts.sum(0))]], ["tag", *splits])


def padding_share(split) -> float:
    """Share of the positions of a tokenized split that are padding."""
    return 1 - sum(map(sum, split["attention_mask"])) / sum(map(len, split["attention_mask"]))


MASKED = 0.1  # share of a tag's texts with the word “blank” from which on it masks a name


@with_origin
def audit(facts: dict, texts):
    """What the audit found for each tag, or for those named most and least often; the word “blank”
    is told of only where it masks names. The first of the `texts` tells what lengths count.
    """
    word = unit(texts[0])
    columns = {"with “blank”": "blank"} if max(facts["blank"].values()) > MASKED else {}
    columns |= {"with its own name": "named"}
    shown, others = ends([*facts["named"].values()])
    rows = [
        [
            tag,
            markdown.count(facts["texts"][tag]),
            *(markdown.pct(facts[key][tag]) for key in columns.values()),
            markdown.count(facts["median_words"][tag]),
            markdown.count(facts["longest_words"][tag]),
        ]
        for tag in (facts["tags"][at] for at in shown)
    ]
    if others:
        between = f"{len(others)} others, named no more than those above, no less than those below"
        rows.insert(len(shown) // 2, [between, *[""] * (len(columns) + 3)])
    return markdown.table(rows, ["tag", "texts", *columns, f"median {word}s", f"longest ({word}s)"])


@with_origin
def times(records: dict):
    """Training and prediction time of all models, with rates."""
    rows = [
        [
            r.label,
            markdown.count(r["parameters"]),
            sentences.at_most(r, "≤"),
            at_least(r, r.rate),
            sentences.at_most(r, "≤", "predict_seconds"),
            at_least(r, r["test_texts"] / r["predict_seconds"]),
            markdown.count(r["epochs"]),
        ]
        for r in records.values()
    ]
    return markdown.table(
        rows,
        ["model", "parameters", "training", "texts/s", "prediction", "texts/s", "epochs"],
        ("left", *["right"] * 6),
    )


def at_least(record, rate: float):
    """A rate of a record: a lower bound where other work shared the cores."""
    if not sentences.shared_cores(record):
        return markdown.num(rate)
    return fill("≥ {}", markdown.num(rate, way="down"))


@with_origin
def accuracies(records: dict):
    """Test accuracy with its 95% interval, macro F1 and validation accuracy."""
    rows = [[r.label, *measures(r)] for r in records.values()]
    return markdown.table(
        rows,
        ["model", "test accuracy", "95% interval", "macro F1", "validation accuracy"],
        ("left", "right", "right", "right", "right"),
    )


def measures(record) -> list:
    """Test accuracy, its 95% interval, macro F1 and validation accuracy."""
    return [
        markdown.pct(metrics.accuracy(record)),
        fill("{} – {}", markdown.pct(metrics.lower(record)), markdown.pct(metrics.upper(record))),
        markdown.fixed(metrics.macro_f1(record), 3),
        markdown.pct(metrics.validation_accuracy(record)),
    ]


@with_origin
def encoders(records: dict):
    """The same with the number of parameters and the time of the training."""
    rows = [
        [
            r.label,
            markdown.count(r["parameters"]),
            *measures(r),
            sentences.at_most(r, "≤"),
        ]
        for r in records.values()
    ]
    return markdown.table(
        rows,
        ["model", "parameters", "test", "95% interval", "macro F1", "validation", "training"],
        ("left", *["right"] * 6),
    )


@with_origin
def card(records: dict):
    """Size, test accuracy with its interval, difference to the Transformer and training time of
    each model; where the classes are of unequal size, measures to which each counts alike instead
    of the size.
    """
    bert = records["transformer"]
    unequal = sentences.are_unequal(bert)
    others = [name for name in reversed(MODELS) if name != "transformer"]
    order = [records[name] for name in ("transformer", *others) if name in records]
    rows = [
        [
            r.label,
            *([] if unequal else [markdown.count(r["parameters"])]),
            markdown.pct(metrics.accuracy(r)),
            fill("{} – {}", markdown.pct(metrics.lower(r)), markdown.pct(metrics.upper(r))),
            "" if r is bert else markdown.p_value(metrics.p_value(bert, r)),
            *(each_alike(r) if unequal else []),
            sentences.at_most(r, "≤"),
        ]
        for r in order
    ]
    size, alike = ([], ["balanced", "macro F1"]) if unequal else (["parameters"], [])
    heads = ["model", *size, "test accuracy", "95% interval", "p", *alike, "training"]
    return markdown.table(rows, heads, ("left", *["right"] * (len(heads) - 1)))


def each_alike(record) -> list:
    """Balanced accuracy and macro F1, to which each class counts alike."""
    return [
        markdown.pct(metrics.balanced_accuracy(record)),
        markdown.fixed(metrics.macro_f1(record), 3),
    ]


@with_origin
def training_log(record):
    """Losses and validation accuracy of a fine-tuning, epoch by epoch."""
    history, rows, steps = record["history"], [], []
    for line in history:
        if "loss" in line:
            steps.append(line["loss"])
        if "eval_loss" in line:
            rows.append(
                [
                    markdown.count(round(line["epoch"])),
                    markdown.fixed(sum(steps) / len(steps), 3) if steps else "",
                    markdown.fixed(line["eval_loss"], 3),
                    markdown.pct(line["eval_accuracy"]),
                ]
            )
            steps = []
    heads = ["epoch", "training loss", "validation loss", "validation accuracy"]
    if not any(row[1] for row in rows):  # a training too short for its log
        rows, heads = [[row[0], *row[2:]] for row in rows], [heads[0], *heads[2:]]
    return markdown.table(rows, heads, ("right",) * len(heads))


def where_set():
    """Where each hyper-parameter is set, in Keras and with the Trainer."""
    rows = [
        ["loss", "`compile(loss=…)`", "the model, when there are `labels`"],
        ["optimizer, learning rate", "`compile(optimizer=…)`", "`TrainingArguments`"],
        ["schedule, warm-up", "a schedule object or a callback", "`TrainingArguments`"],
        ["epochs, batch size", "`fit`; the `tf.data` set", "`TrainingArguments`"],
        ["saving", "a callback of `fit`", "`TrainingArguments`"],
        ["early stopping", "a callback of `fit`", "a callback of `Trainer`"],
        ["length of the input", "the `TextVectorization` layer", "the tokenizer's `max_length`"],
        ["number of classes", "the last layer", "`num_labels` of the model"],
    ]
    return markdown.table(rows, ["", "Keras", "Trainer"], ("left",) * 3, raw=True)


@with_origin
def mcnemar(records: dict):
    """McNemar's exact test for each pair of models."""
    rows = [
        [
            f"{a.label} / {b.label}",
            markdown.count(metrics.only_first(a, b)),
            markdown.count(metrics.only_second(a, b)),
            markdown.p_value(metrics.p_value(a, b)),
        ]
        for a, b in itertools.combinations(records.values(), 2)
    ]
    return markdown.table(
        rows,
        ["first / second", "only first right", "only second right", "p"],
        ("left", "right", "right", "right"),
    )


@with_origin
def per_class(records: dict, class_names: list[str]):
    """Precision, recall and F1 of each class; of many those with the largest and the smallest F1 of
    the first model.
    """
    first = next(iter(records.values()))
    shown, others = ends(scores.per_class(first["logits"], first["labels"])["f1"])
    rows: list[list] = []
    for record in records.values():
        part = [[record.label, class_names[tag], *scored(record, tag)] for tag in shown]
        if others:
            between = f"{len(others)} others, between these by {first.label}’s F1"
            part.insert(len(shown) // 2, [record.label, between, "", "", "", ""])
        rows += part
    heads = ["model", "tag", "precision", "recall", "F1", "texts"]
    return markdown.table(rows, heads, ("left", "left", *["right"] * 4))


def scored(record, tag: int) -> list:
    """Precision, recall, F1 and number of test texts of a class; no precision of one that the model
    never predicts.
    """
    predicted = (record["logits"].argmax(-1) == tag).any()
    values = [
        markdown.fixed(metrics.score(record, kind, tag), 3)
        for kind in ("precision", "recall", "f1")
    ]
    return [
        values[0] if predicted else "–",
        *values[1:],
        markdown.count(metrics.score(record, "support", tag)),
    ]


@with_origin
def pairs(record, class_names: list[str], most: int = 6):
    """The commonest errors of one model."""
    kinds = len(scores.worst_pairs(record["logits"], record["labels"], class_names, most))
    rows = [
        [
            markdown.word(metrics.confused_true(record, rank), *class_names),
            markdown.word(metrics.confused_as(record, rank), *class_names),
            markdown.count(metrics.confused(record, rank)),
            markdown.pct(metrics.confused(record, rank) / metrics.wrong(record)),
        ]
        for rank in range(kinds)
    ]
    return markdown.table(rows, ["true tag", "predicted", "texts", "share of the errors"])


@with_origin
def questions(records: list, class_names: list[str]):
    """Probabilities of each tag, or of up to MOST_TAGS largest that fit side by side, for the two
    questions, by model (each record once) if there are several.
    """
    rows, few = [], len(class_names) <= MOST_TAGS
    asked = {r.key: r for r in records if r is not None}.values()
    several = len(asked) > 1
    columns = len(class_names) if few else fitting(list(asked), class_names, several)
    for number, _ in enumerate(scores.QUESTIONS):
        for r in asked:
            order = np.argsort(
                -np.array(r["question_probabilities"][number]), kind="stable"
            ).tolist()
            tags = range(len(class_names))
            cells: dict[int, Any] = {
                tag: markdown.pct(metrics.chance_of(r, number, tag)) for tag in tags
            }
            cells[order[0]] = strong(cells[order[0]])
            if not few:
                cells = {
                    tag: fill("{}\u00a0{}", markdown.plain(class_names[tag]), cells[tag])
                    for tag in order[:columns]
                }
            label = f"{r.label} ({r.inputs['data']['name']}, {r.inputs['settings']['scale']})"
            rows.append(
                [
                    f"({'i' * (number + 1)})",
                    *[label] * several,
                    *cells.values(),
                    markdown.word(metrics.answer(r, number), *class_names),
                ]
            )
    heads = (
        [markdown.plain(name) for name in class_names]
        if few
        else [f"{i + 1}." for i in range(columns)]
    )
    return markdown.table(
        rows,
        ["question", *["model"] * several, *heads, "tag"],
        ("left", *["left"] * several, *["right"] * len(heads), "left"),
    )


WIDE = 88  # characters of names and percentages that fit side by side


def fitting(records: list, class_names: list[str], several: bool) -> int:
    """How many of the largest probabilities fit side by side with the names of their tags, in each
    row; one at least, MOST_TAGS at most.
    """
    chances = [-np.array(chance) for r in records for chance in r["question_probabilities"]]
    names = np.array([len(name) for name in class_names])
    longest = np.array([names[np.argsort(one, kind="stable")[:MOST_TAGS]] for one in chances])
    room = WIDE - (20 if several else 0)  # beside the names of the models
    return max(1, int((np.cumsum(longest.max(0) + 8) <= room).sum()))


@with_origin
def origins(records: list):
    """Where each record comes from."""
    rows = []
    for record in records:
        hardware = record.made["hardware"]
        rows.append(
            [
                record.label,
                f"{record.inputs['data']['name']}, {record.inputs['settings']['scale']}",
                record.made["date"][:10],
                hardware["gpu"] or f"{hardware['cpu']}, {hardware['cores']} cores",
                f"{record.made['load_before']:.2f}",
                record.made["commit"][:8] or "–",
                record.key[:8],
                state(record),
            ]
        )
    return markdown.table(
        rows,
        ["model", "data, scale", "date", "hardware", "load", "commit", "record", "state"],
        ("left", "left", "right", "left", "right", "left", "left", "left"),
    )


def state(record) -> str:
    """Whether a record is what its run would give now, with this code and these libraries."""
    names = freshness.reasons(record)
    return (
        "fresh" if not names else f"stale ({', '.join(names[:2])}{' …' if len(names) > 2 else ''})"
    )


@with_origin
def settings(settings):
    """The settings that a render ran with."""
    given = {f.name: getattr(settings, f.name) for f in dataclasses.fields(settings)}
    given = {name: value for name, value in given.items() if name != "data" and value != ""}
    given |= {name: "all" for name in ("train_size", "test_size") if given[name] == 0}
    rows = [[name, str(value)] for name, value in given.items()]
    return markdown.table(rows, ["setting", "value"], ("left", "left"))


@with_origin
def arguments(settings, record):
    """The training arguments of a render with these settings and of the fine-tuning on record, if
    there is one, one a row.
    """
    names = ("seed", "batch_size", "epochs", "learning_rate")
    columns = {
        "this render": written_arguments(**{name: getattr(settings, name) for name in names})
    }
    if record is not None:
        given = {name: record.inputs["settings"][name] for name in names}
        columns["recorded run"] = written_arguments(**given) | {"bf16": str(record["bf16"])}
    rows = [[name, *(column[name] for column in columns.values())] for name in CHOSEN_ARGUMENTS]
    return markdown.table(rows, ["argument", *columns], ("left",) * (1 + len(columns)))


@remember
def written_arguments(seed: int, batch_size: int, epochs: int, learning_rate: float) -> dict:
    """{name: value as it is written} of the arguments of a fine-tuning with these settings."""
    from lmreport.models import finetune

    given = Settings(seed=seed, batch_size=batch_size, epochs=epochs, learning_rate=learning_rate)
    every = finetune.training_arguments(given, "unused")
    values = {name: getattr(every, name) for name in CHOSEN_ARGUMENTS}
    return {name: str(getattr(value, "value", value)) for name, value in values.items()}


@with_origin
def environment(corpus, source, settings):
    """Versions of the libraries, hardware, threads, seed, digests of data and model."""
    hardware = machine.hardware()
    rows = [
        ["Python", platform.python_version()],
        *machine.versions().items(),
        [
            "processor",
            f"{hardware['cpu']}, {hardware['cores']} cores, {hardware['memory_gib']} GiB",
        ],
        ["GPU", hardware["gpu"] or "none"],
        ["threads", ", ".join(machine.threads()) or "–"],
        ["seed", str(settings.seed)],
        ["data", f"{corpus.name}, sha256 {corpus.digest[:16]}…"],
        ["model", f"{source.name}, sha256 {source.digest[:16]}…"],
        ["commit", machine.commit() or "–"],
    ]
    return markdown.table(rows, ["", "this render"], ("left", "left"))
