"""Where everybody walks: `rmix_kit.smac.movement` for scalars."""

from __future__ import annotations

import numpy as np

from rmix_kit.compiling.keeping import inlined
from rmix_kit.smac.arrays import Array
from rmix_kit.smac.kernel.compiling import Real, Whole, root
from rmix_kit.smac.kernel.notes import (
    ALIVE,
    APART_X,
    APART_Y,
    DISTANCE,
    FORCE_X,
    FORCE_Y,
    GAP,
    GOAL_X,
    GOAL_Y,
    HALF,
    HALF_STEP,
    HAS,
    LEAST_LENGTH,
    MARCHES,
    ONE,
    REACHES,
    STEP_X,
    STEP_Y,
    WHO,
    ZERO,
    X,
    Y,
    tree_sum,
)
from rmix_kit.smac.kernel.tables import FLIES, PARTS, REACH, STRIDE
from rmix_kit.smac.maps import MAP_SIZE
from rmix_kit.smac.movement import EDGE, INTO_REACH, LEAST_STRIDE, PUSH
from rmix_kit.smac.terrain import FINE, FINE_SIZE

_INTO_REACH = np.float32(INTO_REACH)
_LEAST_STRIDE = np.float32(LEAST_STRIDE)
_PUSH = np.float32(PUSH)
_LOW, _HIGH = np.float32(EDGE), np.float32(MAP_SIZE - EDGE)
_LARGEST_GOAL = np.float32(MAP_SIZE - 1e-3)
_FINE = np.float32(FINE)


@inlined
def set_out(facts: Array, is_: Array, waypoint: Array, now: Array, flag: Array, aim: Array, pair: Array) -> None:
    """Note how far everybody goes towards target or goal, before bodies part."""
    for unit in range(now.shape[1]):
        _stride(facts, waypoint, now, flag, aim, pair, unit, is_[FLIES, unit])


@inlined
def arrive(is_: Array, does: Array, ground: Array, now: Array, flag: Array, pair: Array) -> None:
    """Move everybody; the dead stay where they are, as in the arrays, where all they would go is multiplied by 0.

    What pulls looks at the pairs, which are of the tick's beginning, so that places can change one after the other.
    """
    for unit in range(now.shape[1]):
        if flag[ALIVE, unit]:
            pull_x, pull_y = _pull(does, now, flag, pair, unit)
            by_x, by_y = now[STEP_X, unit] - pull_x, now[STEP_Y, unit] - pull_y
            _stay_on_ground(ground, now, unit, is_[FLIES, unit], by_x, by_y)


@inlined
def _stride(
    facts: Array, waypoint: Array, now: Array, flag: Array, aim: Array, pair: Array, unit: Whole, flies: bool
) -> None:
    """Note how far a unit goes towards its target or goal, before bodies part."""
    has, who = flag[HAS, unit], aim[WHO, unit]
    now[STEP_X, unit], now[STEP_Y, unit], now[HALF_STEP, unit] = ZERO, ZERO, ZERO
    # Who is in reach stands, whether the weapon is ready or not.
    if flag[ALIVE, unit] and not flag[REACHES, unit] and (has or flag[MARCHES, unit]):
        goal_x = now[X, who] if has else now[GOAL_X, unit]
        goal_y = now[Y, who] if has else now[GOAL_Y, unit]
        x, y = goal_x - now[X, unit], goal_y - now[Y, unit]
        length = root(x * x + y * y)
        room = max(pair[GAP, unit, who] - facts[REACH, unit], ZERO) + _INTO_REACH if has else length
        if len(waypoint):
            goal = _cell(_on_map(goal_x), _on_map(goal_y))
            corner = waypoint[_cell(now[X, unit], now[Y, unit]) * (MAP_SIZE * MAP_SIZE) + goal]
            if corner >= 0 and not flies:
                x = np.float32(corner // MAP_SIZE) + HALF - now[X, unit]
                y = np.float32(corner % MAP_SIZE) + HALF - now[Y, unit]
                length = root(x * x + y * y)
            room = min(room, length)
        stride = min(facts[STRIDE, unit], room)
        share = stride / (length + LEAST_LENGTH)
        now[STEP_X, unit], now[STEP_Y, unit] = x * share, y * share
        now[HALF_STEP, unit] = HALF if stride > _LEAST_STRIDE else ZERO


@inlined
def _cell(x: Real, y: Real) -> Whole:
    return np.int64(x) * MAP_SIZE + np.int64(y)


@inlined
def _on_map(value: Real) -> Real:
    return min(max(value, ZERO), _LARGEST_GOAL)


@inlined
def _pull(does: Array, now: Array, flag: Array, pair: Array, unit: Whole) -> tuple[Real, Real]:
    """Return how far overlapping bodies would pull a unit, to be taken off."""
    overlaps = False
    for other in range(now.shape[1]):
        now[FORCE_X, other], now[FORCE_Y, other] = ZERO, ZERO
        gap = pair[GAP, unit, other]
        if gap < ZERO and does[PARTS, unit, other] and flag[ALIVE, other]:
            weight = now[HALF_STEP, unit] + HALF - now[HALF_STEP, other]
            force = gap * weight / (pair[DISTANCE, unit, other] + LEAST_LENGTH)
            now[FORCE_X, other] = force * pair[APART_X, unit, other]
            now[FORCE_Y, other] = force * pair[APART_Y, unit, other]
            overlaps = True
    if not overlaps:
        return ZERO, ZERO
    x, y = tree_sum(now[FORCE_X]), tree_sum(now[FORCE_Y])
    short = min(_PUSH / (root(x * x + y * y) + LEAST_LENGTH), ONE)
    return x * short, y * short


@inlined
def _stay_on_ground(ground: Array, now: Array, unit: Whole, flies: bool, by_x: Real, by_y: Real) -> None:
    """Move a unit there, or on a slide along one axis, or nowhere."""
    x, y = min(max(now[X, unit] + by_x, _LOW), _HIGH), min(max(now[Y, unit] + by_y, _LOW), _HIGH)
    there, row = np.int64(x * _FINE) * FINE_SIZE, np.int64(y * _FINE)
    here, here_row = np.int64(now[X, unit] * _FINE) * FINE_SIZE, np.int64(now[Y, unit] * _FINE)
    is_free = flies or ground[there + row]
    slides_x = is_free or ground[there + here_row]
    slides_y = is_free or (ground[here + row] and not slides_x)
    if slides_x:
        now[X, unit] = x
    if slides_y:
        now[Y, unit] = y
