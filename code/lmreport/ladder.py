"""What each change brings: models that differ in one thing, scored on the validation texts only, and their stacks.

A step that is finished is kept by itself, under a key of what it sets, the texts, the weights and the code that
trains; so a stopped study goes on after it, a new step costs only itself, and several processes share the work.
"""

from __future__ import annotations

import dataclasses
import hashlib
import pickle
import time
from pathlib import Path

import numpy as np
import psutil

from lmreport import cache, combine, lock, models, pretrain, progress, provenance, runs, split, tune
from lmreport.combine import Linear
from lmreport.recipe import Recipe
from lmreport.settings import cache_root


def measure(step: Recipe | Linear, splits, path: str, say=progress.say) -> dict:
    """The result of one step: found, or made now and kept.

    validation_logits (texts, classes), average_logits where weights are averaged; seconds, cpu_seconds, tokens, memory
    (MiB), texts, sets (what the step sets), made (date, commit, hardware, load).
    """
    folder = folder_of(step, splits, path)
    with lock.only_one(f"ladder-{folder.name}", say):
        if not (folder / "found.npz").is_file():
            folder.mkdir(parents=True, exist_ok=True)
            tune.forget_peak()
            made = {"date": provenance.now(), "commit": provenance.commit("ladder"),
                    "hardware": provenance.hardware(), "load": psutil.getloadavg()[0], "threads": provenance.threads()}
            found = (fine_tune if isinstance(step, Recipe) else fit_linear)(step, splits, path, folder, say)
            found |= {"memory": tune.peak_memory(), "sets": dataclasses.asdict(step), "made": made}
            cache.write_atomically(folder / "found.npz", cache.pack(found))
            (folder / "state.pt").unlink(missing_ok=True)
    return cache.unpack((folder / "found.npz").read_bytes())


def folder_of(step, splits, path: str) -> Path:
    """Where a step is kept: under sixteen digits for everything that determines its result."""
    code = runs.CODE.fingerprint(("ladder", "fine_tune" if isinstance(step, Recipe) else "fit_linear"))
    libraries = ("torch", "transformers", "tokenizers") if isinstance(step, Recipe) else ("scikit-learn", "tokenizers")
    given = [dataclasses.asdict(step), texts_digest(splits["train"]), texts_digest(splits["validation"]),
             models.sha256(Path(path) / "model.safetensors"), code, provenance.versions(*libraries)]
    return cache_root() / "ladder" / provenance.digest(given)


def texts_digest(dataset) -> str:
    whole = hashlib.sha256("\0".join(dataset["text"]).encode())
    return hashlib.sha256(whole.digest() + bytes(dataset["labels"])).hexdigest()


def fine_tune(recipe: Recipe, splits, path: str, folder: Path, say) -> dict:
    """Fine-tune the encoder at `path` by `recipe` and score the validation texts; the weights stay in `folder`."""
    tokenizer, found = tune.tokenizer_of(path), {}
    chosen = split.subset(splits["train"], recipe.texts, recipe.drawn)
    model = tune.classifier(path, chosen.features["labels"].num_classes, recipe)
    if recipe.masked_epochs:
        if not (folder / "masked.npz").is_file():
            told = pretrain.train(path, tune.pieces_of(tokenizer, list(splits["train"]["text"])), recipe, tokenizer,
                                  folder, say)
            cache.write_atomically(folder / "masked.npz", cache.pack(told))
        pretrain.load_into(model, folder)
        found |= cache.unpack((folder / "masked.npz").read_bytes())
    rows = tune.rows_of(tune.pieces_of(tokenizer, list(chosen["text"])), recipe, tokenizer)
    found |= tune.train(model, rows, chosen["labels"], recipe, tokenizer.pad_token_id, folder, say)
    mean = found.pop("average")
    tune.save(folder / "model.pt", model.state_dict())
    rows = tune.rows_of(tune.pieces_of(tokenizer, list(splits["validation"]["text"])), recipe, tokenizer)
    found["validation_logits"] = tune.predict(model, rows, tokenizer.pad_token_id, say)
    if mean:
        model.load_state_dict(mean)
        found["average_logits"] = tune.predict(model, rows, tokenizer.pad_token_id, say)
        tune.save(folder / "average.pt", mean)
    tell(found, splits, say)
    return found | {"texts": len(chosen)}


