"""A StarCraft-like battle as pure batched functions; not StarCraft II, and win rates are not comparable with it.

Time runs in ticks of two game loops, four to a step. In a tick, at positions of its beginning: enemies look for
targets, shots land at once, healers heal, then everybody walks and bodies push each other apart. Agents do what they
are told and nothing else; enemies attack-move. The only luck is where exactly units start, weapon delays and, below
difficulty 9, the enemy's choice of targets; all draws come from a counter hash of (seed, tick, unit).

The functions run on numpy arrays and torch tensors of any device, without a value ever being read back.
"""

from __future__ import annotations

from collections.abc import Iterator

from macn.counter_hash import counter_draws, stream_keys
from rmix_kit.smac.arena import LOOPS_PER_TICK, Arena, Difficulty
from rmix_kit.smac.arrays import Array, as_bytes, as_float, at_least, at_most, namespace
from rmix_kit.smac.battle import Battle, Moment, Orders, Pairs, Rows, moments_of, pairs_of, rows_of, size, uniform
from rmix_kit.smac.facts import FIRST_TARGET, NO_ACTION_YET, STOP, Units
from rmix_kit.smac.movement import Chase, walk
from rmix_kit.smac.targeting import look
from rmix_kit.smac.unit_types import (
    HEALTH_PER_ENERGY,
    HEALTH_PER_SECOND,
    LARGEST_ENERGY,
    LOOPS_PER_SECOND,
    SHIELD_DELAY,
    SHIELD_PER_SECOND,
)

TICK_SECONDS = LOOPS_PER_TICK / LOOPS_PER_SECOND
JITTER = 0.05  # cells, of the starting places


