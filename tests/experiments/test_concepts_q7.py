"""Grad and 4b: the experiments' functions against PyTorch, against counts by hand, and against what
must hold.
"""

import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from lmreport.core.settings import Settings, project_root
from lmreport.experiments.concepts import cost, foundation, heads, residual, scaling
from lmreport.models import architecture, pretrained
from lmreport.reporting.values import on_heads


@pytest.fixture(scope="module")
def minilm():
    return pretrained.from_package("a test")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LMREPORT_CACHE", str(tmp_path))


# cost


@pytest.mark.parametrize("n, d", [(1, 1), (3, 2), (64, 16)])
def test_flops_are_those_that_pytorch_counts(n, d):
    from torch.utils.flop_counter import FlopCounterMode

    x = torch.randn(1, n, d)
    p = residual.block_weights(d, torch.Generator().manual_seed(0))
    with FlopCounterMode(display=False) as attention:
        residual.self_attention(x, p, 1)
    with FlopCounterMode(display=False) as block:
        residual.encoder_block(x, p, 1)
    assert attention.get_total_flops() == cost.attention_flops(n, d)
    assert block.get_total_flops() == cost.block_flops(n, d)
    assert cost.quadratic_share(n, d) == pytest.approx(4 * n * n * d / cost.block_flops(n, d))


def test_lstm_flops_are_two_per_weight_and_token():
    lstm = torch.nn.LSTM(24, 24, bias=False)
    assert cost.lstm_flops(7, 24) == 7 * 2 * sum(p.numel() for p in lstm.parameters())


def test_costs_meet_at_the_crossings():
    d = 96
    table, layer, products, block = cost.crossings(d).values()
    assert table * table * d == table * d * d
    assert cost.attention_flops(layer, d) == cost.lstm_flops(layer, d)
    assert 4 * products**2 * d == cost.lstm_flops(products, d)
    assert cost.quadratic_share(block, d) == 0.5
    assert cost.attention_flops(layer - 1, d) < cost.lstm_flops(layer - 1, d)


def test_the_caption_says_from_which_length_attention_keeps_more():
    caption = (project_root() / "report/_7-how-and-why.qmd").read_text(encoding="utf-8")
    beyond = int(re.search(r"Beyond (\d+) tokens it needs more memory", caption)[1])
    kept = cost.attention_kept(beyond, 768, 12)
    assert kept == cost.lstm_kept(beyond, 768)
    assert cost.attention_kept(beyond + 1, 768, 12) > cost.lstm_kept(beyond + 1, 768)


def test_fused_attention_gives_what_stored_attention_gives():
    x = torch.randn(2, 9, 16, generator=torch.Generator().manual_seed(1))
    functions = cost.mechanisms(16, seed=0)
    torch.testing.assert_close(functions["stored"](x), functions["fused"](x), atol=1e-6, rtol=1e-5)


def test_peak_memory_counts_what_lives_together():
    with cost.PeakMemory() as one_by_one:
        for _ in range(3):
            torch.zeros(1000)
    with cost.PeakMemory() as together:
        kept = [torch.zeros(1000) for _ in range(3)]
    assert one_by_one.peak == 4000
    assert together.peak == 12000 and len(kept) == 3


def test_memory_grows_with_the_square_only_where_scores_are_stored():
    lengths = (256, 512, 1024)
    found = cost.measured(lengths, d=16, repeats=1)
    slopes = {
        name: cost.slope(lengths, found[f"{name}_training_bytes"], 256) for name in cost.LABELS
    }
    assert slopes["stored"] > 1.8
    assert slopes["fused"] < 1.1 and slopes["lstm"] < 1.1


def test_slope_of_known_curves():
    n = np.array([64, 128, 256, 512, 1024])
    assert cost.slope(n, 3.0 * n**2) == pytest.approx(2)


def test_limits_by_hand():
    row, whole = cost.limits([10, 30, 60], (20, 64), d=8, layers=2, heads=4)
    assert row["cut"] == pytest.approx(2 / 3) and row["lost"] == pytest.approx(0.5)
    assert (
        row["padded_flops"] == 2 * cost.block_flops(20, 8)
        and row["score_bytes"] == 2 * 4 * 20 * 20 * 4
    )
    assert whole["cut"] == 0 and whole["lost"] == 0 and whole["flops"] < whole["padded_flops"]


