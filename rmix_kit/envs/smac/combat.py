"""A StarCraft-like battle as pure batched functions; not StarCraft II, and win rates are not comparable with it.

Time runs in ticks of two game loops, four to a step. In a tick, at positions of its beginning: enemies look for
targets, shots land at once, healers heal, then everybody walks and bodies push each other apart. Agents do what they
are told and nothing else; enemies attack-move. The only luck is where exactly units start, weapon delays and, below
difficulty 9, the enemy's choice of targets; all draws come from a counter hash of (seed, tick, unit).

The functions run on numpy arrays and torch tensors of any device, without a value ever being read back.
"""

from __future__ import annotations

from typing import NamedTuple

from macn.slipping import slip_draws, stream_keys
from rmix_kit.envs.smac.arena import LOOPS_PER_TICK, TICKS_PER_STEP, Arena, Difficulty
from rmix_kit.envs.smac.arrays import Array, as_bytes, as_float, as_index, namespace, pick, root
from rmix_kit.envs.smac.layout import NO_ACTION_YET, Units
from rmix_kit.envs.smac.maps import MAP_SIZE
from rmix_kit.envs.smac.terrain import FINE, FINE_SIZE
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
PUSH = 0.15 * LOOPS_PER_TICK  # cells: the most that bodies are pushed apart in a tick
EDGE = 0.4  # cells: nobody comes closer to the map's edge
WOUNDED_NEARER = 0.5  # cells: how much nearer a unit counts that is about to die
INTO_REACH = 0.02  # cells: how far inside its range a unit that chases stops
_BITS = 2.0**-20  # the resolution of a draw


class Battle(NamedTuple):
    """Where battles stand; float32 ``[env, unit]``, agents first, unless said otherwise."""

    x: Array
    y: Array
    hp: Array
    """0 is dead."""
    shield: Array
    cooldown: Array
    """Loops until the next shot; up to a tick below 0 when one has just become due."""
    energy: Array
    calm: Array
    """Seconds since the last hit."""
    target: Array
    """int64 [env, enemy]: the unit that an enemy is after, -1 for none."""
    tick: Array
    """int64 [env]: ticks since the beginning."""
    key: Array
    """int64 [env]: of the random draws."""
    last_action: Array
    """uint8 [env, agent], 255 right after the beginning."""


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
        x=arena.start_x + (2.0 * _uniform(draws, 0) - 1.0) * JITTER,
        y=arena.start_y + (2.0 * _uniform(draws, 20) - 1.0) * JITTER,
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


class _Orders(NamedTuple):
    aim: Array
    """int64 [env, agent]: whom agents attack or heal, -1 for nobody."""
    goal_x: Array
    """float32 [env, unit]: where to, for those without a target."""
    goal_y: Array


def _orders(arena: Arena, battle: Battle, actions: Array) -> _Orders:
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
    return _Orders(
        aim=arena.target[arena.unit[:n_agents], actions],
        goal_x=xp.concatenate([battle.x[:, :n_agents] + arena.move_x[actions], there_x], axis=-1),
        goal_y=xp.concatenate([battle.y[:, :n_agents] + arena.move_y[actions], there_y], axis=-1),
    )


class _Pairs(NamedTuple):
    """Of every two units, ``[env, unit, other]``."""

    dx: Array
    """From the other to the unit."""
    dy: Array
    distance: Array
    gap: Array
    """Between their bodies, negative where they overlap."""


