"""A scenario's tables for the combat of `rmix_kit.smac.combat`, and the enemy's difficulty."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from rmix_kit.smac.arrays import Array
from rmix_kit.smac.facts import FIRST_TARGET, MOVES
from rmix_kit.smac.maps import MAP_SIZE, SCENARIOS, Scenario
from rmix_kit.smac.terrain import FINE_SIZE, ground_of, waypoints
from rmix_kit.smac.unit_types import ENERGY_PER_SECOND, LOOPS_PER_SECOND, UNIT_TYPES, UnitType

LOOPS_PER_STEP = 8  # SMAC's step_mul
LOOPS_PER_TICK = 2
TICKS_PER_STEP = LOOPS_PER_STEP // LOOPS_PER_TICK


class Difficulty(NamedTuple):
    """How well the enemy chooses its targets."""

    retarget_loops: int
    """Game loops between two looks for a better target; a dead one is replaced at once."""
    best_share: float
    """Share of the looks that choose the best target, the nearest threat; the others choose any in sight."""


DIFFICULTIES = MappingProxyType(
    {
        "1": Difficulty(32, 0.1),
        "2": Difficulty(32, 0.25),
        "3": Difficulty(24, 0.4),
        "4": Difficulty(16, 0.55),
        "5": Difficulty(16, 0.7),
        "6": Difficulty(8, 0.8),
        "7": Difficulty(8, 0.9),
        "8": Difficulty(4, 0.95),
        "9": Difficulty(2, 1.0),
        "A": Difficulty(2, 1.0),
    }
)
"""By SMAC's code, from very easy to insane. Cheats with money, which tell A from 9, have no meaning in one battle."""


class Arena(NamedTuple):
    """What combat looks up; one row per unit, agents first."""

    hp_max: Array
    """float32 [unit]."""
    shield_max: Array
    """float32 [unit]."""
    life_max: Array
    """float32 [unit]: both."""
    energy_start: Array
    """float32 [unit]."""
    energy_gain: Array
    """float32 [unit]: per tick."""
    stride: Array
    """float32 [unit]: cells per tick."""
    radius: Array
    """float32 [unit, unit]: sum of both bodies."""
    reach: Array
    """float32 [unit]: between bodies."""
    period: Array
    """float32 [unit]: loops between shots."""
    shield_damage: Array
    """float32 [unit, unit]: points that a shot of the row takes off the column's shield."""
    health_damage: Array
    """float32 [unit, unit]: points that it takes off the hit points."""
    heals: Array
    """bool [unit]."""
    shoots: Array
    """bool [unit]: the others."""
    is_wanted: Array
    """bool [enemy, unit]: what each enemy aims at: agents it can shoot, or for healers the wounded of its side."""
    patience: Array
    """float32 [unit]: added to the distance when targets are compared, so that healers come last."""
    acquire: Array
    """float32 [enemy]: how far away, between bodies, an enemy takes notice of a target."""
    is_solid: Array
    """bool [unit, unit]: pairs that push each other away."""
    is_flying: Array
    """bool [unit]."""
    start: Array
    """float32 [2, unit]."""
    attack: Array
    """float32 [2, enemy]: where the enemies are sent."""
    ground: Array
    """bool [part], part int(4 x) * 128 + int(4 y): where units can stand."""
    waypoint: Array | None
    """int64 [cell * cell] of `rmix_kit.smac.terrain.waypoints`."""
    unit: Array
    """int64 [unit]: the units."""
    nobody: Array
    """int64: -1, where a unit is looked for."""
    out_of_sight: Array
    """float32: more than any distance."""
    axis: Array
    """int64 [2, 1]: where x and y begin in a battle's flattened places."""
    ground_axis: Array
    """int64 [2, 1]: what a part counts along x and y in `ground`."""
    cell_axis: Array
    """int64 [2, 1]: what a cell counts along x and y in `waypoint`."""
    ticks: Array
    """int64 [tick, 1]: the ticks of a step."""
    move: Array
    """float32 [2, action]: how far from where it stands an order sends an agent."""
    target: Array
    """int64 [agent, action]: the unit that an action aims at, -1 for none."""
    splashing: tuple[tuple[int, float], ...]
    """Units whose shots sweep a line, and half its width."""
    has_healers: bool
    has_shields: bool
    n_agents: int

    def to(self, asarray: Callable[[Array], Array]) -> Arena:
        """Return the same tables as other arrays, for example as tensors of a device."""
        tables = {name: asarray(value) for name, value in self._asdict().items() if isinstance(value, np.ndarray)}
        return self._replace(**tables)


MOVE_LENGTH = 2.0
ACQUIRE_AT_LEAST, ACQUIRE_BEYOND_REACH = 5.0, 1.5
HEALER_PATIENCE = 100.0
OUT_OF_SIGHT = 1e6  # cells, more than any distance


