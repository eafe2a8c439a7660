"""The straightforward way to simulate SMAC: one battle, one unit after the other, in plain Python.

It plays the rules of `rmix_kit.smac.combat` and lays out what `rmix_kit.smac.layout` lays out; a test holds
both against each other. `benchmarks/speed.py` measures against it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from naive_smac_layout import NaiveLayout, Unit

from rmix_kit.smac import movement
from rmix_kit.smac.arena import LOOPS_PER_TICK, TICKS_PER_STEP, Arena, Difficulty
from rmix_kit.smac.battle import DELAY_HIGH, DELAY_LOW, Battle
from rmix_kit.smac.combat import TICK_SECONDS
from rmix_kit.smac.facts import (
    DEATH_VALUE,
    FIRST_TARGET,
    MOVES,
    REWARD_SCALE,
    WIN_VALUE,
    Facts,
)
from rmix_kit.smac.maps import MAP_SIZE
from rmix_kit.smac.targeting import WOUNDED_NEARER
from rmix_kit.smac.terrain import FINE, FINE_SIZE
from rmix_kit.smac.unit_types import (
    ENERGY_PER_SECOND,
    HEALTH_PER_ENERGY,
    HEALTH_PER_SECOND,
    LARGEST_ENERGY,
    SHIELD_DELAY,
    SHIELD_PER_SECOND,
)


class NaiveBattle(NaiveLayout):
    """One battle."""

    def __init__(self, facts: Facts, arena: Arena, difficulty: Difficulty, draws: Callable[[int], list[int]]) -> None:
        """Set up; `draws` gives 60 random bits per unit for a tick."""
        super().__init__(facts)
        self.arena, self.difficulty, self.draws = arena, difficulty, draws
        self.tick = 0

    def copy_from(self, battle: Battle, env: int) -> None:
        """Take over where a battle stands."""
        fields = (battle.x, battle.y, battle.hp, battle.shield, battle.cooldown, battle.energy, battle.calm)
        self.units = [Unit(*(float(field[env, i]) for field in fields)) for i in range(self.n)]
        for enemy in range(self.n_agents, self.n):
            self.units[enemy].target = int(battle.target[env, enemy - self.n_agents])
        for agent in range(self.n_agents):
            self.units[agent].last = int(battle.last_action[env, agent])
        self.tick = int(battle.tick[env])

    def step(self, actions: list[int]) -> float:
        """Play one step and give the reward."""
        before = [(unit.hp, unit.hp + unit.shield) for unit in self.units[self.n_agents :]]
        goals = []
        for i, unit in enumerate(self.units):
            if i < self.n_agents:
                unit.target = int(self.arena.target[i, actions[i]])
                unit.last = actions[i]
                dx, dy = MOVES[actions[i] - 2] if 2 <= actions[i] < FIRST_TARGET else (0, 0)
                goals.append((unit.x + 2 * dx, unit.y + 2 * dy))
            else:
                goals.append(self.marching_goal(i))
        for _ in range(TICKS_PER_STEP):
            self.play_tick(goals)
        points = 0.0
        for (hp, whole), unit in zip(before, self.units[self.n_agents :], strict=True):
            if hp > 0:
                points += whole + DEATH_VALUE if unit.hp <= 0 else whole - unit.hp - unit.shield
        return (abs(points) + WIN_VALUE * self.has_won()) / (self.facts.max_reward / REWARD_SCALE)

    def has_won(self) -> bool:
        """Return whether the enemy is beaten."""
        fights = [not heals for heals in self.arena.heals]
        ours = [u.hp > 0 and f for u, f in zip(self.units, fights, strict=True)][: self.n_agents]
        theirs = [u.hp > 0 and f for u, f in zip(self.units, fights, strict=True)][self.n_agents :]
        return any(ours) and not any(theirs)

    def is_over(self) -> bool:
        """Return whether a side has nobody left who fights."""
        fights = [u.hp > 0 and not heals for u, heals in zip(self.units, self.arena.heals, strict=True)]
        return not any(fights[: self.n_agents]) or not any(fights[self.n_agents :])

    def marching_goal(self, i: int) -> tuple[float, float]:
        """Return where an enemy is sent."""
        enemy = i - self.n_agents
        if self.arena.heals[i]:
            fighters = [
                u for j, u in enumerate(self.units) if j >= self.n_agents and u.hp > 0 and not self.arena.heals[j]
            ]
            count = max(len(fighters), 1)
            return sum(u.x for u in fighters) / count, sum(u.y for u in fighters) / count
        return float(self.arena.attack[0, enemy]), float(self.arena.attack[1, enemy])

    def play_tick(self, goals: list[tuple[float, float]]) -> None:
        """Play two game loops."""
        arena, units, n = self.arena, self.units, self.n
        alive = [unit.hp > 0 for unit in units]
        bits = self.draws(self.tick + 1)
        gap = [[self.distance(i, j) - float(arena.radius[i, j]) for j in range(n)] for i in range(n)]
        for i in range(self.n_agents, n):
            self.choose_target(i, gap[i], bits[i])
        has = [alive[i] and units[i].target >= 0 and alive[units[i].target] for i in range(n)]
        reaches = [has[i] and gap[i][units[i].target] <= arena.reach[i] for i in range(n)]
        shoots = [reaches[i] and units[i].cooldown <= 0 and not arena.heals[i] for i in range(n)]
        places = self.walk(goals, alive, has, reaches, gap)
        self.strike(shoots, alive)
        self.recover(reaches, alive)
        for i, unit in enumerate(units):
            if shoots[i]:
                luck = (bits[i] & (2**20 - 1)) * 2.0**-20
                unit.cooldown += float(arena.period[i]) + DELAY_LOW
                unit.cooldown += (DELAY_HIGH - DELAY_LOW) * luck
            else:
                unit.cooldown = unit.cooldown - LOOPS_PER_TICK if unit.cooldown > 0 else 0.0
            unit.cooldown *= alive[i]
            unit.x, unit.y = places[i]
        self.tick += 1

    def choose_target(self, i: int, gap: list[float], bits: int) -> None:
        """Let one enemy look for a target."""
        arena, units = self.arena, self.units
        due = (self.tick + i) % (self.difficulty.retarget_loops // LOOPS_PER_TICK) == 0
        if not due and units[i].target >= 0 and units[units[i].target].hp > 0:
            return
        seen = []
        for j in range(self.n):
            hurt = not arena.heals[i] or units[j].hp < arena.hp_max[j]
            wanted = arena.is_wanted[i - self.n_agents, j] and units[j].hp > 0 and hurt
            if wanted and gap[j] <= arena.acquire[i - self.n_agents]:
                seen.append(j)
        if not seen:
            units[i].target = -1
        elif (bits >> 40 & (2**20 - 1)) * 2.0**-20 < self.difficulty.best_share:
            units[i].target = min(seen, key=lambda j: gap[j] + self.patience(j))
        else:
            units[i].target = seen[int((bits >> 20 & (2**20 - 1)) * 2.0**-20 * len(seen))]

    def patience(self, j: int) -> float:
        """Return how much further away a target counts than it is."""
        life = (self.units[j].hp + self.units[j].shield) / (self.arena.hp_max[j] + self.arena.shield_max[j])
        return float(self.arena.patience[j] + WOUNDED_NEARER * life)

    def strike(self, shoots: list[bool], alive: list[bool]) -> None:
        """Let all shots land at once."""
        arena, units = self.arena, self.units
        splash = dict(arena.splashing)
        hits = []
        for i in range(self.n):
            if shoots[i]:
                struck = [units[i].target]
                if i in splash:
                    struck = [j for j in range(self.n) if alive[j] and (j in struck or self.is_swept(i, j, splash[i]))]
                hits += [(i, j) for j in struck]
        for j, unit in enumerate(units):
            raw = sum(float(arena.shield_damage[i, k]) for i, k in hits if k == j)
            armoured = sum(float(arena.health_damage[i, k]) for i, k in hits if k == j)
            absorbed = min(unit.shield, raw)
            unit.shield -= absorbed
            unit.hp = max(unit.hp - armoured * (1.0 - absorbed / raw if raw else 1.0), 0.0)
            unit.calm = 0.0 if raw else unit.calm + TICK_SECONDS

    def is_swept(self, i: int, j: int, half_width: float) -> bool:
        """Return whether a sweeping shot reaches a unit."""
        shooter, target, other = self.units[i], self.units[self.units[i].target], self.units[j]
        length = math.hypot(target.x - shooter.x, target.y - shooter.y) + 1e-6
        ax, ay = (target.x - shooter.x) / length, (target.y - shooter.y) / length
        ox, oy = other.x - target.x, other.y - target.y
        is_along = abs(ox * ax + oy * ay) <= self.arena.radius[j, j] / 2
        return bool(is_along and abs(oy * ax - ox * ay) <= half_width)

    def recover(self, reaches: list[bool], alive: list[bool]) -> None:
        """Heal, and regain shields and energy."""
        arena, units = self.arena, self.units
        for i, unit in enumerate(units):
            if not arena.heals[i]:
                continue
            unit.energy *= alive[i]
            spent = 0.0
            if reaches[i] and 0 < units[unit.target].hp < arena.hp_max[unit.target]:
                amount = min(unit.energy * HEALTH_PER_ENERGY, HEALTH_PER_SECOND * TICK_SECONDS)
                patient = units[unit.target]
                patient.hp = min(patient.hp + amount, float(arena.hp_max[unit.target]))
                spent = amount / HEALTH_PER_ENERGY
            unit.energy = min(max(unit.energy + ENERGY_PER_SECOND * TICK_SECONDS - spent, 0.0), LARGEST_ENERGY)
            unit.energy *= alive[i]
        for i, unit in enumerate(units):
            if unit.hp > 0 and unit.calm > SHIELD_DELAY:
                unit.shield = min(unit.shield + SHIELD_PER_SECOND * TICK_SECONDS, float(arena.shield_max[i]))

    def walk(
        self,
        goals: list[tuple[float, float]],
        alive: list[bool],
        has: list[bool],
        reaches: list[bool],
        gap: list[list[float]],
    ) -> list[tuple[float, float]]:
        """Return where everybody is at the end of the tick."""
        arena, units = self.arena, self.units
        ways = []
        for i, unit in enumerate(units):
            target = unit.target
            x, y = (units[target].x, units[target].y) if has[i] else goals[i]
            length = math.hypot(x - unit.x, y - unit.y)
            room = max(gap[i][target] - float(arena.reach[i]), 0.0) + movement.INTO_REACH if has[i] else length
            if arena.waypoint is not None:
                x, y, length = self.way_around(i, x, y, length)
                room = min(room, length)
            marches = i >= self.n_agents or 2 <= unit.last < FIRST_TARGET
            walks = alive[i] and not reaches[i] and (has[i] or marches)
            stride = min(float(arena.stride[i]), room) if walks else 0.0
            ways.append(
                (
                    (x - unit.x) * stride / (length + 1e-6),
                    (y - unit.y) * stride / (length + 1e-6),
                    stride > movement.LEAST_STRIDE,
                )
            )
        places = []
        for i, unit in enumerate(units):
            px = py = 0.0
            for j, other in enumerate(units):
                if alive[i] and alive[j] and arena.is_solid[i, j] and gap[i][j] < 0:
                    weight = 0.5 + 0.5 * (ways[i][2] - ways[j][2])
                    force = -gap[i][j] * weight / (self.distance(i, j) + 1e-6)
                    px, py = px + force * (unit.x - other.x), py + force * (unit.y - other.y)
            scale = min(movement.PUSH / (math.hypot(px, py) + 1e-6), 1.0)
            places.append(self.stand(i, unit.x + ways[i][0] + px * scale, unit.y + ways[i][1] + py * scale))
        return places

    def way_around(self, i: int, x: float, y: float, length: float) -> tuple[float, float, float]:
        """Return the next point on the way and its distance."""
        unit = self.units[i]
        inside = MAP_SIZE - 1e-3
        goal = int(min(max(x, 0.0), inside)) * MAP_SIZE + int(min(max(y, 0.0), inside))
        assert self.arena.waypoint is not None
        way = int(self.arena.waypoint[(int(unit.x) * MAP_SIZE + int(unit.y)) * MAP_SIZE * MAP_SIZE + goal])
        if way < 0 or self.arena.is_flying[i]:
            return x, y, length
        x, y = way // MAP_SIZE + 0.5, way % MAP_SIZE + 0.5
        return x, y, math.hypot(x - unit.x, y - unit.y)

    def stand(self, i: int, x: float, y: float) -> tuple[float, float]:
        """Keep a unit on the ground."""
        unit = self.units[i]
        x = min(max(x, movement.EDGE), MAP_SIZE - movement.EDGE)
        y = min(max(y, movement.EDGE), MAP_SIZE - movement.EDGE)
        if self.arena.is_flying[i] or self.is_ground(x, y):
            return x, y
        if self.is_ground(x, unit.y):
            return x, unit.y
        return (unit.x, y) if self.is_ground(unit.x, y) else (unit.x, unit.y)

    def is_ground(self, x: float, y: float) -> bool:
        """Return whether units can stand somewhere."""
        return bool(self.arena.ground[int(x * FINE) * FINE_SIZE + int(y * FINE)])
