"""Fine-tuning at speed: the Trainer with what it has, and the four things that it lacks.

The Trainer's own: dynamic padding, bf16, the fused AdamW, `torch.compile`, pinned and overlapped
loading, no evaluation and no checkpoint that nobody needs. Added: batches under a budget of tokens
(`batches`), a loss that is the mean over the rows of all processes, no dropout of attention weights
(with it PyTorch cannot use its fused attention kernel), and a last layer that computes the first
token only (`first_token`).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from lmreport.core.settings import cuda_available
from lmreport.models import arrow_batches, cls_only, finetune, token_budget

BUDGET = {
    "cpu": 2304,
    "cuda": 16384,
}  # tokens of a batch: on the CPU about the eight texts of the Trainer's default
MULTIPLE = {"cpu": 1, "cuda": 8}  # what a GPU's matrix units want lengths to be a multiple of
WORKERS = {
    "cpu": 0,
    "cuda": 4,
}  # on the CPU a loading process would take a core from the computation


def device() -> str:
    return "cuda" if cuda_available() else "cpu"


def load_classifier(path: str, class_names: list[str]):
    """As `finetune.load_classifier`, without dropout of attention weights, its last layer for the
    first token only.
    """
    from transformers import AutoConfig, AutoModelForSequenceClassification

    id2label = dict(enumerate(class_names))
    config = AutoConfig.from_pretrained(
        path,
        num_labels=len(class_names),
        id2label=id2label,
        label2id={v: k for k, v in id2label.items()},
    )
    model = AutoModelForSequenceClassification.from_pretrained(
        path, config=without_attention_dropout(config), ignore_mismatched_sizes=True
    )
    return cls_only.only_first_token(model)


def without_attention_dropout(config):
    """The same configuration with the dropout of attention weights at zero, under the name that its
    model has for it.
    """
    name = (
        "attention_dropout"
        if hasattr(config, "attention_dropout")
        else "attention_probs_dropout_prob"
    )
    setattr(config, name, 0.0)
    return config


def arguments(folder: str | Path, **chosen):
    """TrainingArguments for speed; `chosen` names those that decide the result (epochs, learning
    rate, seed …).
    """
    from transformers import TrainingArguments

    gpu = device() == "cuda"
    return TrainingArguments(
        **{  # type: ignore[arg-type]
            "output_dir": str(folder),
            "bf16": finetune.has_bf16(),
            "use_cpu": not gpu,
            "optim": "adamw_torch_fused",
            "lr_scheduler_type": "linear",
            "warmup_steps": 0.1,
            "weight_decay": 0.01,
            "eval_strategy": "no",
            "save_strategy": "no",
            "logging_steps": 50,
            "logging_nan_inf_filter": not gpu,
            "dataloader_num_workers": WORKERS[device()],
            "dataloader_persistent_workers": gpu,
            "dataloader_pin_memory": gpu,
            "remove_unused_columns": False,
            "ddp_find_unused_parameters": False,
            "report_to": "none",
            "disable_tqdm": True,
        }
        | chosen
    )


def make_trainer(
    model, arguments, train, tokenizer, budget: int | None = None, label_smoothing: float = 0.0
):
    """A `Trainer` on the data set `train` (`arrow_batches.tokenized`) whose updates have at most
    `budget` tokens.

    The budget counts padding too and is that of all processes together.
    """
    from transformers import TrainerCallback

    ranks, rank = arguments.world_size, arguments.process_index
    budget = budget or ranks * BUDGET[device()]
    sampler = token_budget.sampler(
        token_budget.token_lengths(train), budget, arguments.seed, ranks, rank
    )

    class TellEpoch(
        TrainerCallback
    ):  # several processes that go on in the middle of an epoch are not told otherwise
        def on_epoch_begin(self, args, state, control, **rest):
            sampler.set_epoch(int(state.epoch or 0))

    return reading(sampler)(
        model=model,
        args=arguments,
        train_dataset=arrow_batches.Rows(train),
        processing_class=tokenizer,
        data_collator=arrow_batches.collator(tokenizer.pad_token_id, MULTIPLE[device()]),
        compute_loss_func=partial(mean_over_rows, label_smoothing=label_smoothing),
        callbacks=[TellEpoch()],
    )


def reading(sampler):
    """A `Trainer` class whose training reads the batches of `sampler`."""
    from transformers import Trainer

    class Reading(Trainer):
        def _get_train_sampler(self, train_dataset=None):
            return sampler

    return Reading


def scaled(learning_rate: float, budget: int, other: int) -> float:
    """The learning rate for batches of `other` tokens that goes with that for `budget` (Malladi et
    al. 2022: for Adam it grows with the square root of the batch)."""
    return learning_rate * (other / budget) ** 0.5


def mean_over_rows(outputs, labels, num_items_in_batch=None, label_smoothing: float = 0.0):
    """Cross-entropy, mean over the rows of the batch in all processes (their number, as the Trainer
    has counted it).
    """
    from torch.nn.functional import cross_entropy

    rows = len(labels) if num_items_in_batch is None else num_items_in_batch
    return (
        cross_entropy(
            outputs.logits.float(), labels, reduction="sum", label_smoothing=label_smoothing
        )
        / rows
    )
