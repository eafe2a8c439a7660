"""Whom the computer's units are after."""

from __future__ import annotations

from rmix_kit.envs.smac.arena import LOOPS_PER_TICK, Arena, Difficulty
from rmix_kit.envs.smac.arrays import Array, as_bytes, as_float, as_index, namespace, pick
from rmix_kit.envs.smac.battle import Battle, Pairs, uniform

WOUNDED_NEARER = 0.5  # cells: how much nearer a unit counts that is about to die
OUT_OF_SIGHT = 1e6  # cells, more than any distance


def look(arena: Arena, difficulty: Difficulty, battle: Battle, pairs: Pairs, draws: Array) -> Array:
    """Choose the enemies' targets, int64 ``[env, enemy]``: at each look the nearest threat, or any one in sight.

    Enemies look in turn, so that not all of them change their minds in the same tick.
    """
    xp = namespace(battle.x)
    enemies = slice(arena.n_agents, None)
    gap = pairs.gap[:, enemies]  # [env, enemy, unit]
    wanted = battle.hp > 0
    if arena.has_healers:
        is_hurt = wanted & (battle.hp < arena.hp_max)
        wanted = xp.where(arena.heals[enemies, None], is_hurt[:, None, :], wanted[:, None, :])
    else:
        wanted = wanted[:, None, :]
    sees = wanted & arena.is_wanted & (gap <= arena.acquire[:, None])
    life = (battle.hp + battle.shield) / (arena.hp_max + arena.shield_max)
    best = (gap + (arena.patience + WOUNDED_NEARER * life)[:, None, :] + as_float(~sees) * OUT_OF_SIGHT).argmin(-1)
    count = sees.cumsum(-1)
    seen = count[..., -1]
    chosen = draws[:, enemies]
    nth = as_index(uniform(chosen, 20) * as_float(seen))
    other = as_bytes(sees & (count == nth[..., None] + 1)).argmax(-1)
    choice = xp.where(uniform(chosen, 40) < difficulty.best_share, best, other)
    choice = choice * (seen > 0) - as_index(seen == 0)
    every = difficulty.retarget_loops // LOOPS_PER_TICK
    is_due = (battle.tick[:, None] + arena.unit[enemies]) % every == 0
    kept = battle.target * (battle.target >= 0)
    is_gone = (battle.target < 0) | (pick(battle.hp, kept) <= 0)
    return xp.where(is_due | is_gone, choice, battle.target)
