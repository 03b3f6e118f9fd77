"""Question 3: our attention, positions, masks and LSTM against PyTorch, and what the experiments
claim.
"""

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizerFast

from lmreport.display import style
from lmreport.experiments.concepts import attention, masks, positions, recurrence
from lmreport.models import architecture

sizes = st.integers(1, 9)
seeds = st.integers(0, 2**31)
EXACT = {torch.float32: 1e-6, torch.float64: 1e-12}
HALVES = (torch.float16, torch.bfloat16)


def random(seed, *shape, dtype=torch.float64):
    return torch.randn(
        *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    ).to(dtype)


def random_mask(seed, *shape, share=0.6):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) < share


@given(
    batch=sizes,
    heads=st.integers(1, 3),
    n=sizes,
    m=sizes,
    d=sizes,
    d_v=sizes,
    seed=seeds,
    dtype=st.sampled_from(list(EXACT)),
    share=st.sampled_from([None, 0.0, 0.3, 0.8, 1.0]),
)
def test_attention_is_pytorchs(batch, heads, n, m, d, d_v, seed, dtype, share):
    shapes = (n, d), (m, d), (m, d_v)
    q, k, v = (
        random(seed + i, batch, heads, *shape, dtype=dtype) for i, shape in enumerate(shapes)
    )
    mask = None if share is None else random_mask(seed, batch, 1, n, m, share=share)
    kept = [t.clone() for t in (q, k, v)] + [None if mask is None else mask.clone()]
    ours = attention.attention(q, k, v, mask)
    theirs = F.scaled_dot_product_attention(q.double(), k.double(), v.double(), attn_mask=mask).to(
        dtype
    )
    assert ours.dtype == dtype and ours.shape == (batch, heads, n, d_v)
    if mask is not None:  # a query that may look nowhere: 0, not NaN
        theirs = torch.where(mask.any(-1, keepdim=True), theirs, torch.zeros_like(theirs))
        assert (ours[(~mask.any(-1)).expand(batch, heads, n)] == 0).all()
        assert torch.equal(mask, kept[3])
    torch.testing.assert_close(ours, theirs, rtol=0, atol=EXACT[dtype])
    assert all(torch.equal(a, b) for a, b in zip((q, k, v), kept, strict=False))


@given(
    n=sizes,
    m=sizes,
    d=sizes,
    seed=seeds,
    dtype=st.sampled_from(HALVES),
    size=st.sampled_from([1.0, 300.0, 6e4]),
)
def test_half_precision_stays_in_range(n, m, d, seed, dtype, size):
    q, k = (
        (size * random(seed + i, *shape).clamp(-1, 1)).to(dtype)
        for i, shape in enumerate([(n, d), (m, d)])
    )
    v, mask = random(seed + 2, m, d, dtype=dtype), random_mask(seed, n, m)
    ours = attention.attention(q, k, v, mask)
    theirs = attention.attention(q.double(), k.double(), v.double(), mask)
    assert ours.dtype == dtype and ours.isfinite().all()
    if size == 1:
        torch.testing.assert_close(
            ours.double(), theirs, rtol=2 * torch.finfo(dtype).eps, atol=1e-5
        )


@given(n=sizes, m=sizes, d=sizes, seed=seeds)
def test_weights_are_shares_and_hidden_keys_get_none(n, m, d, seed):
    mask = random_mask(seed, n, m)
    weights = attention.attention_weights(random(seed, n, d), random(seed + 1, m, d), mask)
    assert (weights >= 0).all() and (weights[~mask] == 0).all()
    torch.testing.assert_close(weights.sum(-1), mask.any(-1).double(), rtol=0, atol=1e-12)


def test_gradients_of_a_fully_masked_row_are_zero_and_not_nan():
    q, k, v = (random(i, 3, 4).requires_grad_() for i in range(3))
    mask = torch.tensor([[True, True, False], [False] * 3, [True] * 3])
    attention.attention(q, k, v, mask).sum().backward()
    assert (
        all(t.grad.isfinite().all() for t in (q, k, v))
        and (q.grad[1] == 0).all()
        and (q.grad[0] != 0).any()
    )


@given(
    batch=st.integers(1, 3),
    n=sizes,
    heads=st.integers(1, 4),
    width=st.integers(1, 5),
    seed=seeds,
    bias=st.booleans(),
    causal=st.booleans(),
    dtype=st.sampled_from(list(EXACT)),
)
def test_multi_head_attention_is_pytorchs(batch, n, heads, width, seed, bias, causal, dtype):
    d = heads * width
    layer = nn.MultiheadAttention(d, heads, bias=bias, batch_first=True, dtype=dtype)
    with torch.no_grad():
        for i, p in enumerate(layer.parameters()):
            p.copy_(random(seed + i, *p.shape) / d**0.5)
    x, mask = random(seed + 9, batch, n, d, dtype=dtype), masks.causal_mask(n) if causal else None
    before = x.clone()
    ours = attention.multi_head_attention(
        x,
        layer.in_proj_weight,
        layer.in_proj_bias,
        layer.out_proj.weight,
        layer.out_proj.bias,
        heads,
        mask,
    )
    theirs, _ = layer(x, x, x, attn_mask=None if mask is None else ~mask)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=5 * EXACT[dtype])
    assert torch.equal(x, before)


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="heads: 3 does not divide the width 8"):
        attention.multi_head_attention(
            random(0, 1, 2, 8), random(1, 24, 8), None, random(2, 8, 8), None, 3
        )