def test_what_a_model_cannot_read_is_marked_and_its_own_inner_width_counts():
    found = cost.limits([10], (512, 2048), 8, 2, 4, feed_forward=3 * 8 * 12, longest=512)
    assert found[0]["padded_flops"] == 2 * (cost.attention_flops(512, 8) + 2 * 512 * 3 * 8 * 12)
    read, beyond = on_heads.limits(found).data.splitlines()[2:4]
    assert "512" in read and "beyond" not in read and "(beyond its positions)" in beyond
    size = {"d": 8, "feed_forward": 8 * 8 * 8}
    assert "loaded model)" not in on_heads.crossings(size).data
    narrow = on_heads.crossings(size | {"feed_forward": 2 * 8 * 16}).data
    assert "24nd² (16nd² in the loaded model)" in narrow
    assert cost.crossings(8, 2 * 8 * 16)[cost.BLOCK_CROSSING] == 4 * 8


# scaling


@given(st.integers(2, 12), st.floats(0.01, 30))
@examples(max_examples=30)
def test_softmax_jacobian_is_that_of_autograd(n, size):
    scores = size * torch.randn(n, generator=torch.Generator().manual_seed(n), dtype=torch.float64)
    expected = torch.autograd.functional.jacobian(lambda s: s.softmax(-1), scores)
    torch.testing.assert_close(
        scaling.softmax_jacobian(scores.softmax(-1)), expected, atol=1e-12, rtol=1e-9
    )


def test_entropy_of_equal_and_of_single_weights():
    assert scaling.entropy(torch.full((5,), 0.2)).item() == pytest.approx(1)
    assert scaling.entropy(torch.tensor([0.0, 1.0, 0.0])).item() == 0


def test_softmax_saturates_only_without_the_root():
    found = scaling.saturation((4, 1024), samples=100)
    none, root = (np.median(found[f"{name}_jacobian"], axis=1) for name in ("none", "root"))
    assert none[1] < 0.1 * none[0] and root[1] == pytest.approx(root[0], rel=0.1)
    assert (
        np.median(found["none_largest"], axis=1)[1]
        > 0.9
        > 0.3
        > np.median(found["root_largest"], axis=1)[1]
    )
    assert np.median(found["whole_entropy"], axis=1)[1] > 0.999


def test_recall_task_has_the_answer_among_its_keys():
    words = torch.randn(10, 4)
    keys, values, query, answers = scaling.recall_task(
        6, 5, 3, words, torch.Generator().manual_seed(0)
    )
    hit = (keys == query).all(-1)  # (6, 5)
    assert (hit.sum(-1) == 1).all()
    assert (values[hit] == answers).all()


# heads


def test_patterns_by_hand():
    ids = torch.tensor([1, 7, 8, 7, 2])  # [CLS] a b a [SEP]
    before, after, itself, same, cls, sep = heads.pattern_matrices(ids, cls=1, sep=2).int()
    assert before.tolist()[:3] == [[0] * 5, [1, 0, 0, 0, 0], [0, 1, 0, 0, 0]]
    assert after.tolist()[3:] == [[0, 0, 0, 0, 1], [0] * 5]
    assert itself.tolist() == torch.eye(5).int().tolist()
    assert same.nonzero().tolist() == [[1, 3], [3, 1]]
    assert (cls[:, 0] == 1).all() and cls.sum() == 5 and (sep[:, 4] == 1).all() and sep.sum() == 5


def test_a_head_that_follows_a_pattern_scores_one_for_it():
    patterns = heads.pattern_matrices(torch.tensor([1, 7, 8, 7, 2]), 1, 2)
    weights = patterns[0].float()[
        None, None
    ]  # a head of the first layer that looks at the previous token
    sums, rows = heads.pattern_scores(weights, patterns)
    assert (sums[0, 0, 0] / rows[0]).item() == 1
    assert (sums[1, 0, 0] / rows[1]).item() == 0


def test_found_heads_beat_equal_weights(minilm):
    found = heads.patterns_of(minilm.path, minilm.digest, heads.QUESTIONS[:2])
    assert found["scores"].shape == (len(heads.PATTERNS), 6, 12)
    assert (0 <= found["scores"]).all() and (found["scores"] <= 1.0001).all()
    assert all(row["score"] > 2 * row["equal"] for row in heads.best_heads(found))


