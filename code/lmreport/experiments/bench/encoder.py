"""What a larger encoder brings: one fine-tuning on all texts by the fast path, and its stacks with
the models on record.

A stack is chosen, and its weights are fitted, on the validation texts; the test texts are predicted
once by the encoder and once by the chosen stack.
"""

from __future__ import annotations

import functools
import json
import logging
import time
from pathlib import Path

import numpy as np

from lmreport.core import files, machine, processes
from lmreport.core.settings import Settings, cache_root
from lmreport.data.corpus import Corpus
from lmreport.data.splits import load_splits
from lmreport.models import (
    arrow_batches,
    fast_finetune,
    finetune,
    predict,
    stacking,
)
from lmreport.models.pretrained import Source
from lmreport.models.tokenizer import load_tokenizer
from lmreport.runs import memo, records

log = logging.getLogger(__name__)

ENCODER, OTHERS = "encoder", "bench_encoder"
STACKS = {  # name: the kinds of the models whose scores are weighted
    "encoder and SVM": (ENCODER, "tfidf_svm"),
    "encoder, MiniLM and SVM": (ENCODER, "transformer", "tfidf_svm"),
    "encoder, MiniLM, SVM and LSTM": (ENCODER, "transformer", "tfidf_svm", "lstm"),
    "encoders and SVM": (ENCODER, OTHERS, "tfidf_svm"),
    "encoders, MiniLM and SVM": (ENCODER, OTHERS, "transformer", "tfidf_svm"),
}


def make(sizes: dict, settings: Settings, corpus: Corpus, source: Source) -> dict:
    """Test accuracy of the encoder fine-tuned on all training texts, alone and stacked with the
    recorded models on the same data.
    """
    given = records.inputs(
        "bench_encoder", settings, corpus, source, sizes, "full", fast_finetune.device()
    )
    models = {
        name: r
        for name, r in records.full_scale(corpus).items()
        if r.inputs["data"]["digest"] == corpus.digest
    }
    others = [
        r
        for r in records.all_records()
        if r.name == "bench_encoder"
        and r.inputs["data"]["digest"] == corpus.digest
        and records.counted(r.inputs) != records.counted(given)
    ]
    found = measured(
        load_splits(corpus, settings.seed),
        source.path,
        sizes,
        settings.seed if sizes["train_seed"] is None else sizes["train_seed"],
        models,
        others,
        folder_of(given),
    )
    right = (found["logits"].argmax(-1) == found["labels"]).mean()
    stacked = (
        {
            "stack": found["stack"],
            "stack_test_accuracy": (found["stack_logits"].argmax(-1) == found["labels"]).mean(),
        }
        if "stack" in found
        else {}
    )
    return found | {"list": [{"model": source.name, "test_accuracy": right} | stacked]}


def folder_of(given: dict) -> Path:
    """Where a training is kept: under its inputs and the code that trains and predicts."""
    code = [memo.code_of(trained), memo.code_of(predict.logits)]
    return cache_root() / "bench" / f"encoder-{machine.digest([given, code])}"


