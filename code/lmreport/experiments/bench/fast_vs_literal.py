"""Is the fast recipe as accurate as the literal one? Both fine-tuned on real texts with several
seeds.

Epochs, truncation, warm-up and weight decay are the same; batches, padding, loss and the dropout of
attention weights differ as in `bench.training`, and with its larger batches the GPU's recipe has a
learning rate scaled to them. On a CPU
the literal batches of eight are computed text by text: the same gradients as with padding to one
length (padding changes no logits), for less than half of the time. The loss function is given then,
since the Trainer would otherwise add up, not average, the losses of the eight.
"""

from __future__ import annotations

import functools
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from lmreport.core import progress
from lmreport.core.settings import Settings, cache_root
from lmreport.data.corpus import Corpus
from lmreport.data.splits import load_splits, subset
from lmreport.experiments.bench import resources
from lmreport.experiments.bench.training import BATCH, MAX_LENGTH
from lmreport.models import arrow_batches, fast_finetune, finetune, int8, predict
from lmreport.models.pretrained import Source
from lmreport.models.tokenizer import load_tokenizer
from lmreport.runs import memo, records

log = logging.getLogger(__name__)

WAYS = {"cpu": ("literal", "ours"), "cuda": ("literal", "ours on a GPU")}
PRECISIONS = (("ours", "int8"), ("ours on a GPU", "bf16"))  # of predictions, besides full precision


def make(sizes: dict, settings: Settings, corpus: Corpus, source: Source) -> dict:
    """Test accuracy of the literal and the fast recipe by seed; what is finished is kept in a
    folder that the seeds do not decide.
    """
    shared = {k: v for k, v in sizes.items() if k != "seeds"}
    given = records.inputs(
        "bench_accuracy", settings, corpus, source, shared, device=fast_finetune.device()
    )
    found = measured(
        source.path,
        load_splits(corpus, settings.seed),
        sizes,
        sizes["seeds"],
        cache_root() / "bench" / f"accuracy-{records.predicted(given)}",
    )
    plain = {k: v for k, v in found.items() if not hasattr(v, "dtype")}
    return found | {"list": [plain | sizes]}


def fine_tuned(way: str, source_path: str, splits, sizes: dict, seed: int, folder: Path):
    """The model that the recipe `way` gives; the training goes on where it was stopped."""
    from transformers import set_seed

    set_seed(seed)
    train = subset(splits["train"], sizes["train_texts"], seed)
    tokenizer, names = load_tokenizer(source_path), train.features["labels"].names
    tokens = arrow_batches.tokenized(train, tokenizer, sizes["max_length"])
    chosen = dict(
        seed=seed,
        num_train_epochs=sizes["epochs"],
        learning_rate=sizes["learning_rate"],
        bf16=False,
        save_strategy="steps",
        save_steps=20 if fast_finetune.device() == "cpu" else 10_000,
        save_total_limit=1,
        logging_steps=10,
        dataloader_num_workers=0,
        dataloader_persistent_workers=False,
    )
    if way == "literal":
        trainer = literal(
            finetune.load_classifier(source_path, names), tokens, tokenizer, folder, chosen
        )
    else:
        budget = fast_finetune.BUDGET["cuda" if way == "ours on a GPU" else "cpu"]
        chosen |= dict(
            bf16=way == "ours on a GPU" and finetune.has_bf16(),
            learning_rate=fast_finetune.scaled(
                sizes["learning_rate"], fast_finetune.BUDGET["cpu"], budget
            ),
        )
        trainer = fast_finetune.make_trainer(
            fast_finetune.load_classifier(source_path, names),
            fast_finetune.arguments(folder, **chosen),
            tokens,
            tokenizer,
            budget,
        )
    with progress.labelled(f"{way}, seed {seed}"):
        finetune.train(trainer)
    return trainer.model.eval()


def literal(model, tokens, tokenizer, folder: Path, chosen: dict):
    """The `Trainer` of the literal recipe."""
    from transformers import DataCollatorWithPadding, Trainer

    cpu = fast_finetune.device() == "cpu"
    chosen |= dict(
        per_device_train_batch_size=1 if cpu else BATCH,
        gradient_accumulation_steps=BATCH if cpu else 1,
    )
    padding: dict[str, Any]
    padding = {} if cpu else {"padding": "max_length", "max_length": MAX_LENGTH}
    return Trainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=tokens,
        args=fast_finetune.arguments(folder, **chosen, remove_unused_columns=True),
        data_collator=DataCollatorWithPadding(tokenizer, **padding),
        compute_loss_func=fast_finetune.mean_over_rows,
    )