@pytest.mark.parametrize("kind", ["Bert", "DistilBert"])
def test_a_removed_head_is_the_output_without_its_part(kind):
    import transformers

    sizes = (
        dict(
            vocab_size=20,
            num_hidden_layers=2,
            num_attention_heads=2,
            hidden_size=8,
            intermediate_size=16,
        )
        if kind == "Bert"
        else dict(vocab_size=20, n_layers=2, n_heads=2, dim=8, hidden_dim=16)
    )
    torch.manual_seed(0)
    model = getattr(transformers, f"{kind}Model")(
        getattr(transformers, f"{kind}Config")(**sizes)
    ).eval()
    ids = torch.arange(6)[None]
    before = model(input_ids=ids).last_hidden_state
    with heads.without_head(model, 1, 0) as cut:
        without = cut(input_ids=ids).last_hidden_state
    projection = architecture.output_projections(model)[1]
    whole = projection.weight.data.clone()
    projection.weight.data[:, :4] = 0  # the columns that read head 0
    assert not torch.allclose(before, without)
    torch.testing.assert_close(without, model(input_ids=ids).last_hidden_state)
    projection.weight.data = whole
    torch.testing.assert_close(
        before, model(input_ids=ids).last_hidden_state, atol=0, rtol=0
    )  # the hook is gone


def test_accuracy_with_each_head_removed():
    import transformers

    torch.manual_seed(0)
    model = transformers.BertForSequenceClassification(
        transformers.BertConfig(
            vocab_size=20,
            num_hidden_layers=2,
            num_attention_heads=2,
            hidden_size=8,
            intermediate_size=16,
        )
    ).eval()
    inputs = {"input_ids": torch.randint(20, (30, 5))}
    labels = model(**inputs).logits.argmax(-1)
    labels[:3] = 1 - labels[:3]

    def accuracy(model):
        return (model(**inputs).logits.argmax(-1) == labels).float().mean().item()

    assert accuracy(model) == pytest.approx(0.9)
    found = heads.over_heads(model, accuracy)
    with heads.without_head(model, 1, 1):
        assert found[1, 1] == accuracy(model)
    assert found.shape == (2, 2)


def test_removal_needs_known_layers():
    with pytest.raises(ValueError, match="Linear"):
        architecture.output_projections(torch.nn.Linear(2, 2))


def test_one_wide_head_is_ordinary_attention_and_wide_heads_add_up():
    generator = torch.Generator().manual_seed(3)
    x, d = torch.randn(2, 5, 8, generator=generator), 8
    w_in, w_out = torch.randn(3 * d, d, generator=generator), torch.randn(d, d, generator=generator)
    torch.testing.assert_close(
        heads.wide_heads(x, w_in, w_out, 1),
        heads.multi_head_attention(x, w_in, None, w_out, None, 1),
    )
    twice_in = (
        w_in.reshape(3, 1, d, d).expand(3, 2, d, d).reshape(6 * d, d)
    )  # the same head two times
    torch.testing.assert_close(
        heads.wide_heads(x, twice_in, torch.cat([w_out, w_out], 1), 2),
        2 * heads.wide_heads(x, w_in, w_out, 1),
        atol=1e-5,
        rtol=1e-5,
    )


