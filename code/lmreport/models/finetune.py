"""Questions 4 and 5: the pre-trained encoder with a new head, fine-tuned by the Hugging Face
`Trainer`.
"""

from __future__ import annotations

import json
import logging
import shutil
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from lmreport.core.settings import cuda_available
from lmreport.data.words import words
from lmreport.models import callbacks
from lmreport.models.token_budget import longest_first
from lmreport.models.tokenizer import load_tokenizer, tokenized

log = logging.getLogger(__name__)

SAVE_STEPS = 100
AMPERE = (8, 0)  # CUDA's compute capability from which on a card has bf16
BF16_PROCESSORS = (
    "avx512_bf16",
    "amx_bf16",
    "bf16",
    "sve_bf16",
)  # x86-64's and Arm's, as torch.cpu names them


def load_classifier(path: str, class_names: list[str]):
    """The encoder at `path` under a head with one logit per class, new or saved."""
    from transformers import AutoModelForSequenceClassification

    id2label = dict(enumerate(class_names))
    return AutoModelForSequenceClassification.from_pretrained(
        path,
        num_labels=len(class_names),
        id2label=id2label,
        label2id={v: k for k, v in id2label.items()},
        ignore_mismatched_sizes=True,
    )


# As the report shows it, in little room.
# fmt: off
def training_arguments(settings, folder: str | Path):
    """Every hyper-parameter of the optimization in one object; bf16 where it is fast."""
    from transformers import TrainingArguments

    return TrainingArguments(
        output_dir=str(folder), seed=settings.seed, num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=4 * settings.batch_size,
        learning_rate=settings.learning_rate, warmup_steps=0.1,  # a share of the updates
        weight_decay=0.01, lr_scheduler_type="linear", bf16=has_bf16(),
        use_cpu=not cuda_available(), train_sampling_strategy="group_by_length",
        eval_strategy="epoch", logging_steps=20, save_strategy="steps",
        save_steps=SAVE_STEPS, save_total_limit=1, report_to="none", disable_tqdm=True)


def make_trainer(model, arguments, train, validation, tokenizer):
    """A `Trainer` that pads each batch to its longest text and measures accuracy."""
    from transformers import DataCollatorWithPadding, Trainer

    return Trainer(
        model=model, args=arguments, train_dataset=train, eval_dataset=validation,
        processing_class=tokenizer, data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=compute_metrics)
# fmt: on


def compute_metrics(prediction) -> dict[str, float]:
    """Share of rows whose largest logit is at the label; `prediction` holds logits (n, classes) and
    labels (n,).
    """
    return {"accuracy": float((prediction.predictions.argmax(-1) == prediction.label_ids).mean())}


def predict_logits(trainer, dataset) -> np.ndarray:
    """Logits (n, classes) of `trainer.predict`, in the order of `dataset`; the longest texts go
    first, so that little is padded.
    """
    order = longest_first([len(ids) for ids in dataset["input_ids"]])
    with unshuffled(trainer.args):
        logits = trainer.predict(dataset.select(order)).predictions
    return logits[np.argsort(order)].astype(np.float32)


@contextmanager
def unshuffled(arguments) -> Iterator[None]:
    """Have the Trainer take texts in the order given: it groups and shuffles its evaluation batches
    when training does.
    """
    before = arguments.train_sampling_strategy
    arguments.train_sampling_strategy = "sequential"
    try:
        yield
    finally:
        arguments.train_sampling_strategy = before


def predict_texts(model, tokenizer, texts: list[str], max_length: int = 512) -> np.ndarray:
    """Probabilities (n, classes) of `texts`: the inputs go to whatever device the model is on."""
    import torch

    inputs = tokenizer(
        texts, truncation=True, max_length=max_length, padding=True, return_tensors="pt"
    )
    model.eval()
    with torch.inference_mode():
        logits = model(**inputs.to(model.device)).logits  # (n, classes)
    return logits.float().softmax(-1).cpu().numpy()


def prepare(splits, source_path: str, settings, folder: str | Path):
    """Everything in front of `trainer.train()`: (Trainer, tokenized splits)."""
    from transformers import set_seed

    set_seed(settings.seed)
    tokenizer = load_tokenizer(source_path)
    data = tokenized(splits, tokenizer, settings.max_length)
    model = load_classifier(source_path, splits["train"].features["labels"].names)
    return make_trainer(
        model, training_arguments(settings, folder), data["train"], data["validation"], tokenizer
    ), data