def test_padding_mask_is_pytorchs_key_padding_mask():
    lengths, n, d = [3, 5, 1], 5, 8
    layer = nn.MultiheadAttention(d, 2, batch_first=True, dtype=torch.float64)
    x, mask = random(0, 3, n, d), (torch.arange(n) < torch.tensor(lengths)[:, None])[:, None, None]
    ours = attention.multi_head_attention(
        x,
        layer.in_proj_weight,
        layer.in_proj_bias,
        layer.out_proj.weight,
        layer.out_proj.bias,
        2,
        mask,
    )
    theirs, _ = layer(x, x, x, key_padding_mask=~mask[:, 0, 0])
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    assert mask.sum((1, 2, 3)).tolist() == lengths


@given(n=sizes, d=st.integers(1, 6), seed=seeds)
def test_lstm_is_pytorchs(n, d, seed):
    layer, x = nn.LSTM(d, d, dtype=torch.float64), random(seed, n, d)
    ours = recurrence.lstm(
        x, layer.weight_ih_l0.T, layer.weight_hh_l0.T, layer.bias_ih_l0 + layer.bias_hh_l0
    )
    torch.testing.assert_close(ours, layer(x)[0], rtol=0, atol=1e-12)


def test_longest_chain_counts_what_must_wait():
    x = torch.ones(2, requires_grad=True)
    one, two = x * 2, (x * 2).exp() + x
    assert recurrence.longest_chain(one) == recurrence.longest_chain(x * 3)
    assert recurrence.longest_chain(two) == recurrence.longest_chain(one) + 2
    steps = recurrence.sequential_steps.__wrapped__((4, 8, 16))
    assert len(set(steps["attention"])) == 1
    per_token = np.diff(steps["lstm"]) / np.diff(steps["lengths"])
    assert per_token.min() == per_token.max() > 0


def test_influence_is_the_norm_of_the_jacobian():
    matrix = random(0, 3, 3)
    norms = recurrence.influence(
        lambda x: torch.stack([x[0], x[0] @ matrix.T + 2 * x[1]]), random(1, 2, 3)
    )
    assert norms.tolist() == pytest.approx([2 * 3**0.5, matrix.norm().item()])


def test_gradients_fade_in_the_rnn_and_the_lstm_and_not_in_attention():
    found = recurrence.gradients.__wrapped__(n=41, d=16, seeds=2)
    assert found["rnn"][-1] < 1e-6 and found["lstm"][-1] < 1e-6
    assert found["rnn_large"][-1] > 10
    assert 0.01 < found["attention"][-1] < 100 and found["lstm_keep"][-1] > 1e3 * found["lstm"][-1]


def test_recall_is_learned_near_and_by_attention_far():
    with recurrence.one_thread():
        assert recurrence.train_recall("attention", 24, 200, seed=0) > 0.9
        assert recurrence.train_recall("rnn", 24, 200, seed=0) < 0.4
        assert recurrence.train_recall("lstm", 2, 200, seed=0) > 0.9


def test_soft_lookup_becomes_hard():
    found = attention.lookup()
    assert (found["error"] <= found["bound"] + 1e-12).all()
    assert (np.diff(found["error"]) < 0).all() and found["error"][-1] < 0.01
    assert found["weights"][0] == pytest.approx([0.25] * 4) and found["weights"].sum(
        1
    ) == pytest.approx(1)


@given(n=sizes, half=st.integers(1, 20))
def test_sinusoidal_is_the_formula(n, half):
    d, table = 2 * half, positions.sinusoidal(n, 2 * half)
    for pos in range(n):
        for i in range(half):
            angle = pos / 10_000 ** (2 * i / d)
            assert table[pos, 2 * i : 2 * i + 2] == pytest.approx(
                [math.sin(angle), math.cos(angle)], abs=1e-12
            )


def test_dot_products_of_sinusoidal_positions_depend_on_the_offset_alone():
    table = positions.sinusoidal(60, 32)
    _, spread = positions.by_offset(table @ table.T, 50)
    assert spread.max() < 1e-12


def test_share_that_the_offset_explains():
    p, q = np.indices((20, 20))
    assert positions.offset_share(np.cos(p - q)) == pytest.approx(1)
    assert abs(positions.offset_share(np.cos(np.sin(7.3 * (p + q)) * 99))) < 0.3


def test_a_layer_without_positions_is_equivariant():
    found = positions.equivariance()
    assert found["without"] <= 1e-6 < 1e-3 < found["with"]