def test_costs_of_heads():
    n, d = 50, 24
    shared = [heads.head_costs(n, d, h, d // h) for h in (1, 2, 12)]
    assert len({(c["weights"], c["flops"]) for c in shared}) == 1
    assert shared[0]["flops"] == cost.attention_flops(n, d)
    assert [c["scores"] for c in shared] == [n * n, 2 * n * n, 12 * n * n]
    assert heads.head_costs(n, d, 12, d)["flops"] == 12 * shared[0]["flops"]


def test_two_heads_fetch_what_one_cannot():
    one, two = (heads.two_neighbours(h, steps=200)["accuracy"][-20:].mean() for h in (1, 2))
    assert two > 0.95 and one < 0.8


# residual


def torch_layer(p, d, count, norm_first, dtype):
    layer = torch.nn.TransformerEncoderLayer(
        d, count, 4 * d, dropout=0, batch_first=True, norm_first=norm_first
    )
    names = {
        "self_attn.in_proj_": ("w_in", "b_in"),
        "self_attn.out_proj.": ("w_out", "b_out"),
        "linear1.": ("w_1", "b_1"),
        "linear2.": ("w_2", "b_2"),
        "norm1.": ("gain_1", "bias_1"),
        "norm2.": ("gain_2", "bias_2"),
    }
    layer.load_state_dict(
        {
            name + kind: p[ours]
            for name, both in names.items()
            for kind, ours in zip(("weight", "bias"), both, strict=True)
        }
    )
    return layer.to(dtype)


@given(
    st.integers(1, 3),
    st.integers(1, 9),
    st.sampled_from([(4, 1), (8, 2), (12, 3), (16, 4)]),
    st.booleans(),
    st.sampled_from([torch.float32, torch.float64]),
    st.integers(0, 5),
)
@examples(max_examples=40)
def test_encoder_blocks_are_those_of_pytorch(batch, n, shape, pre, dtype, hidden):
    (d, count), generator = shape, torch.Generator().manual_seed(batch * 100 + n)
    p = {
        k: torch.randn(w.shape, generator=generator) / max(w.shape) ** 0.5
        for k, w in residual.block_weights(d, generator).items()
    }
    x = torch.randn(batch, n, d, generator=generator).to(dtype)
    layer, before = torch_layer(p, d, count, pre, dtype), x.clone()
    p = {k: w.to(dtype) for k, w in p.items()}
    seen = torch.ones(batch, n, dtype=torch.bool)
    seen[:, max(1, n - hidden) :] = False  # padding at the end; the first token is always seen
    ours = residual.BLOCKS["pre-norm" if pre else "post-norm"](x, p, count, seen[:, None, None, :])
    theirs = layer(x, src_key_padding_mask=~seen)
    size = theirs.detach().abs().max().clamp(min=1)
    torch.testing.assert_close(ours / size, theirs.detach() / size, atol=1e-6, rtol=0)
    assert torch.equal(x, before)


def test_without_add_the_gradient_forgets_positions():
    kept, lost = residual.signals("post-norm", 12), residual.signals("no add", 12)
    assert kept["own"].min() > 0.7
    assert lost["own"][2:-2].max() < 0.01 and lost["alike"][-1] > 0.999
    assert 0.1 < kept["gradient"][0] < 10


def test_without_add_and_norm_the_gradient_vanishes():
    assert residual.signals("bare", 12)["gradient"][0] < 1e-6


def test_likeness_of_equal_and_of_orthogonal_tokens():
    assert residual.likeness(torch.ones(2, 3, 4)) == pytest.approx(1)
    assert residual.likeness(torch.eye(3)[None]) == pytest.approx(0)


def test_paths_keep_what_their_factor_keeps():
    lstm, gated, highway, resnet = residual.kept(48)
    assert lstm["kept"] == resnet["kept"] == 1 and gated["kept"] < highway["kept"] < 1


# foundation


def test_only_the_head_is_new_and_the_encoder_is_the_same(minilm):
    encoder, classifier, new = foundation.load_both(minilm.path, ["a", "b", "c"])
    assert new == ["classifier.bias", "classifier.weight"]
    assert foundation.parameters(classifier, tuple(new)) == 3 * 384 + 3
    assert foundation.parameters(classifier) - foundation.parameters(encoder) == 3 * 384 + 3
    assert foundation.same_encoder(encoder, classifier)
    with torch.no_grad():
        next(encoder.parameters()).add_(1)
    assert not foundation.same_encoder(encoder, classifier)


def test_subsets_are_balanced_and_nested():
    labels = np.repeat([0, 1, 2, 3], 25)
    small, large = foundation.subset(labels, 20, 1), foundation.subset(labels, 60, 1)
    assert np.bincount(labels[small]).tolist() == [5] * 4
    assert set(small) < set(large) and len(set(large)) == 60
    assert set(foundation.subset(labels, 20, 2)) != set(small)


def test_text_vectors_keep_their_order_and_ignore_padding(minilm):
    from transformers import AutoModel

    from lmreport.models.tokenizer import load_tokenizer

    model, tokenizer = AutoModel.from_pretrained(minilm.path), load_tokenizer(minilm.path)
    texts = ["a much longer question about sorting a list of lists", "short", "read a file"]
    together = foundation.text_vectors(model, tokenizer, texts, 32)
    alone = np.concatenate([foundation.text_vectors(model, tokenizer, [t], 32) for t in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("way", foundation.WAYS)
def test_a_point_of_the_learning_curve(minilm, way, tmp_path):
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

    features = Features({"text": Value("string"), "labels": ClassLabel(names=["x", "y"])})
    rows = [("indent the python code", 0), ("a css style in the browser", 1)] * 6
    part = Dataset.from_dict(
        {"text": [t for t, _ in rows], "labels": [y for _, y in rows]}, features=features
    )
    settings = Settings(seed=1, epochs=1, batch_size=4, learning_rate=1e-4, max_length=16)
    point = foundation.train_point(
        DatasetDict(train=part, test=part), minilm.path, settings, way, 8, steps=2
    )
    assert point["way"] == way and point["size"] == 8 and point["correct"].shape == (12,)
    assert point["accuracy"] == point["correct"].mean()
    assert way != "frozen" or point["accuracy"] == 1
