"""A StarCraft-like battle as pure batched functions; not StarCraft II, and win rates are not comparable with it.

Time runs in ticks of two game loops, four to a step. In a tick, at positions of its beginning: enemies look for
targets, shots land at once, healers heal, then everybody walks and bodies push each other apart. Agents do what they
are told and nothing else; enemies attack-move. The only luck is where exactly units start, weapon delays and, below
difficulty 9, the enemy's choice of targets; all draws come from a counter hash of (seed, tick, unit).

The functions run on numpy arrays and torch tensors of any device, without a value ever being read back.
"""

from __future__ import annotations

from macn.slipping import slip_draws, stream_keys
from rmix_kit.envs.smac.arena import LOOPS_PER_TICK, TICKS_PER_STEP, Arena, Difficulty
from rmix_kit.envs.smac.arrays import Array, as_bytes, as_float, namespace, pick, root
from rmix_kit.envs.smac.battle import Battle, Orders, Pairs, pairs_of, per_unit, uniform
from rmix_kit.envs.smac.facts import FIRST_TARGET, NO_ACTION_YET, STOP, Units
from rmix_kit.envs.smac.movement import Chase, walk
from rmix_kit.envs.smac.targeting import look
from rmix_kit.envs.smac.unit_types import (
    ENERGY_PER_SECOND,
    HEALTH_PER_ENERGY,
    HEALTH_PER_SECOND,
    LARGEST_ENERGY,
    LOOPS_PER_SECOND,
    SHIELD_DELAY,
    SHIELD_PER_SECOND,
)

TICK_SECONDS = LOOPS_PER_TICK / LOOPS_PER_SECOND
JITTER = 0.05  # cells, of the starting places
DELAY_LOW, DELAY_HIGH = -1.0, 2.0  # loops: the game's random weapon delay of -0.0625 to 0.125 seconds


def begin(arena: Arena, seeds: Array) -> Battle:
    """Start battles.

    Args:
        arena: The scenario's tables.
        seeds: int64 ``[env]``, from 0.
    """
    zero = seeds * 0
    key = stream_keys(seeds, zero, zero)
    draws = slip_draws(key, zero, arena.unit)  # [env, unit]
    nothing = as_float(draws * 0)
    return Battle(
        x=arena.start_x + (2.0 * uniform(draws, 0) - 1.0) * JITTER,
        y=arena.start_y + (2.0 * uniform(draws, 20) - 1.0) * JITTER,
        hp=nothing + arena.hp_max,
        shield=nothing + arena.shield_max,
        cooldown=nothing,
        energy=nothing + arena.energy_start,
        calm=nothing + SHIELD_DELAY,
        target=draws[:, arena.n_agents :] * 0 - 1,
        tick=zero,
        key=key,
        last_action=as_bytes(draws[:, : arena.n_agents] * 0 + NO_ACTION_YET),
    )


def step(arena: Arena, difficulty: Difficulty, battle: Battle, actions: Array) -> Battle:
    """Play one step of eight game loops.

    Args:
        arena: The scenario's tables.
        difficulty: Of the enemy.
        battle: Before.
        actions: int64 ``[env, agent]`` as in SMAC, each allowed by `rmix_kit.envs.smac.layout.encode`'s masks.

    Returns:
        After. A battle that is over goes on like any other; its caller stops it.
    """
    orders = _orders(arena, battle, actions)
    for _ in range(TICKS_PER_STEP):
        battle = _tick(arena, difficulty, battle, orders)
    return battle._replace(last_action=as_bytes(actions))


def _orders(arena: Arena, battle: Battle, actions: Array) -> Orders:
    """Give the orders of one step: what agents were told, and the enemies' attack-move."""
    xp = namespace(battle.x)
    n_agents = arena.n_agents
    there_x = xp.broadcast_to(arena.attack_x, battle.target.shape)  # [env, enemy]
    there_y = xp.broadcast_to(arena.attack_y, battle.target.shape)
    if arena.has_healers:  # without a patient, healers stay with their fighters
        heals = arena.heals[n_agents:]
        fighters = as_float((battle.hp[:, n_agents:] > 0) & ~heals)
        count = fighters.sum(-1)[:, None].clip(1.0)
        there_x = xp.where(heals, (battle.x[:, n_agents:] * fighters).sum(-1)[:, None] / count, there_x)
        there_y = xp.where(heals, (battle.y[:, n_agents:] * fighters).sum(-1)[:, None] / count, there_y)
    aim = arena.target[arena.unit[:n_agents], actions]
    is_move = (actions > STOP) & (actions < FIRST_TARGET)
    return Orders(
        aim=aim,
        marches=xp.concatenate([is_move, there_x == there_x], axis=-1),
        goal_x=xp.concatenate([battle.x[:, :n_agents] + arena.move_x[actions], there_x], axis=-1),
        goal_y=xp.concatenate([battle.y[:, :n_agents] + arena.move_y[actions], there_y], axis=-1),
    )


