"""Tags of many texts, fast and in the order given: little padding, and 8-bit weights where there is
no bf16.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from lmreport.models import cls_only, fast_finetune, int8, token_budget

CHUNK = 2000  # texts that are read and sorted by length together
BUDGET = {"cpu": 1024, "cuda": 65536}  # tokens of a batch
PRECISIONS = ("auto", "fp32", "bf16", "int8")


def load(folder: str, class_names: list[str], precision: str = "auto"):
    """The classifier saved in `folder`, ready to predict.

    precision: "fp32", "bf16", "int8" (weights of the linear layers in eight bits, inputs rounded to
    them on the fly; on the CPU only), or "auto": bf16 where the processor computes in it, else
    int8.
    """
    import torch

    from lmreport.models import finetune

    model = finetune.load_classifier(folder, class_names).eval().requires_grad_(False)
    cls_only.only_first_token(model)
    if precision == "auto":
        precision = "bf16" if finetune.has_bf16() else "int8"
    if precision == "int8":
        return int8.in_eight_bits(model)
    return model.to(
        fast_finetune.device(), torch.bfloat16 if precision == "bf16" else torch.float32
    )


def logits(model, tokenizer, texts: list[str], max_length: int = 512) -> np.ndarray:
    """Logits (n, classes) of `texts`, in their order; batches hold texts of like length under a
    budget of tokens.
    """
    import torch

    device = model.device
    rows = tokenizer(
        texts,
        truncation=True,
        max_length=max_length,
        return_attention_mask=False,
        return_token_type_ids=False,
    )["input_ids"]
    found = np.empty((len(texts), model.config.num_labels), np.float32)

    def predict(batch):
        inputs = tokenizer.pad({"input_ids": [rows[i] for i in batch]}, return_tensors="pt").to(
            device
        )
        with torch.inference_mode():
            found[batch] = model(**inputs).logits.float().cpu().numpy()

    in_parallel(predict, by_length([len(row) for row in rows], BUDGET[device.type]), device.type)
    return found


def in_parallel(function, things, device: str) -> None:
    """`function` of each of the things: on a CPU each core takes its own ones, which wastes less
    than sharing each.
    """
    import torch

    threads = torch.get_num_threads()
    if device != "cpu" or threads == 1:
        for thing in things:
            function(thing)
        return
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            list(pool.map(function, things))
    finally:
        torch.set_num_threads(threads)


def by_length(lengths: list[int], budget: int) -> list[np.ndarray]:
    """Row numbers in batches of falling length, each with rows × longest row ≤ `budget` or one
    row.
    """
    order = token_budget.longest_first(lengths)
    cuts = token_budget.cut(np.minimum(np.asarray(lengths)[order], budget), budget)
    return [order[a:b] for a, b in itertools.pairwise(cuts)]


def stream(model, tokenizer, texts, max_length: int = 512):
    """The tag of each of the texts (any iterable), in their order, a chunk at a time: never all
    texts are in memory.
    """
    texts = iter(texts)
    while chunk := list(itertools.islice(texts, CHUNK)):
        for row in logits(model, tokenizer, chunk, max_length):
            yield model.config.id2label[int(row.argmax())]
