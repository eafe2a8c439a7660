"""Battles as arrays, and what one tick of them looks at."""

from __future__ import annotations

from typing import NamedTuple

from macn.counter_hash import counter_draws
from rmix_kit.smac.arena import LOOPS_PER_TICK, Arena, Difficulty
from rmix_kit.smac.arrays import Array, as_float, beginnings, namespace, root

BITS = 2.0**-20  # the resolution of a draw
DELAY_LOW, DELAY_HIGH = -1.0, 2.0  # loops: the game's random weapon delay of -0.0625 to 0.125 seconds


class Battle(NamedTuple):
    """Where battles stand; float32 ``[env, unit]``, agents first, unless said otherwise."""

    place: Array
    """float32 [env, 2, unit]: x and y."""
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

    @property
    def x(self) -> Array:
        """From west to east."""
        return self.place[:, 0]

    @property
    def y(self) -> Array:
        """From south to north."""
        return self.place[:, 1]


class Orders(NamedTuple):
    """What everybody was told for one step."""

    aim: Array
    """int64 [env, agent]: whom agents attack or heal, -1 for nobody."""
    goal: Array
    """float32 [env, 2, unit]: where to, for those who march."""
    marches: Array
    """bool [env, unit]: goes there while it has no target; the others stand."""


class Rows(NamedTuple):
    """Where entries begin in flattened arrays, so that one index serves several look-ups."""

    battle: Array
    """int64 [env, 1]: a battle's units."""
    unit: Array
    """int64 [env, unit]: a unit's pairs."""


class Moment(NamedTuple):
    """What is settled about a tick before it is played."""

    delay: Array
    """float32 [env, unit]: loops that a weapon which shoots now waits longer than its period."""
    whim: Array
    """float32 [env, enemy] in [0, 1): which of the units in sight a look without judgement chooses."""
    judges: Array
    """bool [env, enemy]: a look chooses the best target."""
    is_due: Array
    """bool [env, enemy]: looks for a better target; not all do in the same tick."""


class Pairs(NamedTuple):
    """Of every two units."""

    apart: Array
    """float32 [env, 2, unit, other]: from the other to the unit."""
    distance: Array
    """float32 [env, unit, other]."""
    gap: Array
    """float32 [env, unit, other]: between their bodies, negative where they overlap."""


def rows_of(arena: Arena, battle: Battle) -> Rows:
    """Return where the entries of the battles begin."""
    begins = beginnings(battle.hp)
    return Rows(battle=begins, unit=(begins + arena.unit) * len(arena.unit))


def size(vectors: Array) -> Array:
    """Return the lengths of vectors ``[env, 2, ...]``: ``[env, ...]``."""
    squares = vectors * vectors
    return root(squares[:, 0] + squares[:, 1])


def pairs_of(arena: Arena, battle: Battle) -> Pairs:
    """Measure everybody's distance to everybody, ``[env, unit, other]``."""
    apart = battle.place[..., None] - battle.place[:, :, None]
    distance = size(apart)
    return Pairs(apart, distance, distance - arena.radius)


def moments_of(arena: Arena, difficulty: Difficulty, battle: Battle) -> list[Moment]:
    """Draw the ticks of one step."""
    xp = namespace(battle.key)
    ticks = battle.tick + arena.ticks  # [tick, env]
    keys = xp.broadcast_to(battle.key, ticks.shape).reshape(-1)
    draws = counter_draws(keys, ticks.reshape(-1) + 1, arena.unit).reshape(*ticks.shape, -1)  # [tick, env, unit]
    delay = DELAY_LOW + (DELAY_HIGH - DELAY_LOW) * uniform(draws, 0)
    chosen = draws[..., arena.n_agents :]  # [tick, env, enemy]
    judges = uniform(chosen, 40) < difficulty.best_share
    every = difficulty.retarget_loops // LOOPS_PER_TICK
    is_due = (ticks[..., None] + arena.unit[arena.n_agents :]) % every == 0
    return list(map(Moment, delay, uniform(chosen, 20), judges, is_due))


def uniform(draws: Array, shift: int) -> Array:
    """Return numbers in [0, 1) from twenty bits of the draws."""
    return as_float((draws >> shift) & (2**20 - 1)) * BITS