def _tick(arena: Arena, difficulty: Difficulty, battle: Battle, orders: Orders) -> Battle:
    xp = namespace(battle.x)
    alive = battle.hp > 0
    pairs = pairs_of(arena, battle)
    draws = slip_draws(battle.key, battle.tick + 1, arena.unit)  # [env, unit]
    enemy_target = look(arena, difficulty, battle, pairs, draws)
    aim = xp.concatenate([orders.aim, enemy_target], axis=-1)
    who = aim * (aim >= 0)
    has = alive & (aim >= 0) & pick(alive, who)
    gap = per_unit(pairs.gap, who)
    reaches = has & (gap <= arena.reach)
    hit = reaches & (battle.cooldown <= 0) & ~arena.heals
    struck = (who[..., None] == arena.unit) & hit[..., None]  # [env, unit, other]
    after = _strike(arena, battle, struck, pairs, who, alive)
    after = _recover(arena, after, reaches, who, alive)
    # A shot that was due within the tick is not late: what is left below zero counts towards the next one.
    wait = battle.cooldown + arena.period + (DELAY_LOW + (DELAY_HIGH - DELAY_LOW) * uniform(draws, 0))
    left = (battle.cooldown - LOOPS_PER_TICK) * (battle.cooldown > 0)
    walks = alive & ~reaches & (has | orders.marches)
    x, y = walk(arena, battle, orders, Chase(has, who, gap, walks, alive), pairs)
    return after._replace(
        x=x,
        y=y,
        cooldown=xp.where(hit, wait, left) * alive,
        target=enemy_target,
        tick=battle.tick + 1,
    )


def _strike(arena: Arena, battle: Battle, struck: Array, pairs: Pairs, who: Array, alive: Array) -> Battle:
    """Let all shots land at once: shields take them first, without armour."""
    xp = namespace(battle.x)
    for unit, half_width in arena.splashing:
        swept = _swept(arena, pairs, who[:, unit], unit, half_width) & struck[:, unit].any(-1)[:, None] & alive
        struck = xp.where((arena.unit == unit)[:, None], (swept | struck[:, unit])[:, None, :], struck)
    blows = as_float(struck)
    armoured = (blows * arena.health_damage).sum(-2)  # [env, unit]
    if not arena.has_shields:
        return battle._replace(hp=(battle.hp - armoured).clip(0.0))
    raw = (blows * arena.shield_damage).sum(-2)
    absorbed = xp.minimum(battle.shield, raw)
    through = 1.0 - absorbed / (raw + as_float(raw == 0))
    return battle._replace(
        hp=(battle.hp - armoured * through).clip(0.0),
        shield=battle.shield - absorbed,
        calm=(battle.calm + TICK_SECONDS) * (raw == 0),
    )


def _swept(arena: Arena, pairs: Pairs, who: Array, unit: int, half_width: float) -> Array:
    """Say who stands on the line that a shot sweeps, across its direction through the target: bool ``[env, unit]``."""
    dx, dy = -pairs.dx[:, unit], -pairs.dy[:, unit]  # [env, unit], from the shooter
    to_x, to_y = pick(dx, who[:, None]), pick(dy, who[:, None])  # [env, 1]
    length = root(to_x * to_x + to_y * to_y) + 1e-6
    ahead_x, ahead_y = to_x / length, to_y / length
    off_x, off_y = dx - to_x, dy - to_y
    along, across = off_x * ahead_x + off_y * ahead_y, off_y * ahead_x - off_x * ahead_y
    body = arena.radius.diagonal() / 2
    return (abs(along) <= body) & (abs(across) <= half_width)


def _recover(arena: Arena, battle: Battle, reaches: Array, who: Array, alive: Array) -> Battle:
    """Heal the wounded, regain shields and energy."""
    xp = namespace(battle.x)
    lives = as_float(battle.hp > 0)
    if arena.has_healers:
        at_work = reaches & arena.heals & (pick(battle.hp, who) < arena.hp_max[who]) & (pick(battle.hp, who) > 0)
        amount = xp.minimum(battle.energy * HEALTH_PER_ENERGY, 0.0 * battle.energy + HEALTH_PER_SECOND * TICK_SECONDS)
        amount = amount * at_work
        mended = (as_float(who[..., None] == arena.unit) * amount[..., None]).sum(-2)
        gain = ENERGY_PER_SECOND * TICK_SECONDS * as_float(arena.heals) - amount / HEALTH_PER_ENERGY
        battle = battle._replace(
            hp=xp.minimum(battle.hp + mended * lives, arena.hp_max + 0.0 * battle.hp),
            energy=(battle.energy + gain).clip(0.0, LARGEST_ENERGY) * alive,
        )
    if arena.has_shields:
        back = SHIELD_PER_SECOND * TICK_SECONDS * as_float(battle.calm > SHIELD_DELAY) * lives
        battle = battle._replace(shield=xp.minimum(battle.shield + back, arena.shield_max + 0.0 * back))
    return battle


def units_of(arena: Arena, battle: Battle) -> Units:
    """Give what the layout looks at."""
    n = arena.n_agents
    return Units(
        ally_x=battle.x[:, :n],
        ally_y=battle.y[:, :n],
        ally_hp=battle.hp[:, :n],
        ally_shield=battle.shield[:, :n],
        ally_cooldown=battle.cooldown[:, :n].clip(0.0),
        ally_energy=battle.energy[:, :n],
        enemy_x=battle.x[:, n:],
        enemy_y=battle.y[:, n:],
        enemy_hp=battle.hp[:, n:],
        enemy_shield=battle.shield[:, n:],
        last_action=battle.last_action,
    )
