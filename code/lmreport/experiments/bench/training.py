"""How fast training is, from the assignment's literal recipe to ours, step by step (make
bench-train).

A step is a real `Trainer` on a few of the batches that its recipe makes of all training texts,
chosen evenly from short to long; what is shown of an epoch is extrapolated from them.
"""

from __future__ import annotations

import logging
import re
import statistics
import tempfile
import time
from typing import Any

import numpy as np

from lmreport.core.settings import Settings
from lmreport.data.corpus import Corpus
from lmreport.data.splits import load_splits
from lmreport.experiments.bench import resources
from lmreport.models import arrow_batches, cls_only, fast_finetune, finetune, token_budget
from lmreport.models.pretrained import Source
from lmreport.models.tokenizer import load_tokenizer

log = logging.getLogger(__name__)

MAX_LENGTH, BATCH = 512, 8  # the literal recipe: all positions, and the Trainer's default batch
MODELS = {
    "minilm": "six layers of width 384, as MiniLM",
    "distilbert": "six layers of width 768, as DistilBERT",
}
STEPS = (  # each adds one thing to the one before
    "literal",
    "dynamic padding",
    "grouped by length",
    "no attention dropout",
    "token budget",
    "first token",
)
ON_GPU = ("bf16", "larger budget", "compiled")
IN_BF16 = (STEPS[0], STEPS[-1], "bf16")  # what is measured of a processor that computes in it
NOT_OURS = ("compiled",)  # measured too, but it pays in longer trainings only


def make(sizes: dict, settings: Settings, corpus: Corpus, source: Source) -> dict:
    """Speed of training: of the smaller model under each step of the recipe, of the larger one under
    the first and the last.
    """
    device = fast_finetune.device()
    order = steps(device)
    few = (order[0], *order[-2:]) if device == "cuda" else (order[0], order[-1])
    wanted = {name: order if name == "minilm" else few for name in MODELS}
    return of_models(wanted, sizes, settings, corpus, source)


def of_models(
    wanted: dict, sizes: dict, settings: Settings, corpus: Corpus, source: Source
) -> dict:
    """The speed of each model of `MODELS` under the steps `wanted` of it."""
    tokenizer, device = load_tokenizer(source.path), fast_finetune.device()
    tokens = arrow_batches.tokenized(
        load_splits(corpus, settings.seed)["train"], tokenizer, sizes["max_length"]
    )
    lengths = token_budget.token_lengths(tokens)
    rate = {"fp32": resources.matrix_rate(device, False)} | (
        {"bf16": resources.matrix_rate(device, True)} if finetune.has_bf16() else {}
    )
    listed: list[dict] = []
    values = {"train_texts": len(tokens), "mean_tokens": lengths.mean()}
    number = sizes["batches"] * (8 if device == "cuda" else 1)  # there a batch takes milliseconds
    for name, steps in wanted.items():
        found = measured(
            name, steps, tokens, lengths, tokenizer, number, sizes["repeats"], settings.seed
        )
        first, last = found[0], [one for one in found if one["step"] not in NOT_OURS][-1]
        computed = "bf16" if "bf16" in rate and reached(last["step"], "bf16") else "fp32"
        listed.append(
            {
                "model": name,
                "device": device,
                "baseline_samples_per_s": first["samples_per_s"],
                "samples_per_s": last["samples_per_s"],
                "ratio": last["samples_per_s"] / first["samples_per_s"],
                "tokens_per_s": last["tokens_per_s"],
                "padding_share": last["padding_share"],
                "epoch_s": last["epoch_s"],
                "epoch_s_is": f"extrapolated from {last['measured_batches']} of {last['epoch_batches']} batches",
                "peak_mb": last["peak_mb"],
                "matrix_rate_flops": rate,
                "share_of_matrix_rate": last["flops_per_s"] / rate[computed],
                "steps": found,
            }
        )
        values |= {
            f"{name}_{key}": np.array([one[key] for one in found])
            for key in (
                "samples_per_s",
                "tokens_per_s",
                "padding_share",
                "spread",
                "epoch_s",
                "peak_mb",
                "warm_up_s",
            )
        }
        values |= {
            f"{name}_steps": [one["step"] for one in found],
            f"{name}_share_of_matrix_rate": listed[-1]["share_of_matrix_rate"],
        }
    return values | {"list": listed}


