"""Question 4b: the encoder alone, the encoder with a task head, and what the pre-trained weights
are worth.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from lmreport.core.settings import cuda_available
from lmreport.display import style
from lmreport.display.figure import cached_figure
from lmreport.models import architecture, callbacks, finetune, scores
from lmreport.models.tokenizer import load_tokenizer, tokenized
from lmreport.runs.memo import remember

PROBE_LENGTH = 48  # word pieces of a text that the probe of a frozen encoder reads
WAYS = ("fine-tuned", "frozen", "from scratch")


def load_both(path: str, class_names: list[str]):
    """The encoder alone, the encoder with a head, and the names of the weights that the second made
    anew.

    The checkpoint at `path` is read twice; the load report of Transformers calls the new weights
    "missing", and "mismatched" those of a saved head for other classes.
    """
    from transformers import AutoModel, AutoModelForSequenceClassification

    encoder = AutoModel.from_pretrained(path)
    classifier, report = AutoModelForSequenceClassification.from_pretrained(
        path, num_labels=len(class_names), output_loading_info=True, ignore_mismatched_sizes=True
    )
    anew = {*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])}
    return encoder.eval(), classifier.eval(), sorted(anew)


def parameters(model, only: tuple[str, ...] = ()) -> int:
    """Number of parameters of `model`, or of those with the names in `only`."""
    return sum(p.numel() for name, p in model.named_parameters() if not only or name in only)


@functools.cache
def head_of_distilbert(classes: int) -> dict[str, tuple[int, ...]]:
    """Shapes of the weights that `AutoModelForSequenceClassification` puts on DistilBERT, by name;
    the model is laid out without memory.
    """
    import torch
    from transformers import AutoModelForSequenceClassification, DistilBertConfig

    with torch.device("meta"):
        model = AutoModelForSequenceClassification.from_config(
            DistilBertConfig(num_labels=classes)  # type: ignore[call-arg]  # every one takes it
        )
    body = f"{model.base_model_prefix}."
    return {
        name: tuple(weight.shape)
        for name, weight in model.named_parameters()
        if not name.startswith(body)
    }


HEADS = {
    "SequenceClassification": "{classes} logits per text",
    "TokenClassification": "{classes} logits per token",
    "MaskedLM": "{words:,} logits per token",
    "QuestionAnswering": "start and end in the text",
}


@remember
def encoder_parts(path: str = "", digest: str = "", classes: int = 4) -> dict:
    """Parameters of the parts of the encoder at `path`, and of each head that fits on it;
    DistilBERT without a path.

    digest: of the weights, so that a record belongs to one model; the models are laid out without
    memory. Returns width, embeddings, layers (one number each, or one alone that all share), shared
    (by how many), other, pooler (whether a pooler is all of that), heads {class: [parameters it
    adds, its answer, parameters of encoder and head together]}.
    """
    import torch
    import transformers

    config = (
        transformers.AutoConfig.from_pretrained(path) if path else transformers.DistilBertConfig()
    )
    full = {}
    with torch.device("meta"):
        encoder = transformers.AutoModel.from_config(config)
        for kind in HEADS:
            config.num_labels = (
                2 if kind == "QuestionAnswering" else classes
            )  # two: the start and the end
            with contextlib.suppress(ValueError):  # a family without this head
                full[kind] = getattr(transformers, f"AutoModelFor{kind}").from_config(config)
    embeddings = sum(p.numel() for p in architecture.embeddings(encoder))
    layers = [parameters(layer) for layer in architecture.layers(encoder)]
    return {
        "width": config.hidden_size,
        "embeddings": embeddings,
        "layers": layers,
        "shared": config.num_hidden_layers // len(layers),
        "other": (other := parameters(encoder) - embeddings - sum(layers)),
        "pooler": other > 0 and other == pooler(encoder),
        "heads": {
            f"AutoModelFor{kind}": [
                parameters(model) - parameters(model.base_model),
                HEADS[kind].format(classes=classes, words=config.vocab_size),
                parameters(model),
            ]
            for kind, model in full.items()
        },
    }


def pooler(encoder) -> int:
    """Parameters of the dense layer that a head of BERT reads the first token through; 0 where an
    encoder has none.
    """
    return sum(p.numel() for name, p in encoder.named_parameters() if name.startswith("pooler."))


def read_by_head(classifier, tokenizer) -> list[str]:
    """The tokens of a text whose last hidden states the logits hang on: [CLS], say, or all."""
    import torch

    inputs, kept = tokenizer("how do I sort a list?", return_tensors="pt"), []
    hook = classifier.base_model.register_forward_hook(
        lambda module, given, found: kept.append(found.last_hidden_state)
    )
    try:
        logits = classifier(**inputs).logits  # (1, classes)
    finally:
        hook.remove()
    (slope,) = torch.autograd.grad(logits[0, 0], kept[0])  # (1, n, d)
    read = slope[0].abs().amax(-1) > 0
    return tokenizer.convert_ids_to_tokens(inputs["input_ids"][0][read])


def same_encoder(encoder, classifier) -> bool:
    """True if the encoder inside the classifier has, tensor by tensor, the weights of the encoder
    alone.
    """
    inside = classifier.base_model.state_dict()
    return all(
        name in inside and bool((weight == inside[name]).all())
        for name, weight in encoder.state_dict().items()
        if "pooler" not in name
    )


def from_scratch(path: str, class_names: list[str], seed: int):
    """The same architecture with a head and random weights: only the configuration of `path` is
    read.
    """
    from transformers import AutoConfig, AutoModelForSequenceClassification, set_seed

    set_seed(seed)
    return AutoModelForSequenceClassification.from_config(
        AutoConfig.from_pretrained(path, num_labels=len(class_names))
    )


def text_vectors(
    model, tokenizer, texts: list[str], max_length: int, batch: int = 32
) -> np.ndarray:
    """Mean over the tokens of the encoder's last hidden states, without a gradient: (texts, d), in
    their order.
    """
    import torch

    order = np.argsort([len(text) for text in texts], kind="stable")
    vectors = np.empty((len(texts), model.config.hidden_size), dtype=np.float32)
    model = model.base_model.eval().to("cuda" if cuda_available() else "cpu")
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        inputs = tokenizer(
            [texts[i] for i in rows],
            truncation=True,
            max_length=max_length,
            padding=True,
            return_tensors="pt",
        ).to(model.device)
        with torch.inference_mode():
            hidden = model(**inputs).last_hidden_state  # (batch, n, d)
            mask = inputs["attention_mask"][..., None]  # (batch, n, 1)
            vectors[rows] = ((hidden * mask).sum(1) / mask.sum(1)).float().cpu().numpy()
    return vectors


def linear_head(vectors, labels, seed: int):
    """A logistic regression fitted on vectors (n, d) that stay as they are: the head on a frozen
    encoder.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    head = make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=1000, C=0.1, random_state=seed)
    )
    return head.fit(vectors, labels)


