"""What each change brings: models that differ in one thing, scored on the validation texts only,
and their stacks.

A step that is finished is kept by itself, under a key of what it sets, the texts, the weights and
the code that trains; so a stopped study goes on after it, a new step costs only itself, and several
processes share the work.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import logging
import pickle
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from lmreport.core import files, machine, processes
from lmreport.core.settings import cache_root
from lmreport.data.splits import subset
from lmreport.models import masked_lm, pretrained, recipe_training, stacking
from lmreport.models.recipe import Recipe
from lmreport.models.stacking import Linear
from lmreport.models.tokenizer import load_tokenizer
from lmreport.runs import memo

log = logging.getLogger(__name__)


def measure(step: Recipe | Linear, splits, path: str) -> dict:
    """The result of one step: found, or made now and kept.

    validation_logits (texts, classes), average_logits where weights are averaged; seconds,
    cpu_seconds, tokens, memory (MiB), texts, sets (what the step sets), made (date, commit,
    hardware, load).
    """
    folder = folder_of(step, splits, path)

    def make() -> dict:
        folder.mkdir(parents=True, exist_ok=True)
        processes.forget_peak()
        made = {
            "date": machine.now(),
            "commit": machine.commit(),
            "hardware": machine.hardware(),
            "load": psutil.getloadavg()[0],
            "threads": machine.threads(),
        }
        found = (fine_tune if isinstance(step, Recipe) else fit_linear)(
            step,  # type: ignore[arg-type]  # of the function's own kind
            splits,
            path,
            folder,
        )
        return found | {
            "memory": processes.peak_memory() / 2**20,
            "sets": dataclasses.asdict(step),
            "made": made,
        }

    found = memo.once(folder / "found.npz", make)
    (folder / "state.pt").unlink(missing_ok=True)
    return found


def folder_of(step, splits, path: str) -> Path:
    """Where a step is kept: under sixteen digits for everything that determines its result."""
    code = memo.code_of(fine_tune if isinstance(step, Recipe) else fit_linear)
    libraries = (
        ("torch", "transformers", "tokenizers")
        if isinstance(step, Recipe)
        else ("scikit-learn", "tokenizers")
    )
    given = [
        dataclasses.asdict(step),
        texts_digest(splits["train"]),
        texts_digest(splits["validation"]),
        pretrained.sha256(Path(path) / "model.safetensors"),
        code,
        machine.versions(*libraries),
    ]
    return cache_root() / "ladder" / machine.digest(given)


def texts_digest(dataset) -> str:
    whole = hashlib.sha256("\0".join(dataset["text"]).encode())
    return hashlib.sha256(whole.digest() + bytes(dataset["labels"])).hexdigest()


def fine_tune(recipe: Recipe, splits, path: str, folder: Path) -> dict:
    """Fine-tune the encoder at `path` by `recipe` and score the validation texts; the weights stay
    in `folder`.
    """
    found: dict[str, Any]
    tokenizer, found = load_tokenizer(path), {}
    chosen = subset(splits["train"], recipe.texts, recipe.drawn)
    model = recipe_training.classifier(path, chosen.features["labels"].num_classes, recipe)
    if recipe.masked_epochs:
        pieces = recipe_training.pieces_of(tokenizer, list(splits["train"]["text"]))
        found |= memo.once(
            folder / "masked.npz",
            lambda: masked_lm.train(path, pieces, recipe, tokenizer, folder),
        )
        masked_lm.load_into(model, folder)
    rows = recipe_training.rows_of(
        recipe_training.pieces_of(tokenizer, list(chosen["text"])), recipe, tokenizer
    )
    found |= recipe_training.train(
        model, rows, chosen["labels"], recipe, tokenizer.pad_token_id, folder
    )
    mean = found.pop("average")
    recipe_training.save(folder / "model.pt", model.state_dict())
    rows = recipe_training.rows_of(
        recipe_training.pieces_of(tokenizer, list(splits["validation"]["text"])), recipe, tokenizer
    )
    found["validation_logits"] = recipe_training.predict(model, rows, tokenizer.pad_token_id)
    if mean:
        model.load_state_dict(mean)
        found["average_logits"] = recipe_training.predict(model, rows, tokenizer.pad_token_id)
        recipe_training.save(folder / "average.pt", mean)
    tell(found, splits)
    return found | {"texts": len(chosen)}


def fit_linear(linear: Linear, splits, path: str, folder: Path) -> dict:
    """Fit a linear model on all training texts and score the validation texts; it stays in
    `folder`.
    """
    tokenizer, wall, cpu = (
        load_tokenizer(path),
        time.perf_counter(),
        time.process_time(),
    )
    train = splits["train"]
    model = stacking.fitted(linear, list(train["text"]), train["labels"], tokenizer)
    found = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "tokens": 0,
        "texts": len(splits["train"]),
        "validation_logits": stacking.scores_of(
            model, linear, list(splits["validation"]["text"]), tokenizer
        ),
    }
    files.write_atomically(folder / "model.pickle", pickle.dumps(model))
    tell(found, splits)
    return found


def tell(found: dict, splits) -> None:
    right = (
        found["validation_logits"].argmax(-1) == np.array(splits["validation"]["labels"])
    ).mean()
    log.info(f"ladder: {found['seconds']:.0f} s, validation accuracy {right:.4f}")


def reading_on(recipe: Recipe, splits, path: str, most: int) -> dict:
    """A finished step whose prediction reads up to `most` windows of a text instead of its
    beginning.

    Only validation_logits are new, and predict_seconds, which they took.
    """
    folder, known = folder_of(recipe, splits, path), measure(recipe, splits, path)

    def make() -> dict:
        model, tokenizer = fine_tuned(recipe, splits, path), load_tokenizer(path)
        pieces, start = (
            recipe_training.pieces_of(tokenizer, list(splits["validation"]["text"])),
            time.perf_counter(),
        )
        logits = recipe_training.predict_windows(
            model, pieces, recipe, tokenizer, most, known["validation_logits"]
        )
        return {"validation_logits": logits, "predict_seconds": time.perf_counter() - start}

    return known | memo.once(folder / f"windows-{most}.npz", make)


def fine_tuned(recipe: Recipe, splits, path: str, weights: str = "model.pt"):
    """The classifier of a finished step; weights: "model.pt" or "average.pt"."""
    import torch

    model = recipe_training.classifier(path, splits["train"].features["labels"].num_classes, recipe)
    model.load_state_dict(torch.load(folder_of(recipe, splits, path) / weights, weights_only=True))
    return model


def test_logits(step, splits, path: str, weights: str = "model.pt", backwards: bool = False):
    """Logits (texts, classes) of a finished step for the test texts, computed once, in blocks that
    are kept.

    backwards: begin with the last block, for a second process that helps.
    """
    folder, tokenizer, texts = (
        folder_of(step, splits, path),
        load_tokenizer(path),
        list(splits["test"]["text"]),
    )
    measure(step, splits, path)
    model = (
        pickle.loads((folder / "model.pickle").read_bytes())
        if isinstance(step, Linear)
        else fine_tuned(step, splits, path, weights)
    )

    def predicted(start: int) -> dict:
        part = texts[start : start + 1000]
        log.info(f"ladder: predicting the {len(part):,} test texts from {start:,} on")
        if isinstance(step, Linear):
            return {"logits": stacking.scores_of(model, step, part, tokenizer)}
        pieces = recipe_training.pieces_of(tokenizer, part)
        rows = recipe_training.rows_of(pieces, step, tokenizer)
        return {"logits": recipe_training.predict(model, rows, tokenizer.pad_token_id)}

    starts, blocks = range(0, len(texts), 1000), {}
    for start in reversed(starts) if backwards else starts:
        kept = folder / f"test-{weights}-{texts_digest(splits['test'])[:8]}-{start}.npz"
        blocks[start] = memo.once(kept, functools.partial(predicted, start))["logits"]
    return np.concatenate([blocks[start] for start in starts])
