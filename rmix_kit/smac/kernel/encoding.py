"""Observations, state and masks: `rmix_kit.smac.layout.encode` for scalars.

What is hidden is multiplied by 0, as in the arrays, so that even the sign of a zero is theirs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rmix_kit.compiling.keeping import inlined, kept
from rmix_kit.smac.arrays import Array
from rmix_kit.smac.facts import FIRST_TARGET, PER_SIGHT, SHOOT, SIGHT, Units
from rmix_kit.smac.kernel.compiling import Real, Whole, root
from rmix_kit.smac.kernel.notes import ONE, ZERO
from rmix_kit.smac.kernel.tables import Sheet
from rmix_kit.smac.layout import Encoded
from rmix_kit.smac.maps import MAP_SIZE

_SIGHT, _SHOOT, _PER_SIGHT = np.float32(SIGHT), np.float32(SHOOT), np.float32(PER_SIGHT)
_CENTRE, _SIZE = np.float32(MAP_SIZE / 2), np.float32(MAP_SIZE)

X, Y, LIVES, HEALTH, SHIELD, WAIT, DX, DY, DISTANCE = range(9)
"""Rows of ``seen``, float32 ``[row, unit]``: where units are; 1 for who lives; health, shield and cooldown as shares;
and how far they are from the agent that looks.
"""

Encode = Callable[[Sheet, Units, Encoded], None]


def encoding(sources: str) -> Encode:
    """Return the function that encodes.

    Args:
        sources: Of what is compiled; it is part of what numba knows a kept function by.
    """

    @kept
    def encode(sheet: Sheet, units: Units, encoded: Encoded) -> None:
        """Write observations, state and masks in place; all in C order."""
        assert sources
        seen = np.empty((9, sheet.largest.shape[1]), np.float32)
        for env in range(len(units.ally_x)):
            lay_out(sheet, units, env, seen, encoded)

    return encode


@inlined
def lay_out(sheet: Sheet, units: Units, env: Whole, seen: Array, encoded: Encoded) -> None:
    """Write observations, state and masks of one battle."""
    _gather(sheet, units, env, seen)
    for agent in range(units.ally_hp.shape[1]):
        can, obs = encoded.avail_actions[env, agent], encoded.obs[env, agent]
        _measure(seen, agent)
        _allow(sheet.pathing, sheet.heals, sheet.move, seen, agent, can)
        _observe(sheet, seen, agent, can, obs)
    _state(sheet, seen, units.last_action[env], encoded.state[env])


@inlined
def _gather(sheet: Sheet, units: Units, env: Whole, seen: Array) -> None:
    """Put the units of a battle side by side, agents first."""
    largest, n_agents = sheet.largest, units.ally_hp.shape[1]
    for ally in range(n_agents):
        seen[X, ally], seen[Y, ally] = units.ally_x[env, ally], units.ally_y[env, ally]
        seen[LIVES, ally] = ONE if units.ally_hp[env, ally] > ZERO else ZERO
        seen[HEALTH, ally] = units.ally_hp[env, ally] / largest[0, ally]
        seen[SHIELD, ally] = units.ally_shield[env, ally] / largest[1, ally]
        wait = units.ally_energy[env, ally] if sheet.heals[ally] else units.ally_cooldown[env, ally]
        seen[WAIT, ally] = wait / largest[2, ally]
    for enemy in range(units.enemy_hp.shape[1]):
        unit = n_agents + enemy
        seen[X, unit], seen[Y, unit] = units.enemy_x[env, enemy], units.enemy_y[env, enemy]
        seen[LIVES, unit] = ONE if units.enemy_hp[env, enemy] > ZERO else ZERO
        seen[HEALTH, unit] = units.enemy_hp[env, enemy] / largest[0, unit]
        seen[SHIELD, unit] = units.enemy_shield[env, enemy] / largest[1, unit]


@inlined
def _measure(seen: Array, agent: Whole) -> None:
    """Measure how far everybody is from an agent."""
    for unit in range(seen.shape[1]):
        dx, dy = seen[X, unit] - seen[X, agent], seen[Y, unit] - seen[Y, agent]
        seen[DX, unit], seen[DY, unit], seen[DISTANCE, unit] = dx, dy, root(dx * dx + dy * dy)


@inlined
def _allow(pathing: Array, heals: Array, move: Array, seen: Array, agent: Whole, can: Array) -> None:
    """Write the mask of one agent."""
    lives, n_enemies = seen[LIVES, agent] > ZERO, len(can) - FIRST_TARGET
    n_agents = seen.shape[1] - n_enemies
    can[0], can[1] = not lives, lives
    for ahead in range(move.shape[1]):
        column, row = np.int64(seen[X, agent] + move[0, ahead]), np.int64(seen[Y, agent] + move[1, ahead])
        inside = 0 <= column < MAP_SIZE and 0 <= row < MAP_SIZE
        can[2 + ahead] = lives and inside and pathing[column * MAP_SIZE + row]
    for action in range(n_enemies):
        target, is_target = n_agents + action, lives
        if heals[agent]:  # its action k heals ally k
            target, is_target = action, lives and action < n_agents and not heals[action]
        can[FIRST_TARGET + action] = is_target and seen[LIVES, target] > ZERO and seen[DISTANCE, target] <= _SHOOT


@inlined
def _observe(sheet: Sheet, seen: Array, agent: Whole, can: Array, obs: Array) -> None:
    """Write what one agent sees."""
    alive, n_enemies = seen[LIVES, agent], len(can) - FIRST_TARGET
    n_agents = seen.shape[1] - n_enemies
    ally_type, enemy_type = sheet.ally_type, sheet.enemy_type
    has_ally_shield, has_enemy_shield = sheet.has_ally_shield, sheet.has_enemy_shield
    for ahead in range(2, FIRST_TARGET):
        obs[ahead - 2] = ONE if can[ahead] else ZERO
    at = FIRST_TARGET - 2
    for enemy in range(n_enemies):
        unit, first = n_agents + enemy, ONE if can[FIRST_TARGET + enemy] else ZERO
        visible = _see(seen, unit, alive, first, obs, at)
        at = _body(seen, unit, has_enemy_shield, enemy_type, enemy, visible, obs, at + 4)
    for ally in range(n_agents):
        if ally != agent:
            visible = _see(seen, ally, alive, ONE, obs, at)
            at = _body(seen, ally, has_ally_shield, ally_type, ally, visible, obs, at + 4)
    _body(seen, agent, has_ally_shield, ally_type, agent, alive, obs, at)


@inlined
def _see(seen: Array, unit: Whole, alive: Real, first: Real, obs: Array, at: Whole) -> Real:
    """Write where another unit is; return 1 where it is seen."""
    visible = alive * seen[LIVES, unit] if seen[DISTANCE, unit] < _SIGHT else ZERO
    obs[at] = first * visible
    obs[at + 1] = seen[DISTANCE, unit] * _PER_SIGHT * visible
    obs[at + 2] = seen[DX, unit] * _PER_SIGHT * visible
    obs[at + 3] = seen[DY, unit] * _PER_SIGHT * visible
    return visible


@inlined
def _body(
    seen: Array, unit: Whole, has_shield: bool, types: Array, row: Whole, visible: Real, out: Array, at: Whole
) -> Whole:
    """Write a unit's health, shield and type bits; return where what follows goes."""
    out[at] = seen[HEALTH, unit] * visible
    return _shield_and_type(seen, unit, has_shield, types, row, visible, out, at + 1)


