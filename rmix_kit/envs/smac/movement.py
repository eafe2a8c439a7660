"""Where everybody walks: towards targets and goals, around walls, and apart."""

from __future__ import annotations

from typing import NamedTuple

from rmix_kit.envs.smac.arena import LOOPS_PER_TICK, Arena
from rmix_kit.envs.smac.arrays import Array, as_float, as_index, namespace, pick, root
from rmix_kit.envs.smac.battle import Battle, Orders, Pairs
from rmix_kit.envs.smac.maps import MAP_SIZE
from rmix_kit.envs.smac.terrain import FINE, FINE_SIZE

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


def walk(arena: Arena, battle: Battle, orders: Orders, chase: Chase, pairs: Pairs) -> tuple[Array, Array]:
    """Give where everybody is at the end of the tick."""
    xp = namespace(battle.x)
    goal_x = xp.where(chase.has, pick(battle.x, chase.who), orders.goal_x)
    goal_y = xp.where(chase.has, pick(battle.y, chase.who), orders.goal_y)
    dx, dy = goal_x - battle.x, goal_y - battle.y
    length = root(dx * dx + dy * dy)
    room = xp.where(chase.has, (chase.gap - arena.reach).clip(0.0) + INTO_REACH, length)
    if arena.waypoint is not None:
        dx, dy, length = _around_walls(arena, battle, goal_x, goal_y, length)
        room = xp.where(room < length, room, length)
    stride = xp.minimum(arena.stride + 0.0 * room, room) * chase.walks
    share = stride / (length + 1e-6)
    push_x, push_y = _push(arena, pairs, stride > LEAST_STRIDE, chase.alive)
    return _stay_on_ground(arena, battle, dx * share + push_x, dy * share + push_y)


def _cells(x: Array, y: Array) -> Array:
    return as_index(x) * MAP_SIZE + as_index(y)


def _parts(x: Array, y: Array) -> Array:
    return as_index(x * FINE) * FINE_SIZE + as_index(y * FINE)


def _around_walls(
    arena: Arena, battle: Battle, goal_x: Array, goal_y: Array, length: Array
) -> tuple[Array, Array, Array]:
    """Give dx, dy and distance to the next point on the way."""
    xp = namespace(battle.x)
    assert arena.waypoint is not None
    inside = (0.0, MAP_SIZE - 1e-3)
    cell = _cells(battle.x, battle.y)
    goal = _cells(goal_x.clip(*inside), goal_y.clip(*inside))
    way = arena.waypoint[cell * (MAP_SIZE * MAP_SIZE) + goal]
    is_free = (way < 0) | arena.is_flying
    dx = xp.where(is_free, goal_x, as_float(way // MAP_SIZE) + 0.5) - battle.x
    dy = xp.where(is_free, goal_y, as_float(way % MAP_SIZE) + 0.5) - battle.y
    return dx, dy, xp.where(is_free, length, root(dx * dx + dy * dy))


def _push(arena: Arena, pairs: Pairs, moves: Array, alive: Array) -> tuple[Array, Array]:
    """Give how far bodies that overlap are pushed apart; who walks gives way to who stands."""
    overlap = (-pairs.gap).clip(0.0) * (arena.is_solid & alive[:, None, :] & alive[:, :, None])
    walking = as_float(moves)
    weight = 0.5 + 0.5 * (walking[:, :, None] - walking[:, None, :])
    force = overlap * weight / (pairs.distance + 1e-6)
    x, y = (force * pairs.dx).sum(-1), (force * pairs.dy).sum(-1)
    size = root(x * x + y * y)
    scale = (PUSH / (size + 1e-6)).clip(0.0, 1.0)
    return x * scale, y * scale


def _stay_on_ground(arena: Arena, battle: Battle, dx: Array, dy: Array) -> tuple[Array, Array]:
    """Move, slide along walls where the way is blocked, and stand where nothing else is left."""
    xp = namespace(battle.x)
    x = (battle.x + dx).clip(EDGE, MAP_SIZE - EDGE)
    y = (battle.y + dy).clip(EDGE, MAP_SIZE - EDGE)
    both = arena.ground[_parts(x, y)] | arena.is_flying
    only_x = arena.ground[_parts(x, battle.y)]
    only_y = arena.ground[_parts(battle.x, y)] & ~only_x
    return xp.where(both | only_x, x, battle.x), xp.where(both | only_y, y, battle.y)
