"""Batches under a token budget: complete, within the budget, repeatable, little padded."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmreport.core.errors import ReportError
from lmreport.models import token_budget

LENGTHS = st.lists(st.integers(1, 512), min_size=6, max_size=1500)


@given(LENGTHS, st.integers(512, 5000), st.integers(0, 9), st.integers(0, 9))
def test_each_row_comes_once_and_every_batch_keeps_the_budget(lengths, budget, seed, epoch):
    found = token_budget.by_length(lengths, budget, seed, epoch)
    assert sorted(np.concatenate(found)) == list(range(len(lengths)))
    for batch in found:
        longest = max(lengths[i] for i in batch)
        assert len(batch) * max(longest, 32) <= budget
        assert lengths[batch[0]] == longest


@given(LENGTHS, st.integers(4000, 9000), st.sampled_from([2, 3]), st.integers(0, 9))
def test_ranks_share_each_batch_and_none_is_left_without_a_row(lengths, budget, ranks, epoch):
    least = 2 * ranks + 2
    if len(lengths) < least or budget < least * max(*lengths, 32):
        with pytest.raises(ReportError):
            token_budget.by_length(lengths, budget, 1, epoch, ranks=ranks)
        return
    readers = [
        token_budget.sampler(np.array(lengths), budget, 1, ranks=ranks, rank=r)
        for r in range(ranks)
    ]
    for reader in readers:
        reader.set_epoch(epoch)
    read = [list(reader) for reader in readers]
    assert len({len(r) for r in read}) == 1 and all(rows for part in read for rows in part)
    whole = [set().union(*together) for together in zip(*read, strict=True)]
    assert whole == [set(b.tolist()) for b in token_budget.by_length(lengths, budget, 1, epoch)]


@given(LENGTHS, st.integers(0, 99))
def test_the_number_of_batches_is_the_same_in_every_epoch(lengths, seed):
    assert len({len(token_budget.by_length(lengths, 2048, seed, epoch)) for epoch in range(5)}) == 1


def test_seed_and_epoch_decide_the_batches():
    lengths = np.random.default_rng(0).integers(20, 513, 3000)

    def made(seed, epoch):
        return [b.tolist() for b in token_budget.by_length(lengths, 4096, seed, epoch)]

    assert made(1, 0) == made(1, 0) != made(1, 1) != made(2, 1)
    together = [{frozenset(b) for b in made(1, epoch)} for epoch in (0, 1)]
    assert len(together[0] & together[1]) < 0.05 * len(
        together[0]
    )  # other neighbours in another epoch


def test_little_is_padded_and_the_share_is_counted_rightly():
    assert token_budget.padding_share(
        [4, 1, 3], [np.array([0, 1]), np.array([2])]
    ) == pytest.approx(1 - 8 / 11)
    lengths = np.random.default_rng(0).integers(20, 513, 6400)
    grouped = token_budget.padding_share(lengths, token_budget.by_length(lengths, 2048, 1, 0))
    by_chance = token_budget.padding_share(
        lengths, np.random.default_rng(1).permutation(6400).reshape(-1, 8)
    )
    assert grouped < 0.04 < 0.3 < by_chance


def test_a_budget_below_the_longest_text_is_refused_with_the_least_that_works():
    with pytest.raises(ReportError, match="at least 512"):
        token_budget.by_length([512, 3], 400, 0, 0)


def test_lengths_are_read_from_the_data_set_in_its_order():
    from datasets import Dataset

    rows = Dataset.from_dict(
        {"input_ids": [[1] * n for n in (3, 1, 4, 1, 5)], "text": list("abcde")}
    )
    assert token_budget.token_lengths(rows).tolist() == [3, 1, 4, 1, 5]
    assert token_budget.token_lengths(rows.select([4, 0])).tolist() == [5, 3]
