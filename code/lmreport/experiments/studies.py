"""Recorded experiments on the task beside the four models; each keeps raw predictions, so that all
can be recounted.

Each study takes the settings, its sizes (`kinds`), the splits with its test texts, the folder of
the weights it starts from (pre-trained for the learning curve, fine-tuned for the others), and a
folder for what is finished.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import shutil
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from lmreport.core import files, machine
from lmreport.core.settings import Settings, cache_root
from lmreport.data.splits import load_splits, splits_for, subset
from lmreport.data.words import words
from lmreport.runs import memo, records
from lmreport.runs.kinds import KINDS

log = logging.getLogger(__name__)


def learning_curve(settings, sizes: dict, splits, weights: str, kept: Path) -> dict:
    """Fine-tuned, frozen and trained from scratch, on growing parts of the training split.

    points: way, size, accuracy and seconds of each; predicted: (points, texts); labels: (texts,). A
    point that is finished is kept at once in the folder `kept`, so that a run that was stopped goes
    on after it.
    """

    from lmreport.experiments.concepts import foundation

    chosen = dataclasses.replace(settings, epochs=sizes["epochs"], max_length=sizes["max_length"])
    points = []
    for size in sorted(n for n in sizes["sizes"] if n <= len(splits["train"])):
        for way in foundation.WAYS:
            make = functools.partial(
                foundation.train_point, splits, weights, chosen, way, size, sizes["steps"]
            )
            points.append(memo.once(kept / f"{way}-{size}.npz", make))
            log.info(
                f"learning_curve: {way} on {size:,} texts, test accuracy "
                f"{points[-1]['accuracy']:.4f}, {points[-1]['seconds']:.0f} s"
            )
    return {
        "points": [{k: p[k] for k in ("way", "size", "accuracy", "seconds")} for p in points],
        "predicted": files.small([p["predicted"] for p in points]),
        "labels": files.small(splits["test"]["labels"]),
    }


def linear_curve(settings, sizes: dict, splits, weights: str, kept: Path) -> dict:
    """The linear SVM on the parts of the training split that `learning_curve` takes.

    points: size and accuracy of each; predicted: (points, texts); labels: (texts,), those of
    `learning_curve`.
    """

    from lmreport.experiments.concepts import foundation
    from lmreport.models import linear

    points, predicted, labels = [], [], files.small(splits["test"]["labels"])
    for size in sorted(n for n in sizes["sizes"] if n <= len(splits["train"])):
        chosen = splits["train"].select(
            foundation.subset(splits["train"]["labels"], size, settings.seed)
        )
        svm = linear.tfidf_svm(settings.seed)
        model = linear.fitted_to(svm, list(chosen["text"]), chosen["labels"])
        predicted.append(model.predict(list(splits["test"]["text"])))
        points.append({"size": size, "accuracy": float((predicted[-1] == labels).mean())})
        log.info(f"linear_curve: {size:,} texts, test accuracy {points[-1]['accuracy']:.4f}")
    return {"points": points, "predicted": files.small(predicted), "labels": labels}


def shuffled_words(settings, sizes: dict, splits, weights: str, kept: Path) -> dict:
    """The fine-tuned model on texts whose words were put in another order.

    orders: what was done to the words; predicted: (orders, texts); labels: (texts,).
    """
    import numpy as np

    texts = visible(list(splits["test"]["text"]), weights, settings.max_length)
    orders = {
        "in order": lambda row, rng: row,
        "windows of 3": lambda row, rng: in_windows(row, 3, rng),
        "windows of 10": lambda row, rng: in_windows(row, 10, rng),
        "reversed": lambda row, rng: row[::-1],
    }
    orders |= {
        f"shuffled ({i + 1})": lambda row, rng: in_windows(row, len(row), rng)
        for i in range(sizes["shuffles"])
    }
    predicted = []
    with predictor(weights, settings) as predict:
        for number, (name, change) in enumerate(orders.items()):
            rng = np.random.default_rng([settings.seed, number])
            changed = [" ".join(change(words(text), rng)) for text in texts]
            predicted.append(
                predict(splits["test"].remove_columns("text").add_column("text", changed))
            )
            right = (predicted[-1] == np.array(splits["test"]["labels"])).mean()
            log.info(f"shuffled_words: {name}, test accuracy {right:.4f}")
    return {
        "orders": list(orders),
        "predicted": files.small(predicted),
        "labels": files.small(splits["test"]["labels"]),
    }


def heads_removed(settings, sizes: dict, splits, weights: str, kept: Path) -> dict:
    """The fine-tuned model with each head removed in turn, and with all heads of a layer.

    whole: (texts,), predicted: (layers, heads, texts), layers: (layers, texts), labels: (texts,).
    """

    from lmreport.experiments.concepts import heads

    chosen = dataclasses.replace(settings, max_length=sizes["max_length"])
    with predictor(weights, chosen) as predict:
        model, number = predict.model, predict.model.config.num_attention_heads
        whole, predicted, layers = predict(splits["test"]), [], []
        for layer in range(model.config.num_hidden_layers):
            for head in range(number):
                with heads.without_head(model, layer, head):
                    predicted.append(predict(splits["test"]))
            with ExitStack() as removed:
                for head in range(number):
                    removed.enter_context(heads.without_head(model, layer, head))
                layers.append(predict(splits["test"]))
            log.info(f"heads_removed: layer {layer + 1} of {model.config.num_hidden_layers} done")
    shape = (len(layers), number, len(whole))
    return {
        "whole": files.small(whole),
        "predicted": files.small(predicted).reshape(shape),
        "layers": files.small(layers),
        "labels": files.small(splits["test"]["labels"]),
    }


def ablation(settings, sizes: dict, splits, weights: str, kept: Path) -> dict:
    """Attention of the fine-tuned model's last layer on the assignment's questions, and each word
    piece hidden in turn.

    questions: for each what `concepts.attention.ablation_logits` returns, arrays apart
    (`attention_0`, `effect_0`, …); `from_first_0`: attention that the pieces get from [CLS], which
    the head reads; `weights_0`: the last layer's maps (1, heads, n, n); `all_tokens`: what stands
    along them.
    """
    from transformers import AutoModelForSequenceClassification

    from lmreport.experiments.concepts import attention
    from lmreport.models import scores
    from lmreport.models.tokenizer import load_tokenizer

    model = AutoModelForSequenceClassification.from_pretrained(
        weights, attn_implementation="eager"
    ).eval()
    arrays: dict[str, Any]
    tokenizer, questions, arrays = load_tokenizer(weights), [], {}
    for i, text in enumerate(scores.QUESTIONS):
        found, seen = (
            attention.ablation_logits(model, tokenizer, text),
            attention.look(model, tokenizer, text),
        )
        special = {tokenizer.cls_token, tokenizer.sep_token}
        pieces = [j for j, token in enumerate(seen["tokens"]) if token not in special]
        found |= {"all_tokens": seen["tokens"], "class": model.config.id2label[found["predicted"]]}
        arrays |= {
            f"attention_{i}": found.pop("attention"),
            f"effect_{i}": found.pop("effect"),
            f"from_first_{i}": seen["weights"][-1].mean(0)[0, pieces],
            f"weights_{i}": seen["weights"][-1:],
        }
        questions.append(found)
    return {"questions": questions} | arrays


def splits_with(corpus, seed: int, texts: int):
    """All splits, of the test texts `texts` only (0: all; where there are no more, all too)."""
    splits = load_splits(corpus, seed)
    if (
        texts <= len(splits["test"]) - splits["test"].features["labels"].num_classes
    ):  # each class must leave one
        splits["test"] = subset(splits["test"], texts, seed)
    return splits


def in_windows(words: list[str], size: int, rng) -> list[str]:
    """The words, shuffled inside each stretch of `size` of them."""
    return [
        words[start + i]
        for start in range(0, len(words), max(size, 1))
        for i in rng.permutation(len(words[start : start + size]))
    ]


def visible(texts: list[str], weights: str, max_length: int) -> list[str]:
    """The part of each text that the model reads; otherwise shuffling would also bring in words
    from beyond the cut.
    """
    from lmreport.models.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(weights)
    ends = (
        max(end for _, end in offsets)
        for offsets in tokenizer(
            texts, truncation=True, max_length=max_length, return_offsets_mapping=True
        )["offset_mapping"]
    )
    return [text[:end] for text, end in zip(texts, ends, strict=True)]


@contextmanager
def predictor(weights: str, settings):
    """A function from a `Dataset` of texts to predicted classes (n,); its `model` is the classifier
    saved in `weights`.
    """
    from datasets import DatasetDict
    from transformers import AutoModelForSequenceClassification

    from lmreport.models import finetune
    from lmreport.models.tokenizer import load_tokenizer, tokenized

    tokenizer = load_tokenizer(weights)
    model = AutoModelForSequenceClassification.from_pretrained(weights).eval()
    with tempfile.TemporaryDirectory() as folder:
        arguments = finetune.training_arguments(settings, folder)
        arguments.eval_strategy = "no"
        trainer = finetune.make_trainer(model, arguments, None, None, tokenizer)

        def predict(texts):
            one = tokenized(DatasetDict(test=texts), tokenizer, settings.max_length)["test"]
            return finetune.predict_logits(trainer, one).argmax(-1)

        predict.model = model  # type: ignore[attr-defined]  # a function that tells its model
        yield predict


def run(
    name: str, settings: Settings, corpus, force: bool = False, scale: str = ""
) -> records.Record:
    """The record of the study `name`; made if there is none, or by force, after the models that it
    needs.

    scale: that of the study, where it is not that of the settings.
    """
    from lmreport.experiments import improvements
    from lmreport.models import pretrained
    from lmreport.runs import train

    source = pretrained.locate(settings.model)
    kind, scale = KINDS[name], scale or settings.scale
    needed = {model: train.run(model, settings, corpus) for model in kind.starts_from}
    given = records.inputs(name, settings, corpus, source, scale=scale)
    kept = cache_root() / "studies" / f"{name}-{records.predicted(given)}"

    def arguments() -> tuple:
        if name in improvements.NAMES:
            return splits_for(settings, corpus), source.path, needed, scale
        weights = str(train.trained_model(settings, corpus)) if needed else source.path
        sizes = kind.sizes[scale]
        return sizes, splits_with(corpus, settings.seed, sizes.get("texts", 0)), weights, kept

    def make() -> dict:
        chosen = arguments()
        log.info(f"{name}: at scale {scale} on {corpus.name}")
        start = time.perf_counter()
        values = kind.make(settings, *chosen)
        on_gpu = machine.gpu_name() and name not in improvements.NAMES
        return values | {
            "seconds": time.perf_counter() - start,
            "device": "cuda" if on_gpu else "cpu",
        }

    record = train.once(given, make, force)
    shutil.rmtree(kept, ignore_errors=True)  # finished parts are no longer needed
    return record
