"""Is the fast recipe as accurate as the literal one? Both fine-tuned on real texts with several seeds.

Epochs, truncation, learning rate, warm-up and weight decay are the same; batches, padding, loss and the dropout of
attention weights differ as in `bench.training`. The literal batches of eight are computed text by text: the same
gradients as with padding to one length (padding changes no logits), for less than half of the time. The loss function
is given, since the Trainer would otherwise add up, not average, the losses of the eight.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from lmreport import cache, classify, eight_bits, fast, finetune, rows, split, vectorize

WAYS = ("literal", "ours")


def fine_tuned(way: str, source_path: str, splits, sizes: dict, seed: int, folder: Path, say):
    """The model that the recipe `way` gives; the training goes on where it was stopped."""
    from transformers import DataCollatorWithPadding, Trainer, set_seed

    set_seed(seed)
    train = split.subset(splits["train"], sizes["train_texts"], seed)
    tokenizer, names = vectorize.load_tokenizer(source_path), train.features["labels"].names
    tokens = rows.tokenized(train, tokenizer, sizes["max_length"])
    chosen = dict(seed=seed, num_train_epochs=sizes["epochs"], learning_rate=sizes["learning_rate"], bf16=False,
                  save_strategy="steps", save_steps=20, save_total_limit=1, logging_steps=10)
    if way == "ours":
        model = fast.load_classifier(source_path, names)
        trainer = fast.make_trainer(model, fast.arguments(folder, **chosen), tokens, tokenizer)
    else:
        chosen |= dict(per_device_train_batch_size=1, gradient_accumulation_steps=8)
        trainer = Trainer(model=finetune.load_classifier(source_path, names), processing_class=tokenizer,
                          args=fast.arguments(folder, **chosen, remove_unused_columns=True), train_dataset=tokens,
                          data_collator=DataCollatorWithPadding(tokenizer), compute_loss_func=fast.mean_over_rows)
    finetune.train(trainer, lambda text: say(f"{way}, seed {seed}: {text}"))
    return trainer.model.eval()


def point(way: str, source_path: str, splits, sizes: dict, seed: int, folder: Path, say) -> dict:
    """Predicted classes of the validation texts in full precision; ours in eight bits too where there is no GPU."""
    model = fine_tuned(way, source_path, splits, sizes, seed, folder, say)
    tokenizer, texts = vectorize.load_tokenizer(source_path), list(splits["validation"]["text"])
    found = {"fp32": classify.logits(model, tokenizer, texts, sizes["max_length"])}
    if way == "ours" and fast.device() == "cpu":
        found["int8"] = classify.logits(eight_bits.in_eight_bits(model), tokenizer, texts, sizes["max_length"])
    return {name: logits.argmax(1).astype(np.int8) for name, logits in found.items()}


def measured(source_path: str, splits, sizes: dict, seeds: list[int], kept: Path, say) -> dict:
    """predicted: (ways, seeds, texts); eight_bits: (seeds, texts), ours with 8-bit weights, if made; labels: (texts,).

    What is finished is kept in the folder `kept` and not made twice.
    """
    labels, found = np.array(splits["validation"]["labels"], np.int8), {}
    for seed in seeds:
        for way in WAYS:
            path, folder = kept / f"{way}-{seed}.npz", kept / f"{way}-{seed}"
            if not path.is_file():
                made = point(way, source_path, splits, sizes, seed, folder, say)
                cache.write_atomically(path, cache.pack(made))
                shutil.rmtree(folder, ignore_errors=True)
            found[way, seed] = cache.unpack(path.read_bytes())
            right = (found[way, seed]["fp32"] == labels).mean()
            say(f"bench: {way}, seed {seed}: validation accuracy {right:.4f}")
    arrays = {"predicted": np.array([[found[way, seed]["fp32"] for seed in seeds] for way in WAYS])}
    if all("int8" in found["ours", seed] for seed in seeds):
        arrays["eight_bits"] = np.array([found["ours", seed]["int8"] for seed in seeds])
    return arrays | {"labels": labels, "ways": list(WAYS), "seeds": seeds} | compared(arrays, labels)


def compared(arrays: dict, labels: np.ndarray) -> dict:
    """Means over the seeds, in percentage points; the interval takes seeds and texts as drawn by chance.

    Variance of the mean difference: between the seeds (over their number), and of the texts, as if those were new ones.
    """
    right = (arrays["predicted"] == labels).astype(float)  # (ways, seeds, texts)
    accuracies, difference = right.mean(-1), right[1] - right[0]  # (ways, seeds), (seeds, texts)
    by_seed, by_text = difference.mean(1), difference.mean(0)
    number = len(by_seed)
    variance = by_text.var() / len(labels) + (by_seed.var(ddof=1) / number if number > 1 else 0)
    found = {"literal_accuracy": accuracies[0].mean(), "ours_accuracy": accuracies[1].mean(),
             "difference_points": 100 * by_seed.mean(), "margin_points": 196 * variance**0.5,
             "lowest_points": 100 * by_seed.min(), "highest_points": 100 * by_seed.max()}
    if "eight_bits" in arrays:
        full, eight = arrays["predicted"][1], arrays["eight_bits"]
        found |= {"eight_bits_changed": int((full != eight).sum()), "eight_bits_of": full.size,
                  "eight_bits_points": 100 * float((eight == labels).mean() - (full == labels).mean())}
    return {name: float(value) for name, value in found.items()}
