"""Teams that follow a plan of a few lines: what a learner has to beat on SMAC's maps.

They see all units, also those that no agent sees, and share one plan; how battles are decided they do not know. They
play in the simulator alone, whose steps say where every unit stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rmix_kit.smac.facts import FIRST_TARGET, MOVES, NO_OP, STOP, Facts, Units
from rmix_kit.smac.maps import Scenario
from rmix_kit.types import BoolArray, IntArray

FIRST_MOVE = FIRST_TARGET - len(MOVES)
NEVER, LEAST, LOW, HIGH, HIGHEST = -1e9, -1e5, -100.0, 1e4, 2e4
"""Scores of actions: masked; no-op; standing still; shooting, but for what the target costs; walking away first."""
FAR = 1e3
"""Cells to whom is dead."""
READY_IN = 8.0
"""Game loops, a step: who can shoot within it stays."""
IN_PLACE, BESIDE = 0.8, 3.0
"""Cells from its place at which a unit of a line stands still, and from whom it follows at which a healer does."""


class Sight(NamedTuple):
    """What a plan is made of.

    Attributes:
        units: Where everybody stands.
        avail_actions: bool ``[env, agent, action]``.
        facts: The map's.
        scenario: The map.
    """

    units: Units
    avail_actions: BoolArray
    facts: Facts
    scenario: Scenario


@dataclass(frozen=True, kw_only=True)
class Script:
    """A plan: form a line, wait for the enemy, shoot one target after the other, walk away while weapons cool down.

    Attributes:
        per_cell: Hit points that a cell of distance counts when a target in range is chosen: the sum is to be least, so
            that 0 shoots whoever is weakest and infinity whoever is nearest.
        kite_within: A unit whose weapon cools down walks away from an enemy within so many cells; 0 for never.
        spacing: Cells between neighbours of the north-south line in which all wait where they begin; 0 for no line, on
            the contrary: everybody walks up to the nearest enemy.
        wait_until: Cells from an agent at which the first enemy ends the waiting.
        bend: How many cells ahead for each cell from the middle the line's ends stand.
    """

    per_cell: float = np.inf
    kite_within: float = 0.0
    spacing: float = 0.0
    wait_until: float = 7.5
    bend: float = 0.0

    def act(self, sight: Sight) -> IntArray:
        """Return an allowed action of every agent, int64 ``[env, agent]``."""
        units, facts = sight.units, sight.facts
        scores = np.full(sight.avail_actions.shape, LEAST, dtype=np.float64)
        scores[..., NO_OP], scores[..., STOP] = LEAST, LOW
        alive, enemy_alive = units.ally_hp > 0, units.enemy_hp > 0
        distances = np.where(enemy_alive[:, None], _distances(units, units.enemy_x, units.enemy_y), FAR)
        nearest = distances.argmin(-1)  # [env, agent]
        gap = distances.min(-1)  # [env, agent]
        towards = _moves_towards(units, _of(units.enemy_x, nearest), _of(units.enemy_y, nearest))
        scores[..., FIRST_MOVE:FIRST_TARGET] = towards
        scores[..., FIRST_TARGET:] = HIGH - self._cost(units, distances)
        if self.spacing:
            is_waiting = np.where(alive, gap, FAR).min(1, keepdims=True) > self.wait_until  # [env, 1]
            scores = np.where(is_waiting[..., None], self._in_line(sight, scores), scores)
        if self.kite_within:
            leaves = (units.ally_cooldown > READY_IN) & (gap < self.kite_within)  # [env, agent]
            moves = scores[..., FIRST_MOVE:FIRST_TARGET]
            scores[..., FIRST_MOVE:FIRST_TARGET] = np.where(leaves[..., None], HIGHEST - towards, moves)
        if facts.has_medivac:
            scores = np.where(facts.medivac[:, None], _healing(sight), scores)
        chosen: IntArray = np.where(sight.avail_actions, scores, NEVER).argmax(-1)
        return chosen

    def _cost(self, units: Units, distances: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return what each target costs, ``[env, agent, enemy]``."""
        if np.isinf(self.per_cell):
            return distances
        left: NDArray[np.floating] = (units.enemy_hp + units.enemy_shield)[:, None]
        return left + self.per_cell * distances

    def _in_line(self, sight: Sight, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scores that move everybody to its place: north to south in the order in which they stand."""
        units = sight.units
        rank = units.ally_y.argsort(1).argsort(1)  # [env, agent]
        place = (rank - (rank.shape[1] - 1) / 2) * self.spacing
        x = sight.scenario.ally_spawn[0] + self.bend * abs(place)
        y = sight.scenario.ally_spawn[1] + place
        line = scores.copy()
        line[..., FIRST_MOVE:FIRST_TARGET] = _moves_towards(units, x, y)
        is_there = np.hypot(x - units.ally_x, y - units.ally_y) < IN_PLACE
        line[..., STOP] = np.where(is_there, -LOW, LOW)
        return line


def _healing(sight: Sight) -> NDArray[np.float64]:
    """Return scores of healers: the most wounded first, otherwise near who needs them next."""
    units, facts = sight.units, sight.facts
    can_be_healed = (units.ally_hp > 0) & ~facts.medivac
    lost = np.where(can_be_healed, facts.ally_hp_max - units.ally_hp, 0.0)  # [env, agent]
    scores = np.full(sight.avail_actions.shape, LEAST, dtype=np.float64)
    scores[..., STOP] = 0.0
    n_heals = min(len(facts.ally_hp_max), len(facts.enemy_hp_max))
    healing = np.where(lost > 0, HIGH + lost, LOW)[:, None, :n_heals]
    scores[..., FIRST_TARGET : FIRST_TARGET + n_heals] = healing
    distances = _distances(units, units.ally_x, units.ally_y)
    needed = np.where(can_be_healed[:, None], distances - 0.1 * lost[:, None], FAR).argmin(-1)  # [env, agent]
    is_far = np.take_along_axis(distances, needed[..., None], -1) > BESIDE
    moves = _moves_towards(units, _of(units.ally_x, needed), _of(units.ally_y, needed))
    scores[..., FIRST_MOVE:FIRST_TARGET] = np.where(is_far, moves, 2 * LOW)
    return scores


def _distances(units: Units, x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return those from every agent to others, ``[env, agent, other]``."""
    dx = x[:, None, :] - units.ally_x[:, :, None]
    dy = y[:, None, :] - units.ally_y[:, :, None]
    found: NDArray[np.floating] = np.hypot(dx, dy)
    return found


def _of(values: NDArray[np.floating], index: IntArray) -> NDArray[np.floating]:
    return np.take_along_axis(values, index, 1)


def _moves_towards(units: Units, x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return by how much each move goes the way to a point, ``[env, agent, move]`` in [-1, 1]."""
    dx, dy = x - units.ally_x, y - units.ally_y
    length = np.hypot(dx, dy)[..., None] + 1e-6
    moves = np.asarray(MOVES, dtype=np.float32)  # [move, axis]
    way: NDArray[np.floating] = (dx[..., None] * moves[:, 0] + dy[..., None] * moves[:, 1]) / length
    return way


RANDOM, BEST = "random", "best known"
PLANS: Mapping[str, Script] = MappingProxyType(
    {
        "nearest": Script(),
        "focus": Script(per_cell=0.0),
        "kite": Script(kite_within=4.0),
        "line": Script(per_cell=3.0, kite_within=5.0, spacing=1.15, wait_until=6.0, bend=0.3),
    }
)
"""The same on all maps."""

BEST_KNOWN: Mapping[str, Script] = MappingProxyType(
    {
        "3m": Script(per_cell=0.01, kite_within=3.0, spacing=2.0, wait_until=8.0, bend=0.6),
        "8m": Script(per_cell=10.0, kite_within=5.0, spacing=1.3, wait_until=8.0, bend=0.3),
        "5m_vs_6m": Script(per_cell=3.0, spacing=1.0, wait_until=6.0),
        "8m_vs_9m": PLANS["line"],
        "10m_vs_11m": PLANS["line"],
        "2s3z": Script(kite_within=4.0, spacing=0.8, wait_until=8.5, bend=0.6),
        "3s5z": PLANS["kite"],
        "MMM": Script(per_cell=0.0, spacing=1.15, wait_until=7.0, bend=0.3),
        "MMM2": Script(per_cell=10.0, kite_within=3.0, spacing=1.3, wait_until=6.5),
        "1c3s5z": Script(kite_within=3.0, spacing=0.8, wait_until=9.0, bend=0.3),
        "corridor": PLANS["kite"],
    }
)
"""By map: the best of `PLANS` and 250 drawn plans, on battles that are not those that they are measured on."""

NAMES = (RANDOM, *PLANS, BEST)


def plan_of(name: str, map_name: str) -> Script | None:
    """Return a script by name; None for the one that draws its actions evenly.

    Args:
        name: One of `NAMES`.
        map_name: The map that is played.
    """
    return BEST_KNOWN[map_name] if name == BEST else PLANS.get(name)


def act(name: str, sight: Sight, rng: np.random.Generator, map_name: str) -> IntArray:
    """Return a script's actions, int64 ``[env, agent]``.

    Args:
        name: One of `NAMES`.
        sight: What it sees.
        rng: Draws where the script does.
        map_name: The map that is played.
    """
    if (plan := plan_of(name, map_name)) is not None:
        return plan.act(sight)
    drawn: IntArray = (rng.random(sight.avail_actions.shape) * sight.avail_actions).argmax(-1)
    return drawn
