"""Lines that tell how far a long step is."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from lmreport.core.interrupt import CtrlC


def say(text: str) -> None:
    """One line on standard error, at once."""
    print(text, file=sys.stderr, flush=True)


def hide_bars() -> None:
    """No progress bars of the libraries: in a notebook they would be output."""
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()


def training_clock(say=say, every: float = 5.0):
    """A `TrainerCallback` that counts the `seconds` spent in training steps, evaluations and checkpoints left out.

    It tells loss, texts/s and time left every `every` seconds, and keeps its count in the checkpoints, so that a
    resumed training knows the time of its first part too. Ctrl-C makes it save the state and raise `Interrupted`.
    """
    from transformers import TrainerCallback

    interrupt = CtrlC(say)

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
                texts = state.epoch * len(train_dataloader.dataset)  # batches may differ in their number of texts
                left = (state.max_steps - state.global_step) * self.seconds / state.global_step
                loss = "" if self.loss != self.loss else f"loss {self.loss:.3f}, "
                say(f"training: step {state.global_step}/{state.max_steps}, {loss}"
                    f"{texts / self.seconds:.1f} texts/s, {left:.0f} s left")
            interrupt.stop(args, state, control)

        def on_log(self, args, state, control, logs=None, **kwargs):
            self.loss = float((logs or {}).get("loss", self.loss))

        def on_evaluate(self, args, state, control, metrics=None, **kwargs):
            if metrics and "eval_accuracy" in metrics:
                say(f"training: epoch {state.epoch:.0f}, validation accuracy {metrics['eval_accuracy']:.4f}")

        def on_prediction_step(self, args, state, control, eval_dataloader=None, **kwargs):
            self.predicted += 1
            total, now = len(eval_dataloader), time.perf_counter()
            if now - self.told > every:
                self.told = now
                say(f"predicting: batch {self.predicted}/{total}")
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
