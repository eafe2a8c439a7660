"""SMAC's layout: unit states in, observations, state, masks and rewards out, exactly as SMAC lays them out.

The functions are pure and batched, and they run on numpy arrays and on torch tensors of any device. They know no map:
everything they ask about one is passed in as `Facts`. Where a field has a counterpart in SMAC, it means the same.

Source: Samvelyan et al., "The StarCraft Multi-Agent Challenge" (2019), and the observed behaviour of its release with
default options; test fixtures recorded from that release hold every number to 1e-6.
"""

from __future__ import annotations

from typing import NamedTuple

from rmix_kit.smac.arrays import Array, as_float, as_index, namespace, root, side_by_side
from rmix_kit.smac.facts import (
    DEATH_VALUE,
    FIRST_TARGET,
    PER_SIGHT,
    REWARD_SCALE,
    SHOOT,
    SIGHT,
    WIN_VALUE,
    Facts,
    Units,
)
from rmix_kit.smac.maps import MAP_SIZE


class Encoded(NamedTuple):
    """What agents, trainer and collector get."""

    obs: Array
    """float32 [env, agent, obs]."""
    state: Array
    """float32 [env, state]."""
    avail_actions: Array
    """bool [env, agent, action]."""


def encode(facts: Facts, units: Units) -> Encoded:
    """Return observations, state and action masks of unit states.

    Args:
        facts: The map's facts, arrays of the same kind as the units.

    Returns:
        Observations are zero for dead agents, whose mask allows the no-op alone. The state sees everything.
    """
    xp = namespace(units.ally_x)
    alive, enemy_alive = as_float(units.ally_hp > 0), as_float(units.enemy_hp > 0)
    to_enemies = _offsets(units, units.enemy_x, units.enemy_y)
    to_allies = _offsets(units, units.ally_x, units.ally_y)
    avail_actions = _avail_actions(facts, units, to_enemies.distance, to_allies.distance)
    can = as_float(avail_actions)
    own = [units.ally_hp / facts.ally_hp_max]
    enemy = [units.enemy_hp / facts.enemy_hp_max]
    if facts.has_ally_shield:
        own.append(units.ally_shield / facts.max_shield_ally)
    if facts.has_enemy_shield:
        enemy.append(units.enemy_shield / facts.max_shield_enemy)
    seen_enemies = _seen(can[..., FIRST_TARGET:], to_enemies, enemy, facts.enemy_type, enemy_alive)
    # Everybody sees all allies, itself too, and `facts.others` leaves itself out: one look-up in the flattened pairs.
    everyone = _seen(1.0, to_allies, own, facts.ally_type, alive)
    seen_allies = everyone.reshape(len(alive), -1, everyone.shape[-1])[
        :, facts.others
    ]  # [env, agent * others, feature]
    obs = xp.concatenate(
        [
            can[..., 2:FIRST_TARGET],
            seen_enemies.reshape(*alive.shape, -1),
            seen_allies.reshape(*alive.shape, -1),
            side_by_side(alive.shape, own, facts.ally_type),
        ],
        axis=-1,
    )
    return Encoded(
        obs=obs * alive[..., None],
        state=_state(facts, units, own, enemy, alive=alive, enemy_alive=enemy_alive),
        avail_actions=avail_actions,
    )


def observation_meanings(facts: Facts) -> tuple[str, ...]:
    """Return what each element of an observation is, in words; others than the observer are numbered without it.

    Args:
        facts: Of the map.
    """
    moves = [f"may move {name}" for name in ("north", "south", "east", "west")]
    own_types = [f"type {number}" for number in range(facts.ally_type.shape[-1])]
    enemy_types = [f"type {number}" for number in range(facts.enemy_type.shape[-1])]
    own = ["health", *["shield"] * facts.has_ally_shield, *own_types]
    enemy = ["health", *["shield"] * facts.has_enemy_shield, *enemy_types]
    offsets = ["distance", "east", "north"]
    enemies = [
        f"enemy {number}: {word}"
        for number in range(len(facts.enemy_hp_max))
        for word in ["may be aimed at", *offsets, *enemy]
    ]
    others = [
        f"other {number}: {word}"
        for number in range(len(facts.ally_hp_max) - 1)
        for word in ["in sight", *offsets, *own]
    ]
    return (*moves, *enemies, *others, *(f"own {word}" for word in own))


class _Offsets(NamedTuple):
    """From each agent to each other unit, ``[env, agent, unit]``."""

    dx: Array
    dy: Array
    distance: Array


def _offsets(units: Units, x: Array, y: Array) -> _Offsets:
    dx = x[:, None, :] - units.ally_x[:, :, None]
    dy = y[:, None, :] - units.ally_y[:, :, None]
    # Not `hypot`: the replay rebuilds these bits on a device, and only `root` promises the same ones everywhere.
    return _Offsets(dx, dy, root(dx * dx + dy * dy))


def _seen(first: Array | float, offsets: _Offsets, health: list[Array], type_bits: Array, alive: Array) -> Array:
    """Return what each agent sees of others: zero for the dead and for what lies beyond its sight.

    Args:
        first: The first feature, ``[env, agent, other]``.
        offsets: To the others.
        health: Health and shield as shares, ``[env, other]`` each.
        type_bits: ``[other, type]``.
        alive: 1 or 0, ``[env, other]``.

    Returns:
        ``[env, agent, other, feature]``.
    """
    visible = as_float(offsets.distance < SIGHT) * alive[:, None, :]
    # Products, since a GPU divides by a number as if by its rounded inverse: the replay rebuilds these bits there.
    features = [first, offsets.distance * PER_SIGHT, offsets.dx * PER_SIGHT, offsets.dy * PER_SIGHT]
    features += [row[:, None, :] for row in health]
    return side_by_side(visible.shape, features, type_bits) * visible[..., None]


