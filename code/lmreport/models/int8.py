"""Weights of eight bits: matrix products of whole numbers, for prediction on a CPU."""

from __future__ import annotations

import re

# The feed-forward networks of BERT and DistilBERT: there a scale for each token was seen to help.
BY_TOKEN = re.compile(r"\.(\d+)\.((intermediate|output)\.dense|ffn\.lin[12])$")


def in_eight_bits(model):
    """A copy of the Transformer `model` whose layers multiply 8-bit whole numbers; embeddings and
    head stay as is.

    Weights are scaled for each output. Inputs of the feed-forward networks are scaled for each
    token by its largest value (token-wise, as in ZeroQuant, Yao et al. 2022), so that a token with
    a large one costs only itself its precision, not the whole batch. Those of attention have one
    scale for the batch: tried on a fine-tuned MiniLM, one for each token brought little more and
    took time.
    """
    import warnings

    import torch
    from torch.ao import quantization
    from transformers.activations import GELUActivation

    names = [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and ".layer." in name
    ]
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # its successor, another package, has no such layers for the CPU
        torch.backends.quantized.engine = "onednn"
        found = quantization.quantize_dynamic(
            model, dict.fromkeys(names, quantization.per_channel_dynamic_qconfig)
        )
    for name in filter(BY_TOKEN.search, names):
        found.set_submodule(name, by_token(found.get_submodule(name)))
    for name in [
        name for name, module in found.named_modules() if isinstance(module, GELUActivation)
    ]:
        found.set_submodule(name, gelu_in_place())
    return found


def by_token(linear):
    """The 8-bit layer `linear` for inputs (…, n, d) that are brought to the range from −1 to 1
    token by token.
    """
    import torch

    class ByToken(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("bias", linear.bias())
            linear.set_weight_bias(linear.weight(), None)  # it is added after the scale
            self.linear = linear

        def forward(self, x):
            largest = torch.maximum(x.amax(-1, keepdim=True), -x.amin(-1, keepdim=True)).clamp_(
                min=1e-12
            )  # (…, n, 1)
            found = self.linear(x / largest)
            return torch.addcmul(self.bias, found, largest, out=found)

    return ByToken()


def gelu_in_place():
    """GELU that overwrites its input, which nothing else reads: no second array of the widest shape
    there is.
    """
    import torch

    class GeluInPlace(torch.nn.Module):
        def forward(self, x):
            return torch.ops.aten.gelu.out(x, out=x)

    return GeluInPlace()
