"""The tables of results, as Markdown."""

from __future__ import annotations

import dataclasses
import itertools
import platform

import numpy as np

from lmreport import evaluate, measures, provenance, show, staleness
from lmreport.origin import told
from lmreport.shown import sentence, strong

CHOSEN_ARGUMENTS = ("num_train_epochs", "per_device_train_batch_size", "per_device_eval_batch_size", "learning_rate",
                    "lr_scheduler_type", "warmup_steps", "weight_decay", "optim", "max_grad_norm", "bf16",
                    "train_sampling_strategy", "eval_strategy", "save_strategy", "save_steps", "seed")
MOST_TAGS = 6  # that have columns of their own


@told
def splits(splits, class_names: list[str]):
    """Texts by class and split."""
    counts = np.array([np.bincount(split["labels"], minlength=len(class_names)) for split in splits.values()]).T
    rows = [[name, *map(show.count, numbers)] for name, numbers in zip(class_names, counts, strict=True)]
    return show.table([*rows, ["all", *map(show.count, counts.sum(0))]], ["tag", *splits])


@told
def features(tokenized):
    """Features and shapes of tokenized splits."""
    rows = []
    for name, split in tokenized.items():
        lengths = {len(ids) for ids in split["input_ids"]}
        shape = f"({len(split)}, {lengths.pop() if len(lengths) == 1 else 'ragged'})"
        rows.append([name, ", ".join(split.column_names), shape, shape])
    return show.table(rows, ["split", "features", "input_ids", "attention_mask"], ("left",) * 4)


def padding_share(split) -> float:
    """Share of the positions of a tokenized split that are padding."""
    return 1 - sum(map(sum, split["attention_mask"])) / sum(map(len, split["attention_mask"]))


@told
def audit(found: dict):
    """What the audit found for each tag; the word “blank” is told of only where texts have it."""
    columns = {"with “blank”": "blank"} if any(found["blank"].values()) else {}
    columns |= {"with its own name": "named"}
    rows = [[tag, show.count(found["texts"][tag]), *(show.pct(found[key][tag]) for key in columns.values()),
             show.count(found["median_words"][tag]), show.count(found["longest_words"][tag])] for tag in found["tags"]]
    return show.table(rows, ["tag", "texts", *columns, "median words", "longest (words)"])


@told
def times(records: dict):
    """Training and prediction time of all models, with rates."""
    rows = [[r.label, show.count(r["parameters"]), show.duration(r["train_seconds"]), show.num(r.rate),
             show.duration(r["predict_seconds"]), show.num(r["test_texts"] / r["predict_seconds"]),
             show.count(r["epochs"])] for r in records.values()]
    return show.table(rows, ["model", "parameters", "training", "texts/s", "prediction", "texts/s", "epochs"])


@told
def accuracies(records: dict):
    """Test accuracy with its 95 % interval, macro F1 and validation accuracy."""
    rows = [[r.label, show.pct(measures.accuracy(r)),
             sentence("{} – {}", show.pct(measures.lower(r)), show.pct(measures.upper(r))),
             show.fixed(measures.macro_f1(r), 3), show.pct(measures.validation_accuracy(r))]
            for r in records.values()]
    return show.table(rows, ["model", "test accuracy", "95 % interval", "macro F1", "validation accuracy"],
                      ("left", "right", "right", "right", "right"))


@told
def mcnemar(records: dict):
    """McNemar's exact test for each pair of models."""
    rows = [[f"{a.label} / {b.label}", show.count(measures.only_first(a, b)), show.count(measures.only_second(a, b)),
             show.p_value(measures.p_value(a, b))] for a, b in itertools.combinations(records.values(), 2)]
    return show.table(rows, ["first / second", "only first right", "only second right", "p"],
                      ("left", "right", "right", "right"))


@told
def per_class(records: dict, class_names: list[str]):
    """Precision, recall and F1 of each class."""
    rows = [[record.label, name,
             *(show.fixed(measures.score(record, kind, tag), 3) for kind in ("precision", "recall", "f1")),
             show.count(measures.score(record, "support", tag))]
            for record in records.values() for tag, name in enumerate(class_names)]
    return show.table(rows, ["model", "tag", "precision", "recall", "F1", "texts"])