def _avail_actions(facts: Facts, units: Units, to_enemies: Array, to_allies: Array) -> Array:
    """Return the masks, bool ``[env, agent, action]``.

    A move is allowed where the cell one length ahead is free, an attack within `SHOOT` of a living enemy. A medivac
    may heal living allies within the same distance, medivacs excepted; the action after the last ally is never
    allowed.
    """
    xp = namespace(to_enemies)
    alive = units.ally_hp > 0
    moves = _can_stand(facts, units.ally_x[..., None] + facts.move_x, units.ally_y[..., None] + facts.move_y)
    shoots = (to_enemies <= SHOOT) & (units.enemy_hp > 0)[:, None, :] & ~facts.medivac[:, None]
    # A medivac's action k heals ally k where another's attacks enemy k, so both share the columns of the enemies.
    n_targets = shoots.shape[-1]
    if facts.has_medivac:
        heals = (to_allies <= SHOOT) & (alive & ~facts.medivac)[:, None, :] & facts.medivac[:, None]
        n_heals = min(n_targets, heals.shape[-1])
        shoots = xp.concatenate([shoots[..., :n_heals] | heals[..., :n_heals], shoots[..., n_heals:]], axis=-1)
    lives = alive[..., None]
    return xp.concatenate([~lives, lives, moves & lives, shoots & lives], axis=-1)


def _can_stand(facts: Facts, x: Array, y: Array) -> Array:
    """Return whether the cell of a point is inside the map and free."""
    column, row = as_index(x), as_index(y)
    inside = (column >= 0) & (column < MAP_SIZE) & (row >= 0) & (row < MAP_SIZE)
    return inside & facts.pathing.take((column * MAP_SIZE + row) * inside)  # outside looks up cell 0, and is masked


def _state(
    facts: Facts, units: Units, own: list[Array], enemy: list[Array], *, alive: Array, enemy_alive: Array
) -> Array:
    """Return the global state ``[env, state]``: agents, enemies, last actions one-hot."""
    xp = namespace(units.ally_x)
    centre = MAP_SIZE / 2
    cooldown = xp.where(facts.medivac, units.ally_energy, units.ally_cooldown) / facts.max_cooldown
    allies = [own[0], cooldown, (units.ally_x - centre) / MAP_SIZE, (units.ally_y - centre) / MAP_SIZE, *own[1:]]
    enemies = [enemy[0], (units.enemy_x - centre) / MAP_SIZE, (units.enemy_y - centre) / MAP_SIZE, *enemy[1:]]
    last = as_float(units.last_action[..., None] == facts.actions)  # [env, agent, action]
    blocks = [
        side_by_side(units.ally_hp.shape, allies, facts.ally_type) * alive[..., None],
        side_by_side(units.enemy_hp.shape, enemies, facts.enemy_type) * enemy_alive[..., None],
        last,
    ]
    return xp.concatenate([block.reshape(len(last), -1) for block in blocks], axis=-1)


class Outcome(NamedTuple):
    """How battles stand, bool ``[env]``; neither won nor lost while they last, and after a draw."""

    is_over: Array
    won: Array


def outcome(facts: Facts, units: Units) -> Outcome:
    """Return which battles are over.

    Won: no enemy lives, or a medivac alone. Lost, which is asked first: no agent lives, or medivacs alone.
    """
    alive, enemy_alive = units.ally_hp > 0, units.enemy_hp > 0
    fighters = (alive & ~facts.medivac).any(axis=-1)
    enemy_fighters = (enemy_alive & ~facts.enemy_medivac).any(axis=-1)
    any_alive = alive.any(axis=-1)
    only_healers = any_alive & ~fighters
    lost = only_healers | (~any_alive & enemy_alive.any(axis=-1))
    return Outcome(is_over=~fighters | ~enemy_fighters, won=~lost & any_alive & ~enemy_fighters)


def reward(facts: Facts, units: Units, next_units: Units, *, won: Array | None = None) -> Array:
    """Return the shared reward of a step: damage and kills, and the win, scaled so that a clean win pays 20.

    Enemies that regain shields or health pay as well, for SMAC takes the absolute value of the sum.

    Args:
        next_units: After it.
        won: bool ``[env]`` of the `outcome` after it, for callers that have it already.

    Returns:
        float32 ``[env]``.
    """
    if won is None:
        won = outcome(facts, next_units).won
    was_alive = units.enemy_hp > 0
    died = was_alive & (next_units.enemy_hp <= 0)
    # Who died in the step lost all it had left, whatever the simulator still says of it.
    left = (next_units.enemy_hp + next_units.enemy_shield) * ~died
    lost = (units.enemy_hp + units.enemy_shield - left) * as_float(was_alive) + DEATH_VALUE * as_float(died)
    points = abs(lost.sum(axis=-1)) + WIN_VALUE * as_float(won)
    return points / (facts.max_reward / REWARD_SCALE)
