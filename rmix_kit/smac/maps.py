"""SMAC's scenarios as facts: who fights whom, where, for how long, and how SMAC numbers the types.

Sources: SMAC's map registry (teams, time limits, number of type bits) and the maps themselves (spawn points, point that
the enemy attacks, free cells).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from rmix_kit.smac.unit_types import UNIT_TYPES, UnitType
from rmix_kit.types import BoolArray

MAP_SIZE = 32
Point = tuple[float, float]

# The lower-left and the upper-right plateau of corridor and the choke between them; "." is free, row 31 first.
_CORRIDOR = (
    *("#" * 32,) * 2,
    *("####################..........##",) * 2,
    *("##################............##",) * 2,
    *("################..............##",) * 2,
    *("##############................##",) * 2,
    *("############..................##",) * 4,
    *("##############..............####",) * 2,
    *("##############............######",) * 2,
    *("############..##################",) * 2,
    *("##..........####################",) * 10,
    *("#" * 32,) * 2,
)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One SMAC map.

    Attributes:
        allies: Groups of unit type and number, in SMAC's order of agents.
        enemies: Likewise, in the game's order of units.
        episode_limit: Steps.
        ally_numbers: SMAC's number of each type in the type bits; empty where there are none.
        enemy_numbers: Likewise for enemies: SMAC numbers stalkers and zealots the other way round there.
        ally_spawn: Where the allies appear, and what the enemy attacks unless ``attack_point`` says otherwise.
        enemy_spawn: Where the enemies appear.
        attack_point: What the enemies attack-move to.
        terrain: Rows of the map from north to south, "." free and "#" blocked; empty for the open band.
    """

    allies: tuple[tuple[str, int], ...]
    enemies: tuple[tuple[str, int], ...]
    episode_limit: int
    ally_numbers: tuple[str, ...] = ()
    enemy_numbers: tuple[str, ...] = ()
    ally_spawn: Point = (9.0, 16.0)
    enemy_spawn: Point = (23.0, 16.0)
    attack_point: Point = (9.0, 16.0)
    terrain: tuple[str, ...] = ()

    @property
    def ally_types(self) -> tuple[UnitType, ...]:
        """One type per agent."""
        return tuple(UNIT_TYPES[name] for name, count in self.allies for _ in range(count))

    @property
    def enemy_types(self) -> tuple[UnitType, ...]:
        """One type per enemy."""
        return tuple(UNIT_TYPES[name] for name, count in self.enemies for _ in range(count))

    @property
    def pathing(self) -> BoolArray:
        """Free cells, bool ``[x, y]``."""
        if not self.terrain:
            free: BoolArray = np.zeros((MAP_SIZE, MAP_SIZE), dtype=np.bool_)
            free[:, 8:24] = True
            return free
        rows = np.asarray([list(row) for row in reversed(self.terrain)])  # [y, x]
        is_free: NDArray[np.bool_] = rows == "."
        return is_free.T.copy()


def _marines(allies: int, enemies: int, episode_limit: int) -> Scenario:
    return Scenario(allies=(("marine", allies),), enemies=(("marine", enemies),), episode_limit=episode_limit)


def _gateway(stalkers: int, zealots: int, episode_limit: int) -> Scenario:
    team = (("stalker", stalkers), ("zealot", zealots))
    return Scenario(
        allies=team,
        enemies=team,
        episode_limit=episode_limit,
        ally_numbers=("stalker", "zealot"),
        enemy_numbers=("zealot", "stalker"),
    )


def _bio(marauders: int, marines: int, episode_limit: int) -> Scenario:
    numbers = ("marauder", "marine", "medivac")
    return Scenario(
        allies=(("marauder", 2), ("marine", 7), ("medivac", 1)),
        enemies=(("marine", marines), ("marauder", marauders), ("medivac", 1)),
        episode_limit=episode_limit,
        ally_numbers=numbers,
        enemy_numbers=numbers,
    )


_COLOSSI = (("colossus", 1), ("stalker", 3), ("zealot", 5))

SCENARIOS = MappingProxyType(
    {
        "3m": _marines(3, 3, 60),
        "8m": _marines(8, 8, 120),
        "5m_vs_6m": _marines(5, 6, 70),
        "8m_vs_9m": _marines(8, 9, 120),
        "10m_vs_11m": _marines(10, 11, 150),
        "2s3z": _gateway(2, 3, 120),
        "3s5z": _gateway(3, 5, 150),
        "MMM": _bio(2, 7, 150),
        "MMM2": _bio(3, 8, 180),
        "1c3s5z": Scenario(
            allies=_COLOSSI,
            enemies=_COLOSSI,
            episode_limit=180,
            ally_numbers=("colossus", "stalker", "zealot"),
            enemy_numbers=("colossus", "stalker", "zealot"),
        ),
        "corridor": Scenario(
            allies=(("zealot", 6),),
            enemies=(("zergling", 24),),
            episode_limit=400,
            ally_spawn=(19.04, 19.12),
            enemy_spawn=(27.91, 28.24),
            attack_point=(4.47, 4.33),
            terrain=_CORRIDOR,
        ),
    }
)
"""By SMAC's name: the paper's six and five that serve learning and tests."""
