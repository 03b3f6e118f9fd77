"""Batches of texts of like length that keep a budget of tokens: little padding, and steps that cost
about the same.
"""

from __future__ import annotations

import numpy as np

from lmreport.core.errors import ReportError

POOL = 400  # rows that are sorted together; batches are mixed anew in each epoch from all pools
SHORTEST = 32  # tokens that a shorter text counts as, so that no batch gets very many rows


def by_length(lengths, budget: int, seed: int, epoch: int, ranks: int = 1) -> list[np.ndarray]:
    """Row numbers, batch by batch; each row once. The same for the same arguments.

    lengths: (n,) tokens of each row. In each batch rows × longest row ≤ `budget`; the longest row
    stands first. The number of batches is the same in every epoch, so that a schedule can be
    planned.
    ranks: with several processes, process r takes `batch[r::ranks]` and none is left without a row;
    the batches are those of one process.

    The rows, sorted by length, are cut into groups of neighbours; each pool gets one row, by
    chance, of every group. All pools are cut into batches at the same groups, where the longest row
    of each group keeps to the budget.
    """
    lengths, rng = np.asarray(lengths), np.random.default_rng([seed, epoch])
    check(lengths, budget, ranks)
    pools = -(-len(lengths) // POOL)
    order = np.lexsort((rng.random(len(lengths)), -lengths))  # equal lengths in an order by chance
    groups = np.pad(order, (0, -len(order) % pools), constant_values=-1).reshape(-1, pools)
    cuts = cut(np.maximum(lengths[groups[:, 0]], SHORTEST), budget)
    dealt = rng.permuted(groups, axis=1)
    found = [
        dealt[a:b, pool] for a, b in zip(cuts, cuts[1:], strict=False) for pool in range(pools)
    ]
    return [found[i][found[i] >= 0] for i in rng.permutation(len(found))]


def longest_first(lengths) -> np.ndarray:
    """Row numbers by falling length; lengths: (n,)."""
    return np.argsort(lengths, kind="stable")[::-1]


def cut(longest: np.ndarray, budget: int) -> list[int]:
    """Where to cut rows of falling length so that each part keeps the budget: [0, …,
    len(longest)].
    """
    cuts = [0]
    for i in range(len(longest)):
        if (i + 1 - cuts[-1]) * longest[cuts[-1]] > budget:
            cuts.append(i)
    if len(cuts) > 1 and 2 * (len(longest) - cuts[-1]) < cuts[-1] - cuts[-2]:
        cuts[-1] = cuts[-2] + -(
            -(len(longest) - cuts[-2]) // 2
        )  # a small rest takes half of the part before
    return [*cuts, len(longest)]


def check(lengths: np.ndarray, budget: int, ranks: int) -> None:
    """Raises ReportError where no such batches exist."""
    least = 1 if ranks == 1 else 2 * ranks + 2  # so that even half a batch serves every rank
    longest = max(SHORTEST, lengths.max(initial=0))
    if len(lengths) < least:
        raise ReportError(
            f"batches: {len(lengths)} rows are too few for {ranks} processes; give at least {least}"
        )
    if budget < least * longest:
        raise ReportError(
            f"batches: a budget of {budget} tokens is too small for {ranks} processes and a text "
            f"of {longest} tokens; give at least {least * longest}, or cut the texts"
        )


def padding_share(lengths, batches) -> float:
    """Share of the positions of all batches that hold padding, each batch padded to its longest
    row.
    """
    lengths = np.asarray(lengths)
    padded = sum(len(batch) * int(lengths[batch].max()) for batch in batches)
    return 1 - sum(int(lengths[batch].sum()) for batch in batches) / padded


def token_lengths(dataset) -> np.ndarray:
    """Tokens of each row (n,) of a tokenized `Dataset`, read from Arrow piece by piece, never all
    rows at once.
    """
    import pyarrow.compute as pc

    pieces = dataset.select_columns("input_ids").with_format("arrow").iter(batch_size=10_000)
    return np.concatenate(
        [np.zeros(0, np.int32)]
        + [pc.list_value_length(piece["input_ids"]).to_numpy().astype(np.int32) for piece in pieces]
    )


def sampler(lengths, budget: int, seed: int, ranks: int = 1, rank: int = 0):
    """A batch sampler over `by_length` for a DataLoader: what the process `rank` of `ranks` reads.

    It is a `BatchRebalanceSampler`, the Trainer's one kind of batch sampler, so that the Trainer
    passes it through as it is and tells it the epoch. Its own way of balancing knows a number of
    rows only, no budget.
    """
    from transformers.trainer_pt_utils import BatchRebalanceSampler

    class TokenBudgetSampler(BatchRebalanceSampler):
        def __init__(self):
            self.lengths, self.epoch, self.rank = lengths, 0, rank
            self.batches = len(by_length(lengths, budget, seed, 0, ranks))

        def __iter__(self):
            for batch in by_length(lengths, budget, seed, self.epoch, ranks):
                yield batch[rank::ranks].tolist()

        def __len__(self):
            return self.batches

    return TokenBudgetSampler()