def config(name: str, vocabulary: int):
    """The configuration of a model of that size with four classes."""
    from transformers import BertConfig, DistilBertConfig

    if name == "distilbert":
        return DistilBertConfig(vocab_size=vocabulary, num_labels=4)  # type: ignore[call-arg]  # every one takes it
    return BertConfig(  # type: ignore[call-arg]  # every one takes it
        vocab_size=vocabulary,
        num_labels=4,
        hidden_size=384,
        num_hidden_layers=6,
        num_attention_heads=12,
        intermediate_size=1536,
    )


def steps(device: str) -> tuple[str, ...]:
    return STEPS + ON_GPU * (device == "cuda")


def reached(step: str, other: str) -> bool:
    """True if the recipe `step` contains what the step `other` added."""
    order = STEPS + ON_GPU
    return order.index(step) >= order.index(other)


def epoch(step: str, lengths: np.ndarray, seed: int) -> list[np.ndarray]:
    """All batches of an epoch under the recipe `step`."""
    import torch
    from transformers.trainer_pt_utils import get_length_grouped_indices

    if reached(step, "token budget"):
        return token_budget.by_length(
            lengths,
            fast_finetune.BUDGET["cuda" if reached(step, "larger budget") else "cpu"],
            seed,
            0,
        )
    generator = torch.Generator().manual_seed(seed)
    order = (
        get_length_grouped_indices(lengths.tolist(), BATCH, generator=generator)
        if reached(step, "grouped by length")
        else torch.randperm(len(lengths), generator=generator).tolist()
    )
    return [np.array(order[i : i + BATCH]) for i in range(0, len(order), BATCH)]


def evenly(found: list[np.ndarray], lengths: np.ndarray, number: int) -> list[np.ndarray]:
    """`number` of the batches, evenly from that with the shortest to that with the longest text."""
    order = sorted(found, key=lambda batch: (lengths[batch].max(), len(batch)))
    return [order[int((i + 0.5) * len(order) / number)] for i in range(number)]


def trainer(step: str, model, tokens, tokenizer, chosen: list[np.ndarray], folder: str):
    """A `Trainer` under the recipe `step` that reads the batches `chosen`."""
    from transformers import DataCollatorWithPadding, TrainingArguments
    from transformers.trainer_pt_utils import BatchRebalanceSampler

    class Chosen(BatchRebalanceSampler):
        def __init__(self):
            pass

        def __iter__(self):
            return iter([batch.tolist() for batch in chosen])

        def __len__(self):
            return len(chosen)

    on_chosen = fast_finetune.reading(Chosen())
    plain: dict[str, Any]
    plain = dict(
        output_dir=folder,
        use_cpu=fast_finetune.device() == "cpu",
        report_to="none",
        disable_tqdm=True,
        save_strategy="no",
        logging_steps=1000,
        num_train_epochs=1,
    )
    if reached(step, "token budget"):
        ours = fast_finetune.arguments(
            folder, num_train_epochs=1, logging_steps=1000, bf16=reached(step, "bf16")
        )
        return on_chosen(
            model=model,
            train_dataset=arrow_batches.Rows(tokens),
            processing_class=tokenizer,
            args=ours,
            data_collator=arrow_batches.collator(
                tokenizer.pad_token_id, fast_finetune.MULTIPLE[fast_finetune.device()]
            ),
            compute_loss_func=fast_finetune.mean_over_rows,
        )
    padding = True if reached(step, "dynamic padding") else "max_length"
    return on_chosen(
        model=model,
        train_dataset=tokens,
        processing_class=tokenizer,
        args=TrainingArguments(**plain),
        data_collator=DataCollatorWithPadding(tokenizer, padding, MAX_LENGTH),
    )


def clock(device: str, warm_up: int):
    """A `TrainerCallback`: `seconds` from the end of the first `warm_up` steps to that of the last;
    `warm_up_s` before.
    """
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        def on_train_begin(self, args, state, control, **rest):
            self.began = time.perf_counter()

        def on_step_end(self, args, state, control, **rest):
            if state.global_step in (warm_up, state.max_steps):
                resources.wait(device)
                now = time.perf_counter()
                if state.global_step == warm_up:
                    self.start, self.warm_up_s = now, now - self.began
                self.seconds = now - self.start

    return Clock()


