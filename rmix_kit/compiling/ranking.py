"""Ranking rows of numbers, compiled around numpy's sort of whole numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rmix_kit.compiling.keeping import kept
from rmix_kit.types import FloatArray, IntArray

SIGN, MAGNITUDE, HALF = np.int32(31), np.int32(0x7FFFFFFF), np.int64(32)
LOW = np.int64(0xFFFFFFFF)


def ranked(values: FloatArray, by_rank: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sort rows, and give each number what belongs to its rank.

    Args:
        values: float32 ``[row, place]`` in C order.
        by_rank: float32 ``[row, place]``, in C order.

    Returns:
        What belongs to each number, in the order of the numbers, and the numbers in ascending order ``[row, place]``.
    """
    keys = np.empty(values.shape, dtype=np.int64)
    own, ordered = np.empty_like(values), np.empty_like(values)
    _encode(values.view(np.int32), keys)
    keys.sort(axis=-1)
    _decode(keys, values, by_rank, own, ordered)
    return own, ordered


def _code(bits: NDArray[np.int32], keys: IntArray) -> None:
    """Write whole numbers in the order of float32 of such bits; equal ones by their place, in which they end."""
    rows, places = bits.shape
    for row in range(rows):
        for place in range(places):
            # Of negative numbers, larger bits mean smaller ones.
            ordered = bits[row, place] ^ ((bits[row, place] >> SIGN) & MAGNITUDE)
            keys[row, place] = (np.int64(ordered) << HALF) | place


def _read(keys: IntArray, values: FloatArray, by_rank: FloatArray, own: FloatArray, ordered: FloatArray) -> None:
    rows, places = values.shape
    for row in range(rows):
        for rank in range(places):
            place = keys[row, rank] & LOW
            own[row, place] = by_rank[row, rank]
            ordered[row, rank] = values[row, place]


_encode, _decode = kept(_code), kept(_read)
