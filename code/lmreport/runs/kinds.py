"""The kinds of run: one line each, from which command line, labels, colours, makers, sizes and keys
are read.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

COMMON = ("scale", "seed", "train_size", "test_size")
KERAS = ("tensorflow-cpu", "keras", "numpy")
SKLEARN = ("scikit-learn", "numpy")
TORCH = ("torch", "transformers", "tokenizers", "accelerate", "datasets")
SPLITS = ("data.splits:splits_for",)
STUDIED = ("experiments.studies:splits_with",)


@dataclass(frozen=True)
class Kind:
    """One kind of run.

    group: "model", "study" or "bench"; label: its name for the reader; makes: "module:function"
    that computes its values; beside: other definitions that take part; libraries: those whose
    versions count; settings: which settings count; color: of the palette in `style`; pretrained:
    whether it begins with a pre-trained model; starts_from: models whose records it needs; sizes:
    how much is done, by scale (studies) or device (benches), None where the settings say it,
    and in the probe, by which a record is proven;
    without_gpu: how long it takes there, "" if it is as at home.
    """

    name: str
    group: str
    label: str
    makes: str
    libraries: tuple[str, ...]
    beside: tuple[str, ...] = SPLITS
    settings: tuple[str, ...] = COMMON
    color: str = ""
    pretrained: bool = True
    starts_from: tuple[str, ...] = ()
    sizes: dict = field(default_factory=dict)
    without_gpu: str = ""

    @property
    def make(self) -> Callable:
        """The function that computes its values, imported now."""
        module, _, name = self.makes.partition(":")
        return getattr(importlib.import_module(f"lmreport.{module}"), name)

    @property
    def places(self) -> list[tuple[str, str]]:
        """(module, name) of each definition that computes it."""
        return [
            (module, name)
            for module, _, name in (text.partition(":") for text in (self.makes, *self.beside))
        ]


def study(
    name: str,
    label: str,
    full: dict,
    quick: dict,
    libraries: tuple[str, ...] = TORCH,
    probe: dict | None = None,
    **more: Any,
) -> Kind:
    """A study of `studies`: settings that count for each, sizes at both scales and in the probe."""
    chosen: dict[str, Any] = {
        "makes": f"experiments.studies:{name}",
        "beside": STUDIED,
        "settings": ("scale", "seed", "max_length"),
    } | more
    sizes = {"full": full, "quick": quick, "probe": probe or {}}
    return Kind(name, "study", label, libraries=libraries, sizes=sizes, **chosen)


def bench(
    name: str,
    label: str,
    module: str,
    cpu: dict,
    cuda: dict | None = None,
    *,
    probe: dict,
    **more: Any,
) -> Kind:
    """A measurement of speed or of recipes, by `make` of a module of `experiments.bench`; cuda: what
    is other on a GPU; probe: sizes of a run of seconds.
    """
    chosen: dict[str, Any] = {"settings": ("scale", "seed"), "libraries": TORCH} | more
    return Kind(
        f"bench_{name}",
        "bench",
        label,
        f"experiments.bench.{module}:make",
        sizes={"cpu": cpu, "cuda": cpu | (cuda or {}), "probe": probe},
        **chosen,
    )


FINETUNED = ("max_length", "batch_size", "epochs", "learning_rate")
CURVE = ("scale", "seed", "max_length", "batch_size", "learning_rate")
ALL = ("tfidf_svm", "lstm", "transformer")
# fmt: off
KINDS = {kind.name: kind for kind in (
    Kind("bag_of_words", "model", "bag of words", "models.linear:make_bag_of_words", SKLEARN, color="purple",
         pretrained=False),
    Kind("tfidf_svm", "model", "TF-IDF + SVM", "models.linear:make_tfidf_svm", SKLEARN, color="green",
         pretrained=False),
    Kind("lstm", "model", "LSTM", "models.lstm:make", KERAS, settings=(*COMMON, "lstm_epochs"),
         color="orange", pretrained=False),
    Kind("transformer", "model", "Transformer", "models.finetune:make", TORCH,
         settings=(*COMMON, *FINETUNED), color="blue"),
    study("learning_curve", "number of training texts",
          dict(sizes=[50, 200, 800, 3200, 6400], epochs=2, steps=150, max_length=128, texts=2000),
          dict(sizes=[50, 200], epochs=1, steps=30, max_length=64, texts=200), (*TORCH, "scikit-learn"),
          settings=CURVE, probe=dict(sizes=[16, 32], epochs=1, steps=4, max_length=16)),
    study("shuffled_words", "shuffled words", dict(texts=2000, shuffles=5), dict(texts=200, shuffles=2),
          starts_from=("transformer",), probe=dict(shuffles=1)),
    study("heads_removed", "heads removed one by one", dict(texts=800, max_length=128), dict(texts=40, max_length=32),
          starts_from=("transformer",), probe=dict(max_length=16)),
    study("ablation", "tokens hidden one by one", {}, {}, starts_from=("transformer",)),
    study("linear_curve", "number of training texts, linear model", dict(sizes=[50, 200, 800, 3200, 6400], texts=2000),
          dict(sizes=[50, 200], texts=200), (*TORCH, "scikit-learn"), probe=dict(sizes=[16, 32])),
    study("ladder", "what each step brings", {}, {}, (*TORCH, *SKLEARN),
          makes="experiments.improvements:climb", beside=SPLITS, starts_from=ALL),
    study("summit", "the chosen stacks", {}, {}, (*TORCH, *SKLEARN),
          makes="experiments.improvements:summit", beside=SPLITS, starts_from=ALL),
    bench("train", "speed of training", "training", dict(batches=8, repeats=3, max_length=512), pretrained=False,
          probe=dict(batches=1, repeats=1, max_length=24)),
    bench("predict", "speed of prediction", "prediction", dict(texts=200, repeats=3, max_length=512), dict(texts=2000),
          probe=dict(texts=16, repeats=1, max_length=24)),
    bench("bf16", "speed on a processor with bf16", "bf16",
          dict(batches=8, texts=200, repeats=3, max_length=512),
          probe=dict(batches=1, texts=16, repeats=1, max_length=24)),
    bench("scale", "growing numbers of rows", "scale", dict(rows=[250_000, 500_000, 1_000_000, 2_000_000]),
          pretrained=False, probe=dict(rows=[2000, 4000])),
    bench("accuracy", "accuracy of the fast recipe", "fast_vs_literal",
          dict(seeds=[1, 2], train_texts=640, epochs=2, learning_rate=1e-4, max_length=512),
          dict(seeds=[1, 2, 3, 4], train_texts=0),
          probe=dict(seeds=[1], train_texts=32, epochs=1, learning_rate=1e-4, max_length=24)),
    bench("recipes", "recipes on all texts", "search", dict(seeds=[1, 2]), without_gpu="days",
          probe=dict(recipes=["base", "label smoothing"], seeds=[1], smaller=dict(epochs=1, max_length=24))),
    bench("seeds", "new seeds of the best recipe", "seeds",
          dict(seeds=[11, 12, 13], folded_seeds=[11], folds=3, predicted_folds=3),
          dict(seeds=[11, 12, 13, 14, 15], folds=5, predicted_folds=5), without_gpu="hours",
          probe=dict(seeds=[11, 12], folded_seeds=[11], folds=2, predicted_folds=1)),
    bench("encoder", "a larger encoder", "encoder",
          dict(model="sentence-transformers/all-mpnet-base-v2", max_length=256, epochs=2, learning_rate=5e-5,
               budget=2304, train_seed=None), libraries=(*TORCH, *SKLEARN), without_gpu="hours",
          probe=dict(max_length=24, epochs=1, learning_rate=1e-4, budget=512)),
    bench("rates", "learning rates of the larger encoder", "rates",
          dict(model="sentence-transformers/all-mpnet-base-v2", rates=[2e-5, 5e-5, 1e-4], train_texts=1600,
               max_length=128, epochs=2, budget=2304), without_gpu="an hour",
          probe=dict(rates=[1e-4], train_texts=64, max_length=24, epochs=1, budget=512)),
)}
# fmt: on


def names(group: str) -> tuple[str, ...]:
    """The names of all kinds of a group, in the order of the report."""
    return tuple(kind.name for kind in KINDS.values() if kind.group == group)


MODELS, STUDIES, BENCHES = names("model"), names("study"), names("bench")
