"""What SMAC's layout asks about a map, and what it looks at of the units."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rmix_kit.smac.arrays import Array
from rmix_kit.smac.maps import Scenario
from rmix_kit.smac.unit_types import UnitType

NO_OP, STOP = 0, 1
FIRST_TARGET = 6
MOVES = ((0, 1), (0, -1), (1, 0), (-1, 0))  # north, south, east, west: actions 2 to 5
SIGHT, SHOOT = 9.0, 6.0  # between centres, for every type: SMAC's constants, not the game's
PER_SIGHT = 1.0 / SIGHT
DEATH_VALUE, WIN_VALUE, REWARD_SCALE = 10.0, 200.0, 20.0


class Facts(NamedTuple):
    """What the layout asks about a map; one row per unit, in SMAC's order."""

    ally_type: Array
    """float32 [agent, type]: SMAC's type bits; no column where all units are of one type."""
    enemy_type: Array
    """float32 [enemy, type]."""
    ally_hp_max: Array
    """float32 [agent]."""
    enemy_hp_max: Array
    """float32 [enemy]."""
    max_shield_ally: Array
    """float32 [agent]; 1 where there is none, so that it can divide."""
    max_shield_enemy: Array
    """float32 [enemy]."""
    max_cooldown: Array
    """float32 [agent]: what the cooldown, or a medivac's energy, is divided by."""
    medivac: Array
    """bool [agent]: heals allies instead of shooting."""
    enemy_medivac: Array
    """bool [enemy]."""
    pathing: Array
    """bool [cell]: free cells, cell x * 32 + y."""
    others: Array
    """int64 [agent * (agent - 1)]: which of the agents' pairs, agent by agent, are not of one with itself."""
    move_x: Array
    """float32 [move]: how far ahead a move looks for a free cell."""
    move_y: Array
    """float32 [move]."""
    actions: Array
    """uint8 [action]: the actions."""
    has_ally_shield: bool
    has_enemy_shield: bool
    has_medivac: bool
    max_reward: float
    """Points of a clean win; rewards are scaled so that it pays 20."""

    @property
    def n_actions(self) -> int:
        """No-op, stop, four moves, and one action per enemy."""
        return FIRST_TARGET + len(self.enemy_hp_max)

    def to(self, asarray: Callable[[Array], Array]) -> Facts:
        """Return the same facts as other arrays, for example as tensors of a device.

        Args:
            asarray: Turns one numpy array into the array wanted, keeping its dtype.
        """
        tables = {name: asarray(value) for name, value in self._asdict().items() if isinstance(value, np.ndarray)}
        return self._replace(**tables)


class Units(NamedTuple):
    """What SMAC's layout looks at, fields float32 ``[env, agent]`` or ``[env, enemy]`` unless said otherwise.

    A unit without hit points is dead; its other fields are not looked at.
    """

    ally_x: Array
    ally_y: Array
    ally_hp: Array
    ally_shield: Array
    ally_cooldown: Array
    """Loops until the next shot."""
    ally_energy: Array
    enemy_x: Array
    enemy_y: Array
    enemy_hp: Array
    enemy_shield: Array
    last_action: Array
    """uint8 [env, agent]: what each agent did last, 255 right after a reset."""


NO_ACTION_YET = 255


def layout_facts(scenario: Scenario) -> Facts:
    """Return a scenario's facts as numpy arrays."""
    allies, enemies = scenario.ally_types, scenario.enemy_types
    n_agents = len(allies)
    enemy_points = sum(unit.health + unit.shield for unit in enemies)
    n_actions = FIRST_TARGET + len(enemies)
    return Facts(
        ally_type=_type_bits(scenario.allies, scenario.ally_numbers),
        enemy_type=_type_bits(scenario.enemies, scenario.enemy_numbers),
        ally_hp_max=_column(allies, "health"),
        enemy_hp_max=_column(enemies, "health"),
        max_shield_ally=np.maximum(_column(allies, "shield"), 1.0),
        max_shield_enemy=np.maximum(_column(enemies, "shield"), 1.0),
        max_cooldown=_column(allies, "max_cooldown"),
        medivac=np.asarray([unit.heals for unit in allies]),
        enemy_medivac=np.asarray([unit.heals for unit in enemies]),
        pathing=scenario.pathing.reshape(-1),
        others=np.flatnonzero(~np.eye(n_agents, dtype=np.bool_)),
        move_x=np.asarray([dx for dx, _ in MOVES], dtype=np.float32),
        move_y=np.asarray([dy for _, dy in MOVES], dtype=np.float32),
        actions=np.arange(n_actions, dtype=np.uint8),
        has_ally_shield=any(unit.shield for unit in allies),
        has_enemy_shield=any(unit.shield for unit in enemies),
        has_medivac=any(unit.heals for unit in allies),
        max_reward=DEATH_VALUE * len(enemies) + WIN_VALUE + enemy_points,
    )


def _column(types: tuple[UnitType, ...], name: str) -> Array:
    return np.asarray([getattr(unit, name) for unit in types], dtype=np.float32)


def _type_bits(groups: tuple[tuple[str, int], ...], numbers: tuple[str, ...]) -> Array:
    rows = [[name == number for number in numbers] for name, count in groups for _ in range(count)]
    return np.asarray(rows, dtype=np.float32).reshape(len(rows), len(numbers))
