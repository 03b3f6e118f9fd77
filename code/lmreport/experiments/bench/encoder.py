"""What a larger encoder brings: one fine-tuning on all texts by the fast path, and its stacks with
the models on record.

A stack is chosen, and its weights are fitted, on the validation texts; the test texts are predicted
once by the encoder and once by the chosen stack.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

import numpy as np

from lmreport.core import files, processes
from lmreport.models import (
    arrow_batches,
    fast_finetune,
    finetune,
    predict,
    stacking,
)
from lmreport.models.tokenizer import load_tokenizer

log = logging.getLogger(__name__)

ENCODER = "encoder"
STACKS = {  # name: the kinds of the models whose scores are weighted
    "encoder and SVM": (ENCODER, "tfidf_svm"),
    "encoder, MiniLM and SVM": (ENCODER, "transformer", "tfidf_svm"),
    "encoder, MiniLM, SVM and LSTM": (ENCODER, "transformer", "tfidf_svm", "lstm"),
}


def measured(splits, path: str, sizes: dict, seed: int, records: dict, kept: Path) -> dict:
    """Fine-tune the encoder at `path` on all training texts and stack it with the models in
    `records`.

    sizes: max_length, epochs, learning_rate, budget (tokens of an update). What is finished is kept
    in the folder `kept`. Returns logits (texts, classes), labels (texts,), validation_logits,
    validation_labels; train_seconds, cpu_seconds, predict_seconds, tokens (one epoch), updates,
    parameters, memory (MiB), bf16; and what `stack` returns.
    """
    kept.mkdir(parents=True, exist_ok=True)
    if not (kept / "trained.npz").is_file():
        files.write_atomically(
            kept / "trained.npz", files.pack(trained(splits, path, sizes, seed, kept))
        )
    found = files.unpack((kept / "trained.npz").read_bytes())
    tokenizer, names = load_tokenizer(path), splits["train"].features["labels"].names
    model = predict.load(str(kept / "model"), names)
    for split, name in (("validation", "validation_logits"), ("test", "logits")):
        path_of_split = kept / f"{split}.npz"
        if not path_of_split.is_file():
            start, texts = time.perf_counter(), list(splits[split]["text"])
            logits = predict.logits(model, tokenizer, texts, sizes["max_length"])
            files.write_atomically(
                path_of_split,
                files.pack({"logits": logits, "seconds": time.perf_counter() - start}),
            )
        part = files.unpack(path_of_split.read_bytes())
        found |= {
            name: part["logits"],
            name.replace("logits", "labels"): np.array(splits[split]["labels"]),
        }
        log.info(
            f"bench: encoder, {split} accuracy "
            f"{(found[name].argmax(-1) == splits[split]['labels']).mean():.4f}"
        )
    found["predict_seconds"] = part["seconds"]
    return found | stack(found, records, seed)


def trained(splits, path: str, sizes: dict, seed: int, kept: Path) -> dict:
    """The fine-tuning; its model is saved in `kept` and its state there while it goes on."""
    from transformers import set_seed

    set_seed(seed)
    tokenizer = load_tokenizer(path)
    tokens = arrow_batches.tokenized(splits["train"], tokenizer, sizes["max_length"])
    model = fast_finetune.load_classifier(path, splits["train"].features["labels"].names)
    arguments = fast_finetune.arguments(
        kept / "checkpoints",
        seed=seed,
        num_train_epochs=sizes["epochs"],
        learning_rate=sizes["learning_rate"],
        save_strategy="steps",
        save_steps=finetune.SAVE_STEPS,
        save_total_limit=1,
    )
    trainer = fast_finetune.make_trainer(model, arguments, tokens, tokenizer, sizes["budget"])
    processes.forget_peak()
    cpu = time.process_time()
    seconds = finetune.train(trainer)
    trainer.save_model(str(kept / "model"))
    return {
        "train_seconds": seconds,
        "cpu_seconds": time.process_time() - cpu,
        "updates": trainer.state.global_step,
        "tokens": sum(map(len, tokens["input_ids"])),
        "train_texts": len(tokens),
        "epochs": sizes["epochs"],
        "parameters": model.num_parameters(),
        "memory": processes.peak_memory() / 2**20,
        "bf16": arguments.bf16,
    }


def stack(found: dict, records: dict, seed: int) -> dict:
    """The stack that is best on the validation texts, each scored by weights that were fitted
    without it.

    records: models on record by kind. Returns {} without the SVM's; else stacks (names),
    stack_accuracies (stacks,) on validation, stack (its name), members {kind: key}, weights, bias,
    stack_logits (texts, classes) and stack_validation_logits.
    """

    def scores(kind: str, name: str):
        return stacking.normalised(
            np.asarray(found[name] if kind == ENCODER else records[kind][name], np.float32)
        )

    labels = np.asarray(found["validation_labels"])
    named = {name: kinds for name, kinds in STACKS.items() if set(kinds[1:]) <= set(records)}
    if not named:
        return {}
    validation = {
        name: np.stack([scores(kind, "validation_logits") for kind in kinds])
        for name, kinds in named.items()
    }
    crossed = {name: stacking.cross_fitted(rows, labels, seed) for name, rows in validation.items()}
    right = {name: float((logits.argmax(-1) == labels).mean()) for name, logits in crossed.items()}
    best = max(named, key=right.__getitem__)  # of equal ones the first, which is the smallest
    weights, bias = stacking.fit_stack(validation[best], labels)
    test = stacking.stacked(
        np.stack([scores(kind, "logits") for kind in named[best]]), weights, bias
    )
    return {
        "stacks": list(named),
        "stack_accuracies": list(right.values()),
        "stack": best,
        "members": {kind: records[kind].key for kind in named[best][1:]},
        "weights": weights,
        "bias": bias,
        "stack_logits": test.astype(np.float32),
        "stack_validation_logits": crossed[best].astype(np.float32),
    }
