"""The few things that numpy and torch spell differently, so that layout and combat are written once.

Arrays of one call are all numpy or all torch, on one device. Torch is never imported here: where a tensor comes in, it
is loaded already.
"""

from __future__ import annotations

import sys
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any
"""A numpy array or a torch tensor."""


def namespace(array: Array) -> Any:  # noqa: ANN401 - two modules that share the names used here
    """Return the module whose functions work on an array: numpy or torch."""
    return np if isinstance(array, np.ndarray) else sys.modules["torch"]


def as_float(array: Array) -> Array:
    """Return float32 numbers; true is 1."""
    return array.astype(np.float32) if isinstance(array, np.ndarray) else array.float()


def as_index(array: Array) -> Array:
    """Return int64 numbers, rounded towards zero."""
    return array.astype(np.int64) if isinstance(array, np.ndarray) else array.long()


def as_bytes(array: Array) -> Array:
    """Return uint8 numbers."""
    return array.astype(np.uint8) if isinstance(array, np.ndarray) else array.byte()


def root(array: Array) -> Array:
    """Return the correctly rounded square root of float32 numbers, the same bits everywhere.

    Torch's own is off by one unit in the last place on some CPUs. The root of 24 significant bits is never so close to
    the middle between two float32 numbers that float64, even off by one, would round to the wrong one.
    """
    return np.sqrt(array) if isinstance(array, np.ndarray) else array.double().sqrt().float()


def beside(table: Array, array: Array) -> Array:
    """Return a numpy table in the kind of another array, and where that one lives."""
    return table if isinstance(array, np.ndarray) else sys.modules["torch"].as_tensor(table, device=array.device)


def at_least(array: Array, low: float) -> Array:
    """Return the larger of each number and a limit; numpy's own ``clip`` costs four times as much on small arrays."""
    return np.maximum(array, low) if isinstance(array, np.ndarray) else array.clamp(min=low)


def at_most(array: Array, high: float) -> Array:
    """Return the smaller of each number and a limit."""
    return np.minimum(array, high) if isinstance(array, np.ndarray) else array.clamp(max=high)


def beginnings(array: Array) -> Array:
    """Return where each row begins when the array is flattened.

    Args:
        array: ``[row, place]``.

    Returns:
        int64 ``[row, 1]``.
    """
    rows, width = array.shape
    if isinstance(array, np.ndarray):
        return np.arange(0, rows * width, width)[:, None]
    return sys.modules["torch"].arange(0, rows * width, width, device=array.device)[:, None]


def side_by_side(shape: tuple[int, ...], parts: list[Array], tail: Array) -> Array:
    """Lay features out on a new last axis; a third of the time of stacking what was broadcast.

    Args:
        shape: Of the other axes.
        parts: float32 arrays that broadcast to the shape, one feature each.
        tail: float32 features that come last, an array whose last axis holds them.
    """
    n = len(parts)
    whole_shape = (*shape, n + tail.shape[-1])
    if isinstance(tail, np.ndarray):
        whole = np.empty(whole_shape, dtype=np.float32)
    else:
        whole = tail.new_empty(whole_shape)
    for feature, part in enumerate(parts):
        whole[..., feature] = part
    whole[..., n:] = tail
    return whole
