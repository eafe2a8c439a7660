"""SMAC's layout the straightforward way: agent by agent and unit by unit, in plain Python."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rmix_kit.smac.facts import FIRST_TARGET, MOVES, NO_ACTION_YET, SHOOT, SIGHT, Facts
from rmix_kit.smac.maps import MAP_SIZE


@dataclass
class Unit:
    """One unit."""

    x: float
    y: float
    hp: float
    shield: float
    cooldown: float
    energy: float
    calm: float
    target: int = -1
    last: int = NO_ACTION_YET


class NaiveLayout:
    """Units as their agents see them."""

    def __init__(self, facts: Facts) -> None:
        """Begin without units."""
        self.facts, self.n_agents = facts, len(facts.ally_hp_max)
        self.n = self.n_agents + len(facts.enemy_hp_max)
        self.units: list[Unit] = []

    def distance(self, i: int, j: int) -> float:
        """Return the distance between centres."""
        return math.hypot(self.units[i].x - self.units[j].x, self.units[i].y - self.units[j].y)

    def observe(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return observations, state and masks, agent by agent and unit by unit."""
        masks = np.zeros((self.n_agents, self.facts.n_actions), dtype=np.bool_)
        obs = []
        for i in range(self.n_agents):
            masks[i] = self.mask(i)
            obs.append(self.observe_one(i, masks[i]))
        return np.asarray(obs, dtype=np.float32), self.state(), masks

    def mask(self, i: int) -> list[bool]:
        """Return what one agent may do."""
        unit = self.units[i]
        if unit.hp <= 0:
            return [True] + [False] * (self.facts.n_actions - 1)
        allowed = [False, True]
        for dx, dy in MOVES:
            x, y = int(unit.x + dx), int(unit.y + dy)
            allowed.append(0 <= x < MAP_SIZE and 0 <= y < MAP_SIZE and bool(self.facts.pathing[x * MAP_SIZE + y]))
        for enemy in range(self.n - self.n_agents):
            if self.facts.medivac[i]:
                can = enemy < self.n_agents and self.units[enemy].hp > 0 and not self.facts.medivac[enemy]
                allowed.append(can and self.distance(i, enemy) <= SHOOT)
            else:
                j = self.n_agents + enemy
                allowed.append(self.units[j].hp > 0 and self.distance(i, j) <= SHOOT)
        return allowed

    def observe_one(self, i: int, mask: np.ndarray) -> list[float]:
        """Return one agent's observation."""
        facts, unit, row = self.facts, self.units[i], [float(allowed) for allowed in mask[2:FIRST_TARGET]]
        for enemy in range(self.n - self.n_agents):
            shield = facts.max_shield_enemy[enemy] if facts.has_enemy_shield else 0.0
            first = float(mask[FIRST_TARGET + enemy])
            hp_max, bits = facts.enemy_hp_max[enemy], facts.enemy_type[enemy]
            row += self.look_at(i, self.n_agents + enemy, first, hp_max, shield, bits)
        for j in range(self.n_agents):
            if j != i:
                shield = facts.max_shield_ally[j] if facts.has_ally_shield else 0.0
                row += self.look_at(i, j, 1.0, facts.ally_hp_max[j], shield, facts.ally_type[j])
        row.append(unit.hp / facts.ally_hp_max[i])
        if facts.has_ally_shield:
            row.append(unit.shield / facts.max_shield_ally[i])
        row += list(facts.ally_type[i])
        return row if unit.hp > 0 else [0.0] * len(row)

    def look_at(self, i: int, j: int, first: float, hp_max: float, shield: float, bits: np.ndarray) -> list[float]:
        """Return what one agent sees of another unit."""
        unit, other, distance = self.units[i], self.units[j], self.distance(i, j)
        features = [first, distance / SIGHT, (other.x - unit.x) / SIGHT, (other.y - unit.y) / SIGHT, other.hp / hp_max]
        if shield:
            features.append(other.shield / shield)
        features += list(bits)
        return features if distance < SIGHT and other.hp > 0 else [0.0] * len(features)

    def state(self) -> np.ndarray:
        """Return the global state."""
        facts, rows = self.facts, list[float]()
        for j, unit in enumerate(self.units):
            is_agent = j < self.n_agents
            k = j if is_agent else j - self.n_agents
            row = [unit.hp / (facts.ally_hp_max if is_agent else facts.enemy_hp_max)[k]]
            if is_agent:
                row.append((unit.energy if facts.medivac[k] else max(unit.cooldown, 0.0)) / facts.max_cooldown[k])
            row += [(unit.x - MAP_SIZE / 2) / MAP_SIZE, (unit.y - MAP_SIZE / 2) / MAP_SIZE]
            if facts.has_ally_shield if is_agent else facts.has_enemy_shield:
                row.append(unit.shield / (facts.max_shield_ally if is_agent else facts.max_shield_enemy)[k])
            row += list((facts.ally_type if is_agent else facts.enemy_type)[k])
            rows += row if unit.hp > 0 else [0.0] * len(row)
        for unit in self.units[: self.n_agents]:
            rows += [float(unit.last == action) for action in range(facts.n_actions)]
        return np.asarray(rows, dtype=np.float32)
