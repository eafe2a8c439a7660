"""A step of each battle that goes on: `rmix_kit.smac.combat.step`, and `layout.reward` and `layout.outcome` of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from macn.counter_hash import GAMMA
from rmix_kit.compiling.keeping import inlined, kept
from rmix_kit.smac.arena import LOOPS_PER_TICK, TICKS_PER_STEP
from rmix_kit.smac.arrays import Array
from rmix_kit.smac.battle import DELAY_HIGH, DELAY_LOW, Battle
from rmix_kit.smac.facts import DEATH_VALUE, FIRST_TARGET, STOP, WIN_VALUE, Units
from rmix_kit.smac.kernel.compiling import Whole, mix
from rmix_kit.smac.kernel.encoding import lay_out
from rmix_kit.smac.kernel.fighting import draw_of, heal, look, raise_shields, strike, take_aim, uniform
from rmix_kit.smac.kernel.notes import (
    AIM,
    ALIVE,
    CALM,
    COOLDOWN,
    ENERGY,
    FORCE_X,
    FORCE_Y,
    GOAL_X,
    GOAL_Y,
    HITS,
    HP,
    LOST,
    MARCHES,
    ONE,
    SHIELD,
    ZERO,
    Notes,
    X,
    Y,
    measure,
    tree_sum,
)
from rmix_kit.smac.kernel.tables import ATTACK_X, ATTACK_Y, HEALS, PERIOD, Rules, Sheet
from rmix_kit.smac.kernel.walking import arrive, set_out
from rmix_kit.smac.layout import Encoded, Outcome

_LOOPS = np.float32(LOOPS_PER_TICK)
_DELAY_LOW, _DELAY_RANGE = np.float32(DELAY_LOW), np.float32(DELAY_HIGH - DELAY_LOW)
_DEATH_VALUE, _WIN_VALUE = np.float32(DEATH_VALUE), np.float32(WIN_VALUE)

Play = Callable[..., None]

_RULES, _SHEET, _NOTES, _BATTLE, _UNITS = (len(kind._fields) for kind in (Rules, Sheet, Notes, Battle, Units))
_SHEET_AT, _NOTES_AT, _BATTLE_AT = _RULES, _RULES + _SHEET, _RULES + _SHEET + _NOTES
_UNITS_AT, _ACTIONS_AT = _BATTLE_AT + _BATTLE, _BATTLE_AT + _BATTLE + _UNITS
_GOING_AT, _PAID_AT, _OUTCOME_AT, _ENCODED_AT = (_ACTIONS_AT + further for further in (1, 2, 3, 5))


def playing(sources: str) -> Play:
    """Return the function that plays.

    Args:
        sources: Of what is compiled; it is part of what numba knows a kept function by.
    """

    # One argument a field: numba looks at the types of every call's arguments, which takes it twice as long in tuples.
    @kept
    def play(*fields: Any) -> None:  # noqa: ANN401 - arrays and numbers
        """Play one step of the battles that go on, and lay it out, in place; all arrays in C order.

        The fields of `Rules`, `Sheet`, `Notes`, `Battle` and `Units`; actions ``[env, agent]``, who goes on, bool
        ``[env]``, what it pays, float32 ``[env]``; and the fields of `Outcome` and `Encoded`. Battles and their units
        become those after the step; the rest is written for those that go on alone.
        """
        assert sources
        rules, sheet, notes = (
            Rules(*fields[:_SHEET_AT]), Sheet(*fields[_SHEET_AT:_NOTES_AT]), Notes(*fields[_NOTES_AT:_BATTLE_AT])
        )  # fmt: skip
        battle, units = Battle(*fields[_BATTLE_AT:_UNITS_AT]), Units(*fields[_UNITS_AT:_ACTIONS_AT])
        actions, going, paid = fields[_ACTIONS_AT], fields[_GOING_AT], fields[_PAID_AT]
        ended, encoded = Outcome(*fields[_OUTCOME_AT:_ENCODED_AT]), Encoded(*fields[_ENCODED_AT:])
        seen = np.empty((9, sheet.largest.shape[1]), np.float32)
        for env in range(len(going)):
            if going[env]:
                _open(rules, battle, env, notes)
                _order(rules, actions[env], notes)
                for tick in range(battle.tick[env], battle.tick[env] + TICKS_PER_STEP):
                    _tick(rules, notes, tick, mix(battle.key[env] + (tick + 2) * GAMMA))
                _close(rules, notes, actions[env], battle, env)
                _lose(notes, units, env)
                _show(notes, actions[env], units, env)
                _settle(sheet.heals, notes.now, rules.n_agents, ended, env)
                won = ONE if ended.won[env] else ZERO
                paid[env] = (abs(tree_sum(notes.now[LOST, rules.n_agents :])) + _WIN_VALUE * won) / sheet.points
                lay_out(sheet, units, env, seen, encoded)

    return play


@inlined
def _open(rules: Rules, battle: Battle, env: Whole, notes: Notes) -> None:
    """Note where a battle stands."""
    now, aim = notes.now, notes.aim
    for unit in range(now.shape[1]):
        now[X, unit], now[Y, unit] = battle.place[env, 0, unit], battle.place[env, 1, unit]
        now[HP, unit], now[SHIELD, unit] = battle.hp[env, unit], battle.shield[env, unit]
        now[COOLDOWN, unit], now[ENERGY, unit] = battle.cooldown[env, unit], battle.energy[env, unit]
        now[CALM, unit] = battle.calm[env, unit]
    for enemy in range(battle.target.shape[1]):
        aim[AIM, rules.n_agents + enemy] = battle.target[env, enemy]


@inlined
def _close(rules: Rules, notes: Notes, actions: Array, battle: Battle, env: Whole) -> None:
    """Write where a battle stands."""
    now, aim = notes.now, notes.aim
    for unit in range(now.shape[1]):
        battle.place[env, 0, unit], battle.place[env, 1, unit] = now[X, unit], now[Y, unit]
        battle.hp[env, unit], battle.shield[env, unit] = now[HP, unit], now[SHIELD, unit]
        battle.cooldown[env, unit], battle.energy[env, unit] = now[COOLDOWN, unit], now[ENERGY, unit]
        battle.calm[env, unit] = now[CALM, unit]
    for enemy in range(battle.target.shape[1]):
        battle.target[env, enemy] = aim[AIM, rules.n_agents + enemy]
    for agent in range(len(actions)):
        battle.last_action[env, agent] = actions[agent]
    battle.tick[env] += TICKS_PER_STEP


@inlined
def _order(rules: Rules, actions: Array, notes: Notes) -> None:
    """Note the orders of one step: what agents were told, and the enemies' attack-move."""
    now, flag, aim, facts, n_agents = notes.now, notes.flag, notes.aim, rules.unit, rules.n_agents
    for agent in range(n_agents):
        action = actions[agent]
        aim[AIM, agent] = rules.target[agent, action]
        now[GOAL_X, agent] = now[X, agent] + rules.move[0, action]
        now[GOAL_Y, agent] = now[Y, agent] + rules.move[1, action]
        flag[MARCHES, agent] = STOP < action < FIRST_TARGET
    for unit in range(n_agents, now.shape[1]):
        now[GOAL_X, unit], now[GOAL_Y, unit] = facts[ATTACK_X, unit], facts[ATTACK_Y, unit]
        flag[MARCHES, unit] = True
    if rules.has_healers:
        _follow(rules.is_, n_agents, now)


