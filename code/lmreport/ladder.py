"""What each change of the recipe brings: steps that are fine-tuned alike but for one thing, scored on validation only.

A step that is finished is kept by itself, under a key of its recipe, the data, the weights and the code of the
training; so a stopped study goes on after it, a new step costs only itself, and several processes share the work.
"""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path

import numpy as np

from lmreport import cache, lock, models, pretrain, progress, provenance, split, train, tune
from lmreport.recipe import Recipe
from lmreport.settings import cache_root

PILOT = Recipe(texts=1600, max_length=128, epochs=1, average=0.98)
PILOTS = {  # name: what it changes; the first is what the others are compared with
    "start": {},
    "learning rate × 3": dict(learning_rate=3e-4),
}


def steps(sizes: dict) -> dict[str, Recipe]:
    """{name: recipe} of the steps; `sizes` shrinks them all for the quick form."""
    start = dataclasses.replace(PILOT, **sizes)
    return {name: dataclasses.replace(start, **change) for name, change in PILOTS.items()}


def key(recipe: Recipe, corpus, source) -> str:
    """Sixteen digits for everything that determines the result of one step."""
    return provenance.digest([dataclasses.asdict(recipe), corpus.digest, source.digest,
                              {name: provenance.definitions(name) for name in ("recipe", "tune", "pretrain", "split")},
                              provenance.versions("torch", "transformers", "tokenizers")])


def folder_of(recipe: Recipe, corpus, source) -> Path:
    return cache_root() / "ladder" / key(recipe, corpus, source)


def measure(recipe: Recipe, corpus, source, say=progress.say) -> dict:
    """The result of one step: found, or made now and kept.

    validation_logits (texts, classes), average_logits where weights are averaged, windows_logits; seconds,
    cpu_seconds, tokens, memory (MiB), predict_seconds, recipe, made.
    """
    folder = folder_of(recipe, corpus, source)
    with lock.only_one(f"ladder-{folder.name}", say):
        if not (folder / "found.npz").is_file():
            cache.write_atomically(folder / "found.npz", cache.pack(fit(recipe, corpus, source, folder, say)))
            (folder / "state.pt").unlink(missing_ok=True)
    return cache.unpack((folder / "found.npz").read_bytes())


def fit(recipe: Recipe, corpus, source, folder: Path, say=progress.say) -> dict:
    """Fine-tune by `recipe` and score the validation texts; the weights stay in `folder`."""
    import torch

    made = {"date": provenance.now(), "commit": provenance.commit("ladder"), "hardware": provenance.hardware(),
            "load": os.getloadavg()[0], "threads": torch.get_num_threads()}
    tune.forget_peak()
    splits, tokenizer = train.load_splits(corpus, recipe.drawn), tune.tokenizer_of(source.path)
    chosen = split.subset(splits["train"], recipe.texts, recipe.drawn)
    model, found = tune.classifier(source.path, chosen.features["labels"].num_classes, recipe), {}
    if recipe.masked_epochs:
        if not (folder / "masked.npz").is_file():
            told = pretrain.train(source.path, tune.pieces_of(tokenizer, list(splits["train"]["text"])), recipe,
                                  tokenizer, folder, say)
            cache.write_atomically(folder / "masked.npz", cache.pack(told))
        pretrain.load_into(model, folder)
        found |= cache.unpack((folder / "masked.npz").read_bytes())
    rows = tune.rows_of(tune.pieces_of(tokenizer, list(chosen["text"])), recipe, tokenizer)
    padding = tokenizer.pad_token_id
    found |= tune.train(model, rows, chosen["labels"], recipe, padding, folder, say)
    mean, start = found.pop("average"), time.perf_counter()
    pieces = tune.pieces_of(tokenizer, list(splits["validation"]["text"]))
    rows = tune.rows_of(pieces, recipe, tokenizer)
    found["validation_logits"] = tune.predict(model, rows, padding, say)
    found["predict_seconds"] = time.perf_counter() - start
    if mean:
        model.load_state_dict(mean)
        found["average_logits"] = tune.predict(model, rows, padding, say)
    tune.save(folder / "model.pt", model.state_dict())
    right = (found["validation_logits"].argmax(-1) == np.array(splits["validation"]["labels"])).mean()
    say(f"ladder: {found['tokens']:,} tokens in {found['seconds']:.0f} s, validation accuracy {right:.4f}")
    return found | {"texts": len(chosen), "memory": tune.peak_memory(), "recipe": dataclasses.asdict(recipe),
                    "made": made}


def main(names: list[str]) -> None:
    """Make the named steps one after the other (all if none is named), as a process beside others."""
    import torch

    from lmreport import data, settings

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    progress.hide_bars()
    chosen = settings.resolved(settings.load(scale="full"))
    corpus, source = data.obtain(chosen.data), models.locate(chosen.model)
    for name, recipe in steps({}).items():
        if not names or name in names:
            progress.say(f"ladder: {name}")
            measure(recipe, corpus, source)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
