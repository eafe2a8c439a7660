"""What a battle of the built-in simulator looks like from above, as plain data for pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rmix_kit.smac.arena import Arena, Difficulty
from rmix_kit.smac.battle import Battle
from rmix_kit.smac.combat import ticks
from rmix_kit.smac.facts import SHOOT, SIGHT
from rmix_kit.smac.maps import MAP_SIZE, Scenario
from rmix_kit.smac.terrain import ground_of
from rmix_kit.smac.unit_types import UnitType


def stage_of(scenario: Scenario) -> Mapping[str, Any]:
    """Return what stays as it is in every battle of a scenario.

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


def scene_of(arena: Arena, difficulty: Difficulty, before: Battle, after: Battle, env: int) -> Mapping[str, Any]:
    """Return where the units of one battle stand after a step, and who shot or healed whom in it.

    The step is played once more, tick by tick: a weapon that waits longer than a tick before has shot, a healer with
    less energy has healed.

    Args:
        before: The battles before the step; those after it where none was played.
        after: The battles after it.

    Returns:
        Per unit ``x``, ``y`` (cells, from the south-west), ``health`` and ``shield`` (points); ``shots`` and ``heals``
        as pairs of units, each once.
    """
    health = after.hp[env]
    shots, heals = _deeds(arena, difficulty, _one(before, env), _one(after, env))
    return {
        "x": _rounded(after.x[env], 2),
        "y": _rounded(after.y[env], 2),
        "health": _rounded(health, 1),
        "shield": _rounded(after.shield[env], 1),
        "shots": shots,
        "heals": heals,
        "is_out": (health[: arena.n_agents] <= 0).tolist(),
    }


def _one(battle: Battle, env: int) -> Battle:
    return Battle(*(rows[env : env + 1] for rows in battle))


def _deeds(
    arena: Arena, difficulty: Difficulty, before: Battle, after: Battle
) -> tuple[list[list[int]], list[list[int]]]:
    """Return who shot whom and who healed whom in the step between two moments of one battle."""
    if after.tick[0] == before.tick[0]:
        return [], []
    actions = after.last_action.astype(np.int64)  # [1, agent]
    ordered = arena.target[np.arange(arena.n_agents), actions[0]]  # [agent]
    shots: dict[tuple[int, int], None] = {}
    heals: dict[tuple[int, int], None] = {}
    for battle in ticks(arena, difficulty, before, actions):
        aim = np.concatenate([ordered, battle.target[0]])  # [unit]
        shoots = (battle.cooldown > np.maximum(before.cooldown, 0.0))[0] & arena.shoots
        mends = (battle.energy < before.energy)[0] & arena.heals & (battle.hp[0] > 0)
        shots |= {(int(unit), int(aim[unit])): None for unit in np.flatnonzero(shoots)}
        heals |= {(int(unit), int(aim[unit])): None for unit in np.flatnonzero(mends)}
        before = battle
    return [list(pair) for pair in shots], [list(pair) for pair in heals]


def _rounded(values: np.ndarray, decimals: int) -> list[float]:
    return [round(float(value), decimals) for value in values]
