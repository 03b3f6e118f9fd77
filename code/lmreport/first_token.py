"""The last layer of a classifier computed for the first token only: its head reads no other. The same logits."""

from __future__ import annotations


def only_first_token(model):
    """`model`, a BERT or DistilBERT classifier, with its last layer replaced; for prediction only.

    Keys and values of that layer still come from all tokens; queries, the feed-forward network and all that follows
    have one row a text instead of n.
    """
    import torch

    class FirstToken(torch.nn.Module):
        def __init__(self, layer):
            super().__init__()
            self.layer = layer

        def forward(self, hidden, attention_mask=None, *rest, **named):
            layer, outer, first = self.layer, self.layer.attention, hidden[:, :1]  # (B, n, d) → (B, 1, d)
            inner = getattr(outer, "self", outer)  # BERT's attention stands one level deeper
            names = ("query", "key", "value") if inner is not outer else ("q_lin", "k_lin", "v_lin")
            q, k, v = (getattr(inner, name)(x).unflatten(-1, (-1, inner.attention_head_size)).transpose(1, 2)
                       for name, x in zip(names, (first, hidden, hidden), strict=True))
            mask = None if attention_mask is None else attention_mask[:, :, :1]  # (B, 1, 1, n)
            context = torch.nn.functional.scaled_dot_product_attention(q, k, v, mask).transpose(1, 2).flatten(2)
            if inner is not outer:
                return layer.feed_forward_chunk(outer.output(context, first))
            attended = layer.sa_layer_norm(inner.out_lin(context) + first)
            return layer.output_layer_norm(layer.ffn(attended) + attended)

    base = model.base_model
    layers = (base.encoder if hasattr(base, "encoder") else base.transformer).layer
    layers[-1] = FirstToken(layers[-1])
    return model