def measured(
    splits, path: str, sizes: dict, seed: int, models: dict, others: list, kept: Path
) -> dict:
    """Fine-tune the encoder at `path` on all training texts and stack it with the recorded `models`
    and with the records `others` of such encoders.

    sizes: max_length, epochs, learning_rate, budget (tokens of an update). What is finished is kept
    in the folder `kept`. Returns logits (texts, classes), labels (texts,), validation_logits,
    validation_labels; train_seconds, cpu_seconds, predict_seconds, tokens (one epoch), updates,
    parameters, memory (MiB), bf16; made (where and when the training began); and what `stack`
    returns.
    """
    kept.mkdir(parents=True, exist_ok=True)
    begun = kept / "made.json"
    if not begun.is_file():
        files.write_atomically(begun, json.dumps(records.made_here()).encode())
    found = memo.once(kept / "trained.npz", lambda: trained(splits, path, sizes, seed, kept))
    tokenizer, names = load_tokenizer(path), splits["train"].features["labels"].names
    model = predict.load(str(kept / "model"), names)

    def predicted(split: str) -> dict:
        start, texts = time.perf_counter(), list(splits[split]["text"])
        logits = predict.logits(model, tokenizer, texts, sizes["max_length"])
        return {"logits": logits, "seconds": time.perf_counter() - start}

    for split, name in (("validation", "validation_logits"), ("test", "logits")):
        part = memo.once(kept / f"{split}.npz", functools.partial(predicted, split))
        found |= {
            name: part["logits"],
            name.replace("logits", "labels"): np.array(splits[split]["labels"]),
        }
        log.info(
            f"bench: encoder, {split} accuracy "
            f"{(found[name].argmax(-1) == splits[split]['labels']).mean():.4f}"
        )
    found["predict_seconds"] = part["seconds"]
    found["made"] = json.loads(begun.read_text(encoding="utf-8"))
    return found | stack(found, models, others, seed)


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
    clock = processor_clock()
    trainer.add_callback(clock)  # before the clock of `train`, which may end the training
    processes.forget_peak()
    seconds = finetune.train(trainer)
    trainer.save_model(str(kept / "model"))
    return {
        "train_seconds": seconds,
        "cpu_seconds": clock.seconds(),
        "updates": trainer.state.global_step,
        "tokens": sum(map(len, tokens["input_ids"])),
        "train_texts": len(tokens),
        "epochs": sizes["epochs"],
        "parameters": model.num_parameters(),
        "memory": processes.peak_memory() / 2**20,
        "bf16": arguments.bf16,
    }


def processor_clock():
    """A `TrainerCallback` whose `seconds()` is the processor time of the training, that before its
    last resumption included.
    """
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        before = started = 0.0

        def seconds(self) -> float:
            return self.before + time.process_time() - self.started

        def on_train_begin(self, args, state, control, **kwargs):
            if state.global_step:
                self.before = float(self.kept(args, state).read_text())
            self.started = time.process_time()

        def on_save(self, args, state, control, **kwargs):
            self.kept(args, state).write_text(repr(self.seconds()))

        @staticmethod
        def kept(args, state) -> Path:
            return Path(args.output_dir) / f"checkpoint-{state.global_step}" / "cpu_seconds.txt"

    return Clock()


def stack(found: dict, models: dict, others: list, seed: int) -> dict:
    """The stack that is best on the validation texts, each scored by weights that were fitted
    without it.

    models: those on record by kind; others: records of other encoders. Returns {} without the
    SVM's; else stacks (names), stack_accuracies (stacks,) on validation, stack (its name), members
    {kind: key}, others (keys) if it has any, weights, bias, stack_logits (texts, classes) and
    stack_validation_logits.
    """
    at_hand = {kind: [record] for kind, record in models.items()} | {ENCODER: [found]}
    if others:
        at_hand[OTHERS] = others

    def scores(kinds: tuple[str, ...], name: str) -> np.ndarray:
        rows = [record[name] for kind in kinds for record in at_hand[kind]]
        return np.stack([stacking.normalised(np.asarray(row, np.float32)) for row in rows])

    labels = np.asarray(found["validation_labels"])
    named = {name: kinds for name, kinds in STACKS.items() if set(kinds) <= set(at_hand)}
    if not named:
        return {}
    validation = {name: scores(kinds, "validation_logits") for name, kinds in named.items()}
    crossed = {name: stacking.cross_fitted(rows, labels, seed) for name, rows in validation.items()}
    right = {name: float((logits.argmax(-1) == labels).mean()) for name, logits in crossed.items()}
    best = max(named, key=right.__getitem__)  # of equal ones the first, which is the smallest
    weights, bias = stacking.fit_stack(validation[best], labels)
    test = stacking.stacked(scores(named[best], "logits"), weights, bias)
    used = {"others": [one.key for one in others]} if OTHERS in named[best] else {}
    return {
        "stacks": list(named),
        "stack_accuracies": list(right.values()),
        "stack": best,
        "members": {kind: models[kind].key for kind in named[best] if kind in models},
        "weights": weights,
        "bias": bias,
        "stack_logits": test.astype(np.float32),
        "stack_validation_logits": crossed[best].astype(np.float32),
    } | used
