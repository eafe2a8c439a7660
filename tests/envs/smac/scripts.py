"""Scripted teams and battles of two scripts, for judging the simulator's combat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rmix_kit.smac import combat
from rmix_kit.smac.arena import DIFFICULTIES, Arena, build_arena
from rmix_kit.smac.battle import Battle
from rmix_kit.smac.facts import FIRST_TARGET, STOP, Facts, Units, layout_facts
from rmix_kit.smac.layout import Encoded, encode, outcome, reward
from rmix_kit.smac.maps import SCENARIOS, Scenario
from rmix_kit.types import IntArray

EAST, WEST = 4, 5
Script = Callable[[Facts, Units, Encoded, np.random.Generator], IntArray]


class Played(NamedTuple):
    """Shares over battles, and each battle's return."""

    won: float
    drawn: float
    returns: NDArray[np.float64]
    healed: float


def distances(units: Units) -> NDArray[np.float32]:
    dx = units.enemy_x[:, None] - units.ally_x[:, :, None]
    dy = units.enemy_y[:, None] - units.ally_y[:, :, None]
    gaps: NDArray[np.float32] = np.sqrt(dx * dx + dy * dy)
    return gaps


def legal(encoded: Encoded, wanted: IntArray) -> IntArray:
    """Return the wanted actions where they are allowed; else stop, and the no-op for the dead."""
    masks = encoded.avail_actions
    allowed = np.take_along_axis(masks, wanted[..., None], -1)[..., 0]
    return np.where(allowed, wanted, np.where(masks[..., 0], 0, STOP))


def uniform(facts: Facts, units: Units, encoded: Encoded, rng: np.random.Generator) -> IntArray:
    """Any allowed action."""
    picks: IntArray = (rng.random(encoded.avail_actions.shape) * encoded.avail_actions).argmax(-1)
    return picks


def by_score(encoded: Encoded, score: NDArray[np.floating], otherwise: int) -> IntArray:
    """Attack the reachable enemy of the lowest score ``[env, agent, enemy]``; without one, do something else."""
    reachable = encoded.avail_actions[..., FIRST_TARGET : FIRST_TARGET + score.shape[-1]]
    best = np.where(reachable, score, np.inf).argmin(-1) + FIRST_TARGET
    return legal(encoded, np.where(reachable.any(-1), best, otherwise))


def nearest(facts: Facts, units: Units, encoded: Encoded, rng: np.random.Generator) -> IntArray:
    """Walk east and attack the nearest enemy in reach; medivacs heal the most wounded."""
    actions = by_score(encoded, distances(units), EAST)
    if not facts.has_medivac:
        return actions
    life = units.ally_hp / facts.ally_hp_max
    can_heal = encoded.avail_actions[..., FIRST_TARGET : FIRST_TARGET + life.shape[1]]
    patient = np.where(can_heal, life[:, None], np.inf).argmin(-1) + FIRST_TARGET
    tends = facts.medivac & can_heal.any(-1)
    return legal(encoded, np.where(tends, patient, actions))


def weakest(facts: Facts, units: Units, encoded: Encoded, rng: np.random.Generator) -> IntArray:
    """Everybody on the same one: the weakest, the first of equals."""
    strength = units.enemy_hp + units.enemy_shield + 0.01 * np.arange(units.enemy_hp.shape[1])
    return by_score(encoded, np.broadcast_to(strength[:, None], distances(units).shape), EAST)


def any_target(facts: Facts, units: Units, encoded: Encoded, rng: np.random.Generator) -> IntArray:
    """Attack any enemy in reach, another one at each step."""
    return by_score(encoded, rng.random(distances(units).shape), EAST)