def point(way: str, source_path: str, splits, sizes: dict, seed: int, folder: Path) -> dict:
    """Predicted classes of the validation texts in full precision; ours in eight bits too, on a GPU
    also in bf16.
    """
    import torch

    model = fine_tuned(way, source_path, splits, sizes, seed, folder)
    tokenizer, texts = load_tokenizer(source_path), list(splits["validation"]["text"])

    def classes(model):
        return (
            predict.logits(model, tokenizer, texts, sizes["max_length"]).argmax(1).astype(np.int8)
        )

    found = {"fp32": classes(model)}
    if way == "ours on a GPU":
        found["bf16"] = classes(model.to(torch.bfloat16))
    if way == "ours":
        found["int8"] = classes(int8.in_eight_bits(model.cpu()))
    return found


def measured(source_path: str, splits, sizes: dict, seeds: list[int], kept: Path) -> dict:
    """predicted: (ways, seeds, texts) in full precision; int8, bf16: (seeds, texts), where made;
    labels: (texts,).

    What is finished is kept in the folder `kept` and not made twice.
    """
    labels, device = np.array(splits["validation"]["labels"], np.int8), fast_finetune.device()
    things = [
        (way, source_path, splits, sizes, seed, kept) for seed in seeds for way in WAYS[device]
    ]
    found = dict(
        zip(
            [(thing[0], thing[4]) for thing in things],
            resources.side_by_side(keep, things, resources.PROCESSES[device]),
            strict=True,
        )
    )
    arrays = {
        "predicted": np.array(
            [[found[way, seed]["fp32"] for seed in seeds] for way in WAYS[device]]
        )
    }
    arrays |= {
        name: np.array([found[way, seed][name] for seed in seeds])
        for way, name in PRECISIONS
        if (way, seeds[0]) in found
    }
    return (
        arrays
        | {
            "labels": labels,
            "ways": list(WAYS[device]),
            "seeds": seeds,
            "train_texts": sizes["train_texts"] or len(splits["train"]),
        }
        | compared(arrays, labels)
    )


def keep(way: str, source_path: str, splits, sizes: dict, seed: int, kept: Path) -> dict:
    """`point`, made once."""
    folder = kept / f"{way.replace(' ', '-')}-{seed}"  # of its checkpoints
    make = functools.partial(point, way, source_path, splits, sizes, seed, folder)
    found = memo.once(folder.with_suffix(".npz"), make)
    shutil.rmtree(folder, ignore_errors=True)
    right = (found["fp32"] == np.array(splits["validation"]["labels"])).mean()
    log.info(f"bench: {way}, seed {seed}: validation accuracy {right:.4f}")
    return found


def compared(arrays: dict, labels: np.ndarray) -> dict:
    """Accuracies (ways,), and differences to the first way in percentage points, means over the
    seeds (ways,).

    margin_points: half the 95% interval of that difference, which takes seeds and texts as drawn by
    chance. Variance
    of the mean difference: between the seeds (over their number), and of the texts, as if those
    were new ones.
    """
    right = (arrays["predicted"] == labels).astype(float)  # (ways, seeds, texts)
    difference = right - right[:1]
    by_seed, by_text = difference.mean(2), difference.mean(1)  # (ways, seeds), (ways, texts)
    number = by_seed.shape[1]
    variance = by_text.var(1) / len(labels) + (by_seed.var(1, ddof=1) / number if number > 1 else 0)
    found = {
        "accuracies": right.mean((1, 2)),
        "difference_points": 100 * by_seed.mean(1),
        "margin_points": 196 * variance**0.5,
        "lowest_points": 100 * by_seed.min(1),
        "highest_points": 100 * by_seed.max(1),
    }
    for _, name in PRECISIONS:
        if name in arrays:
            full, less = arrays["predicted"][1], arrays[name]
            found |= {
                f"{name}_changed": int((full != less).sum()),
                f"{name}_of": full.size,
                f"{name}_points": 100 * float((less == labels).mean() - (full == labels).mean()),
            }
    return found