@told
def pairs(record, class_names: list[str], most: int = 6):
    """The commonest errors of one model."""
    kinds = len(evaluate.worst_pairs(record["logits"], record["labels"], class_names, most))
    rows = [[show.word(measures.confused_true(record, rank), *class_names),
             show.word(measures.confused_as(record, rank), *class_names),
             show.count(measures.confused(record, rank)),
             show.pct(measures.confused(record, rank) / measures.wrong(record))] for rank in range(kinds)]
    return show.table(rows, ["true tag", "predicted", "texts", "share of the errors"])


@told
def questions(records: list, class_names: list[str]):
    """Probabilities of each tag, or of the MOST_TAGS largest, for the two questions, by model (each record once)."""
    rows, few = [], len(class_names) <= MOST_TAGS
    for number, _ in enumerate(evaluate.QUESTIONS):
        for r in {r.key: r for r in records if r is not None}.values():
            order = np.argsort(-np.array(r["question_probabilities"][number]), kind="stable").tolist()
            cells = {tag: show.pct(measures.chance_of(r, number, tag)) for tag in range(len(class_names))}
            cells[order[0]] = strong(cells[order[0]])
            if not few:
                cells = {tag: sentence("{} {}", show.plain(class_names[tag]), cells[tag]) for tag in order[:MOST_TAGS]}
            label = f"{r.label} ({r.inputs['data']['name']}, {r.inputs['settings']['scale']})"
            rows.append([f"({'i' * (number + 1)})", label, *cells.values(),
                         show.word(measures.answer(r, number), *class_names)])
    heads = [show.plain(name) for name in class_names] if few else [f"{i + 1}." for i in range(MOST_TAGS)]
    return show.table(rows, ["question", "model", *heads, "tag"], ("left", "left", *["right"] * len(heads), "left"))


@told
def origins(records: list):
    """Where each record comes from."""
    rows = []
    for record in records:
        hardware = record.made["hardware"]
        rows.append([record.label, f"{record.inputs['data']['name']}, {record.inputs['settings']['scale']}",
                     record.made["date"][:10], hardware["gpu"] or f"{hardware['cpu']}, {hardware['cores']} cores",
                     f"{record.made['load_before']:.1f}", record.made["commit"][:8] or "–", record.key[:8],
                     state(record)])
    return show.table(rows, ["model", "data, scale", "date", "hardware", "load", "commit", "record", "state"],
                      ("left", "left", "right", "left", "right", "left", "left", "left"))


def state(record) -> str:
    """Whether a record is what its run would give now, with this code and these libraries."""
    names = staleness.reasons(record)
    return "fresh" if not names else f"stale ({', '.join(names[:2])}{' …' if len(names) > 2 else ''})"


@told
def settings(settings):
    """The settings that a render ran with."""
    rows = [[f.name, str(getattr(settings, f.name))] for f in dataclasses.fields(settings) if f.name != "data"]
    return show.table(rows, ["setting", "value"], ("left", "left"))


@told
def arguments(settings, record):
    """The training arguments of a render with these settings and of the fine-tuning on record, one a row."""
    from lmreport import finetune

    given = {k: record.inputs["settings"][k] for k in ("seed", "batch_size", "epochs", "learning_rate")}
    columns = {"this render": finetune.training_arguments(settings, "unused"),
               "recorded run": finetune.training_arguments(dataclasses.replace(settings, **given), "unused")}
    columns["recorded run"].bf16 = record["bf16"]
    rows = [[name, *(str(getattr(value, "value", value)) for value in (getattr(one, name) for one in columns.values()))]
            for name in CHOSEN_ARGUMENTS]
    return show.table(rows, ["argument", *columns], ("left",) * 3)


@told
def environment(corpus, source, settings):
    """Versions of the libraries, hardware, threads, seed, digests of data and model."""
    hardware = provenance.hardware()
    rows = [["Python", platform.python_version()], *provenance.versions().items(),
            ["processor", f"{hardware['cpu']}, {hardware['cores']} cores, {hardware['memory_gib']} GiB"],
            ["GPU", hardware["gpu"] or "none"], ["threads", ", ".join(provenance.threads()) or "–"],
            ["seed", str(settings.seed)], ["data", f"{corpus.name}, sha256 {corpus.digest[:16]}…"],
            ["model", f"{source.name}, sha256 {source.digest[:16]}…"], ["commit", provenance.commit() or "–"]]
    return show.table(rows, ["", "this render"], ("left", "left"))
