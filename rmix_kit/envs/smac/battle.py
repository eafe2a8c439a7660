"""Battles as arrays, and what one tick of them looks at."""

from __future__ import annotations

from typing import NamedTuple

from rmix_kit.envs.smac.arena import Arena
from rmix_kit.envs.smac.arrays import Array, as_float, pick, root

_BITS = 2.0**-20  # the resolution of a draw


class Battle(NamedTuple):
    """Where battles stand; float32 ``[env, unit]``, agents first, unless said otherwise."""

    x: Array
    y: Array
    hp: Array
    """0 is dead."""
    shield: Array
    cooldown: Array
    """Loops until the next shot; up to a tick below 0 when one has just become due."""
    energy: Array
    calm: Array
    """Seconds since the last hit."""
    target: Array
    """int64 [env, enemy]: the unit that an enemy is after, -1 for none."""
    tick: Array
    """int64 [env]: ticks since the beginning."""
    key: Array
    """int64 [env]: of the random draws."""
    last_action: Array
    """uint8 [env, agent], 255 right after the beginning."""


class Orders(NamedTuple):
    """What everybody was told for one step."""

    aim: Array
    """int64 [env, agent]: whom agents attack or heal, -1 for nobody."""
    goal_x: Array
    """float32 [env, unit]: where to, for those who march."""
    goal_y: Array
    marches: Array
    """bool [env, unit]: goes there while it has no target; the others stand."""


class Pairs(NamedTuple):
    """Of every two units, ``[env, unit, other]``."""

    dx: Array
    """From the other to the unit."""
    dy: Array
    distance: Array
    gap: Array
    """Between their bodies, negative where they overlap."""


def per_unit(pairs: Array, who: Array) -> Array:
    """Give each unit's entry for one other unit: ``[env, unit]``."""
    flat = pairs.reshape(-1, pairs.shape[-1])
    return pick(flat, who.reshape(-1, 1)).reshape(who.shape)


def pairs_of(arena: Arena, battle: Battle) -> Pairs:
    """Measure everybody's distance to everybody."""
    dx = battle.x[:, :, None] - battle.x[:, None, :]
    dy = battle.y[:, :, None] - battle.y[:, None, :]
    distance = root(dx * dx + dy * dy)
    return Pairs(dx, dy, distance, distance - arena.radius)


def uniform(draws: Array, shift: int) -> Array:
    """Give numbers in [0, 1) from twenty bits of the draws."""
    return as_float((draws >> shift) & (2**20 - 1)) * _BITS
