"""What a battle of the built-in simulator looks like from above, as plain data for pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rmix_kit.envs.smac.arena import Arena
from rmix_kit.envs.smac.battle import Battle
from rmix_kit.envs.smac.facts import SHOOT, SIGHT
from rmix_kit.envs.smac.maps import MAP_SIZE, Scenario
from rmix_kit.envs.smac.terrain import ground_of
from rmix_kit.envs.smac.unit_types import UnitType


def stage_of(scenario: Scenario) -> Mapping[str, Any]:
    """Give what stays as it is in every battle of a scenario.

    Args:
        scenario: The map.

    Returns:
        ``size`` of the map in cells, ``ground`` (rows from north to south, "." where units can stand, four by four
        parts per cell), ``sight`` and ``shoot`` (SMAC's ranges, in cells), ``units`` (agents first) and ``n_agents``.
    """
    ground = ground_of(scenario.pathing)  # [x, y]
    rows = np.where(ground.T[::-1], ".", "#")
    return {
        "kind": "battle",
        "size": MAP_SIZE,
        "ground": ["".join(row) for row in rows.tolist()],
        "sight": SIGHT,
        "shoot": SHOOT,
        "units": [*_units(scenario.allies, scenario.ally_types), *_units(scenario.enemies, scenario.enemy_types)],
        "n_agents": len(scenario.ally_types),
    }


def _units(groups: Sequence[tuple[str, int]], types: Sequence[UnitType]) -> list[dict[str, Any]]:
    names = [name for name, count in groups for _ in range(count)]
    return [
        {
            "type": name,
            "radius": unit.radius,
            "reach": unit.reach,
            "health": unit.health,
            "shield": unit.shield,
            "heals": unit.heals,
            "is_flying": unit.is_flying,
        }
        for name, unit in zip(names, types, strict=True)
    ]


def scene_of(arena: Arena, before: Battle, after: Battle, env: int) -> Mapping[str, Any]:
    """Give where the units of one battle stand after a step, and who shot or healed whom in it.

    Args:
        arena: The scenario's tables.
        before: The battles before the step; those after it where none was played.
        after: The battles after it.
        env: Which of them.

    Returns:
        Per unit ``x``, ``y`` (cells, from the south-west), ``health`` and ``shield`` (points); ``shots`` and ``heals``
        as pairs of units. A weapon that waits longer than before the step has shot, a healer with less energy has
        healed; whom, is the target at the step's end. Shots of units that died in the step are not known any more.
    """
    n_agents, health = arena.n_agents, after.hp[env]
    aim = np.concatenate([_aims(arena, after, env), after.target[env]])  # [unit]
    shots = (after.cooldown[env] > before.cooldown[env]) & arena.shoots & (aim >= 0)
    heals = (after.energy[env] < before.energy[env]) & arena.heals & (aim >= 0) & (health > 0)
    return {
        "x": _rounded(after.x[env], 2),
        "y": _rounded(after.y[env], 2),
        "health": _rounded(health, 1),
        "shield": _rounded(after.shield[env], 1),
        "shots": [[int(unit), int(aim[unit])] for unit in np.flatnonzero(shots)],
        "heals": [[int(unit), int(aim[unit])] for unit in np.flatnonzero(heals)],
        "is_out": (health[:n_agents] <= 0).tolist(),
    }


def _aims(arena: Arena, battle: Battle, env: int) -> np.ndarray:
    """Give the unit that each agent's last order aimed at, int64 ``[agent]``, -1 for none."""
    actions = battle.last_action[env].astype(np.int64)  # [agent]
    has_acted = actions < arena.target.shape[1]
    agents = np.arange(arena.n_agents)
    return np.where(has_acted, arena.target[agents, actions * has_acted], -1)


def _rounded(values: np.ndarray, decimals: int) -> list[float]:
    return [round(float(value), decimals) for value in values]
