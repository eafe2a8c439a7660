"""Whether an environment plays the same episode again."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from rmix_kit.types import BoolArray, IntArray

SEEDS = (20_231, 7, 20_231)
"""An episode, another one between, and the first again."""


class Seen(Protocol):
    """What is compared of a step; any copy's step has it."""

    @property
    def avail_actions(self) -> BoolArray:
        """Bool ``[agent, action]``."""
        ...

    @property
    def terminated(self) -> np.bool_:
        """The task ended."""
        ...

    @property
    def truncated(self) -> np.bool_:
        """The clock ended it."""
        ...


class Difference(NamedTuple):
    """Where two episodes part.

    Attributes:
        step: Steps after the reset.
        field: What differs there.
    """

    step: int
    field: str


def first_difference(
    reset: Callable[[int], NamedTuple], step: Callable[[IntArray], NamedTuple], *, most_steps: int
) -> Difference | None:
    """Play one seed twice with the same actions, another seed between, and say where the two episodes part.

    So an episode must depend neither on anything but its seed and actions, nor on how many came before.

    Args:
        reset: Starts a copy's episode.
        step: Takes a joint action ``[agent]``.
        most_steps: Steps after which an episode counts as played.

    Returns:
        None where they are the same.
    """
    episodes = []
    for seed in SEEDS:
        rng, played = np.random.default_rng(seed), [reset(seed)]
        while len(played) <= most_steps and not (played[-1].terminated or played[-1].truncated):  # type: ignore[attr-defined]
            mask: BoolArray = played[-1].avail_actions  # type: ignore[attr-defined]
            played.append(step(np.array([rng.choice(np.flatnonzero(row)) for row in mask])))
        episodes.append(played)
    first, again = episodes[0], episodes[-1]
    for number, (one, other) in enumerate(zip(first, again, strict=False)):
        for name in one._fields:
            if not _equal(getattr(one, name), getattr(other, name)):
                return Difference(number, name)
    return None if len(first) == len(again) else Difference(min(len(first), len(again)), "length")


def _equal(one: NDArray[np.generic], other: NDArray[np.generic]) -> bool:
    return np.array_equal(np.asarray(one), np.asarray(other))
