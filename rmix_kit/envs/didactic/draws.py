"""Random draws as a function of (seed, episode, moment, index): the same bytes on every face, in every batch.

The hash is `macn.counter_hash`'s. Moment 0 is the reset, moment t + 1 the step after t steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from macn import counter_hash
from macn.errors import ParameterError
from rmix_kit.errors import ConfigError
from rmix_kit.types import BoolArray, IntArray

_BITS = 40  # so many bits of a draw choose an index: no index is likelier than another by more than 1e-12
_SHIFT = 20  # they are taken from the middle of the 64


def stream_keys(seeds: Sequence[int], episode: int = 0) -> IntArray:
    """Return one key per copy for the episode that begins.

    Args:
        seeds: One per copy, each a whole number from 0 on.
        episode: Episodes since the seed was given.

    Returns:
        int64 ``[env]``.

    Raises:
        ConfigError: A seed is no such number.
    """
    try:
        own = np.asarray([counter_hash.checked_seed(seed) for seed in seeds], dtype=np.int64)
    except ParameterError as error:
        raise ConfigError(str(error)) from None
    return cast(IntArray, counter_hash.stream_keys(own, np.zeros_like(own), np.full_like(own, episode)))


def draw(keys: IntArray, moment: IntArray, count: int) -> IntArray:
    """Return raw draws, uniform over all 64-bit numbers.

    Args:
        keys: From `stream_keys`, int64 ``[env]``.
        moment: int64 ``[env]``.

    Returns:
        int64 ``[env, count]``.
    """
    return cast(IntArray, counter_hash.counter_draws(keys, moment, np.arange(count)))


def index_below(raw: IntArray, count: IntArray | int) -> IntArray:
    """Turn raw draws into uniform indices.

    Args:
        raw: From `draw`, int64 ``[...]``.
        count: How many indices there are, below 2**20; broadcasts with ``raw``.

    Returns:
        int64 ``[...]`` in 0..count - 1 (0 where count is 0).
    """
    index: IntArray = ((raw >> _SHIFT) & (2**_BITS - 1)) * count >> _BITS
    return index


def happens(raw: IntArray, probability: NDArray[np.float64]) -> BoolArray:
    """Turn raw draws into events.

    Args:
        raw: From `draw`, int64 ``[...]``.
        probability: Of each event, float64 ``[...]`` in [0, 1]; it is rounded to 1e-12.
    """
    event: BoolArray = ((raw >> _SHIFT) & (2**_BITS - 1)) < np.rint(probability * 2**_BITS)
    return event