def fit_linear(linear: Linear, splits, path: str, folder: Path, say) -> dict:
    """Fit a linear model on all training texts and score the validation texts; it stays in `folder`."""
    tokenizer, wall, cpu = tune.tokenizer_of(path), time.perf_counter(), time.process_time()
    model = combine.pipeline(linear, 0)
    model.fit(combine.VIEWS[linear.view][0](list(splits["train"]["text"]), tokenizer), splits["train"]["labels"])
    found = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu, "tokens": 0,
             "texts": len(splits["train"]),
             "validation_logits": combine.scores_of(model, linear, list(splits["validation"]["text"]), tokenizer)}
    cache.write_atomically(folder / "model.pickle", pickle.dumps(model))
    tell(found, splits, say)
    return found


def tell(found: dict, splits, say) -> None:
    right = (found["validation_logits"].argmax(-1) == np.array(splits["validation"]["labels"])).mean()
    say(f"ladder: {found['seconds']:.0f} s, validation accuracy {right:.4f}")


def reading_on(recipe: Recipe, splits, path: str, most: int, say=progress.say) -> dict:
    """A finished step whose prediction reads up to `most` windows of a text instead of its beginning.

    Only validation_logits are new, and predict_seconds, which they took.
    """
    folder, known = folder_of(recipe, splits, path), measure(recipe, splits, path, say)
    kept = folder / f"windows-{most}.npz"
    if not kept.is_file():
        model, tokenizer = fine_tuned(recipe, splits, path), tune.tokenizer_of(path)
        pieces, start = tune.pieces_of(tokenizer, list(splits["validation"]["text"])), time.perf_counter()
        logits = tune.predict_windows(model, pieces, recipe, tokenizer, most, known["validation_logits"])
        cache.write_atomically(kept, cache.pack({"validation_logits": logits,
                                                 "predict_seconds": time.perf_counter() - start}))
    return known | cache.unpack(kept.read_bytes())


def fine_tuned(recipe: Recipe, splits, path: str, weights: str = "model.pt"):
    """The classifier of a finished step; weights: "model.pt" or "average.pt"."""
    import torch

    model = tune.classifier(path, splits["train"].features["labels"].num_classes, recipe)
    model.load_state_dict(torch.load(folder_of(recipe, splits, path) / weights, weights_only=True))
    return model


def test_logits(step, splits, path: str, weights: str = "model.pt", backwards: bool = False, say=progress.say):
    """Logits (texts, classes) of a finished step for the test texts, computed once, in blocks that are kept.

    backwards: begin with the last block, for a second process that helps.
    """
    folder, tokenizer, texts = folder_of(step, splits, path), tune.tokenizer_of(path), list(splits["test"]["text"])
    measure(step, splits, path, say)
    model = pickle.loads((folder / "model.pickle").read_bytes()) if isinstance(step, Linear) else \
        fine_tuned(step, splits, path, weights)
    starts, blocks = range(0, len(texts), 1000), {}
    for start in reversed(starts) if backwards else starts:
        part = texts[start:start + 1000]
        kept = folder / f"test-{weights}-{texts_digest(splits['test'])[:8]}-{start}.npz"
        with lock.only_one(f"ladder-{folder.name}-{start}", say):
            if not kept.is_file():
                logits = combine.scores_of(model, step, part, tokenizer) if isinstance(step, Linear) else tune.predict(
                    model, tune.rows_of(tune.pieces_of(tokenizer, part), step, tokenizer), tokenizer.pad_token_id)
                cache.write_atomically(kept, cache.pack({"logits": logits}))
                say(f"ladder: predicted the {len(part):,} test texts from {start:,} on")
        blocks[start] = cache.unpack(kept.read_bytes())["logits"]
    return np.concatenate([blocks[start] for start in starts])
