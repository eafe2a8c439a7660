"""Which stream of slips each copy of the vector face is in: its seed, its place under that seed, its episode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard, cast

import numpy as np
import numpy.typing as npt

from macn import counter_hash
from macn.errors import ParameterError

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


def is_one_seed(seed: object) -> TypeGuard[int]:
    """Return whether this stands for all copies, and not for a list with one seed per copy."""
    return seed is not None and not isinstance(seed, Sequence) and np.ndim(seed) == 0  # type: ignore[arg-type]


class Streams:
    """The seeds of all copies. Copy i of one whole number s runs the stream (s, environment i)."""

    def __init__(self, num_envs: int) -> None:
        """Make unseeded streams."""
        self._seed = np.zeros(num_envs, dtype=np.int64)
        self._environment = np.arange(num_envs, dtype=np.int64)
        self._episode = np.zeros(num_envs, dtype=np.int64)
        self._is_seeded = False

    def start(
        self, seed: int | Sequence[int | None] | None, mask: Booleans, is_started: Booleans, draws: np.random.Generator
    ) -> None:
        """Set the streams of the copies that a reset restarts.

        Args:
            seed: one whole number for all copies; or one per copy, None letting that copy go on; or None for all.
            mask: bool [env], the copies that are restarted.
            is_started: bool [env], the copies that have been reset before.
            draws: gives the seed of copies that were never given one.

        Raises:
            ParameterError: a seed is no whole number from 0 on, or their number is wrong.
        """
        num_envs = len(self._seed)
        seeds: list[int | None]
        if seed is None or is_one_seed(seed):
            environment = np.arange(num_envs, dtype=np.int64)
            seeds = [None if seed is None else counter_hash.checked_seed(seed)] * num_envs
        else:
            environment = np.zeros(num_envs, dtype=np.int64)
            seeds = [
                None if one is None else counter_hash.checked_seed(one) for one in cast(Sequence[int | None], seed)
            ]
            if len(seeds) != num_envs:
                raise ParameterError(f"got {len(seeds)} seeds for {num_envs} copies; give one per copy, or one int")
        is_given = np.asarray([one is not None for one in seeds]) & mask
        if not self._is_seeded:  # copies without a seed share one random seed
            self._seed[:] = draws.integers(counter_hash.LARGEST_SEED)
            self._is_seeded = True
        self._episode[mask & ~is_given & is_started] += 1
        self._seed[is_given] = np.asarray([one or 0 for one in seeds], dtype=np.int64)[is_given]
        self._environment[is_given] = environment[is_given]
        self._episode[is_given] = 0

    def go_on(self, copies: Integers) -> None:
        """Take the copies with these indices to the next episode of their streams."""
        self._episode[copies] += 1

    def keys(self, copies: Integers) -> Integers:
        """Return the key of the episode that each of the copies with these indices is in, int64."""
        keys: Integers = counter_hash.stream_keys(self._seed[copies], self._environment[copies], self._episode[copies])
        return keys