def arena_of(name: str) -> Arena:
    """Return a scenario's tables as numpy arrays; they are read only.

    Args:
        name: A key of `rmix_kit.smac.maps.SCENARIOS`.
    """
    return build_arena(SCENARIOS[name])


@cache
def build_arena(scenario: Scenario) -> Arena:
    """Return the tables of any scenario as numpy arrays; they are read only."""
    allies, enemies = scenario.ally_types, scenario.enemy_types
    units = (*allies, *enemies)
    n_agents, n_units = len(allies), len(units)
    is_ally = np.arange(n_units) < n_agents
    opposed = is_ally[:, None] != is_ally[None]
    shots = np.asarray([[a.damage_to(b) if a.can_shoot(b) else (0.0, 0.0) for b in units] for a in units])
    shots = (shots * opposed[..., None]).astype(np.float32)
    heals = np.asarray([unit.heals for unit in units])
    mends = np.asarray([[a.heals and "biological" in b.attributes for b in units] for a in units]) & ~opposed
    flying = np.asarray([unit.is_flying for unit in units])
    move, target = _orders(allies, len(enemies))
    reach = _column(units, "reach")
    return Arena(
        hp_max=_column(units, "health"),
        shield_max=_column(units, "shield"),
        life_max=_column(units, "health") + _column(units, "shield"),
        energy_start=_column(units, "energy"),
        energy_gain=(ENERGY_PER_SECOND * LOOPS_PER_TICK / LOOPS_PER_SECOND * heals).astype(np.float32),
        stride=_column(units, "speed") * np.float32(LOOPS_PER_TICK / LOOPS_PER_SECOND),
        radius=_column(units, "radius")[:, None] + _column(units, "radius"),
        reach=reach,
        period=_column(units, "period") * np.float32(LOOPS_PER_SECOND),
        shield_damage=shots[..., 0],
        health_damage=shots[..., 1],
        heals=heals,
        shoots=~heals,
        is_wanted=((shots[..., 1] > 0) | mends)[n_agents:],
        patience=(heals * HEALER_PATIENCE).astype(np.float32),
        acquire=np.where(heals, np.inf, np.maximum(reach, ACQUIRE_AT_LEAST) + ACQUIRE_BEYOND_REACH)[n_agents:].astype(
            np.float32
        ),
        is_solid=(flying[:, None] == flying[None]) & ~np.eye(n_units, dtype=np.bool_),
        is_flying=flying,
        start=_starts(scenario),
        attack=np.tile(np.asarray(scenario.attack_point, dtype=np.float32)[:, None], len(enemies)),
        ground=ground_of(scenario.pathing).reshape(-1),
        waypoint=waypoints(scenario.pathing),
        unit=np.arange(n_units),
        nobody=np.asarray(-1),
        out_of_sight=np.asarray(OUT_OF_SIGHT, dtype=np.float32),
        axis=np.asarray([[0], [n_units]]),
        ground_axis=np.asarray([[FINE_SIZE], [1]]),
        cell_axis=np.asarray([[MAP_SIZE], [1]]),
        ticks=np.arange(TICKS_PER_STEP)[:, None],
        move=move,
        target=target,
        splashing=tuple((i, unit.splash) for i, unit in enumerate(units) if unit.splash),
        has_healers=bool(heals.any()),
        has_shields=any(unit.shield for unit in units),
        n_agents=n_agents,
    )


def _column(types: tuple[UnitType, ...], name: str) -> Array:
    return np.asarray([getattr(unit, name) for unit in types], dtype=np.float32)


def _starts(scenario: Scenario) -> Array:
    """Pack the units of each group into a square of touching bodies around the spawn point, column by column.

    Returns:
        float32 ``[2, unit]``.
    """
    points = []
    for groups, (x, y) in ((scenario.allies, scenario.ally_spawn), (scenario.enemies, scenario.enemy_spawn)):
        for name, count in groups:
            width = 2 * UNIT_TYPES[name].radius
            side = math.ceil(math.sqrt(count))
            middle = (side - 1) / 2
            points += [(x + (k // side - middle) * width, y + (k % side - middle) * width) for k in range(count)]
    return np.asarray(points, dtype=np.float32).T.copy()


def _orders(allies: tuple[UnitType, ...], n_enemies: int) -> tuple[Array, Array]:
    """Return where actions send an agent, float32 ``[2, action]``, and whom they aim at, int64 ``[agent, action]``."""
    n_agents, n_actions = len(allies), FIRST_TARGET + n_enemies
    move = np.zeros((2, n_actions), dtype=np.float32)
    move[:, 2:FIRST_TARGET] = np.asarray(MOVES, dtype=np.float32).T * MOVE_LENGTH
    target = np.full((n_agents, n_actions), -1, dtype=np.int64)
    target[:, FIRST_TARGET:] = n_agents + np.arange(n_enemies)
    for agent, unit in enumerate(allies):
        if unit.heals:
            target[agent, FIRST_TARGET:] = np.where(np.arange(n_enemies) < n_agents, np.arange(n_enemies), -1)
    return move, target
