"""The last layer of a classifier computed for the first token only: its head reads no other. The
same logits.
"""

from __future__ import annotations

import types

KINDS = ("bert", "distilbert")  # `model_type` of the configurations whose last layer it can compute


def only_first_token(model):
    """`model`, a BERT or DistilBERT classifier; its last layer gives (B, 1, d_model) instead of (B,
    n, d_model).

    Keys and values of that layer still come from all tokens. Queries, the feed-forward network and
    all that follows
    have one row a text instead of n, in training as well: the others get no gradient from a head
    that does not read them. Names and shapes of the parameters stay; models of other kinds are
    returned as they came.
    """
    if model.config.model_type in KINDS:
        base = model.base_model
        last = (base.encoder if hasattr(base, "encoder") else base.transformer).layer[-1]
        last.forward = types.MethodType(forward, last)
    return model


def forward(layer, hidden, attention_mask=None, *rest, **named):
    """The layer's output for the first of the tokens `hidden` (B, n, d_model); the mask is (B, 1,
    n, n) or None.
    """
    from torch.nn.functional import scaled_dot_product_attention

    outer, first = layer.attention, hidden[:, :1]  # (B, n, d_model) → (B, 1, d_model)
    inner = getattr(outer, "self", outer)  # BERT's attention stands one level deeper
    names = ("query", "key", "value") if inner is not outer else ("q_lin", "k_lin", "v_lin")
    q, k, v = (
        getattr(inner, name)(x).unflatten(-1, (-1, inner.attention_head_size)).transpose(1, 2)
        for name, x in zip(names, (first, hidden, hidden), strict=True)
    )
    mask = None if attention_mask is None else attention_mask[:, :, :1]  # (B, 1, 1, n)
    dropped = inner.dropout.p if layer.training else 0.0
    context = (
        scaled_dot_product_attention(q, k, v, mask, dropped).transpose(1, 2).flatten(2)
    )  # (B, 1, d_model)
    if inner is not outer:
        return layer.feed_forward_chunk(outer.output(context, first))
    attended = layer.sa_layer_norm(inner.out_lin(context) + first)
    return layer.output_layer_norm(layer.ffn(attended) + attended)
