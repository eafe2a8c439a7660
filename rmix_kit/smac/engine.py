"""Who computes battles: the array functions, or compiled scalars where numba is installed; every bit is the same."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np

from rmix_kit.compiling.finding import compiled_module
from rmix_kit.smac import combat, layout
from rmix_kit.smac.arena import Arena, Difficulty
from rmix_kit.smac.arrays import Array
from rmix_kit.smac.battle import Battle
from rmix_kit.smac.facts import Facts, Units
from rmix_kit.smac.layout import Encoded, Outcome
from rmix_kit.types import BoolArray, IntArray


class Moment(NamedTuple):
    """Battles between two steps. Nobody changes one: what is handed out of it stays as it is."""

    battle: Battle
    units: Units
    encoded: Encoded


class Played(NamedTuple):
    """Battles after a step; what those show that did not go on is what they showed."""

    moment: Moment
    paid: Array
    """float32 [env]; 0 for battles that did not go on."""
    ended: Outcome
    """Of those that went on."""


Encoder: TypeAlias = Callable[[Units], Encoded]
"""Lays numpy arrays out, in C order: float32, and uint8 for last actions."""


class Engine(Protocol):
    """Plays battles of one map and difficulty, on numpy arrays."""

    def begin(self, seeds: IntArray) -> Moment:
        """Start battles, of seeds ``[env]`` from 0."""
        ...

    def step(self, moment: Moment, actions: IntArray, going: BoolArray) -> Played:
        """Play a step of the battles that go on.

        Args:
            moment: Before the step; it stays as it is.
            actions: int64 ``[env, agent]``, all allowed where the battle goes on.
            going: bool ``[env]``.
        """
        ...


class ArrayEngine:
    """All battles at once, an operation at a time."""

    def __init__(self, arena: Arena, difficulty: Difficulty, facts: Facts) -> None:
        """Take a map's tables, as numpy arrays."""
        self._arena, self._difficulty, self._facts = arena, difficulty, facts

    def begin(self, seeds: IntArray) -> Moment:
        """Start battles."""
        battle = combat.begin(self._arena, seeds)
        units = combat.units_of(self._arena, battle)
        return Moment(battle, units, layout.encode(self._facts, units))

    def step(self, moment: Moment, actions: IntArray, going: BoolArray) -> Played:
        """Play a step."""
        following = combat.step(self._arena, self._difficulty, moment.battle, actions)
        battle = following if going.all() else _chosen(going, following, moment.battle)
        units = combat.units_of(self._arena, battle)
        ended = layout.outcome(self._facts, units)
        paid = layout.reward(self._facts, moment.units, units, won=ended.won) * going
        return Played(Moment(battle, units, layout.encode(self._facts, units)), paid, ended)


def _chosen(going: BoolArray, following: Battle, before: Battle) -> Battle:
    """Let only the battles go on that are not over."""
    pairs = zip(following, before, strict=True)
    return Battle(*(np.where(going.reshape(-1, *(1,) * (new.ndim - 1)), new, old) for new, old in pairs))


def replaced(moment: Moment, battles: IntArray, begun: Moment) -> Moment:
    """Return a moment in which some battles are other ones.

    Args:
        moment: All battles; it stays as it is.
        battles: int64 ``[start]``, which.
        begun: What they are, ``[start]`` of them.
    """

    def merged(old: Array, new: Array) -> Array:
        whole = old.copy()
        whole[battles] = new
        return whole

    battle, units, encoded = (list(map(merged, before, after)) for before, after in zip(moment, begun, strict=True))
    return Moment(Battle(*battle), Units(*units), Encoded(*encoded))


def engine_of(arena: Arena, difficulty: Difficulty, facts: Facts) -> Engine:
    """Return the quicker engine that this installation has."""
    kernel = _kernel()
    if isinstance(kernel, str):
        return ArrayEngine(arena, difficulty, facts)
    engine: Engine = kernel.KernelEngine(arena, difficulty, facts)
    return engine


def encoder_of(facts: Facts) -> Encoder | None:
    """Return the compiled `rmix_kit.smac.layout.encode` of one map; None where numba is missing."""
    kernel = _kernel()
    if isinstance(kernel, str):
        return None
    encoder: Encoder = kernel.KernelEncoder(facts).encode
    return encoder


def why_slow() -> str:
    """Return why battles take longer than they could, and what to do; nothing where they do not."""
    kernel = _kernel()
    if isinstance(kernel, str):
        return f"battles are played several times slower than they could be, with the same numbers: {kernel}"
    if not kernel.are_kept():
        return (
            "battles are compiled anew in every process, which takes some ten seconds: there is no place to keep what "
            "numba compiles; name a folder in NUMBA_CACHE_DIR"
        )
    return ""


def _kernel() -> ModuleType | str:
    """Return the compiled battle, or why there is none."""
    return compiled_module("rmix_kit.smac.kernel.engine")
