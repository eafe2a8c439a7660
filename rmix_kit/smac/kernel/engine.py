"""The compiled battle as an engine of `rmix_kit.smac.engine`."""

from __future__ import annotations

from functools import cache

import numpy as np

from rmix_kit.compiling.finding import is_kept
from rmix_kit.smac import combat
from rmix_kit.smac.arena import Arena, Difficulty
from rmix_kit.smac.battle import Battle
from rmix_kit.smac.engine import Moment, Played
from rmix_kit.smac.facts import Facts, Units
from rmix_kit.smac.kernel.compiling import sources
from rmix_kit.smac.kernel.encoding import Encode, encoding
from rmix_kit.smac.kernel.notes import notes_of
from rmix_kit.smac.kernel.playing import Play, playing
from rmix_kit.smac.kernel.tables import rules_of, sheet_of
from rmix_kit.smac.layout import Encoded, Outcome
from rmix_kit.types import BoolArray, IntArray


@cache
def _functions() -> tuple[Play, Encode]:
    """Return what numba compiles at its first call, or finds compiled."""
    digest = sources()
    return playing(digest), encoding(digest)


def are_kept() -> bool:
    """Whether later processes find the functions compiled."""
    return all(is_kept(function) for function in _functions())


class KernelEngine:
    """One battle after the other, a unit at a time."""

    def __init__(self, arena: Arena, difficulty: Difficulty, facts: Facts) -> None:
        """Take a map's tables, as numpy arrays."""
        self._arena, self._tables = arena, (*rules_of(arena, difficulty), *sheet_of(facts))
        self._notes = notes_of(len(arena.unit))
        self._play, _ = _functions()
        self._encoder = KernelEncoder(facts)

    def begin(self, seeds: IntArray) -> Moment:
        """Start battles."""
        battle = Battle(*map(np.ascontiguousarray, combat.begin(self._arena, seeds)))
        units = Units(*map(np.ascontiguousarray, combat.units_of(self._arena, battle)))
        return Moment(battle, units, self._encoder.encode(units))

    def step(self, moment: Moment, actions: IntArray, going: BoolArray) -> Played:
        """Play a step."""
        battle = Battle(*(field.copy() for field in moment.battle))
        units = Units(*(field.copy() for field in moment.units))
        paid = np.zeros(len(going), dtype=np.float32)
        ended = Outcome(np.zeros_like(going), np.zeros_like(going))
        encoded = self._encoder.room(len(going)) if going.all() else Encoded(*(part.copy() for part in moment.encoded))
        self._play(*self._tables, *self._notes, *battle, *units, actions, going, paid, *ended, *encoded)
        return Played(Moment(battle, units, encoded), paid, ended)


class KernelEncoder:
    """`rmix_kit.smac.layout.encode` of one map."""

    def __init__(self, facts: Facts) -> None:
        """Take a map's facts, as numpy arrays."""
        _, self._encode = _functions()
        self._sheet = sheet_of(facts)
        (self._n_agents, n_types), (n_enemies, n_enemy_types) = facts.ally_type.shape, facts.enemy_type.shape
        own = 1 + facts.has_ally_shield + n_types
        enemy = 1 + facts.has_enemy_shield + n_enemy_types
        self._n_actions = facts.n_actions
        self._obs_size = 4 + n_enemies * (4 + enemy) + (self._n_agents - 1) * (4 + own) + own
        self._state_size = self._n_agents * (3 + own + self._n_actions) + n_enemies * (2 + enemy)

    def room(self, n_envs: int) -> Encoded:
        """Return room for what so many battles show, with anything in it."""
        return Encoded(
            obs=np.empty((n_envs, self._n_agents, self._obs_size), dtype=np.float32),
            state=np.empty((n_envs, self._state_size), dtype=np.float32),
            avail_actions=np.empty((n_envs, self._n_agents, self._n_actions), dtype=np.bool_),
        )

    def encode(self, units: Units) -> Encoded:
        """Return observations, state and masks of units, float32 and uint8, in C order."""
        encoded = self.room(len(units.ally_x))
        self._encode(self._sheet, units, encoded)
        return encoded
