"""Fine-tune at speed in one process or several, on one machine or more; the model and its losses go
to a folder.

    python -m lmreport.launch FOLDER
    torchrun --nproc-per-node 2 -m lmreport.launch FOLDER
    accelerate launch --multi_gpu --num_processes 2 -m lmreport.launch FOLDER

On processors `accelerate launch` starts one process only, so there it is torchrun that shares the
work.

All processes read the same batches, each its share of the rows; only the first writes.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import tempfile
from pathlib import Path

from lmreport.cli.options import loaded, settings_of
from lmreport.core import checkpoints, files, machine, progress
from lmreport.core.errors import ReportError
from lmreport.core.settings import Settings, one_model, refuse_no_numbers
from lmreport.data import download
from lmreport.data.splits import splits_for
from lmreport.models import arrow_batches, fast_finetune, finetune, fitness
from lmreport.models.tokenizer import load_tokenizer

log = logging.getLogger(__name__)

PRECISIONS = ("auto", "fp32", "bf16")


def parser() -> argparse.ArgumentParser:
    """The options of this command, with those of the settings."""
    made = argparse.ArgumentParser(
        prog="python -m lmreport.launch", description=__doc__.splitlines()[0]
    )
    made.add_argument("folder", type=Path, help="where the fine-tuned model goes")
    made.add_argument(
        "--budget",
        type=int,
        help="tokens of an update, all processes together "
        f"(default: {fast_finetune.BUDGET['cpu']} for each on a CPU, "
        f"{fast_finetune.BUDGET['cuda']} on "
        "a GPU)",
    )
    made.add_argument(
        "--dataset",
        metavar="FOLDER",
        help="train on this saved Dataset of text and labels, which "
        "may be larger than the memory, instead of the training split",
    )
    made.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="auto",
        help="numbers that are multiplied: bf16 where "
        "the device computes in it (auto), fp32, or bf16 anywhere",
    )
    made.add_argument(
        "--compile", action="store_true", help="torch.compile the model; pays in long trainings"
    )
    return settings_of(made)


def run(options):
    """Train as the options say, or go on where a training of that folder was stopped. Returns the
    Trainer. Raises ReportError for a budget below one token.
    """
    from transformers import set_seed

    settings = one_model(loaded(options), "launch")
    if options.budget is not None and options.budget < 1:
        raise ReportError(f"--budget: {options.budget} is no number of tokens; give 1 or more")
    source = fitness.whole(settings.model)
    fitness.refuse_unfit(source, settings.max_length)
    usable(options.folder)
    arguments = fast_finetune.arguments(
        checkpoints.beside(options.folder),
        seed=settings.seed,
        bf16=in_bf16(options.precision),
        num_train_epochs=settings.epochs,
        torch_compile=options.compile,
        learning_rate=settings.learning_rate,
        logging_steps=10,
        save_strategy="steps",
        save_total_limit=1,
    )
    with arguments.main_process_first(desc="data"):  # the others find it in the cache
        texts = on_disk(options.dataset) if options.dataset else training_texts(settings)
        tokenizer = load_tokenizer(source.path)
        tokens = arrow_batches.tokenized(texts, tokenizer, settings.max_length)
    given = [vars(settings), source.digest, options.budget, arguments.bf16, *outline(texts)]
    same_training(checkpoints.beside(options.folder), machine.digest(given))
    set_seed(settings.seed)
    model = fast_finetune.load_classifier(source.path, texts.features["labels"].names)
    trainer = fast_finetune.make_trainer(model, arguments, tokens, tokenizer, options.budget)
    checkpoints.drop_damaged(checkpoints.beside(options.folder))
    seconds = finetune.train(trainer)
    trainer.save_model(str(options.folder))
    if trainer.is_world_process_zero():
        note_losses(options.folder, trainer, seconds, len(tokens))
        shutil.rmtree(checkpoints.beside(options.folder), ignore_errors=True)
        log.info(
            f"launch: {len(tokens) * settings.epochs / seconds:.1f} texts/s, model in "
            f"{options.folder}"
        )
    return trainer


def training_texts(settings: Settings):
    """The training split of the data that the settings name."""
    return splits_for(settings, download.obtain(settings.data))["train"]


def outline(texts) -> list:
    """What tells one `Dataset` from another without reading it all: its length, first and last row,
    names of classes.
    """
    return [len(texts), texts[0], texts[-1], texts.features["labels"].names]


def note_losses(folder: Path, trainer, seconds: float, texts: int) -> None:
    """Write training.json beside the model: how many processes trained, for how long, on how many
    texts, and the losses.
    """
    losses = {
        "processes": trainer.args.world_size,
        "seconds": seconds,
        "texts": texts,
        "loss": [h["loss"] for h in trainer.state.log_history if "loss" in h],
    }
    files.write_atomically(folder / "training.json", (json.dumps(losses, indent=1) + "\n").encode())


def in_bf16(precision: str) -> bool:
    """Whether a training of this precision, one of PRECISIONS, multiplies in bf16."""
    return finetune.has_bf16() if precision == "auto" else precision == "bf16"


def usable(folder: Path) -> None:
    """Raises ReportError or OSError for a folder that cannot be written to, before anything is
    trained for it.
    """
    if folder.exists() and not folder.is_dir():
        raise ReportError(f"launch: {folder} is a file; name a folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=folder if folder.is_dir() else folder.parent).close()


def same_training(states: Path, given: str) -> None:
    """Note what a training is determined by beside its states. Raises ReportError if those are of
    another one.
    """
    noted = states / "training.txt"
    if noted.is_file() and noted.read_text() == given:
        return
    if any(states.glob("checkpoint-*")):
        raise ReportError(
            f"launch: {states} holds the state of another training (other settings, precision, "
            f"data or "
            "model); delete it, or name another folder"
        )
    files.write_atomically(noted, given.encode())


def on_disk(folder: str):
    """The `Dataset` saved in `folder`, read as needed. Raises ReportError if it is none with text
    and labels.
    """
    from datasets import ClassLabel, Dataset, load_from_disk

    try:
        dataset = load_from_disk(folder)
    except IndexError:
        raise ReportError(f"--dataset: {folder} has no rows; save one that has some") from None
    except (OSError, ValueError) as error:
        raise ReportError(
            f"--dataset: {folder} is not a saved data set ({error}); save one by save_to_disk"
        ) from error
    if (
        not isinstance(dataset, Dataset)
        or not isinstance(dataset.features.get("labels"), ClassLabel)
        or "text" not in dataset.features
    ):
        raise ReportError(
            f"--dataset: {folder} lacks `text` or `labels` (a ClassLabel); save one Dataset with "
            f"both"
        )
    problem = trouble(dataset)
    if problem:
        raise ReportError(f"--dataset: {folder} {problem}; fix it and save it again")
    return dataset


def trouble(dataset) -> str:
    """Why no model can be trained on a `Dataset` of text and labels; "" if one can."""
    import pyarrow
    import pyarrow.compute

    text, labels = (dataset.data.column(name) for name in ("text", "labels"))
    if not len(dataset):
        return "has no rows"
    if not (pyarrow.types.is_string(text.type) or pyarrow.types.is_large_string(text.type)):
        return f"has no strings in `text` but {text.type}"
    if text.null_count or labels.null_count:
        return f"has rows without a text or a label ({max(text.null_count, labels.null_count):,})"
    ends, classes = pyarrow.compute.min_max(labels).as_py(), dataset.features["labels"].num_classes
    if ends["min"] < 0 or ends["max"] >= classes:
        return f"has labels from {ends['min']} to {ends['max']}, where {classes} classes are named"
    return ""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 if all went well, 2 for bad input, 130 for Ctrl-C."""
    progress.write_all_letters()
    progress.hide_bars()
    try:
        refuse_no_numbers()
        run(parser().parse_args(arguments))
    except ReportError as error:
        log.error(f"launch: {error}")
        return 2
    except OSError as error:
        if error.filename is None:
            raise
        log.error(
            f"launch: {error.filename} cannot be used ({error.strerror}); name another folder"
        )
        return 2
    except KeyboardInterrupt as stopped:
        log.error(
            f"launch: stopped; "
            f"{str(stopped) or 'the same command goes on from the last state that was saved'}"
        )
        return 130
    return 0