def begin(arena: Arena, seeds: Array) -> Battle:
    """Start battles.

    Args:
        seeds: int64 ``[env]``, from 0.
    """
    # Constants are made of arrays that are there (here and below): they are of the right kind, device and shape, and
    # nothing is copied to a device.
    zero = seeds * 0
    key = stream_keys(seeds, zero, zero)
    # Draw 0 is of the starting places; tick t of a battle takes draw t + 1, so that no number serves twice.
    draws = counter_draws(key, zero, arena.unit)  # [env, unit]
    nothing = as_float(draws * 0)
    # One draw has 64 bits, of which x takes the lowest twenty and y the next.
    jitter = namespace(draws).stack([uniform(draws, 0), uniform(draws, 20)], 1)  # [env, 2, unit]
    return Battle(
        place=arena.start + (2.0 * jitter - 1.0) * JITTER,
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
        actions: int64 ``[env, agent]`` as in SMAC, each allowed by `rmix_kit.smac.layout.encode`'s masks.

    Returns:
        After. A battle that is over goes on like any other; its caller stops it.
    """
    *_, after = ticks(arena, difficulty, battle, actions)
    return after._replace(last_action=as_bytes(actions))


def ticks(arena: Arena, difficulty: Difficulty, battle: Battle, actions: Array) -> Iterator[Battle]:
    """Play one step as `step` does, and give the battle after each of its ticks, the last action still the old one."""
    orders, rows = _orders(arena, battle, actions), rows_of(arena, battle)
    for moment in moments_of(arena, difficulty, battle):
        battle = _tick(arena, battle, orders, rows=rows, moment=moment)
        yield battle


def _orders(arena: Arena, battle: Battle, actions: Array) -> Orders:
    """Return the orders of one step: what agents were told, and the enemies' attack-move."""
    xp = namespace(battle.hp)
    n_agents = arena.n_agents
    attack = xp.broadcast_to(arena.attack, (len(battle.hp), *arena.attack.shape))  # [env, 2, enemy]
    if arena.has_healers:  # without a patient, healers stay with their fighters
        heals = arena.heals[n_agents:]
        fighters = as_float((battle.hp[:, n_agents:] > 0) & ~heals)
        # Without any fighter the middle is nowhere, but then the battle is over, and one that goes on meets no 0 / 0.
        count = at_least(fighters.sum(-1), 1.0)[:, None]  # [env, 1]
        middle = (battle.place[..., n_agents:] * fighters[:, None]).sum(-1) / count  # [env, 2]
        attack = xp.where(heals, middle[..., None], attack)  # [env, 2, enemy]
    # `arena.move` is [2, action]; looked up by [env, agent] it has the coordinates first.
    moves = xp.moveaxis(arena.move[:, actions], 0, 1)  # [env, 2, agent]
    is_move = (actions > STOP) & (actions < FIRST_TARGET)
    return Orders(
        aim=arena.target[arena.unit[:n_agents], actions],  # [agent] beside [env, agent] -> [env, agent]
        goal=xp.concatenate([battle.place[..., :n_agents] + moves, attack], axis=-1),
        # Enemies always march; whatever equals itself is an array of true, [env, enemy].
        marches=xp.concatenate([is_move, battle.target == battle.target], axis=-1),
    )


def _tick(arena: Arena, battle: Battle, orders: Orders, *, rows: Rows, moment: Moment) -> Battle:
    xp = namespace(battle.hp)
    # Everything is decided on where the tick begins, and all shots land together: who is killed in this tick still
    # shoots, is shot at and walks in it, and no unit is favoured by its place in the array.
    alive = battle.hp > 0
    pairs = pairs_of(arena, battle)
    enemy_target = look(arena, battle, pairs, rows=rows, moment=moment)
    aim = xp.concatenate([orders.aim, enemy_target], axis=-1)  # [env, unit], -1 for nobody
    has = aim >= 0
    who = aim * has  # nobody becomes unit 0, which can be looked up; `has` takes back what is found there
    # `take` looks up flattened arrays: a battle's units begin at `rows.battle`, a unit's pairs at `rows.unit`.
    has = has & alive & alive.take(rows.battle + who)
    gap = pairs.gap.take(rows.unit + who)
    reaches = has & (gap <= arena.reach)  # healers too: they stop here, and heal in `_recover`
    hit = reaches & (battle.cooldown <= 0) & arena.shoots
    # One-hot rows instead of adding damage at the targets' places: a sum over shooters repeats its bits, where
    # scattered additions on a GPU come in any order. Nobody is -1, which no unit equals.
    struck = xp.where(hit, who, arena.nobody)[..., None] == arena.unit  # [env, unit, other]
    after = _strike(arena, battle, struck, pairs=pairs, who=who, alive=alive)
    after = _recover(arena, after, reaches=reaches, who=who, begins=rows.battle, alive=alive)
    # A shot that was due within the tick is not late: what is left below zero counts towards the next one. It counts
    # for one tick alone (a wait that is over stays at 0), so that who has long had no target saves up nothing.
    wait = battle.cooldown + arena.period + moment.delay
    left = (battle.cooldown - LOOPS_PER_TICK) * (battle.cooldown > 0)
    walks = alive & ~reaches & (has | orders.marches)  # who is in reach stands, whether the weapon is ready or not
    chase = Chase(has, who, gap, walks, alive)
    return after._replace(
        place=walk(arena, battle, orders, chase, pairs=pairs, begins=rows.battle),
        cooldown=xp.where(hit, wait, left) * alive,
        target=enemy_target,
        tick=battle.tick + 1,
    )


def _strike(arena: Arena, battle: Battle, struck: Array, *, pairs: Pairs, who: Array, alive: Array) -> Battle:
    """Let all shots land at once: shields take them first, without armour."""
    xp = namespace(battle.hp)
    for unit, half_width in arena.splashing:
        # The shooter's own row is replaced. Friends may stand on the line: their damage in the tables is zero.
        swept = (
            _swept(arena, pairs, who[:, unit], unit=unit, half_width=half_width)
            & struck[:, unit].any(-1)[:, None]
            & alive
        )
        struck = xp.where((arena.unit == unit)[:, None], (swept | struck[:, unit])[:, None, :], struck)
    blows = as_float(struck)  # [env, unit, other]; summed over the shooters below
    armoured = (blows * arena.health_damage).sum(-2)  # [env, unit]
    if not arena.has_shields:
        return battle._replace(hp=at_least(battle.hp - armoured, 0.0))
    # What shields absorb is a share of the raw damage of all shots of the tick; the rest of each shot goes on to the
    # hit points, there reduced by armour. Who was not hit has raw 0: true counts as 1 below, and 0 / 1 is nothing.
    raw = (blows * arena.shield_damage).sum(-2)  # [env, unit]
    absorbed = xp.minimum(battle.shield, raw)
    is_calm = raw == 0
    return battle._replace(
        hp=at_least(battle.hp - armoured * (1.0 - absorbed / (raw + as_float(is_calm))), 0.0),
        shield=battle.shield - absorbed,
        calm=(battle.calm + TICK_SECONDS) * is_calm,
    )


def _swept(arena: Arena, pairs: Pairs, who: Array, *, unit: int, half_width: float) -> Array:
    """Say who stands on the line that a shot sweeps, across its direction through the target: bool ``[env, unit]``."""
    there = -pairs.apart[:, :, unit]  # [env, 2, unit], from the shooter
    # The target's offset is picked by a one-hot row, all other terms of the sum being zero.
    to = as_float(arena.unit == who[:, None])[:, None]  # [env, 1, unit]
    to = (there * to).sum(-1)[..., None]  # [env, 2, 1]
    ahead = to / (size(to) + 1e-6)[:, None]  # of length 1, or 0 where shooter and target stand on one point
    # Offsets from the target, split along the shot (dot product) and across it (cross product).
    (off_x, off_y), (ahead_x, ahead_y) = (vectors.swapaxes(0, 1) for vectors in (there - to, ahead))
    along, across = off_x * ahead_x + off_y * ahead_y, off_y * ahead_x - off_x * ahead_y
    body = arena.radius.diagonal() / 2  # [unit]; the table has sums of two bodies, on its diagonal a unit's own twice
    return (abs(along) <= body) & (abs(across) <= half_width)


def _recover(arena: Arena, battle: Battle, *, reaches: Array, who: Array, begins: Array, alive: Array) -> Battle:
    """Heal the wounded, regain shields and energy."""
    xp = namespace(battle.hp)
    if not (arena.has_healers or arena.has_shields):
        return battle
    lives = as_float(battle.hp > 0)  # after the shots: a wound of this tick is healed in it, a death is not undone
    if arena.has_healers:
        health = battle.hp.take(begins + who)
        at_work = reaches & arena.heals & (health < arena.hp_max.take(who)) & (health > 0)
        amount = at_most(battle.energy * HEALTH_PER_ENERGY, HEALTH_PER_SECOND * TICK_SECONDS) * at_work
        mended = ((who[..., None] == arena.unit) * amount[..., None]).sum(-2)  # [env, healer, unit] -> [env, unit]
        # Energy is paid for what was offered: two healers of one almost healthy patient both pay in full.
        energy = battle.energy + (arena.energy_gain - amount / HEALTH_PER_ENERGY)
        battle = battle._replace(
            hp=xp.minimum(battle.hp + mended * lives, arena.hp_max),
            energy=at_most(at_least(energy, 0.0), LARGEST_ENERGY) * alive,
        )
    if arena.has_shields:
        back = SHIELD_PER_SECOND * TICK_SECONDS * as_float(battle.calm > SHIELD_DELAY) * lives
        battle = battle._replace(shield=xp.minimum(battle.shield + back, arena.shield_max))
    return battle


def units_of(arena: Arena, battle: Battle) -> Units:
    """Return what the layout looks at; its arrays are ``[env, agent]`` and ``[env, enemy]``."""
    n = arena.n_agents
    x, y = battle.x, battle.y
    return Units(
        ally_x=x[:, :n],
        ally_y=y[:, :n],
        ally_hp=battle.hp[:, :n],
        ally_shield=battle.shield[:, :n],
        ally_cooldown=at_least(battle.cooldown[:, :n], 0.0),  # below zero is bookkeeping that SMAC does not know
        ally_energy=battle.energy[:, :n],
        enemy_x=x[:, n:],
        enemy_y=y[:, n:],
        enemy_hp=battle.hp[:, n:],
        enemy_shield=battle.shield[:, n:],
        last_action=battle.last_action,
    )