@inlined
def _follow(is_: Array, n_agents: int, now: Array) -> None:
    """Send the enemies' healers without a patient to the middle of their fighters."""
    count = ZERO
    for unit in range(n_agents, now.shape[1]):
        fights = ONE if now[HP, unit] > ZERO and not is_[HEALS, unit] else ZERO
        now[FORCE_X, unit], now[FORCE_Y, unit] = now[X, unit] * fights, now[Y, unit] * fights
        count += fights
    count = max(count, ONE)
    x, y = tree_sum(now[FORCE_X, n_agents:]) / count, tree_sum(now[FORCE_Y, n_agents:]) / count
    for unit in range(n_agents, now.shape[1]):
        if is_[HEALS, unit]:
            now[GOAL_X, unit], now[GOAL_Y, unit] = x, y


@inlined
def _tick(rules: Rules, notes: Notes, tick: Whole, draws: Whole) -> None:
    """Play one tick; everything is decided on where it begins, which `measure` notes down."""
    now, flag, aim, pair = notes
    facts, is_, between, does = rules.unit, rules.is_, rules.pair, rules.does
    measure(between, now, flag, pair)
    look(rules, facts, now, flag, aim, pair, tick, draws)
    take_aim(facts, is_, now, flag, aim, pair)
    strike(facts, between, rules.has_shields, now, flag, aim, pair)
    if rules.has_healers:
        heal(facts, is_, now, flag, aim)
    if rules.has_shields:
        raise_shields(facts, now)
    set_out(facts, is_, rules.waypoint, now, flag, aim, pair)
    arrive(is_, does, rules.ground, now, flag, pair)
    _reload(facts, now, flag, draws)


