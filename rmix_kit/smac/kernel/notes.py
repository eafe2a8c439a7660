"""What the compiled battle notes down while it plays: one battle's units, and what is settled of the present tick."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rmix_kit.compiling.keeping import inlined
from rmix_kit.smac.arrays import Array
from rmix_kit.smac.kernel.compiling import Real, root
from rmix_kit.smac.kernel.tables import RADIUS

ZERO, ONE, HALF = np.float32(0.0), np.float32(1.0), np.float32(0.5)
LEAST_LENGTH = np.float32(1e-6)  # added to what divides

X, Y, HP, SHIELD, COOLDOWN, ENERGY, CALM = range(7)
"""Rows of `Notes.now`."""
GOAL_X, GOAL_Y, STEP_X, STEP_Y, HALF_STEP, FORCE_X, FORCE_Y, RAW, ARMOURED, MENDED, LOST = range(7, 18)
"""More rows of `Notes.now`: where to, for those who march; towards target or goal in this tick, and a half for who
goes; what pulls one unit, by the other; what shots take off a shield that is large enough, and off hit points without
one; what healers give; what the step has cost an enemy.
"""
ALIVE, MARCHES, HAS, REACHES, HITS, SEES = range(6)
"""Rows of `Notes.flag`: lives at the tick's beginning; goes to its goal while it has no target; has a target that
lives; has it in reach; shoots; is wanted and in sight of the enemy that looks.
"""
AIM, WHO = range(2)
"""Rows of `Notes.aim`: whom agents were told to attack or heal and enemies are after, -1 for nobody; the same, nobody
being unit 0.
"""
APART_X, APART_Y, DISTANCE, GAP = range(4)
"""Rows of `Notes.pair`: from the other to the unit; between their middles; between their bodies."""


class Notes(NamedTuple):
    """One battle. Rows have names."""

    now: Array
    """float32 [row, unit]."""
    flag: Array
    """bool [row, unit]."""
    aim: Array
    """int64 [row, unit]."""
    pair: Array
    """float32 [row, unit, other]."""


def notes_of(n_units: int) -> Notes:
    """Return room for the notes of battles of so many units."""
    return Notes(
        now=np.zeros((18, n_units), dtype=np.float32),
        flag=np.zeros((6, n_units), dtype=np.bool_),
        aim=np.zeros((2, n_units), dtype=np.int64),
        pair=np.zeros((4, n_units, n_units), dtype=np.float32),
    )


@inlined
def measure(between: Array, now: Array, flag: Array, pair: Array) -> None:
    """Note who lives, and everybody's distance to everybody, as `rmix_kit.smac.battle.pairs_of` does."""
    for unit in range(now.shape[1]):
        flag[ALIVE, unit] = now[HP, unit] > ZERO
        for other in range(unit + 1):
            dx, dy = now[X, unit] - now[X, other], now[Y, unit] - now[Y, other]
            distance = root(dx * dx + dy * dy)
            gap = distance - between[RADIUS, unit, other]
            pair[APART_X, unit, other], pair[APART_X, other, unit] = dx, -dx
            pair[APART_Y, unit, other], pair[APART_Y, other, unit] = dy, -dy
            pair[DISTANCE, unit, other] = pair[DISTANCE, other, unit] = distance
            pair[GAP, unit, other] = pair[GAP, other, unit] = gap


@inlined
def tree_sum(values: Array) -> Real:
    """Add at most 128 numbers in the order in which numpy adds along an axis without gaps.

    numpy keeps eight sums at once; fewer than eight numbers are added one after the other.
    """
    n = len(values)
    if n < 8:
        total = ZERO
        for i in range(n):
            total += values[i]
        return total
    a, b, c, d = values[0], values[1], values[2], values[3]
    e, f, g, h = values[4], values[5], values[6], values[7]
    whole = n - n % 8
    for i in range(8, whole, 8):
        a, b, c, d = a + values[i], b + values[i + 1], c + values[i + 2], d + values[i + 3]
        e, f, g, h = e + values[i + 4], f + values[i + 5], g + values[i + 6], h + values[i + 7]
    total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for i in range(whole, n):
        total += values[i]
    return total