# fmt: off
def train(trainer) -> float:
    """`trainer.train()`, resumed from the last whole checkpoint if there is one; returns the seconds
    spent in training steps.
    """
    from transformers import PrinterCallback

    clock = callbacks.training_clock()
    trainer.add_callback(clock)
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=last_state(
        Path(trainer.args.output_dir), trainer.args.world_size))
    return clock.seconds
# fmt: on


def last_state(folder: Path, processes: int = 1) -> str | None:
    """The newest checkpoint in `folder` with which so many processes can go on; None if there is
    none.
    """
    for state in sorted(
        folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]), reverse=True
    ):
        if is_whole(state, processes):
            return str(state)
        log.warning(
            f"training: {state.name} was not written to its end, or by another number of "
            f"processes; passing it over"
        )
    return None


def is_whole(state: Path, processes: int) -> bool:
    """Whether all files of a checkpoint can be read: a kill while it was written leaves a part,
    which loads otherwise.
    """
    from safetensors import SafetensorError, safe_open

    draws = (
        ["rng_state.pth"] if processes == 1 else [f"rng_state_{i}.pth" for i in range(processes)]
    )
    try:
        float((state / "seconds.txt").read_text())  # written last
        json.loads((state / "trainer_state.json").read_text(encoding="utf-8"))
        with safe_open(state / "model.safetensors", "numpy"):
            return all(
                map(
                    zipfile.is_zipfile,
                    (state / name for name in ("optimizer.pt", "scheduler.pt", *draws)),
                )
            )
    except (OSError, ValueError, SafetensorError):
        return False


def finetune(splits, source_path: str, settings, folder: str | Path) -> tuple[Any, dict]:
    """Fine-tune on splits["train"] and predict validation and test. Returns the Trainer and what to
    record.

    Lengths are in word pieces after cutting (`test_tokens`) and in words (`test_words`).
    """
    trainer, data = prepare(splits, source_path, settings, folder)
    train_seconds = train(trainer)
    validation_logits = predict_logits(trainer, data["validation"])
    start = time.perf_counter()
    logits = predict_logits(trainer, data["test"])
    predict_seconds = time.perf_counter() - start
    return trainer, {
        "logits": logits,
        "labels": np.array(data["test"]["labels"]),
        "validation_logits": validation_logits,
        "validation_labels": np.array(data["validation"]["labels"]),
        "test_tokens": np.array([len(ids) for ids in data["test"]["input_ids"]]),
        "test_words": np.array([len(words(text)) for text in data["test"]["text"]]),
        "train_seconds": train_seconds,
        "predict_seconds": predict_seconds,
        "history": trainer.state.log_history,
        "train_texts": len(data["train"]),
        "test_texts": len(data["test"]),
        "epochs": settings.epochs,
        "train_tokens": int(sum(map(len, data["train"]["input_ids"]))),
        "parameters": trainer.model.num_parameters(),
        "device": trainer.model.device.type,
        "bf16": trainer.args.bf16,
    }


def has_bf16() -> bool:
    """True if the device multiplies bf16 matrices in hardware: a card since Ampere, a processor of
    BF16_PROCESSORS.

    Elsewhere PyTorch computes in bf16 too, but slowly, by way of fp32. PyTorch for macOS lacks
    oneDNN and so the check.
    """
    import torch

    if cuda_available():
        return torch.cuda.get_device_capability() >= AMPERE
    usable = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    able = torch.cpu.get_capabilities()
    return bool(usable()) and any(able.get(name) for name in BF16_PROCESSORS)


def make(splits, settings, source, folder: Path) -> dict:
    """Fine-tune the encoder `source`, save the classifier in `folder`; returns what to record.

    Beside what `finetune` returns: `question_probabilities` (questions, classes) of the
    assignment's two questions.
    """
    from lmreport.models import scores

    checkpoints, part = (
        folder.with_name(f"{folder.name}.{end}") for end in ("checkpoints", "part")
    )
    trainer, values = finetune(splits, source.path, settings, checkpoints)
    trainer.save_model(str(part))
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    shutil.rmtree(checkpoints, ignore_errors=True)
    asked = predict_texts(trainer.model, trainer.processing_class, list(scores.QUESTIONS))
    return values | {"question_probabilities": asked}
