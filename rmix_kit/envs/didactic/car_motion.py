"""How the cars of car following move, and the numbers of their road."""

from __future__ import annotations

from fractions import Fraction
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rmix_kit.types import BoolArray

STEP = 0.1
"""Seconds, say; the paper names no units."""
TARGET = 2.5
WINDOW = 0.01
"""A car has arrived when it is nearer to the target than this."""
TOP_SPEED = 1.8
SPEED_LIMIT = 1.0
SLACK = 1e-9
"""Distances that are equal on paper differ by less; those of two different plans differ by more."""


class Accelerations(NamedTuple):
    """The accelerations of the actions: whole numbers of equal units."""

    counts: tuple[int, ...]
    """One per action, rising."""
    unit: Fraction

    @property
    def values(self) -> NDArray[np.float64]:
        """Return them as numbers, float64 ``[action]``."""
        return np.asarray([float(count * self.unit) for count in self.counts])


ACCELERATIONS = MappingProxyType(
    {
        "even": Accelerations(tuple(range(-10, 11)), Fraction(1, 10)),
        "released": Accelerations(tuple(range(-21, 21, 2)), Fraction(1, 21)),
    }
)
"""21 from -1 to 1 as the paper says, and those of its released code: -1 + 2 k / 21 for k = 0..20."""


def driven(
    position: NDArray[np.float64], speed: NDArray[np.float64], acceleration: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return positions and speeds one step later.

    A car that would pass the top speed accelerates until it has it and goes on with it. Nothing bounds the speed below.

    Args:
        position: float64 ``[...]``.
        speed: float64 ``[...]``, at most the top speed.
        acceleration: float64 ``[...]``.
    """
    after = speed + acceleration * STEP
    passes = after > TOP_SPEED  # which takes an acceleration above 0
    seconds = np.where(passes, (TOP_SPEED - speed) / np.where(passes, acceleration, 1.0), STEP)
    moved = speed * seconds + acceleration * seconds**2 / 2 + TOP_SPEED * (STEP - seconds)
    return position + moved, np.where(passes, TOP_SPEED, after)


def has_arrived(position: NDArray[np.float64]) -> BoolArray:
    """Return which positions ``[...]`` are at the target."""
    there: BoolArray = np.abs(position - TARGET) < WINDOW - SLACK
    return there


def crash_probability(speed: NDArray[np.float64], crash: float) -> NDArray[np.float64]:
    """Return how likely a car crashes in a step that it ends with a speed, either way.

    Args:
        speed: float64 ``[...]``.
        crash: Probability for each unit of speed above the limit.
    """
    probability: NDArray[np.float64] = np.clip(crash * (np.abs(speed) - SPEED_LIMIT), 0.0, 1.0)
    return probability