def test_no_leak_to_the_last_bit_and_leaks_without_the_mask():
    leaks = {name: masks.leaked(masks.leak(attend)) for name, attend in masks.VARIANTS.items()}
    assert leaks.pop("−∞ before the softmax") == 0
    assert min(leaks.values()) > 1e-3


@given(n=st.integers(1, 12), seed=st.integers(0, 1000))
def test_one_pass_equals_step_by_step(n, seed):
    found = masks.teacher_forcing(n, seed)
    assert found["same_tokens"] and found["difference"] <= 1e-9


def test_fills_in_half_precision():
    rows = {row[:2]: row[2:] for row in masks.fills()}
    assert rows["float16", "−1e9"][:2] == ("−∞", "nan, nan, nan")
    assert (
        rows["float32", "−1e9"][1] == "0.27, 0.73, 0.00"
        and rows["float32", "−1e9"][3] == "0.33, 0.33, 0.33"
    )
    assert rows["bfloat16", "−∞"][2:] == ("0.27, 0.73, 0.00", "nan, nan, nan")


@pytest.fixture(scope="module")
def small():
    """A random BERT of two layers with a vocabulary of its own: encoder, classifier, tokenizer."""
    words = "[PAD] [UNK] [CLS] [SEP] [MASK] how do keys ##s list into ? a debug".split()
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=128,
        num_labels=3,
        initializer_range=0.4,
        attn_implementation="eager",
    )
    torch.manual_seed(0)
    return (
        BertModel(config).eval(),
        BertForSequenceClassification(config).eval(),
        BertTokenizerFast(vocab={word: i for i, word in enumerate(words)}),
    )


TEXT = "how do a list into keys ?"


def test_attention_maps_of_a_model(small):
    encoder, _, tokenizer = small
    found = attention.look(encoder, tokenizer, TEXT)
    n = len(found["tokens"])
    assert found["weights"].shape == (2, 4, n, n) and found["tokens"][0] == "[CLS]"
    assert attention.received(found["weights"]).sum() == pytest.approx(1, abs=1e-5)
    sdpa = copy.deepcopy(encoder)
    sdpa.set_attn_implementation("sdpa")
    with pytest.raises(ValueError, match="eager"):
        attention.look(sdpa, tokenizer, TEXT)


def test_ablations_hide_one_piece_at_a_time(small):
    _, classifier, tokenizer = small
    batch, pieces = attention.without_each(tokenizer, TEXT, "cpu")
    assert pieces == list(range(1, 8)) and batch["attention_mask"].sum(1).tolist() == [9] + [8] * 7
    fallen = attention.ablation_logits(classifier, tokenizer, TEXT)
    assert len(fallen["tokens"]) == len(fallen["attention"]) == len(fallen["effect"]) == 7
    assert fallen["most"] == fallen["attention"].argmax() and 1 <= fallen["rank"] <= 7
    inputs = tokenizer(TEXT, return_tensors="pt")
    inputs["attention_mask"][0, 3] = 0
    with torch.no_grad():
        without = classifier(**inputs).logits[0, fallen["predicted"]].item()
    assert fallen["effect"][2] == pytest.approx(fallen["logit"] - without, abs=1e-5)


def test_a_model_without_positions_ignores_order(small):
    encoder, _, tokenizer = small
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    found = positions.shuffled_sentence(encoder, tokenizer, TEXT)
    assert found["without"] <= 1e-6 < 1e-3 < found["with"] and found["cosine"] < 1
    assert all(torch.equal(before[name], value) for name, value in encoder.state_dict().items())


def test_padding_does_nothing_with_the_mask_and_much_without(small):
    encoder, _, tokenizer = small
    found = masks.padded(encoder, tokenizer, TEXT, (0, 3, 30))
    assert found["largest"] < 1e-5 and np.abs(found["with"]).max() < 1e-9
    assert found["without"][0] == pytest.approx(0, abs=1e-9) and found["without"][1:].min() > 1e-5


def test_every_figure_has_the_width_of_the_report(small):
    encoder, classifier, tokenizer = small
    fading = {name: np.ones(9) for name in recurrence.NAMES} | {"distance": np.arange(1, 10)}
    recalled = {name: np.ones((5, 1)) for name in recurrence.NAMES}
    recalled |= {"distances": np.array(recurrence.DISTANCES), "chance": 0.1}
    figures = [
        recurrence.plot_memory(fading, recalled),
        attention.plot_lookup(attention.lookup()),
        attention.plot_maps([attention.look(encoder, tokenizer, TEXT)]),
        attention.plot_ablation(
            [attention.ablation_logits(classifier, tokenizer, TEXT)] * 2, "effect"
        ),
        positions.plot_learned(architecture.position_table(encoder), 64),
        positions.plot_learned(None, 64),
        masks.plot_leaks({"a": masks.leak(masks.masked_after)} | {"b": np.eye(3)}),
        masks.plot_padding(masks.padded(encoder, tokenizer, TEXT, (0, 3))),
    ]
    for figure in (drawn.figure for drawn in figures):
        assert figure.get_figwidth() == style.WIDTH
        figure.canvas.draw()
