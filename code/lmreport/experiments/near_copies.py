"""Near copies of training texts among the test texts, by MinHash (Broder 1997).

A text is the set of its SHINGLE successive words, in lower case and without punctuation; in scripts
without spaces a character is a word. Two texts
are as similar as these sets are (Jaccard: of all shingles of the two, the share that both have).
The smallest of many hashes of a set is that of another set as often as the two are similar, so
texts that agree on one of BANDS bands of ROWS such numbers are compared: with a similarity of 0.8
that misses 5 pairs in 100,000. What is compared is computed exactly, so nothing else is found.
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from lmreport.data.words import words as words_of

SHINGLE = 3  # words
BANDS, ROWS = 25, 5
NEAR = 0.8  # similarity from which a text is a near copy
SEED = 157
MOST = 50  # texts of one bucket that a text is compared with: templates fill whole buckets


def shingles(text: str) -> frozenset[int]:
    """Hashes of the successive words of a text; of one shorter than SHINGLE words, one hash."""
    words = re.findall(r"\w+", " ".join(words_of(text.lower()))) or [text.strip()]
    last = max(1, len(words) - SHINGLE + 1)
    return frozenset(zlib.crc32(" ".join(words[i : i + SHINGLE]).encode()) for i in range(last))


def hashes() -> tuple[np.ndarray, np.ndarray]:
    """Odd factors and summands (BANDS · ROWS, 1) of the hash functions, which multiply and shift."""
    drawn = np.random.default_rng(SEED).integers(0, 2**63, (2, BANDS * ROWS, 1), dtype=np.uint64)
    return drawn[0] * np.uint64(2) + np.uint64(1), drawn[1]


def bands(found: frozenset[int], factors: np.ndarray, summands: np.ndarray) -> Iterator[bytes]:
    """The key of a text in each band: which band, and the ROWS smallest hashes there."""
    numbers = np.fromiter(found, np.uint64, len(found))
    least = ((factors * numbers + summands) >> np.uint64(32)).min(1).astype(np.uint32)
    for band, part in enumerate(least.reshape(BANDS, ROWS)):
        yield bytes([band]) + part.tobytes()


def similarity(one: frozenset[int], other: frozenset[int]) -> float:
    """Jaccard similarity of two sets, at least one of them not empty."""
    both = len(one & other)
    return both / (len(one) + len(other) - both)


def nearest(train: list[str], test: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """(place of the most similar training text, similarity) of each test text, arrays (test,); −1
    and 0 where none was found.
    """
    factors, summands = hashes()
    sets, buckets = [shingles(text) for text in train], defaultdict(list)  # type: list, dict
    for at, found in enumerate(sets):
        for key in bands(found, factors, summands):
            if len(buckets[key]) < MOST:
                buckets[key].append(at)
    place, near = np.full(len(test), -1), np.zeros(len(test))
    for at, found in enumerate(map(shingles, test)):
        keys = bands(found, factors, summands)
        for other in sorted({one for key in keys for one in buckets.get(key, ())}):
            if (value := similarity(found, sets[other])) > near[at]:
                place[at], near[at] = other, value
    return place, near


def counted(
    train: list[str], test: list[str], train_tags: list[str], test_tags: list[str]
) -> dict[str, int]:
    """near: test texts that are near copies of a training text, exact ones too; near_other_tag:
    those whose most similar training text has another tag.
    """
    place, value = nearest(train, test)
    rows = np.flatnonzero(value >= NEAR)
    other = [train_tags[place[at]] != test_tags[at] for at in rows]
    return {"near": len(rows), "near_other_tag": sum(other)}
