"""Finds passages that say nearly the same words: MinHash over word triples, compared in bands (Broder 1997)."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np

HASHES, BANDS = 64, 16
ALIKE = 0.8
"""Share of word triples (Jaccard) from which on two passages count as the same."""

_WORD = re.compile(r"\w+")
_PRIME = np.uint64((1 << 31) - 1)
_RANDOM = np.random.default_rng(20)
_A = _RANDOM.integers(1, int(_PRIME), HASHES, dtype=np.uint64)
_B = _RANDOM.integers(0, int(_PRIME), HASHES, dtype=np.uint64)


def near_duplicates(texts: Sequence[str]) -> dict[int, tuple[int, float]]:
    """Number of each repeated text -> the first one like it and their share of common word triples."""
    buckets: dict[tuple[int, bytes], int] = {}
    triples: dict[int, frozenset[int]] = {}
    found: dict[int, tuple[int, float]] = {}
    for i, text in enumerate(texts):
        own = _triples(text)
        bands = _bands(own)
        triples[i] = own
        for other in sorted({buckets[key] for key in bands if key in buckets}):
            share = len(own & triples[other]) / max(1, len(own | triples[other]))
            if share >= ALIKE:
                found[i] = (other, share)
                break
        else:
            for key in bands:
                buckets.setdefault(key, i)
    return found


def _triples(text: str) -> frozenset[int]:
    words = _WORD.findall(text.lower())
    return frozenset(zlib.crc32(" ".join(words[i:i + 3]).encode()) for i in range(max(1, len(words) - 2)))


def _bands(triples: frozenset[int]) -> list[tuple[int, bytes]]:
    values = np.fromiter(triples, dtype=np.uint64, count=len(triples)) % _PRIME
    least = ((values[:, None] * _A + _B) % _PRIME).min(axis=0)
    rows = HASHES // BANDS
    return [(band, least[band * rows:(band + 1) * rows].tobytes()) for band in range(BANDS)]
