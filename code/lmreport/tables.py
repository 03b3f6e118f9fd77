"""The tables of results, as Markdown."""

from __future__ import annotations

import itertools

import numpy as np

from lmreport import evaluate, show


def splits(splits, class_names: list[str]):
    """Texts by split and class."""
    rows = []
    for name, split in splits.items():
        counts = np.bincount(split["labels"], minlength=len(class_names))
        rows.append([name, *map(show.count, counts), show.count(len(split))])
    return show.table(rows, ["split", *class_names, "all"])


def audit(found: dict):
    """What the audit found for each tag."""
    rows = [[tag, show.count(found["texts"][tag]), show.pct(found["blank"][tag]), show.pct(found["named"][tag]),
             show.count(found["median_words"][tag]), show.count(found["longest_words"][tag])] for tag in found["tags"]]
    return show.table(rows, ["tag", "texts", "with “blank”", "own name left in", "median words", "longest (words)"])


def times(records: dict):
    """Training and prediction time of all models, with rates."""
    rows = [[r.label, show.count(r["parameters"]), show.duration(r["train_seconds"]), show.num(r.rate),
             show.duration(r["predict_seconds"]), show.num(r["test_texts"] / r["predict_seconds"]), str(r["epochs"])]
            for r in records.values()]
    return show.table(rows, ["model", "parameters", "training", "texts/s", "prediction", "texts/s", "epochs"])


def accuracies(records: dict):
    """Test accuracy with its 95 % interval, macro F1 and validation accuracy."""
    rows = []
    for record in records.values():
        low, high = evaluate.interval(record.correct)
        f1 = evaluate.per_class(record["logits"], record["labels"])["f1"].mean()
        validation = evaluate.accuracy(record["validation_logits"], record["validation_labels"])
        rows.append([record.label, show.pct(record.correct.mean()), f"{show.pct(low)} – {show.pct(high)}",
                     f"{f1:.3f}", show.pct(validation)])
    return show.table(rows, ["model", "test accuracy", "95 % interval", "macro F1", "validation accuracy"],
                      ("left", "right", "right", "right", "right"))


def mcnemar(records: dict):
    """McNemar's exact test for each pair of models."""
    rows = []
    for a, b in itertools.combinations(records.values(), 2):
        found = evaluate.mcnemar(a.correct, b.correct)
        rows.append([f"{a.label} / {b.label}", show.count(found["only_a"]), show.count(found["only_b"]),
                     p_value(found["p"])])
    return show.table(rows, ["first / second", "only first right", "only second right", "p"],
                      ("left", "right", "right", "right"))


def per_class(records: dict, class_names: list[str]):
    """Precision, recall and F1 of each class."""
    rows = []
    for record in records.values():
        found = evaluate.per_class(record["logits"], record["labels"])
        rows += [[record.label, name, *(f"{found[k][i]:.3f}" for k in ("precision", "recall", "f1")),
                  show.count(found["support"][i])] for i, name in enumerate(class_names)]
    return show.table(rows, ["model", "tag", "precision", "recall", "F1", "texts"])


def pairs(record, class_names: list[str]):
    """The commonest errors of one model."""
    found = evaluate.worst_pairs(record["logits"], record["labels"], class_names)
    wrong = int((~record.correct).sum())
    rows = [[true, predicted, show.count(n), show.pct(n / wrong)] for true, predicted, n in found]
    return show.table(rows, ["true tag", "predicted", "texts", "share of the errors"])


def questions(answers: dict[str, np.ndarray], class_names: list[str]):
    """Probabilities of each tag for the two questions, by model; the largest in bold."""
    rows = []
    for number, _ in enumerate(evaluate.QUESTIONS):
        for label, p in answers.items():
            best = int(p[number].argmax())
            cells = [f"**{show.pct(v)}**" if i == best else show.pct(v) for i, v in enumerate(p[number])]
            rows.append([f"({'i' * (number + 1)})", show.plain(label), *cells, class_names[best]])
    align = ("left", "left", *["right"] * len(class_names), "left")
    return show.table(rows, ["question", "model", *class_names, "tag"], align, raw=True)


def origins(records: dict):
    """Where each record comes from."""
    rows = []
    for record in records.values():
        hardware = record.made["hardware"]
        rows.append([record.label, record.inputs["data"]["name"], record.inputs["settings"]["scale"],
                     record.made["date"][:10], hardware["gpu"] or f"{hardware['cpu']}, {hardware['cores']} cores",
                     record.made["commit"].rstrip("+") or "–", record.key])
    return show.table(rows, ["model", "data", "scale", "date", "hardware", "commit", "record"],
                      ("left",) * 7)


def settings(settings):
    """The settings that this render ran with."""
    import dataclasses

    rows = [[f.name, str(getattr(settings, f.name))] for f in dataclasses.fields(settings)
            if f.name not in ("data",)]
    return show.table(rows, ["setting", "value"], ("left", "left"))


def p_value(p: float) -> str:
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"