@inlined
def _shield_and_type(
    seen: Array, unit: Whole, has_shield: bool, types: Array, row: Whole, visible: Real, out: Array, at: Whole
) -> Whole:
    if has_shield:
        out[at] = seen[SHIELD, unit] * visible
        at += 1
    for bit in range(types.shape[1]):
        out[at + bit] = types[row, bit] * visible
    return at + types.shape[1]


@inlined
def _state(sheet: Sheet, seen: Array, last_action: Array, state: Array) -> None:
    """Write the global state: agents, enemies, last actions one-hot."""
    at, n_agents, n_units = 0, len(last_action), seen.shape[1]
    for unit in range(n_units):
        lives, is_ally = seen[LIVES, unit], unit < n_agents
        state[at] = seen[HEALTH, unit] * lives
        if is_ally:
            at += 1
            state[at] = seen[WAIT, unit] * lives
        state[at + 1] = (seen[X, unit] - _CENTRE) / _SIZE * lives
        state[at + 2] = (seen[Y, unit] - _CENTRE) / _SIZE * lives
        has_shield = sheet.has_ally_shield if is_ally else sheet.has_enemy_shield
        types, row = (sheet.ally_type, unit) if is_ally else (sheet.enemy_type, unit - n_agents)
        at = _shield_and_type(seen, unit, has_shield, types, row, lives, state, at + 3)
    for agent in range(n_agents):
        for action in range(FIRST_TARGET + n_units - n_agents):
            state[at] = ONE if last_action[agent] == action else ZERO
            at += 1