def warm_up(chosen: list[np.ndarray], device: str) -> list[np.ndarray]:
    """The batches before the clock starts; a GPU's memory and kernels want to have seen the longest
    and the shortest.
    """
    middle = chosen[len(chosen) // 2]
    return [chosen[-1], chosen[0], middle] if device == "cuda" else [middle]


def once(step: str, name: str, tokens, lengths, tokenizer, number: int, seed: int) -> dict:
    """Seconds, texts, operations and peak memory (MB) of `number` batches under the recipe
    `step`.
    """
    import torch
    from transformers import AutoModelForSequenceClassification, PrinterCallback, set_seed

    set_seed(seed)
    device, shape = fast_finetune.device(), config(name, len(tokenizer))
    if reached(step, "no attention dropout"):
        fast_finetune.without_attention_dropout(shape)
    resources.forget_peak(device)
    model = AutoModelForSequenceClassification.from_config(shape)
    if reached(step, "first token"):
        cls_only.only_first_token(model)
    if reached(step, "compiled"):
        model = torch.compile(model, dynamic=True)
    chosen = evenly(epoch(step, lengths, seed), lengths, number)
    with tempfile.TemporaryDirectory() as folder:
        before = warm_up(chosen, device)
        timer = clock(device, len(before))
        made = trainer(step, model, tokens, tokenizer, [*before, *chosen], folder)
        made.remove_callback(PrinterCallback)
        made.add_callback(timer)
        made.train()
    shapes = [
        (len(b), int(lengths[b].max()) if reached(step, "dynamic padding") else MAX_LENGTH)
        for b in chosen
    ]
    return {
        "seconds": timer.seconds,
        "warm_up_s": timer.warm_up_s,
        "batches": len(chosen),
        "texts": sum(map(len, chosen)),
        "peak_mb": resources.peak_mb(device),
        "flops": flops(model, reached(step, "first token"), shapes),
    }


def flops(model, first_only: bool, shapes: list[tuple[int, int]]) -> float:
    """Operations of training steps on batches of these shapes (rows, length).

    first_only: the last layer computes nothing but keys and values for the tokens after the first.
    """
    layers, width = model.config.num_hidden_layers, model.config.hidden_size
    sizes = {name: p.numel() for name, p in model.named_parameters() if "embeddings." not in name}
    last = re.compile(rf"\.layer\.{layers - 1}\.(?!.*(key|value|k_lin|v_lin)\.)")
    first = sum(
        n for name, n in sizes.items() if ".layer." not in name or first_only and last.search(name)
    )
    return sum(
        resources.flops(sum(sizes.values()) - first, layers - first_only, width, rows, length)
        + resources.flops(first, first_only, width * length, rows, 1)
        for rows, length in shapes
    )


def measured(
    name: str, wanted, tokens, lengths, tokenizer, number: int, repeats: int, seed: int
) -> list[dict]:
    """One entry for each of the steps `wanted`: medians over the repeats, which go through all
    steps in turn.
    """
    found: dict[str, list[dict]] = {step: [] for step in wanted}
    for repeat in range(repeats):
        for step in wanted:
            if repeat and step in NOT_OURS:
                continue  # compiling takes far longer than the training that is measured
            few = max(2, number // 2) if step in STEPS[:2] else number  # all their batches are long
            found[step].append(once(step, name, tokens, lengths, tokenizer, few, seed))
            last = found[step][-1]
            log.info(
                f"bench: {name}, {step}, {repeat + 1} of {repeats}: "
                f"{last['texts'] / last['seconds']:.2f} texts/s"
            )
    return [summary(name, step, kept, lengths, seed) for step, kept in found.items()]


def summary(name: str, step: str, kept: list[dict], lengths, seed: int) -> dict:
    """What all repeats of a step of a model tell: median rates, padding, memory (MB), and an epoch
    (s) extrapolated from the measured batches.
    """
    whole = epoch(step, lengths, seed)
    rates = [k["texts"] / k["seconds"] for k in kept]
    rate = statistics.median(rates)
    padded = (
        token_budget.padding_share(lengths, whole)
        if reached(step, "dynamic padding")
        else 1 - lengths.mean() / MAX_LENGTH
    )
    return {
        "model": name,
        "step": step,
        "device": fast_finetune.device(),
        "samples_per_s": rate,
        "repeats": rates,
        "spread": (max(rates) - min(rates)) / rate,
        "tokens_per_s": rate * float(lengths.mean()),
        "padding_share": float(padded),
        "texts_per_update": len(lengths) / len(whole),
        "epoch_s": len(lengths) / rate,
        "epoch_texts": len(lengths),
        "measured_batches": kept[0]["batches"],
        "epoch_batches": len(whole),
        "peak_mb": max(k["peak_mb"] for k in kept),
        "warm_up_s": kept[0]["warm_up_s"],
        "flops_per_s": statistics.median(k["flops"] / k["seconds"] for k in kept),
    }
