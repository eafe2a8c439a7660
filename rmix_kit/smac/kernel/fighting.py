"""Who is after whom, shots, healing: `rmix_kit.smac.targeting` and what `rmix_kit.smac.combat` does before walking."""

from __future__ import annotations

import numpy as np

from macn.counter_hash import GAMMA
from rmix_kit.compiling.keeping import inlined
from rmix_kit.smac.arrays import Array
from rmix_kit.smac.battle import BITS
from rmix_kit.smac.combat import TICK_SECONDS
from rmix_kit.smac.kernel.compiling import Real, Whole, mix, root
from rmix_kit.smac.kernel.notes import (
    AIM,
    ALIVE,
    APART_X,
    APART_Y,
    ARMOURED,
    CALM,
    COOLDOWN,
    ENERGY,
    GAP,
    HAS,
    HITS,
    HP,
    LEAST_LENGTH,
    MENDED,
    ONE,
    RAW,
    REACHES,
    SEES,
    SHIELD,
    WHO,
    ZERO,
)
from rmix_kit.smac.kernel.tables import (
    ACQUIRE,
    ENERGY_GAIN,
    HEALS,
    HEALTH_DAMAGE,
    HP_MAX,
    LIFE_MAX,
    PATIENCE,
    RADIUS,
    REACH,
    SHIELD_DAMAGE,
    SHIELD_MAX,
    SHOOTS,
    SWEEP,
    WANTS,
    Rules,
)
from rmix_kit.smac.targeting import WOUNDED_NEARER
from rmix_kit.smac.unit_types import (
    HEALTH_PER_ENERGY,
    HEALTH_PER_SECOND,
    LARGEST_ENERGY,
    SHIELD_DELAY,
    SHIELD_PER_SECOND,
)

_BITS, _TWO = np.float32(BITS), np.float32(2.0)
_WOUNDED_NEARER = np.float32(WOUNDED_NEARER)
_TICK_SECONDS = np.float32(TICK_SECONDS)
_SHIELD_DELAY = np.float32(SHIELD_DELAY)
_SHIELD_BACK = np.float32(SHIELD_PER_SECOND * TICK_SECONDS)
_HEALTH_PER_ENERGY = np.float32(HEALTH_PER_ENERGY)
_MOST_MENDED = np.float32(HEALTH_PER_SECOND * TICK_SECONDS)
_LARGEST_ENERGY = np.float32(LARGEST_ENERGY)


@inlined
def draw_of(draws: Whole, unit: Whole) -> Whole:
    """Return a unit's draw of what a tick's draws come from, as `macn.counter_hash.counter_draws` does."""
    return mix(draws + (unit + 1) * GAMMA)


@inlined
def uniform(draw: Whole, shift: Whole) -> Real:
    """Return a number in [0, 1) from twenty bits of a draw, as `rmix_kit.smac.battle.uniform` does."""
    return np.float32((draw >> shift) & (2**20 - 1)) * _BITS


@inlined
def look(
    rules: Rules, facts: Array, now: Array, flag: Array, aim: Array, pair: Array, tick: Whole, draws: Whole
) -> None:
    """Let the enemies choose targets; dead ones look too, as their rows do in the arrays."""
    is_, does = rules.is_, rules.does
    for unit in range(rules.n_agents, now.shape[1]):
        present = aim[AIM, unit]
        if present < 0 or now[HP, present] <= ZERO or (tick + unit) % rules.look_every == 0:
            draw = draw_of(draws, unit)
            best, count = _nearest(facts, does, now, flag, pair, unit, is_[HEALS, unit])
            if count and uniform(draw, 40) >= rules.best_share:
                best = _nth(flag, np.int64(uniform(draw, 20) * np.float32(count)))
            aim[AIM, unit] = best


@inlined
def _nearest(
    facts: Array, does: Array, now: Array, flag: Array, pair: Array, unit: Whole, heals: bool
) -> tuple[Whole, Whole]:
    """Note whom an enemy sees; return the nearest threat, -1 for none, and how many it sees."""
    count, best, nearest, acquire = 0, -1, ZERO, facts[ACQUIRE, unit]
    for other in range(now.shape[1]):
        hp, gap = now[HP, other], pair[GAP, unit, other]
        sees = hp > ZERO and does[WANTS, unit, other] and gap <= acquire and (not heals or hp < facts[HP_MAX, other])
        flag[SEES, other] = sees
        if sees:
            count += 1
            life = (hp + now[SHIELD, other]) / facts[LIFE_MAX, other]
            far = gap + (facts[PATIENCE, other] + _WOUNDED_NEARER * life)
            if best < 0 or far < nearest:
                best, nearest = other, far
    return best, count


