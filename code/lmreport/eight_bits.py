"""Weights of eight bits: matrix products of whole numbers, for prediction on a CPU."""

from __future__ import annotations

MEANS = ("attention.output.dense", "attention.out_lin")  # attention's output layer in BERT and DistilBERT


def in_eight_bits(model):
    """A copy of the Transformer `model` whose layers multiply 8-bit whole numbers; embeddings and head stay as is.

    Weights are scaled for each output, inputs for each token by its largest value (token-wise, as in ZeroQuant, Yao et
    al. 2022): a token with one large value then costs only itself its precision, not the whole batch. The inputs of
    attention's output layer are means over tokens, alike in size, and need none of it.
    """
    import warnings

    import torch
    from torch.ao import quantization

    names = [name for name, module in model.named_modules()
             if isinstance(module, torch.nn.Linear) and ".layer." in name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its successor, another package, has no such layers for the CPU
        torch.backends.quantized.engine = "onednn"
        found = quantization.quantize_dynamic(model, dict.fromkeys(names, quantization.per_channel_dynamic_qconfig))
    for name in (name for name in names if not name.endswith(MEANS)):
        found.set_submodule(name, by_token(found.get_submodule(name)))
    return found


def by_token(linear):
    """The 8-bit layer `linear` for inputs (…, n, d) that are brought to the range from −1 to 1 token by token."""
    import torch

    class ByToken(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("bias", linear.bias())
            linear.set_weight_bias(linear.weight(), None)  # it is added after the scale
            self.linear = linear

        def forward(self, x):
            largest = torch.maximum(x.amax(-1, keepdim=True), -x.amin(-1, keepdim=True)).clamp_(min=1e-12)  # (…, n, 1)
            return self.linear(x / largest).mul_(largest).add_(self.bias)

    return ByToken()