def subset(labels, size: int, seed: int) -> np.ndarray:
    """`size` row numbers, the classes as equal in number as `size` allows; a smaller set is part of
    a larger one.
    """
    rng, labels = np.random.default_rng(seed), np.asarray(labels)
    shuffled = [rng.permutation(np.flatnonzero(labels == c)) for c in np.unique(labels)]
    turns = [(turn, c, row) for c, rows in enumerate(shuffled) for turn, row in enumerate(rows)]
    return np.array([row for _, _, row in sorted(turns)[:size]])


@remember
def frozen_against_random(
    path: str,
    digest: str,
    data: str,
    texts: list[str],
    labels: list[int],
    test_texts: list[str],
    test_labels: list[int],
    sizes: tuple[int, ...] = (20, 40, 80, 160),
    max_length: int = PROBE_LENGTH,
    seed: int = 0,
) -> dict:
    """Accuracy of the same linear head on the encoder at `path` and on its architecture with random
    weights.

    digest, data: of the weights and of the texts, so that a record belongs to them. Returns arrays
    (sizes,).
    """
    from transformers import AutoModel

    classes = [str(c) for c in sorted(set(labels))]
    tokenizer = load_tokenizer(path)
    found: dict[str, Any]
    found = {"sizes": np.array([s for s in sizes if s <= len(labels)]), "test": len(test_labels)}
    models = {
        "pre-trained": AutoModel.from_pretrained(path),
        "random": from_scratch(path, classes, seed),
    }
    for name, model in models.items():
        vectors, test = (text_vectors(model, tokenizer, t, max_length) for t in (texts, test_texts))
        rows = [subset(labels, size, seed) for size in found["sizes"]]
        found[name] = np.array(
            [
                linear_head(vectors[r], np.asarray(labels)[r], seed).score(test, test_labels)
                for r in rows
            ]
        )
    return found


def train_point(splits, path: str, settings, way: str, size: int, steps: int = 150) -> dict:
    """One point of the learning curve: `way` of WAYS on `size` texts of splits["train"], tested on
    splits["test"].

    splits: any DatasetDict with `text` and `labels` (ClassLabel). settings: resolved; its epochs,
    batch size, learning rate, length and seed hold for fine-tuning and for training from scratch.
    steps: at least so many updates, so that few texts are seen often enough. Returns way, size,
    accuracy, seconds of training, and `predicted` and `correct` (test texts,), in their order.
    """
    train = splits["train"].select(subset(splits["train"]["labels"], size, settings.seed))
    point = frozen_point if way == "frozen" else trained_point
    predicted, seconds = point(train, splits["test"], path, settings, way, steps)
    correct = predicted == np.array(splits["test"]["labels"])
    return {
        "way": way,
        "size": size,
        "accuracy": float(correct.mean()),
        "seconds": seconds,
        "predicted": predicted,
        "correct": correct,
    }


def frozen_point(train, test, path, settings, way, steps) -> tuple[np.ndarray, float]:
    """Predicted classes of `test` by a linear head on the unchanged encoder, and the seconds of its
    training.
    """
    from transformers import AutoModel

    start = time.perf_counter()
    model, tokenizer = AutoModel.from_pretrained(path), load_tokenizer(path)
    vectors = text_vectors(model, tokenizer, list(train["text"]), settings.max_length)
    head = linear_head(vectors, np.array(train["labels"]), settings.seed)
    seconds = time.perf_counter() - start
    return head.predict(
        text_vectors(model, tokenizer, list(test["text"]), settings.max_length)
    ), seconds