@inlined
def _reload(facts: Array, now: Array, flag: Array, draws: Whole) -> None:
    """Let weapons get ready; one that has shot waits its period, and a random delay."""
    for unit in range(now.shape[1]):
        wait = now[COOLDOWN, unit]
        if flag[HITS, unit]:
            delay = _DELAY_LOW + _DELAY_RANGE * uniform(draw_of(draws, unit), 0)
            wait = wait + facts[PERIOD, unit] + delay
        else:
            wait = (wait - _LOOPS) * (ONE if wait > ZERO else ZERO)
        now[COOLDOWN, unit] = wait * (ONE if flag[ALIVE, unit] else ZERO)


@inlined
def _lose(notes: Notes, units: Units, env: Whole) -> None:
    """Note what the enemies have lost since the units were written, in points, deaths included."""
    now, n_enemies = notes.now, units.enemy_hp.shape[1]
    for enemy in range(n_enemies):
        unit, had = now.shape[1] - n_enemies + enemy, units.enemy_hp[env, enemy]
        died = had > ZERO and now[HP, unit] <= ZERO
        left = ZERO if died else now[HP, unit] + now[SHIELD, unit]
        lost = (had + units.enemy_shield[env, enemy] - left) * (ONE if had > ZERO else ZERO)
        now[LOST, unit] = lost + (_DEATH_VALUE if died else ZERO)


@inlined
def _show(notes: Notes, actions: Array, units: Units, env: Whole) -> None:
    """Write what the layout looks at, as `rmix_kit.smac.combat.units_of` does."""
    now, n_agents = notes.now, len(actions)
    for agent in range(n_agents):
        units.ally_x[env, agent], units.ally_y[env, agent] = now[X, agent], now[Y, agent]
        units.ally_hp[env, agent], units.ally_shield[env, agent] = now[HP, agent], now[SHIELD, agent]
        wait = now[COOLDOWN, agent]
        units.ally_cooldown[env, agent] = wait if wait > ZERO else ZERO  # `max` might keep the sign of a zero
        units.ally_energy[env, agent] = now[ENERGY, agent]
        units.last_action[env, agent] = actions[agent]
    for enemy in range(units.enemy_hp.shape[1]):
        unit = n_agents + enemy
        units.enemy_x[env, enemy], units.enemy_y[env, enemy] = now[X, unit], now[Y, unit]
        units.enemy_hp[env, enemy], units.enemy_shield[env, enemy] = now[HP, unit], now[SHIELD, unit]


@inlined
def _settle(heals: Array, now: Array, n_agents: int, ended: Outcome, env: Whole) -> None:
    """Write whether the battle is over, and won, as `rmix_kit.smac.layout.outcome` says."""
    alive = fights = enemy_alive = enemy_fights = False
    for unit in range(now.shape[1]):
        if now[HP, unit] > ZERO:
            if unit < n_agents:
                alive, fights = True, fights or not heals[unit]
            else:
                enemy_alive, enemy_fights = True, enemy_fights or not heals[unit]
    lost = (alive and not fights) or (not alive and enemy_alive)
    ended.is_over[env] = not fights or not enemy_fights
    ended.won[env] = not lost and alive and not enemy_fights