@cache
def play(
    scenario: Scenario,
    script: Script,
    *,
    battles: int = 200,
    difficulty: str = "7",
    steps: int | None = None,
    change: Callable[[Arena], Arena] = lambda arena: arena,
) -> Played:
    """Play battles and give what came of them; those that are over are left out of what is computed."""
    facts, arena, rng = layout_facts(scenario), change(build_arena(scenario)), np.random.default_rng(0)
    battle = combat.begin(arena, np.arange(battles))
    units, going = combat.units_of(arena, battle), np.arange(battles)
    returns, won, drawn, healed = np.zeros(battles), 0, 0, 0.0
    for _ in range(steps or scenario.episode_limit):
        actions = script(facts, units, encode(facts, units), rng)
        battle = combat.step(arena, DIFFICULTIES[difficulty], battle, actions)
        following = combat.units_of(arena, battle)
        ended = outcome(facts, following)
        returns[going] += reward(facts, units, following, won=ended.won)
        healed += float(np.maximum(following.ally_hp - units.ally_hp, 0.0).sum())
        won += int(ended.won.sum())
        drawn += int((ended.is_over & ~ended.won & (following.enemy_hp <= 0).all(-1)).sum())
        goes_on = ~ended.is_over
        going, battle = going[goes_on], Battle(*(field[goes_on] for field in battle))
        units = combat.units_of(arena, battle)
        if not len(going):
            break
    return Played(won / battles, drawn / battles, returns, healed)


def team(name: str, count: int) -> tuple[tuple[str, int], ...]:
    return ((name, count),)


def versus(ours: tuple[tuple[str, int], ...], theirs: tuple[tuple[str, int], ...], limit: int = 150) -> Scenario:
    """Set two teams against each other on the open band."""
    return replace(SCENARIOS["3m"], allies=ours, enemies=theirs, episode_limit=limit, ally_numbers=(), enemy_numbers=())


def mirrored(arena: Arena) -> Arena:
    """Put the enemies where the agents are, seen in a mirror."""
    n = arena.n_agents
    start = arena.start.copy()
    start[0, n:], start[1, n:] = 32.0 - start[0, :n], start[1, :n]
    return arena._replace(start=start)


def led_by_the_computer(arena: Arena) -> Arena:
    """Let the computer lead both sides: there are no agents left, and everybody marches to the other side's start."""
    n, n_units = arena.n_agents, len(arena.unit)
    aims = arena.health_damage > 0
    return arena._replace(
        is_wanted=aims,
        acquire=np.full(n_units, arena.acquire[0], dtype=np.float32),
        attack=np.asarray([np.where(np.arange(n_units) < n, 23.0, 9.0), np.full(n_units, 16.0)], dtype=np.float32),
        target=np.zeros((0, arena.target.shape[1]), dtype=np.int64),
        n_agents=0,
    )


def fight_of_equals(unit: str, count: int, battles: int) -> tuple[float, float]:
    """Return the shares of battles that the first and the second of two equal, mirrored sides win."""
    arena = led_by_the_computer(mirrored(build_arena(versus(team(unit, count), team(unit, count)))))
    battle = combat.begin(arena, np.arange(battles))
    nobody: IntArray = np.zeros((battles, 0), dtype=np.int64)
    for _ in range(100):
        battle = combat.step(arena, DIFFICULTIES["7"], battle, nobody)
        standing = battle.hp.reshape(battles, 2, count).max(-1) > 0  # [battle, side]
        if not standing.all(-1).any():
            break
    first, second = standing[:, 0] & ~standing[:, 1], standing[:, 1] & ~standing[:, 0]
    return float(first.mean()), float(second.mean())


def kite(facts: Facts, units: Units, encoded: Encoded, rng: np.random.Generator) -> IntArray:
    """Shoot the nearest when the weapon is ready, and walk away while it is not."""
    shoot = nearest(facts, units, encoded, rng)
    near = distances(units)
    near = np.where(units.enemy_hp[:, None] > 0, near, np.inf)
    is_close = near.min(-1) < 4.0
    return np.where((units.ally_cooldown > 0) & is_close, legal(encoded, np.full_like(shoot, WEST)), shoot)


def without_healing(facts: Facts, units: Units, encoded: Encoded, rng: np.random.Generator) -> IntArray:
    """The same as `nearest`, but medivacs stand by."""
    return np.where(
        facts.medivac, legal(encoded, np.full(units.ally_hp.shape, STOP)), nearest(facts, units, encoded, rng)
    )


def hold(facts: Facts, units: Units, encoded: Encoded, rng: np.random.Generator) -> IntArray:
    """Stand and attack the nearest in reach."""
    return by_score(encoded, distances(units), STOP)