def _tick(arena: Arena, difficulty: Difficulty, battle: Battle, orders: _Orders) -> Battle:
    xp = namespace(battle.x)
    alive = battle.hp > 0
    pairs = _pairs(arena, battle)
    draws = slip_draws(battle.key, battle.tick + 1, arena.unit)  # [env, unit]
    enemy_target = _look(arena, difficulty, battle, pairs, draws)
    aim = xp.concatenate([orders.aim, enemy_target], axis=-1)
    aims = aim >= 0
    who = aim * aims
    has = alive & aims & pick(alive, who)
    gap = _per_unit(pairs.gap, who)
    reaches = has & (gap <= arena.reach)
    hit = reaches & (battle.cooldown <= 0) & ~arena.heals
    struck = (who[..., None] == arena.unit) & hit[..., None]  # [env, unit, other]
    after = _strike(arena, battle, struck, pairs, who, alive)
    after = _recover(arena, after, reaches, who, alive)
    # A shot that was due within the tick is not late: what is left below zero counts towards the next one.
    wait = battle.cooldown + arena.period + (DELAY_LOW + (DELAY_HIGH - DELAY_LOW) * _uniform(draws, 0))
    left = (battle.cooldown - LOOPS_PER_TICK) * (battle.cooldown > 0)
    walks = alive & ~reaches & (has | ~aims)  # whose target has died stands
    x, y = _walk(arena, battle, orders, _Chase(has, who, gap, walks, alive), pairs)
    return after._replace(
        x=x,
        y=y,
        cooldown=xp.where(hit, wait, left) * alive,
        target=enemy_target,
        tick=battle.tick + 1,
    )


def _uniform(draws: Array, shift: int) -> Array:
    """Give numbers in [0, 1) from twenty bits of the draws."""
    return as_float((draws >> shift) & (2**20 - 1)) * _BITS


def _per_unit(pairs: Array, who: Array) -> Array:
    """Give each unit's entry for one other unit: ``[env, unit]``."""
    flat = pairs.reshape(-1, pairs.shape[-1])
    return pick(flat, who.reshape(-1, 1)).reshape(who.shape)


def _pairs(arena: Arena, battle: Battle) -> _Pairs:
    dx = battle.x[:, :, None] - battle.x[:, None, :]
    dy = battle.y[:, :, None] - battle.y[:, None, :]
    distance = root(dx * dx + dy * dy)
    return _Pairs(dx, dy, distance, distance - arena.radius)


def _look(arena: Arena, difficulty: Difficulty, battle: Battle, pairs: _Pairs, draws: Array) -> Array:
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
    best = (gap + (arena.patience + WOUNDED_NEARER * life)[:, None, :] + as_float(~sees) * 1e6).argmin(-1)
    count = sees.cumsum(-1)
    seen = count[..., -1]
    chosen = draws[:, enemies]
    nth = as_index(_uniform(chosen, 20) * as_float(seen))
    other = as_bytes(sees & (count == nth[..., None] + 1)).argmax(-1)
    choice = xp.where(_uniform(chosen, 40) < difficulty.best_share, best, other)
    choice = choice * (seen > 0) - as_index(seen == 0)
    every = difficulty.retarget_loops // LOOPS_PER_TICK
    is_due = (battle.tick[:, None] + arena.unit[enemies]) % every == 0
    kept = battle.target * (battle.target >= 0)
    is_gone = (battle.target < 0) | (pick(battle.hp, kept) <= 0)
    return xp.where(is_due | is_gone, choice, battle.target)


def _strike(arena: Arena, battle: Battle, struck: Array, pairs: _Pairs, who: Array, alive: Array) -> Battle:
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


def _swept(arena: Arena, pairs: _Pairs, who: Array, unit: int, half_width: float) -> Array:
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
        gain = ENERGY_PER_SECOND * TICK_SECONDS * arena.heals - amount / HEALTH_PER_ENERGY
        battle = battle._replace(
            hp=xp.minimum(battle.hp + mended * lives, arena.hp_max + 0.0 * battle.hp),
            energy=(battle.energy + gain).clip(0.0, LARGEST_ENERGY) * alive,
        )
    if arena.has_shields:
        back = SHIELD_PER_SECOND * TICK_SECONDS * as_float(battle.calm > SHIELD_DELAY) * lives
        battle = battle._replace(shield=xp.minimum(battle.shield + back, arena.shield_max + 0.0 * back))
    return battle


