"""What the compiled battle looks up, in one form for all maps, so that it is compiled once and not once a map.

Numbers of the units lie in few arrays ``[row, unit]`` whose rows have names: passing dozens of arrays between compiled
functions takes longer than a tick.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rmix_kit.smac.arena import LOOPS_PER_TICK, Arena, Difficulty
from rmix_kit.smac.arrays import Array
from rmix_kit.smac.facts import REWARD_SCALE, Facts

MOST_UNITS = 128  # numpy adds up to so many numbers in one go; of more it adds the halves

HP_MAX, SHIELD_MAX, LIFE_MAX, ENERGY_GAIN, STRIDE, REACH, PERIOD, PATIENCE = range(8)
ACQUIRE, ATTACK_X, ATTACK_Y, SWEEP = range(8, 12)
"""Rows of `Rules.unit`, `rmix_kit.smac.arena.Arena`'s; the last is half the width of a line that shots sweep, or 0."""
HEALS, SHOOTS, FLIES = range(3)
"""Rows of `Rules.is_`."""
RADIUS, SHIELD_DAMAGE, HEALTH_DAMAGE = range(3)
"""Rows of `Rules.pair`."""
WANTS, PARTS = range(2)
"""Rows of `Rules.does`: aims at the other, pushes it away."""


class Rules(NamedTuple):
    """A scenario's `rmix_kit.smac.arena.Arena` and a difficulty."""

    unit: Array
    """float32 [row, unit]."""
    is_: Array
    """bool [row, unit]."""
    pair: Array
    """float32 [row, unit, other]."""
    does: Array
    """bool [row, unit, other]."""
    ground: Array
    """bool [part]."""
    waypoint: Array
    """int64 [cell * cell]; empty where nothing is in the way."""
    move: Array
    """float32 [2, action]."""
    target: Array
    """int64 [agent, action]."""
    has_healers: bool
    has_shields: bool
    n_agents: int
    best_share: np.float32
    """Share of the looks that choose the best target."""
    look_every: int
    """Ticks between two looks."""


def rules_of(arena: Arena, difficulty: Difficulty) -> Rules:
    """Return what the compiled battle looks up."""
    n_units, n_agents = len(arena.unit), arena.n_agents
    assert n_units <= MOST_UNITS
    unit = np.zeros((12, n_units), dtype=np.float32)
    unit[HP_MAX:ACQUIRE] = (
        arena.hp_max,
        arena.shield_max,
        arena.life_max,
        arena.energy_gain,
        arena.stride,
        arena.reach,
        arena.period,
        arena.patience,
    )
    unit[ACQUIRE, n_agents:] = arena.acquire
    unit[ATTACK_X : ATTACK_Y + 1, n_agents:] = arena.attack
    for splashing, half_width in arena.splashing:
        unit[SWEEP, splashing] = half_width
    does = np.zeros((2, n_units, n_units), dtype=np.bool_)
    does[WANTS, n_agents:], does[PARTS] = arena.is_wanted, arena.is_solid
    return Rules(
        unit=unit,
        is_=np.stack([arena.heals, arena.shoots, arena.is_flying]),
        pair=np.stack([arena.radius, arena.shield_damage, arena.health_damage]),
        does=does,
        # Copies: what is read only or in another order is another type to numba, compiled for once more.
        ground=np.array(arena.ground, order="C"),
        waypoint=np.array([] if arena.waypoint is None else arena.waypoint, dtype=np.int64),
        move=np.array(arena.move, order="C"),
        target=np.array(arena.target, order="C"),
        has_healers=arena.has_healers,
        has_shields=arena.has_shields,
        n_agents=n_agents,
        best_share=np.float32(difficulty.best_share),
        look_every=difficulty.retarget_loops // LOOPS_PER_TICK,
    )


class Sheet(NamedTuple):
    """A map's `rmix_kit.smac.facts.Facts`; units are agents first."""

    largest: Array
    """float32 [3, unit]: hit points, shields and cooldowns, by which the present ones are divided."""
    heals: Array
    """bool [unit]."""
    ally_type: Array
    """float32 [agent, type]."""
    enemy_type: Array
    """float32 [enemy, type]."""
    pathing: Array
    """bool [cell]."""
    move: Array
    """float32 [2, move]."""
    has_ally_shield: bool
    has_enemy_shield: bool
    points: np.float32
    """How many points pay 1."""


def sheet_of(facts: Facts) -> Sheet:
    """Return what the compiled layout looks up."""
    n_agents, n_enemies = len(facts.ally_hp_max), len(facts.enemy_hp_max)
    assert n_agents + n_enemies <= MOST_UNITS
    largest = np.ones((3, n_agents + n_enemies), dtype=np.float32)
    largest[:, :n_agents] = facts.ally_hp_max, facts.max_shield_ally, facts.max_cooldown
    largest[:2, n_agents:] = facts.enemy_hp_max, facts.max_shield_enemy
    return Sheet(
        largest=largest,
        heals=np.concatenate([facts.medivac, facts.enemy_medivac]),
        ally_type=np.array(facts.ally_type, order="C"),
        enemy_type=np.array(facts.enemy_type, order="C"),
        pathing=np.array(facts.pathing, order="C"),
        move=np.stack([facts.move_x, facts.move_y]),
        has_ally_shield=facts.has_ally_shield,
        has_enemy_shield=facts.has_enemy_shield,
        points=np.float32(facts.max_reward / REWARD_SCALE),
    )
