"""Where everybody walks: towards targets and goals, around walls, and apart."""

from __future__ import annotations

from typing import NamedTuple

from rmix_kit.smac.arena import LOOPS_PER_TICK, Arena
from rmix_kit.smac.arrays import Array, as_float, as_index, at_least, at_most, namespace
from rmix_kit.smac.battle import Battle, Orders, Pairs, size
from rmix_kit.smac.maps import MAP_SIZE
from rmix_kit.smac.terrain import FINE

PUSH = 0.15 * LOOPS_PER_TICK  # cells: the most that bodies are pushed apart in a tick
EDGE = 0.4  # cells: nobody comes closer to the map's edge
LEAST_STRIDE = 0.01  # cells in a tick: who moves less than that stands
INTO_REACH = 0.02  # cells: how far inside its range a unit that chases stops


class Chase(NamedTuple):
    """Who is after whom."""

    has: Array
    """bool [env, unit]: has a target."""
    who: Array
    """int64 [env, unit]: the target, any unit for those without."""
    gap: Array
    """float32 [env, unit]: to the target."""
    walks: Array
    """bool [env, unit]: wants to be elsewhere."""
    alive: Array
    """bool [env, unit]."""


def walk(arena: Arena, battle: Battle, orders: Orders, chase: Chase, *, pairs: Pairs, begins: Array) -> Array:
    """Return where everybody is at the end of the tick, float32 ``[env, 2, unit]``.

    Args:
        orders: Of the step.
        chase: Of the tick.
        pairs: At the tick's beginning.
        begins: int64 ``[env, 1]``, where a battle's flattened units begin.
    """
    xp = namespace(battle.place)
    # Places of a battle lie flattened as all x, then all y: twice as long as its units, and y is n_units further on.
    prey = battle.place.take((2 * begins + chase.who)[:, None] + arena.axis)  # [env, 2, unit]
    goal = xp.where(chase.has[:, None], prey, orders.goal)
    way = goal - battle.place
    length = size(way)  # [env, unit]
    # Who chases stops a little inside its range: exactly on it, rounding could leave it out of reach for ever.
    room = xp.where(chase.has, at_least(chase.gap - arena.reach, 0.0) + INTO_REACH, length)
    if arena.waypoint is not None:
        way, length = _around_walls(arena, battle, goal, length)
        room = xp.minimum(room, length)
    stride = xp.minimum(arena.stride, room) * chase.walks
    share = stride / (length + 1e-6)  # of the way; who is there already has way 0 and stays
    return _stay_on_ground(
        arena, battle, way * share[:, None] - _pull(arena, pairs, stride > LEAST_STRIDE, chase.alive)
    )


def _around_walls(arena: Arena, battle: Battle, goal: Array, length: Array) -> tuple[Array, Array]:
    """Return the way to the next point, float32 ``[env, 2, unit]``, and its length."""
    xp = namespace(goal)
    assert arena.waypoint is not None
    cell = (as_index(battle.place) * arena.cell_axis).sum(1)  # [env, unit]
    goal_cell = (as_index(at_most(at_least(goal, 0.0), MAP_SIZE - 1e-3)) * arena.cell_axis).sum(1)
    corner = arena.waypoint.take(cell * (MAP_SIZE * MAP_SIZE) + goal_cell)
    is_free = (corner < 0) | arena.is_flying
    # Where the way is free, corner is -1 and gives a cell that means nothing; `where` leaves it out.
    middle = as_float(corner[:, None] // arena.cell_axis % MAP_SIZE) + 0.5  # [env, 2, unit]
    way = xp.where(is_free[:, None], goal, middle) - battle.place
    return way, xp.where(is_free, length, size(way))


def _pull(arena: Arena, pairs: Pairs, moves: Array, alive: Array) -> Array:
    """Return how far bodies that overlap would be pulled together, to be taken off: who walks gives way to who stands.

    Returns:
        float32 ``[env, 2, unit]``.
    """
    touches = arena.is_solid & alive[:, None, :]  # who is dead itself, is not moved below
    half = 0.5 * as_float(moves)
    # What of an overlap the row's unit makes up for: a half if both walk or both stand, all of it if it alone walks,
    # and nothing if only the other does; the two always add up to the whole.
    weight = (half + 0.5)[:, :, None] - half[:, None, :]  # [env, unit, other]
    # A gap below 0 is an overlap, so that the force is negative and points towards the other: taken off, it parts them.
    force = at_most(pairs.gap, 0.0) * touches * weight / (pairs.distance + 1e-6)  # [env, unit, other]
    pull = (force[:, None] * pairs.apart).sum(-1)  # [env, 2, unit]
    # Shortened to `PUSH` where it is longer: many bodies on one do not throw it across the map.
    return pull * (at_most(PUSH / (size(pull) + 1e-6), 1.0) * alive)[:, None]


def _stay_on_ground(arena: Arena, battle: Battle, by: Array) -> Array:
    """Move, slide along walls where the way is blocked, and stand where nothing else is left."""
    xp = namespace(by)
    place = at_most(at_least(battle.place + by, EDGE), MAP_SIZE - EDGE)  # [env, 2, unit]
    there = as_index(place * FINE) * arena.ground_axis
    here = as_index(battle.place * FINE) * arena.ground_axis
    # y counts 1 and x a whole column in `ground`: the two parts of `there` add up to a place, and one part's step alone
    # is a slide along that axis.
    is_free = arena.ground.take(there[:, 0] + there[:, 1]) | arena.is_flying  # [env, unit]
    now = here[:, 0] + here[:, 1]
    slides = arena.ground.take(now[:, None] + (there - here))  # [env, 2, unit]: along x alone, along y alone
    slides[:, 1] &= ~slides[:, 0]  # one axis only: both together are the place that is blocked
    return xp.where(is_free[:, None] | slides, place, battle.place)
