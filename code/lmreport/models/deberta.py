"""What Transformers' first DeBERTa needs to be trained in bf16."""

from __future__ import annotations

from functools import cache, wraps


@cache
def attend_in_full() -> None:
    """Let each DeBERTa of this process compute its attention in the numbers of its weights.

    Under autocast to bf16 it is in both kinds: the bias of its queries makes them fp32, and the
    least fp32, with which it masks, is beyond what the bf16 of its scores can hold.
    """
    import torch
    from transformers.models.deberta.modeling_deberta import DisentangledSelfAttention

    forward = DisentangledSelfAttention.forward

    @wraps(forward)
    def in_full(self, *given, **named):
        kind = self.q_bias.dtype

        def cast(value):
            is_number = isinstance(value, torch.Tensor) and value.is_floating_point()
            return value.to(kind) if is_number else value

        with torch.autocast(self.q_bias.device.type, enabled=False):
            return forward(self, *map(cast, given), **{k: cast(v) for k, v in named.items()})

    DisentangledSelfAttention.forward = in_full  # type: ignore[method-assign]
