"""Ctrl-C during a training: the step is finished, the state saved, and the same command goes on there."""

from __future__ import annotations

import signal
import threading

EVERY = 10  # steps after which several processes ask each other whether one of them was interrupted


class Interrupted(KeyboardInterrupt):
    """A training was stopped by Ctrl-C after its state had been saved; its text says where it goes on."""


class CtrlC:
    """Notes SIGINT while a Trainer is training. A second one stops at once, as it always does."""

    def __init__(self, say):
        self.say, self.asked, self.before = say, False, None

    def watch(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self.before = signal.signal(signal.SIGINT, self.note)

    def note(self, number, frame) -> None:
        self.release()
        if not in_training(frame):  # a training that failed has left this handler behind
            return self.before(number, frame)
        self.asked = True
        self.say("Ctrl-C: stopping after this step, once the state is saved (again: stop at once)")

    def release(self) -> None:
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)

    def stop(self, args, state, control) -> None:
        """After a step: let the Trainer save its state if Ctrl-C was pressed, with several processes at any of them.

        Raises Interrupted at once in a training that keeps no state.
        """
        if args.world_size > 1:
            if state.global_step % EVERY:
                return
            self.asked = anywhere(self.asked, args.device)
        if self.asked and args.save_strategy == "no":  # a short one among several
            raise Interrupted("what had ended before this training is kept; the same command goes on there")
        control.should_save |= self.asked

    def leave(self, state) -> None:
        """After saving: raise Interrupted if Ctrl-C was pressed."""
        if self.asked:
            raise Interrupted(f"the state after step {state.global_step} of {state.max_steps} is saved; the same "
                              "command goes on there")


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
