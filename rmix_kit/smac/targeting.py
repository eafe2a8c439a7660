"""Whom the computer's units are after."""

from __future__ import annotations

from rmix_kit.smac.arena import Arena
from rmix_kit.smac.arrays import Array, as_float, as_index, namespace
from rmix_kit.smac.battle import Battle, Moment, Pairs, Rows

WOUNDED_NEARER = 0.5  # cells: how much nearer a unit counts that is about to die


def look(arena: Arena, battle: Battle, pairs: Pairs, *, rows: Rows, moment: Moment) -> Array:
    """Choose the enemies' targets, int64 ``[env, enemy]``: at each look the nearest threat, or any one in sight.

    Enemies look in turn, so that not all of them change their minds in the same tick.
    """
    xp = namespace(battle.hp)
    enemies = slice(arena.n_agents, None)
    gap = pairs.gap[:, enemies]  # [env, enemy, unit]
    wanted = battle.hp > 0
    if arena.has_healers:
        is_hurt = wanted & (battle.hp < arena.hp_max)
        wanted = xp.where(arena.heals[enemies, None], is_hurt[:, None, :], wanted[:, None, :])
    else:
        wanted = wanted[:, None, :]
    sees = wanted & arena.is_wanted & (gap <= arena.acquire[:, None])
    far = arena.patience + WOUNDED_NEARER * ((battle.hp + battle.shield) / arena.life_max)
    best = xp.where(sees, gap + far[:, None, :], arena.out_of_sight).argmin(-1)
    count = sees.cumsum(-1)
    seen = count[..., -1]
    nth = as_index(moment.whim * as_float(seen))
    other = (count <= nth[..., None]).sum(-1)  # so many units come before the nth in sight
    choice = xp.where(seen > 0, xp.where(moment.judges, best, other), arena.nobody)
    has_none = battle.target < 0
    is_gone = has_none | (battle.hp.take(rows.battle + battle.target * ~has_none) <= 0)
    return xp.where(moment.is_due | is_gone, choice, battle.target)