def trained_point(train, test, path, settings, way, steps) -> tuple[np.ndarray, float]:
    """Predicted classes of `test` after training all weights, from the pre-trained or from random
    ones; seconds.
    """
    from datasets import DatasetDict
    from transformers import PrinterCallback, set_seed

    names = train.features["labels"].names
    tokenizer = load_tokenizer(path)
    data = tokenized(DatasetDict(train=train, test=test), tokenizer, settings.max_length)
    epochs = max(settings.epochs, int(np.ceil(steps * settings.batch_size / len(train))))
    set_seed(settings.seed)  # the new head is drawn at random
    model = (
        from_scratch(path, names, settings.seed)
        if way == "from scratch"
        else finetune.load_classifier(path, names)
    )
    with tempfile.TemporaryDirectory() as folder:
        arguments = finetune.training_arguments(
            dataclasses.replace(settings, epochs=epochs), folder
        )
        arguments.eval_strategy = arguments.save_strategy = arguments.logging_strategy = "no"
        trainer = finetune.make_trainer(model, arguments, data["train"], None, tokenizer)
        clock = callbacks.training_clock()
        trainer.add_callback(clock)
        trainer.remove_callback(PrinterCallback)
        trainer.train()
        return finetune.predict_logits(trainer, data["test"]).argmax(-1), clock.seconds


@cached_figure
def plot_learning_curve(record, linear, chance: float):
    """Test accuracy with its 95% interval against the number of training texts for each way, and
    for the linear model (`linear`: its own record); chance: of always naming the largest class."""
    figure, ax = style.figure(height=1.75)
    curves: dict[str, tuple[Any, Sequence[int]]]  # a record, its rows
    curves = {
        way: (record, [i for i, point in enumerate(record["points"]) if point["way"] == way])
        for way in WAYS
    }
    curves["linear SVM"] = linear, range(len(linear["points"]))
    last = []
    for (way, (of, rows)), color in zip(curves.items(), style.CYCLE, strict=False):
        right = of["predicted"][list(rows)] == of["labels"]
        ends = np.array([scores.interval(correct) for correct in right])
        sizes, means = [of["points"][i]["size"] for i in rows], 100 * right.mean(1)
        spread = 100 * np.abs(ends - right.mean(1)[:, None]).T
        look = dict(color=color, marker="o", linestyle="-", capsize=2, markersize=3.5)
        ax.errorbar(sizes, means, spread, **look)
        words = way if way == "linear SVM" else f"encoder, {way}"
        last.append((sizes[-1], means[-1], words, color))
    ax.set_xscale("log")
    sizes, alike = sorted({point["size"] for point in record["points"]}), alike_in(record["labels"])
    _accuracy_axes(ax, sizes, chance, alike, last)
    ax.set_xlabel("training texts (logarithmic)")
    return figure


@cached_figure
def plot_probes(found: dict, labels):
    """Test accuracy of the same linear head on pre-trained and on random weights against training
    texts, beside always naming the largest class of the `labels`.
    """
    figure, ax = style.figure(height=2.2)
    last, sizes = [], found["sizes"]
    for name, color in (("pre-trained", style.BLUE), ("random", style.ORANGE)):
        ax.semilogx(sizes, 100 * found[name], color=color, marker="o", linestyle="-")
        last.append((sizes[-1], 100 * found[name][-1], f"{name} weights, frozen", color))
    _accuracy_axes(ax, sizes, scores.guessing(np.asarray(labels)), alike_in(labels), last)
    return figure


def alike_in(labels) -> bool:
    """Whether the classes of the labels are of about the same size: the largest has at most a half
    more than the smallest.
    """
    sizes = np.bincount(labels)
    return bool(sizes.max() <= 1.5 * sizes.min())


def _accuracy_axes(ax, sizes, chance: float, alike: bool, last: list[tuple]) -> None:
    """Names of the axes, which begin at guessing and end at 100% unless all curves lie far below,
    and of the curves; last: end, words and colour of each (`style.ends`); alike: whether classes
    are of the same size."""
    ax.plot(sizes, [100 * chance] * len(sizes), color="0.4", linestyle=":", marker="", linewidth=1)
    top = 100 if ax.dataLim.y1 > 40 else 1.25 * ax.dataLim.y1
    bottom = min(100 * chance - 0.12 * top, ax.dataLim.y0 - 0.02 * top)
    ax.set(xlabel="training texts", ylabel="test accuracy [%]", ylim=(bottom, top))
    ticks = range(0, 101, 20) if top == 100 else ax.get_yticks()
    ax.set_yticks([tick for tick in ticks if max(bottom, 0) <= tick <= top])
    ax.set_xticks(sizes, [f"{s:,}" for s in sizes])
    ax.minorticks_off()
    words = "guessing" if alike else "largest class"
    style.ends(ax, [*last, (sizes[-1], 100 * chance, words, "0.4")])
