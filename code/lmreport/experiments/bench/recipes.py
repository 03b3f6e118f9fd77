"""Fine-tunings on all texts, each kept by itself: made once, then found by what it sets, its texts
and its code.
"""

from __future__ import annotations

import dataclasses
import logging
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from lmreport.core import machine
from lmreport.core.settings import cache_root
from lmreport.experiments import kept_trainings
from lmreport.models import arrow_batches, fast_finetune, predict, pretrained, token_budget
from lmreport.models.tokenizer import load_tokenizer
from lmreport.runs import memo

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Training:
    """What one fine-tuning on all texts sets; the standard values are the base that the others
    change.

    budget: word pieces of a batch, padding counted; learning_rate: the highest, after the warm-up;
    max_length: word pieces of a text; masked_epochs: passes of masked-language-model training over
    the texts, without labels, before.
    """

    epochs: int = 3
    learning_rate: float = 2e-4
    budget: int = 8192
    max_length: int = 512
    schedule: str = "linear"
    warmup: float = 0.1
    label_smoothing: float = 0.0
    masked_epochs: int = 0


MASKED = dict(
    learning_rate=5e-4, budget=16384, warmup=0.06
)  # of the masked-language-model training


def trained(
    plan: Training,
    seed: int,
    train,
    asked: dict[str, list[str]],
    path: str,
    unlabelled=None,
) -> dict:
    """Logits (texts, classes) of each list of texts in `asked` by the model at `path`, fine-tuned
    on `train`.

    Found, or made now and kept; beside them `seconds` of the training and its number of `updates`.
    unlabelled: the texts of the masked-language-model training, if they are others than those of
    `train`.
    """
    unlabelled = train if unlabelled is None else unlabelled
    return memo.once(
        kept_at(plan, seed, train, asked, path, unlabelled),
        lambda: training(plan, seed, train, asked, path, unlabelled),
    )


def kept_at(
    plan: Training, seed: int, train, asked: dict[str, list[str]], path: str, unlabelled=None
) -> Path:
    """Where `trained` keeps its result."""
    texts = [
        kept_trainings.texts_digest(some)
        for some in (train, train if unlabelled is None else unlabelled)
    ]
    return (
        cache_root()
        / "bench"
        / "recipes"
        / f"{key_of(plan, seed, texts, machine.digest(asked), path)}.npz"
    )


def key_of(plan: Training, seed: int, *given) -> str:
    """Sixteen digits for everything that determines a training; given: digests, and the path of the
    model last.
    """
    weights = pretrained.sha256(Path(given[-1]) / "model.safetensors")
    code = memo.code_of(training)
    return machine.digest(
        [
            dataclasses.asdict(plan),
            seed,
            given[:-1],
            weights,
            code,
            fast_finetune.device(),
            machine.versions("torch", "transformers", "tokenizers"),
        ]
    )


def training(
    plan: Training, seed: int, train, asked: dict[str, list[str]], path: str, unlabelled
) -> dict:
    """What `trained` keeps."""
    import torch
    from transformers import set_seed

    tokenizer = load_tokenizer(path)
    encoder = masked_encoder(plan, unlabelled, path) if plan.masked_epochs else None
    set_seed(seed)
    model = fast_finetune.load_classifier(path, train.features["labels"].names)
    if encoder:
        weights = {name: torch.from_numpy(weight) for name, weight in encoder.items()}
        model.base_model.load_state_dict(weights, strict=False)  # the pooler stays as it was
    tokens = arrow_batches.tokenized(train, tokenizer, plan.max_length)
    with tempfile.TemporaryDirectory() as folder:
        trainer = fast_finetune.make_trainer(
            model,
            arguments(folder, seed, plan),
            tokens,
            tokenizer,
            plan.budget,
            plan.label_smoothing,
        )
        seconds = run(trainer)
    log.info(f"bench: recipes, seed {seed}, {plan}: {seconds:.0f} s")
    model.eval()
    return {
        name: predict.logits(model, tokenizer, texts, plan.max_length)
        for name, texts in asked.items()
    } | {"seconds": seconds, "updates": trainer.state.global_step}


def run(trainer) -> float:
    """`trainer.train()`, without its prints; seconds."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    start = time.perf_counter()
    trainer.train()
    return time.perf_counter() - start


def arguments(folder: str, seed: int, plan: Training, **more):
    """The Trainer's arguments for a plan; one process loads, since several trainings run side by
    side.
    """
    return fast_finetune.arguments(
        folder,
        seed=seed,
        num_train_epochs=plan.epochs,
        learning_rate=plan.learning_rate,
        lr_scheduler_type=plan.schedule,
        warmup_steps=plan.warmup,
        logging_steps=1000,
        dataloader_num_workers=0,
        dataloader_persistent_workers=False,
        **more,
    )


def masked_encoder(plan: Training, train, path: str) -> dict:
    """{name: weight, an array} of the encoder after `masked_epochs` passes over the texts of `train`, without
    their labels.

    Hidden are 15 % of the word pieces (Devlin et al. 2019, section 3.1). Made once for all recipes
    that want it.
    """
    given = dataclasses.replace(
        Training(**MASKED),  # type: ignore[arg-type]
        epochs=plan.masked_epochs,
        max_length=plan.max_length,
    )
    key = key_of(given, 0, kept_trainings.texts_digest(train), "masked", path)
    return memo.once(
        cache_root() / "bench" / "recipes" / f"masked-{key}.npz",
        lambda: train_masked(given, train, path),
    )


def train_masked(plan: Training, train, path: str) -> dict:
    """{name: weight, an array} of the encoder at `path` after `plan.epochs` of masked language
    modelling (15% of the word pieces) on the texts of `train`.
    """
    from transformers import (
        AutoConfig,
        AutoModelForMaskedLM,
        DataCollatorForLanguageModeling,
        set_seed,
    )

    set_seed(0)
    tokenizer = load_tokenizer(path)
    tokens = arrow_batches.tokenized(train, tokenizer, plan.max_length).select_columns("input_ids")
    config = fast_finetune.without_attention_dropout(AutoConfig.from_pretrained(path))
    model = AutoModelForMaskedLM.from_pretrained(path, config=config)
    sampler = token_budget.sampler(token_budget.token_lengths(tokens), plan.budget, 0)

    collator = DataCollatorForLanguageModeling(
        tokenizer, mlm_probability=0.15, pad_to_multiple_of=8
    )
    with tempfile.TemporaryDirectory() as folder:
        seconds = run(
            fast_finetune.reading(sampler)(
                model=model,
                args=arguments(folder, 0, plan),
                train_dataset=tokens,
                data_collator=collator,
            )
        )
    log.info(f"bench: recipes, masked language model, {plan.epochs} epochs: {seconds:.0f} s")
    return {name: weight.cpu().numpy() for name, weight in model.base_model.state_dict().items()}
