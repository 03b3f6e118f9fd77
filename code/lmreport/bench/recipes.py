"""What better accuracy takes where a GPU makes each training cheap: recipes on all texts, scored on validation texts.

Each training is kept by itself, so that a stopped search goes on after it; several run side by side.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lmreport import batches, cache, classify, fast, ladder, lock, models, progress, provenance, rows, vectorize
from lmreport.bench import machine
from lmreport.settings import cache_root


@dataclass(frozen=True)
class Training:
    """What one fine-tuning on all texts sets; the standard values are the base that the others change.

    budget: word pieces of a batch, padding counted; learning_rate: the highest, after the warm-up; max_length: word
    pieces of a text; masked_epochs: passes of masked-language-model training over the texts, without labels, before.
    """

    epochs: int = 3
    learning_rate: float = 2e-4
    budget: int = 8192
    max_length: int = 512
    schedule: str = "linear"
    warmup: float = 0.1
    label_smoothing: float = 0.0
    masked_epochs: int = 0


BASE = Training()
MASKED = dict(learning_rate=5e-4, budget=16384, warmup=0.06)  # of the masked-language-model training
CHANGES = {  # name: what it changes; the order is that of the report
    "base": {},
    "learning rate: half": dict(learning_rate=1e-4),
    "learning rate: twice": dict(learning_rate=4e-4),
    "batches: half": dict(budget=4096, learning_rate=fast.scaled(BASE.learning_rate, 2, 1)),
    "batches: twice": dict(budget=16384, learning_rate=fast.scaled(BASE.learning_rate, 1, 2)),
    "epochs: two": dict(epochs=2),
    "epochs: five": dict(epochs=5),
    "epochs: eight": dict(epochs=8),
    "cosine schedule": dict(schedule="cosine"),
    "no warm-up": dict(warmup=0.0),
    "label smoothing": dict(label_smoothing=0.1),
    "first 256 pieces": dict(max_length=256),
    "masked language model first: 5 epochs": dict(masked_epochs=5),
    "masked language model first: 20 epochs": dict(masked_epochs=20),
    "20 masked, five epochs": dict(masked_epochs=20, epochs=5),
    "20 masked, five epochs, smoothing": dict(masked_epochs=20, epochs=5, label_smoothing=0.1),
}


def measured(splits, path: str, sizes: dict, say) -> dict:
    """Every recipe with each seed on the validation texts; `best`: the row of the most accurate one on the mean.

    points: name and what it sets; predicted: (recipes, seeds, texts); seconds: (recipes, seeds); labels: (texts,).
    """
    plans = {name: dataclasses.replace(BASE, **change) for name, change in chosen(sizes).items()}
    texts = {"validation": list(splits["validation"]["text"])}
    labels = np.array(splits["validation"]["labels"], np.int8)
    things = [(plan, seed, splits["train"], texts, path) for seed in sizes["seeds"] for plan in plans.values()]
    order = sorted(range(len(things)), key=lambda i: (things[i][1], -things[i][0].masked_epochs))  # the longest first
    made = machine.side_by_side(trained, [things[i] for i in order], machine.PROCESSES[fast.device()])
    found = {things[i][:2]: one for i, one in zip(order, made, strict=True)}
    ordered = [[found[plan, seed] for seed in sizes["seeds"]] for plan in plans.values()]
    predicted = np.array([[one["validation"].argmax(1) for one in row] for row in ordered]).astype(np.int8)
    accuracies = (predicted == labels).mean(-1)
    for name, row in zip(plans, accuracies, strict=True):
        say(f"bench: recipes, {name}: validation accuracy {', '.join(f'{one:.4f}' for one in row)}")
    return {"points": [{"name": name, "sets": dataclasses.asdict(plan)} for name, plan in plans.items()],
            "predicted": predicted, "labels": labels, "seeds": sizes["seeds"], "accuracies": accuracies.mean(1),
            "spread_points": 100 * (accuracies.max(1) - accuracies.min(1)), "best": int(accuracies.mean(1).argmax()),
            "seconds_of": np.array([[one["seconds"] for one in row] for row in ordered]),
            "updates": np.array([row[0]["updates"] for row in ordered])}


def chosen(sizes: dict) -> dict:
    """The recipes of `CHANGES` that `sizes` names (all of them where it names none), made smaller by `sizes`."""
    names = sizes.get("recipes") or list(CHANGES)
    return {name: CHANGES[name] | sizes.get("smaller", {}) for name in names}


def trained(plan: Training, seed: int, train, asked: dict[str, list[str]], path: str, unlabelled=None,
            say=progress.say) -> dict:
    """Logits (texts, classes) of each list of texts in `asked` by the model at `path`, fine-tuned on `train`.

    Found, or made now and kept; beside them `seconds` of the training and its number of `updates`. unlabelled: the
    texts of the masked-language-model training, if they are others than those of `train`.
    """
    unlabelled = train if unlabelled is None else unlabelled
    texts = [ladder.texts_digest(some) for some in (train, unlabelled)]
    key = key_of(plan, seed, texts, provenance.digest(asked), path)
    kept = cache_root() / "bench" / "recipes" / f"{key}.npz"
    with lock.only_one(f"recipes-{key}", say):
        if not kept.is_file():
            cache.write_atomically(kept, cache.pack(training(plan, seed, train, asked, path, unlabelled, say)))
    return cache.unpack(kept.read_bytes())


def key_of(plan: Training, seed: int, *given) -> str:
    """Sixteen digits for everything that determines a training; given: digests, and the path of the model last."""
    weights = models.sha256(Path(given[-1]) / "model.safetensors")
    code = provenance.reached("bench.recipes", "training")
    return provenance.digest([dataclasses.asdict(plan), seed, given[:-1], weights, code, fast.device(),
                              provenance.versions("torch", "transformers", "tokenizers")])


def training(plan: Training, seed: int, train, asked: dict[str, list[str]], path: str, unlabelled, say) -> dict:
    from transformers import set_seed

    tokenizer = vectorize.load_tokenizer(path)
    encoder = masked_encoder(plan, unlabelled, path, say) if plan.masked_epochs else None
    set_seed(seed)
    model = fast.load_classifier(path, train.features["labels"].names)
    if encoder:
        model.base_model.load_state_dict(encoder, strict=False)  # the pooler stays as it was
    tokens = rows.tokenized(train, tokenizer, plan.max_length)
    with tempfile.TemporaryDirectory() as folder:
        trainer = fast.make_trainer(model, arguments(folder, seed, plan), tokens, tokenizer, plan.budget,
                                    plan.label_smoothing)
        seconds = run(trainer)
    say(f"bench: recipes, seed {seed}, {plan}: {seconds:.0f} s")
    model.eval()
    return {name: classify.logits(model, tokenizer, texts, plan.max_length) for name, texts in asked.items()} | {
        "seconds": seconds, "updates": trainer.state.global_step}


def run(trainer) -> float:
    """`trainer.train()`, without its prints; seconds."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    start = time.perf_counter()
    trainer.train()
    return time.perf_counter() - start


