"""A command, timed, and the memory of all its processes; the most memory of this one."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import threading
import time
from pathlib import Path

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def timed(command: list[str], folder: Path, **environment: str) -> tuple[float, float, str]:
    """Seconds, peak memory in MB of the command with all processes that it starts, and its output.
    Raises SystemExit with the end of its standard error if it fails.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        before = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, stdout=out, stderr=errors, env={**os.environ, **environment}
        )
        ended, peak = threading.Event(), [0.0]
        watcher = threading.Thread(target=watch, args=(process.pid, ended, peak))
        watcher.start()
        status, seconds = process.wait(), time.perf_counter() - before
        ended.set()
        watcher.join()
        for file in (out, errors):
            file.seek(0)
        if status:
            raise SystemExit(errors.read()[-2000:])
        return seconds, peak[0], out.read()


def watch(pid: int, ended: threading.Event, peak: list[float]) -> None:
    """Keep in `peak` the largest memory (MB) of process `pid` with its descendants; shared pages
    count once (PSS).
    """
    import psutil

    while not ended.wait(0.2):
        now = 0
        try:
            root = psutil.Process(pid)
            processes = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for process in processes:
            try:
                now += process.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        peak[0] = max(peak[0], now / 1e6)


def forget_peak() -> None:
    """From now on `peak_memory` counts anew (on Linux; elsewhere it goes on)."""
    with contextlib.suppress(OSError):
        CLEAR.write_text("5")


def peak_memory() -> int:
    """The most memory that this process has held since `forget_peak`, in bytes; where there is no
    /proc, on Windows and macOS, the most that it has ever held.
    """
    if STATUS.is_file():
        return int(STATUS.read_text().split("VmHWM:")[1].split()[0]) * 1024
    import psutil

    now = psutil.Process().memory_info()
    if hasattr(now, "peak_wset"):
        return now.peak_wset
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
