"""Self-attention (Vaswani et al. 2017, section 3.2): weights, output, heads; what it looks up, what its maps say."""

from __future__ import annotations

import torch
from torch.nn import functional as F


def attention_weights(q, k, mask=None):
    """softmax(QKᵀ/√d_k), equation 1 of Vaswani et al. without the V; (…, n, d_k), (…, m, d_k) → (…, n, m).

    mask: bool, broadcastable to (…, n, m), True where a query (row) may look at a key (column). A row that may look
    nowhere gets weights 0. Half precision is computed in float32, where q·k cannot overflow. Inputs stay unchanged.
    """
    wide = torch.promote_types(q.dtype, torch.float32)
    scores = q.to(wide) @ k.to(wide).mT / q.shape[-1] ** 0.5  # (…, n, m)
    if mask is None:
        return scores.softmax(-1)
    return scores.masked_fill(~mask, -torch.inf).softmax(-1).masked_fill(~mask, 0)  # an empty row: NaN → 0


def attention(q, k, v, mask=None):
    """softmax(QKᵀ/√d_k)V, equation 1 of Vaswani et al.; (…, n, d_k), (…, m, d_k), (…, m, d_v) → (…, n, d_v).

    mask as in `attention_weights`; the output of a row that may look nowhere is 0. Same dtype as `v`.
    """
    weights = attention_weights(q, k, mask)  # (…, n, m)
    return (weights @ v.to(weights.dtype)).to(v.dtype)  # (…, n, d_v)


def multi_head_attention(x, w_in, b_in, w_out, b_out, heads, mask=None):
    """`heads` attentions side by side (Vaswani et al., section 3.2.2); x (batch, n, d) → (batch, n, d).

    w_in (3d, d), b_in (3d) or None: the projections to Q, K and V of all heads, stacked as in nn.MultiheadAttention;
    w_out (d, d), b_out (d) or None: the projection of the joined heads.
    mask: as in `attention_weights`, broadcastable to (batch, heads, n, n).
    """
    batch, n, d = x.shape
    if d % heads:
        raise ValueError(f"heads: {heads} does not divide the width {d}")
    projected = F.linear(x, w_in, b_in).reshape(batch, n, 3, heads, d // heads)
    q, k, v = projected.permute(2, 0, 3, 1, 4)  # each (batch, heads, n, d / heads)
    joined = attention(q, k, v, mask).transpose(1, 2).reshape(batch, n, d)  # heads side by side again
    return F.linear(joined, w_out, b_out)