class _Chase(NamedTuple):
    has: Array
    """bool [env, unit]: has a target."""
    who: Array
    """int64 [env, unit]: the target, any unit for those without."""
    gap: Array
    """float32 [env, unit]: to the target."""
    walks: Array
    """bool [env, unit]: wants to be elsewhere."""
    alive: Array
    """bool [env, unit]."""


def _walk(arena: Arena, battle: Battle, orders: _Orders, chase: _Chase, pairs: _Pairs) -> tuple[Array, Array]:
    """Give where everybody is at the end of the tick."""
    xp = namespace(battle.x)
    goal_x = xp.where(chase.has, pick(battle.x, chase.who), orders.goal_x)
    goal_y = xp.where(chase.has, pick(battle.y, chase.who), orders.goal_y)
    dx, dy = goal_x - battle.x, goal_y - battle.y
    length = root(dx * dx + dy * dy)
    room = xp.where(chase.has, (chase.gap - arena.reach).clip(0.0) + INTO_REACH, length)
    if arena.waypoint is not None:
        dx, dy, length = _around_walls(arena, battle, goal_x, goal_y, length)
        room = xp.where(room < length, room, length)
    stride = xp.minimum(arena.stride + 0.0 * room, room) * chase.walks
    share = stride / (length + 1e-6)
    push_x, push_y = _push(arena, pairs, stride > 0, chase.alive)
    return _stay_on_ground(arena, battle, dx * share + push_x, dy * share + push_y)


def _cells(x: Array, y: Array) -> Array:
    return as_index(x) * MAP_SIZE + as_index(y)


def _parts(x: Array, y: Array) -> Array:
    return as_index(x * FINE) * FINE_SIZE + as_index(y * FINE)


def _around_walls(
    arena: Arena, battle: Battle, goal_x: Array, goal_y: Array, length: Array
) -> tuple[Array, Array, Array]:
    """Give dx, dy and distance to the next point on the way."""
    xp = namespace(battle.x)
    assert arena.waypoint is not None
    inside = (0.0, MAP_SIZE - 1e-3)
    cell = _cells(battle.x, battle.y)
    goal = _cells(goal_x.clip(*inside), goal_y.clip(*inside))
    way = arena.waypoint[cell * (MAP_SIZE * MAP_SIZE) + goal]
    is_free = (way < 0) | arena.is_flying
    dx = xp.where(is_free, goal_x, as_float(way // MAP_SIZE) + 0.5) - battle.x
    dy = xp.where(is_free, goal_y, as_float(way % MAP_SIZE) + 0.5) - battle.y
    return dx, dy, xp.where(is_free, length, root(dx * dx + dy * dy))


def _push(arena: Arena, pairs: _Pairs, moves: Array, alive: Array) -> tuple[Array, Array]:
    """Give how far bodies that overlap are pushed apart; who walks gives way to who stands."""
    overlap = (-pairs.gap).clip(0.0) * (arena.is_solid & alive[:, None, :] & alive[:, :, None])
    walking = as_float(moves)
    weight = 0.5 + 0.5 * (walking[:, :, None] - walking[:, None, :])
    force = overlap * weight / (pairs.distance + 1e-6)
    x, y = (force * pairs.dx).sum(-1), (force * pairs.dy).sum(-1)
    size = root(x * x + y * y)
    scale = (PUSH / (size + 1e-6)).clip(0.0, 1.0)
    return x * scale, y * scale


def _stay_on_ground(arena: Arena, battle: Battle, dx: Array, dy: Array) -> tuple[Array, Array]:
    """Move, slide along walls where the way is blocked, and stand where nothing else is left."""
    xp = namespace(battle.x)
    x = (battle.x + dx).clip(EDGE, MAP_SIZE - EDGE)
    y = (battle.y + dy).clip(EDGE, MAP_SIZE - EDGE)
    both = arena.ground[_parts(x, y)] | arena.is_flying
    only_x = arena.ground[_parts(x, battle.y)]
    only_y = arena.ground[_parts(battle.x, y)] & ~only_x
    return xp.where(both | only_x, x, battle.x), xp.where(both | only_y, y, battle.y)


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
