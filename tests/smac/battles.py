"""Battles played by both engines side by side, and what happened in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from itertools import count

import numpy as np

from rmix_kit.smac.arena import DIFFICULTIES, Arena, arena_of
from rmix_kit.smac.arrays import Array
from rmix_kit.smac.battle import Battle
from rmix_kit.smac.engine import ArrayEngine, Engine, Played
from rmix_kit.smac.facts import layout_facts
from rmix_kit.smac.kernel.engine import KernelEngine
from rmix_kit.smac.maps import SCENARIOS
from rmix_kit.types import BoolArray
from tests.envs.smac import scripts

SCRIPTS = (scripts.nearest, scripts.uniform, scripts.weakest, scripts.nearest, scripts.kite)
STRETCH = 6  # steps until another script leads


def engines_of(name: str, difficulty: str) -> tuple[Engine, Engine]:
    """The same battles as arrays and compiled."""
    arena, facts = arena_of(name), layout_facts(SCENARIOS[name])
    return tuple(engine(arena, DIFFICULTIES[difficulty], facts) for engine in (ArrayEngine, KernelEngine))


def bits(array: Array) -> np.ndarray:
    """The bytes, which tell 0 from -0 and one NaN from another."""
    return np.ascontiguousarray(array).view(np.uint8)


def different(found: Iterable[tuple[str, Array, Array]]) -> list[str]:
    """The names of arrays that differ in dtype, shape or a bit."""
    return [
        name
        for name, ours, theirs in found
        if (ours.dtype, ours.shape) != (theirs.dtype, theirs.shape) or not np.array_equal(bits(ours), bits(theirs))
    ]


def differences(ours: Played, theirs: Played, going: BoolArray) -> list[str]:
    """The names of everything that two engines say differently of a step."""
    pairs = [("paid", ours.paid, theirs.paid)]
    pairs += [
        (name, one & going, other & going)
        for name, one, other in zip(ours.ended._fields, ours.ended, theirs.ended, strict=True)
    ]
    for mine, other in zip(ours.moment, theirs.moment, strict=True):
        pairs += zip(mine._fields, mine, other, strict=True)
    return different(pairs)


@cache
def side_by_side(name: str, difficulty: str, *, copies: int, least: int) -> Counter[str]:
    """Play both engines for so many steps of one battle at least, and count what happened.

    Battles that are over wait for the others; when all are, they begin anew.

    Raises:
        AssertionError: The engines differ in a bit.
    """
    arena, facts, rng = arena_of(name), layout_facts(SCENARIOS[name]), np.random.default_rng(len(name))
    arrays, kernel = engines_of(name, difficulty)
    moment, other = (engine.begin(np.arange(copies)) for engine in (arrays, kernel))
    going, seen = np.ones(copies, dtype=np.bool_), Counter[str]()
    for step in count():
        if seen["steps"] >= least:
            break
        script = SCRIPTS[step // STRETCH % len(SCRIPTS)]
        actions = script(facts, moment.units, moment.encoded, rng)
        played, compiled = (engine.step(now, actions, going) for engine, now in ((arrays, moment), (kernel, other)))
        assert not differences(played, compiled, going), (name, difficulty, step)
        seen += events(arena, moment.battle, played, going)
        going = going & ~played.ended.is_over
        moment, other = played.moment, compiled.moment
        if not going.any():
            moment, other = (engine.begin(np.arange(copies) + step) for engine in (arrays, kernel))
            going = np.ones(copies, dtype=np.bool_)
    return seen


def events(arena: Arena, before: Battle, played: Played, going: BoolArray) -> Counter[str]:
    """What happened in a step."""
    n, after = arena.n_agents, played.moment.battle
    died = (before.hp > 0) & (after.hp <= 0)
    rose = after.hp > before.hp
    won, over = played.ended.won & going, played.ended.is_over & going
    return Counter(
        steps=int(going.sum()),
        agents_died=int(died[:, :n].sum()),
        enemies_died=int(died[:, n:].sum()),
        agents_healed=int(rose[:, :n].sum()),
        enemies_healed=int(rose[:, n:].sum()),
        shields_rose=int((after.shield > before.shield).sum()),
        won=int(won.sum()),
        lost=int((over & ~won).sum()),
    )
