"""What the Trainer calls while it trains: the clock of its steps, and Ctrl-C, which saves the state
first.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from pathlib import Path

from lmreport.core.progress import LIVE

log = logging.getLogger(__name__)

EVERY = 10  # steps after which several processes ask each other whether one of them was interrupted


class Interrupted(KeyboardInterrupt):
    """A training was stopped by Ctrl-C after its state had been saved; its text says where it goes
    on.
    """


class CtrlC:
    """Notes SIGINT while a Trainer is training. A second one stops at once, as it always does."""

    def __init__(self):
        self.asked, self.before = False, None

    def watch(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self.before = signal.signal(signal.SIGINT, self.note)

    def note(self, number, frame) -> None:
        self.release()
        if not in_training(frame):  # a training that failed has left this handler behind
            return self.before(number, frame)
        self.asked = True
        log.info("Ctrl-C: stopping after this step, once the state is saved (again: stop at once)")

    def release(self) -> None:
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)

    def stop(self, args, state, control) -> None:
        """After a step: let the Trainer save its state if Ctrl-C was pressed, with several
        processes at any of them.

        Raises Interrupted at once in a training that keeps no state.
        """
        if args.world_size > 1:
            if state.global_step % EVERY:
                return
            self.asked = anywhere(self.asked, args.device)
        if self.asked and args.save_strategy == "no":  # a short one among several
            raise Interrupted(
                "what had ended before this training is kept; the same command goes on there"
            )
        control.should_save |= self.asked

    def leave(self, state) -> None:
        """Raises Interrupted, after saving, if Ctrl-C was pressed."""
        if self.asked:
            raise Interrupted(
                f"the state after step {state.global_step} of {state.max_steps} is saved; the same "
                "command goes on there"
            )


def in_training(frame) -> bool:
    """True if the Trainer's loop is among the callers of `frame`."""
    while frame is not None:
        if frame.f_code.co_name == "_inner_training_loop":
            return True
        frame = frame.f_back
    return False


def anywhere(asked: bool, device) -> bool:
    """True if `asked` is true in any of the processes."""
    import torch

    flag = torch.tensor(float(asked), device=device)
    torch.distributed.all_reduce(flag, torch.distributed.ReduceOp.MAX)
    return bool(flag)


def training_clock(every: float = 5.0):
    """A `TrainerCallback` that counts the `seconds` spent in training steps, evaluations and
    checkpoints left out.

    It tells loss, texts/s and time left every `every` seconds, and keeps its count in the
    checkpoints, so that a resumed training knows the time of its first part too. Ctrl-C makes it
    save the state and raise `Interrupted`.
    """
    from transformers import TrainerCallback

    interrupt = CtrlC()

    class Clock(TrainerCallback):
        seconds, started, told, loss, predicted = 0.0, 0.0, 0.0, float("nan"), 0

        def on_train_begin(self, args, state, control, **kwargs):
            kept = self.kept(args, state)
            self.seconds = float(kept.read_text()) if kept.is_file() else 0.0
            self.told = time.perf_counter()
            interrupt.watch()

        def on_step_begin(self, args, state, control, **kwargs):
            self.started = time.perf_counter()

        def on_step_end(self, args, state, control, train_dataloader=None, **kwargs):
            now = time.perf_counter()
            self.seconds += now - self.started
            if now - self.told > every and state.is_world_process_zero:
                self.told = now
                texts = state.epoch * len(
                    train_dataloader.dataset
                )  # batches may differ in their number of texts
                left = (state.max_steps - state.global_step) * self.seconds / state.global_step
                loss = "" if self.loss != self.loss else f"loss {self.loss:.3f}, "
                log.info(
                    f"training: step {state.global_step}/{state.max_steps}, {loss}"
                    f"{texts / self.seconds:.1f} texts/s, {left:.0f} s left",
                    extra=LIVE,
                )
            interrupt.stop(args, state, control)

        def on_log(self, args, state, control, logs=None, **kwargs):
            self.loss = float((logs or {}).get("loss", self.loss))

        def on_evaluate(self, args, state, control, metrics=None, **kwargs):
            if metrics and "eval_accuracy" in metrics:
                log.info(
                    f"training: epoch {state.epoch:.0f}, validation accuracy "
                    f"{metrics['eval_accuracy']:.4f}"
                )

        def on_prediction_step(self, args, state, control, eval_dataloader=None, **kwargs):
            self.predicted += 1
            total, now = len(eval_dataloader), time.perf_counter()
            if now - self.told > every:
                self.told = now
                log.info(f"predicting: batch {self.predicted}/{total}", extra=LIVE)
            self.predicted %= total

        def on_save(self, args, state, control, **kwargs):
            if state.is_world_process_zero:
                self.kept(args, state).write_text(repr(self.seconds))
            interrupt.leave(state)

        def on_train_end(self, args, state, control, **kwargs):
            interrupt.release()

        @staticmethod
        def kept(args, state) -> Path:
            return Path(args.output_dir) / f"checkpoint-{state.global_step}" / "seconds.txt"

    return Clock()
