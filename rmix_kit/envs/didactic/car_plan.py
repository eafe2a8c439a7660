"""The cheapest way of one car to the target, by dynamic programming, and with it the best return of car following.

Speeds and positions are whole numbers of equal units, since accelerations are (`Accelerations`) and every step is
equally long: with u units of acceleration, p of speed becomes p + u, and x of position becomes x + 2 p + u. Two things
leave that road: an acceleration that passes the top speed within a step, where the distance is a fraction of units, and
driving backwards. They are left out here; tests/envs/test_car_plan.py bounds what they could gain: nothing with the
paper's crashes, at most 0.016 a car with none.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rmix_kit.envs.didactic.car_motion import (
    STEP,
    TARGET,
    TOP_SPEED,
    WINDOW,
    Accelerations,
    crash_probability,
)
from rmix_kit.types import BoolArray, IntArray


class Plan(NamedTuple):
    """What one car does until it arrives."""

    actions: tuple[int, ...]
    """One per step."""
    cost: float
    """Sum of its distances to the target after each step and of its crashes to be expected."""


@dataclass(frozen=True, kw_only=True)
class Road:
    """Everything that one car can do, in whole units.

    Attributes:
        accelerations: Of the actions.
        crash: Probability of a crash for each unit of speed above the limit.
    """

    accelerations: Accelerations
    crash: float

    @cached_property
    def length(self) -> float:
        """One unit of position."""
        return float(self._speed_unit * Fraction(str(STEP)) / 2)

    @cached_property
    def top(self) -> int:
        """The top speed."""
        return int(Fraction(str(TOP_SPEED)) / self._speed_unit)

    @cached_property
    def target(self) -> int:
        """Where the cars go."""
        return round(TARGET / self.length)

    @cached_property
    def first(self) -> int:
        """The first position at the target; the first behind it is as far on the other side."""
        return self.target - round(WINDOW / self.length) + 1

    @cached_property
    def moves(self) -> tuple[IntArray, IntArray, BoolArray]:
        """Distance and next speed of every speed and action, and whether it is in the plans: ``[speed, action]``."""
        speed = np.arange(self.top + 1)[:, None]
        after = speed + np.asarray(self.accelerations.counts)  # [speed, action]
        distance = speed + after
        is_open = (after >= 0) & (after <= self.top) & (distance > 0)
        return np.where(is_open, distance, 1), np.where(is_open, after, 0), is_open

    @cached_property
    def risks(self) -> NDArray[np.float64]:
        """Probability of a crash at every speed, float64 ``[speed]``."""
        return crash_probability(np.arange(self.top + 1, dtype=np.float64) * float(self._speed_unit), self.crash)

    @property
    def _speed_unit(self) -> Fraction:
        return self.accelerations.unit * Fraction(str(STEP))


def best_plan(road: Road) -> Plan:
    """Return the cheapest plan from the start, at rest, to the target.

    Every action of a plan leads forward, so that one pass over the positions, the last one first, is enough.
    """
    distance, after, is_open = road.moves
    far = road.first + int(distance.max())
    costs = np.full((far, road.top + 1), np.inf)  # to the target, [position, speed]; behind it there is no way back
    costs[road.first : 2 * road.target - road.first + 1] = 0.0
    away = np.abs(np.arange(far) - road.target) * road.length  # [position]
    chosen = np.zeros((road.first, road.top + 1), dtype=np.int64)
    closed = np.where(is_open, 0.0, np.inf) + road.risks[after]  # [speed, action]
    for position in reversed(range(road.first)):
        there = position + distance
        total = costs[there, after] + away[there] + closed
        chosen[position] = total.argmin(axis=1)
        costs[position] = total.min(axis=1)
    position = speed = 0
    actions = []
    while position < road.first:
        action = int(chosen[position, speed])
        actions.append(action)
        position, speed = position + int(distance[speed, action]), int(after[speed, action])
    return Plan(tuple(actions), float(costs[0, 0]))