@inlined
def _nth(flag: Array, nth: Whole) -> Whole:
    """Return the unit in sight before which there are so many others in sight."""
    for other in range(flag.shape[1]):
        if flag[SEES, other]:
            if nth == 0:
                return other
            nth -= 1
    return -1  # cannot be: there are more in sight


@inlined
def take_aim(facts: Array, is_: Array, now: Array, flag: Array, aim: Array, pair: Array) -> None:
    """Note who has a target, has it in reach and shoots."""
    for unit in range(now.shape[1]):
        who = max(aim[AIM, unit], 0)
        has = aim[AIM, unit] >= 0 and flag[ALIVE, unit] and flag[ALIVE, who]
        reaches = has and pair[GAP, unit, who] <= facts[REACH, unit]
        aim[WHO, unit], flag[HAS, unit], flag[REACHES, unit] = who, has, reaches
        flag[HITS, unit] = reaches and now[COOLDOWN, unit] <= ZERO and is_[SHOOTS, unit]


@inlined
def strike(facts: Array, between: Array, has_shields: bool, now: Array, flag: Array, aim: Array, pair: Array) -> None:
    """Let all shots land at once; damage is added in the order of the shooters."""
    for unit in range(now.shape[1]):
        now[RAW, unit], now[ARMOURED, unit] = ZERO, ZERO
    for unit in range(now.shape[1]):
        if flag[HITS, unit]:
            if facts[SWEEP, unit] > ZERO:
                _sweep(between, now, flag, pair, unit, aim[WHO, unit], facts[SWEEP, unit])
            else:
                struck = aim[WHO, unit]
                now[RAW, struck] += between[SHIELD_DAMAGE, unit, struck]
                now[ARMOURED, struck] += between[HEALTH_DAMAGE, unit, struck]
    for unit in range(now.shape[1]):
        lost = now[ARMOURED, unit]
        if has_shields:
            raw = now[RAW, unit]
            is_calm = ONE if raw == ZERO else ZERO
            absorbed = min(now[SHIELD, unit], raw)
            lost = lost * (ONE - absorbed / (raw + is_calm))
            now[SHIELD, unit] -= absorbed
            now[CALM, unit] = (now[CALM, unit] + _TICK_SECONDS) * is_calm
        now[HP, unit] = max(now[HP, unit] - lost, ZERO)


@inlined
def _sweep(between: Array, now: Array, flag: Array, pair: Array, unit: Whole, who: Whole, half_width: Real) -> None:
    """Let a shot strike its target and whoever lives on the line across its direction through the target."""
    to_x, to_y = -pair[APART_X, who, unit], -pair[APART_Y, who, unit]  # from the shooter
    length = root(to_x * to_x + to_y * to_y) + LEAST_LENGTH
    ahead_x, ahead_y = to_x / length, to_y / length
    for other in range(now.shape[1]):
        off_x, off_y = -pair[APART_X, other, unit] - to_x, -pair[APART_Y, other, unit] - to_y
        along, across = off_x * ahead_x + off_y * ahead_y, off_y * ahead_x - off_x * ahead_y
        body = between[RADIUS, other, other] / _TWO
        is_swept = flag[ALIVE, other] and abs(along) <= body and abs(across) <= half_width
        if is_swept or other == who:
            now[RAW, other] += between[SHIELD_DAMAGE, unit, other]
            now[ARMOURED, other] += between[HEALTH_DAMAGE, unit, other]


@inlined
def raise_shields(facts: Array, now: Array) -> None:
    """Let those regain shields that have not been hit for long."""
    for unit in range(now.shape[1]):
        if now[CALM, unit] > _SHIELD_DELAY and now[HP, unit] > ZERO:
            now[SHIELD, unit] = min(now[SHIELD, unit] + _SHIELD_BACK, facts[SHIELD_MAX, unit])


@inlined
def heal(facts: Array, is_: Array, now: Array, flag: Array, aim: Array) -> None:
    """Heal the wounded, and regain energy."""
    for unit in range(now.shape[1]):
        now[MENDED, unit] = ZERO
    for unit in range(now.shape[1]):
        who, amount = aim[WHO, unit], ZERO
        if flag[REACHES, unit] and is_[HEALS, unit] and ZERO < now[HP, who] < facts[HP_MAX, who]:
            amount = min(now[ENERGY, unit] * _HEALTH_PER_ENERGY, _MOST_MENDED)
            now[MENDED, who] += amount
        left = now[ENERGY, unit] + (facts[ENERGY_GAIN, unit] - amount / _HEALTH_PER_ENERGY)
        now[ENERGY, unit] = min(max(left, ZERO), _LARGEST_ENERGY) if flag[ALIVE, unit] else ZERO
    for unit in range(now.shape[1]):
        if now[HP, unit] > ZERO:
            now[HP, unit] = min(now[HP, unit] + now[MENDED, unit], facts[HP_MAX, unit])