def arguments(folder: str, seed: int, plan: Training, **more):
    """The Trainer's arguments for a plan; one process loads, since several trainings run side by side."""
    return fast.arguments(folder, seed=seed, num_train_epochs=plan.epochs, learning_rate=plan.learning_rate,
                          lr_scheduler_type=plan.schedule, warmup_steps=plan.warmup, logging_steps=1000,
                          dataloader_num_workers=0, dataloader_persistent_workers=False, **more)


def masked_encoder(plan: Training, train, path: str, say) -> dict:
    """The weights of the encoder after `masked_epochs` passes over the texts of `train`, without their labels.

    Hidden are 15 % of the word pieces (Devlin et al. 2019, section 3.1). Made once for all recipes that want it.
    """
    import torch

    given = dataclasses.replace(Training(**MASKED), epochs=plan.masked_epochs, max_length=plan.max_length)
    key = key_of(given, 0, ladder.texts_digest(train), "masked", path)
    kept = cache_root() / "bench" / "recipes" / f"{key}.pt"
    with lock.only_one(f"masked-{key}", say):
        if not kept.is_file():
            weights = train_masked(given, train, path, say)
            kept.parent.mkdir(parents=True, exist_ok=True)
            torch.save(weights, kept.with_suffix(".part"))
            kept.with_suffix(".part").rename(kept)
    return torch.load(kept, weights_only=True)


def train_masked(plan: Training, train, path: str, say) -> dict:
    from transformers import AutoConfig, AutoModelForMaskedLM, DataCollatorForLanguageModeling, Trainer, set_seed

    set_seed(0)
    tokenizer = vectorize.load_tokenizer(path)
    tokens = rows.tokenized(train, tokenizer, plan.max_length).select_columns("input_ids")
    config = fast.without_attention_dropout(AutoConfig.from_pretrained(path))
    model = AutoModelForMaskedLM.from_pretrained(path, config=config)
    sampler = batches.sampler(batches.token_lengths(tokens), plan.budget, 0)

    class MaskedTrainer(Trainer):
        def _get_train_sampler(self, train_dataset=None):
            return sampler

    collator = DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15, pad_to_multiple_of=8)
    with tempfile.TemporaryDirectory() as folder:
        seconds = run(MaskedTrainer(model=model, args=arguments(folder, 0, plan), train_dataset=tokens,
                                    data_collator=collator))
    say(f"bench: recipes, masked language model, {plan.epochs} epochs: {seconds:.0f} s")
    return {name: weight.cpu() for name, weight in model.base_model.state_dict().items()}
