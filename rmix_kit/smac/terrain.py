"""Where units can stand and how they get around walls.

The maps know free and blocked cells. Where two free cells touch at a corner alone, as at both ends of corridor's choke,
the ground is free around that corner too: the game's cliffs run across cells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rmix_kit.smac.maps import MAP_SIZE
from rmix_kit.types import BoolArray, IntArray

FINE = 4  # parts of a cell's side, for the ground
FINE_SIZE = MAP_SIZE * FINE
PINCH_RADIUS = 1.0  # cells: half the width of a passage through a corner
_SAMPLES = 129  # points of a straight line that are looked at, about three per cell of the longest
_AROUND = tuple((dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if dx or dy)

Points = NDArray[np.float64]


def ground_of(pathing: BoolArray) -> BoolArray:
    """Return where units can stand, finer than the map's cells.

    Args:
        pathing: Free cells, bool ``[x, y]``.

    Returns:
        bool ``[x, y]``, four by four parts per cell.
    """
    ground: BoolArray = np.kron(pathing, np.ones((FINE, FINE), dtype=np.bool_)).astype(np.bool_)
    middle = (np.arange(FINE_SIZE) + 0.5) / FINE
    for x, y in _pinches(pathing):
        ground |= (middle[:, None] - x) ** 2 + (middle[None] - y) ** 2 <= PINCH_RADIUS**2
    return ground


def _pinches(pathing: BoolArray) -> list[tuple[int, int]]:
    """Return the corners at which two free cells touch and the other two are blocked."""
    lower_left, upper_right = pathing[:-1, :-1], pathing[1:, 1:]
    lower_right, upper_left = pathing[1:, :-1], pathing[:-1, 1:]
    rising = lower_left & upper_right & ~lower_right & ~upper_left
    falling = lower_right & upper_left & ~lower_left & ~upper_right
    return [(int(x) + 1, int(y) + 1) for x, y in np.argwhere(rising | falling)]


def waypoints(pathing: BoolArray) -> IntArray | None:
    """Return the last cell in sight on the shortest way between two cells.

    Args:
        pathing: Free cells, bool ``[x, y]``.

    Returns:
        int64 ``[cell * n_cells + goal cell]``, the cell itself being ``x * 32 + y`` and -1 meaning that nothing is in
        the way, or no way is known; None where nothing is in the way of any pair, as in maps without walls inside.
    """
    if _is_rectangle(pathing):
        return None
    ground = ground_of(pathing)
    free = np.flatnonzero(pathing)
    centres = np.stack(np.divmod(free, MAP_SIZE), axis=-1) + 0.5  # [cell, 2]
    in_sight = _in_sight(ground, centres)
    if in_sight.all():
        return None
    closest, length = _shortest(centres)
    way = _furthest_in_sight(closest, in_sight)
    n_cells = MAP_SIZE * MAP_SIZE
    table = np.full((n_cells, n_cells), -1, dtype=np.int64)
    table[np.ix_(free, free)] = np.where(in_sight, -1, free[way])
    partly = ground.reshape(MAP_SIZE, FINE, MAP_SIZE, FINE).any((1, 3)) & ~pathing
    for x, y in np.argwhere(partly):  # off the cells, beside a corner: over the best free cell around
        around = np.flatnonzero(np.abs(centres - (x + 0.5, y + 0.5)).max(-1) <= 1)
        table[x * MAP_SIZE + y, free] = free[around[length[around].argmin(0)]]
        table[free, x * MAP_SIZE + y] = table[free, free[around[0]]]
    return table.reshape(-1)


def _is_rectangle(pathing: BoolArray) -> bool:
    """Say at once what looking from every cell to every other would find: no corner, nothing in the way."""
    columns, rows = (np.flatnonzero(pathing.any(axis)) for axis in (1, 0))
    return bool(pathing[columns[0] : columns[-1] + 1, rows[0] : rows[-1] + 1].all())


def _in_sight(ground: BoolArray, centres: Points) -> BoolArray:
    """Say between which free cells a straight line meets no wall, bool ``[cell, cell]``."""
    clear: BoolArray = np.ones((len(centres), len(centres)), dtype=np.bool_)
    for share in np.linspace(0.0, 1.0, _SAMPLES)[1:-1]:
        points = (centres[:, None] * (1.0 - share) + centres[None] * share) * FINE  # [cell, cell, 2]
        column, row = np.moveaxis(points.astype(np.int64), -1, 0)
        clear &= ground[column, row]
    return clear


def _shortest(centres: Points) -> tuple[IntArray, Points]:
    """Return the neighbour through which the shortest way leads, int64 ``[cell, goal]``, and the way's length."""
    index = {(int(x), int(y)): i for i, (x, y) in enumerate(centres)}
    length = np.full((len(index), len(index)), np.inf)
    np.fill_diagonal(length, 0.0)
    links = []
    for (x, y), i in index.items():
        for dx, dy in _AROUND:
            sides = ((x + dx, y) in index, (x, y + dy) in index)
            # A diagonal past one blocked cell would cut a corner; between two of them it is a passage.
            if (x + dx, y + dy) in index and sides[0] == sides[1]:
                links.append((i, index[x + dx, y + dy], float(np.hypot(dx, dy))))
                length[i, links[-1][1]] = links[-1][2]
    for middle in range(len(index)):  # Floyd and Warshall
        length = np.minimum(length, length[:, middle, None] + length[None, middle])
    best = np.full_like(length, np.inf)
    closest: IntArray = np.tile(np.arange(len(index)), (len(index), 1))  # at the goal, and where there is no way
    for i, j, cost in links:
        through = cost + length[j]
        is_better = through < best[i]
        closest[i, is_better], best[i, is_better] = j, through[is_better]
    np.fill_diagonal(closest, np.arange(len(index)))
    return closest, length


def _furthest_in_sight(closest: IntArray, in_sight: BoolArray) -> IntArray:
    """Follow each shortest way for as long as it can be seen from its beginning, int64 ``[cell, goal]``."""
    goal = np.broadcast_to(np.arange(len(closest)), closest.shape)
    start, way = goal.T, closest
    while True:
        further = closest[way, goal]
        is_seen = in_sight[start, further] & (way != goal)
        if not is_seen.any():
            return way
        way = np.where(is_seen, further, way)
