"""What the machine can do and what a piece of work took of it: matrix rate, peak memory."""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor

from lmreport.core import processes

PROCESSES = {"cpu": 1, "cuda": 10}  # trainings of small models that keep the device busy together


def side_by_side(function, things: list[tuple], processes: int) -> list:
    """[function(*thing), …] in the order of `things`, in that many processes of one thread each, or
    here if it is one.
    """
    if processes == 1:
        return [function(*thing) for thing in things]
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), one_thread) as pool:
        return list(pool.map(function, *zip(*things, strict=True)))


def one_thread() -> None:
    import torch

    from lmreport.core import progress

    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    torch.set_num_threads(1)
    progress.hide_bars()


def matrix_rate(device: str, bf16: bool) -> float:
    """Floating-point operations per second of the best of ten products of two large square
    matrices.
    """
    import torch

    n = 8192 if device == "cuda" else 2048
    a, b = torch.randn(2, n, n, device=device, dtype=torch.bfloat16 if bf16 else torch.float32)
    best = float("inf")
    for _ in range(10):
        start = time.perf_counter()
        _ = a @ b
        wait(device)
        best = min(best, time.perf_counter() - start)
    return 2 * n**3 / best


def wait(device: str) -> None:
    """Until the GPU has done what it was given."""
    import torch

    if device == "cuda":
        torch.cuda.synchronize()


def forget_peak(device: str) -> None:
    """From now on count the peak memory anew."""
    import torch

    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    else:
        processes.forget_peak()


def peak_mb(device: str) -> float:
    """Peak since `forget_peak`, in MB: of the GPU's memory, else of this process (resident)."""
    import torch

    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    return processes.peak_memory() / 1e6


def flops(parameters: int, layers: int, width: int, rows: int, length: int) -> float:
    """Floating-point operations of a training step on (rows, length) tokens (Kaplan et al. 2020,
    section 2.1).

    Six for each parameter outside the embeddings and token; for the scores and the weighted sums of
    attention 12 × layers × length × width a token.
    """
    return rows * length * (6 * parameters + 12 * layers * length * width)
