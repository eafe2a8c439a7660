"""The built-in simulator behind the trainer's vector interface."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rmix_kit.envs.interface import chosen_copies
from rmix_kit.envs.smac.options import ILLEGAL_ACTIONS, SHARED, checked_options, legal_actions
from rmix_kit.envs.text import Value
from rmix_kit.errors import ConfigError, EnvironmentContractError, EnvironmentTextError
from rmix_kit.smac.arena import DIFFICULTIES, Arena, Difficulty, arena_of
from rmix_kit.smac.arrays import Array, beside
from rmix_kit.smac.engine import encoder_of, engine_of, replaced, why_slow
from rmix_kit.smac.facts import FIRST_TARGET, Facts, Units, layout_facts
from rmix_kit.smac.layout import Encoded, encode, observation_meanings
from rmix_kit.smac.maps import SCENARIOS
from rmix_kit.smac.scenery import scene_of, stage_of
from rmix_kit.spelling import suggestion
from rmix_kit.types import BoolArray, EnvSpec, IntArray, TimeStep

LABEL = "SMAC-like simulator: win rates do not compare with StarCraft II's"
OPTIONS = SHARED
"""What the simulator takes, with the types."""


class Rules(NamedTuple):
    """What decides the battles of a map, as numpy arrays.

    Attributes:
        arena: The combat's tables.
        difficulty: The enemy's.
        facts: The layout's tables.
        timeout_terminates: The time limit ends the task instead of truncating the episode.
    """

    arena: Arena
    difficulty: Difficulty
    facts: Facts
    timeout_terminates: bool


class BuiltinVector:
    """Battles that stand still at their end; SMAC-like: no win rate from here compares with one of StarCraft II.

    Attributes:
        spec: Sizes and bounds.
        num_envs: Number of battles.
        codec: Unit states in place of observations, state and masks.
        rules: What decides the battles.
        dead_allies: int64 ``[env]``, agents that have died.
        dead_enemies: int64 ``[env]``.
        facts: Of whom a record must say that they fought.
        notes: Why battles are slower than they could be, if they are.
    """

    facts: Mapping[str, str] = MappingProxyType({"backend": "builtin", "comparable": LABEL})

    def __init__(
        self,
        map_name: str,
        num_envs: int,
        /,
        **options: Value,
    ) -> None:
        """Set up the battles.

        Args:
            map_name: A key of `rmix_kit.smac.maps.SCENARIOS`.
            num_envs: Number of battles, at least 1.
            **options: ``difficulty`` of the enemy, "1" to "9" or "A" as in SMAC ("7"); ``illegal_action``, what a
                masked action does: "raise" an error, or "noop", the agent stands still ("raise");
                ``timeout_terminates``: the time limit ends the task, as by SMAC's default, instead of truncating the
                episode (False).

        Raises:
            EnvironmentTextError: An argument is none of these.
            ConfigError: ``num_envs`` is below 1.
        """
        where = f"environment 'smac:{map_name}'"
        given = checked_options(options, OPTIONS, where=where, backend="builtin")
        if num_envs < 1:
            raise ConfigError(f"num_envs is {num_envs}; it must be at least 1")
        if map_name not in SCENARIOS:
            near = {name.lower(): name for name in SCENARIOS}.get(map_name.lower())
            hint = suggestion(map_name, SCENARIOS) if near is None else f"; did you mean {near!r}?"
            raise EnvironmentTextError(
                f"{where}: the built-in simulator has no map {map_name!r}; it has {', '.join(SCENARIOS)}{hint}"
            )
        self._scenario = scenario = SCENARIOS[map_name]
        facts = layout_facts(scenario)
        self.rules = Rules(
            arena=arena_of(map_name),
            difficulty=DIFFICULTIES[given.get("difficulty", "7")],
            facts=facts,
            timeout_terminates=bool(given.get("timeout_terminates", False)),
        )
        self._illegal_action = given.get("illegal_action", ILLEGAL_ACTIONS[0])
        self.num_envs = num_envs
        self.codec = UnitCodec(facts)
        self._engine = engine_of(self.rules.arena, self.rules.difficulty, facts)
        self.notes = tuple(filter(None, [why_slow()]))
        self._now = self._engine.begin(np.zeros(num_envs, dtype=np.int64))
        self._start_clocks()
        self.spec = spec_of(self._now.encoded, scenario.episode_limit, observation_meanings(facts))

    def reset(self, seeds: Sequence[int]) -> TimeStep:
        """Start a battle in every copy; the same seed and actions give the same battle.

        Args:
            seeds: One whole number from 0 to 2**63 - 1 per copy.

        Raises:
            EnvironmentContractError: They are not as many as the copies, or one is out of range.
        """
        self._now = self._engine.begin(_checked_seeds(seeds, self.num_envs))
        self._start_clocks()
        return self._time_step(np.zeros(self.num_envs, dtype=np.float32))

    def restart(self, copies: BoolArray, seeds: Sequence[int]) -> TimeStep:
        """Start some battles; see `rmix_kit.envs.interface.VectorEnv.restart`, and `reset` for the seeds."""
        chosen = chosen_copies(copies, seeds, self.num_envs)
        if len(chosen):
            self._now = replaced(self._now, chosen, self._engine.begin(_checked_seeds(seeds, len(chosen))))
        self._elapsed[copies] = 0
        for flags in (self._terminated, self._truncated, self._won):
            flags[copies] = False
        return self._time_step(np.zeros(self.num_envs, dtype=np.float32))

    def step(self, actions: IntArray) -> TimeStep:
        """Play one step in every battle that is not over.

        Args:
            actions: int64 ``[env, agent]``.

        Raises:
            ActionError: They have another shape, or one is masked and such actions do not stand for standing still.
        """
        going = ~(self._terminated | self._truncated)
        legal = legal_actions(
            actions,
            self._now.encoded.avail_actions,
            going,
            steps=self._elapsed,
            illegal_action=self._illegal_action,
        )
        played = self._engine.step(self._now, legal, going)
        self._before, self._now, ended = self._now.battle, played.moment, played.ended
        self._elapsed += going
        self._won |= ended.won & going
        self._terminated |= ended.is_over & going
        out_of_time = going & ~ended.is_over & (self._elapsed >= self.spec.episode_limit)
        if self.rules.timeout_terminates:
            self._terminated |= out_of_time
        else:
            self._truncated |= out_of_time
        return self._time_step(played.paid)

    def close(self) -> None:
        """Nothing is held."""

    @property
    def stage(self) -> Mapping[str, Any]:
        """The ground and who fights; see `rmix_kit.envs.interface.Scenery`."""
        return stage_of(self._scenario)

    def scene(self, env: int) -> Mapping[str, Any]:
        """Return the units and what the last step's shots were; see `rmix_kit.envs.interface.Scenery`."""
        before = self._before if self._elapsed[env] else self._now.battle
        return scene_of(self.rules.arena, self.rules.difficulty, before, self._now.battle, env)

    @property
    def dead_allies(self) -> IntArray:
        """Agents that have died, int64 ``[env]``."""
        dead: IntArray = (self._now.units.ally_hp <= 0).sum(-1)
        return dead

    @property
    def dead_enemies(self) -> IntArray:
        """Enemies that have died, int64 ``[env]``."""
        dead: IntArray = (self._now.units.enemy_hp <= 0).sum(-1)
        return dead

    def _start_clocks(self) -> None:
        self._before = self._now.battle  # never changed in place: this keeps the step before, and costs nothing
        self._elapsed: IntArray = np.zeros(self.num_envs, dtype=np.int64)
        self._terminated: BoolArray = np.zeros(self.num_envs, dtype=np.bool_)
        self._truncated: BoolArray = np.zeros(self.num_envs, dtype=np.bool_)
        self._won: BoolArray = np.zeros(self.num_envs, dtype=np.bool_)

    def _time_step(self, paid: NDArray[np.float32]) -> TimeStep:
        _, units, encoded = self._now
        return TimeStep(
            obs=encoded.obs,
            avail_actions=encoded.avail_actions,
            state=encoded.state,
            reward=paid,
            terminated=self._terminated.copy(),
            truncated=self._truncated.copy(),
            success=self._won.copy(),
            fell=np.zeros(units.ally_hp.shape, dtype=np.bool_),
            compact=units._asdict(),
        )


def _checked_seeds(seeds: Sequence[int], count: int) -> IntArray:
    whole = [operator.index(seed) for seed in seeds]
    if len(whole) != count or not all(0 <= seed < 2**63 for seed in whole):
        raise EnvironmentContractError(f"the seeds are {whole[:8]}; expected {count}, each from 0 to 2**63 - 1")
    return np.asarray(whole, dtype=np.int64)


class UnitCodec:
    """Unit states from which observations, state and masks are rebuilt, bit by bit."""

    def __init__(self, facts: Facts) -> None:
        """Take a map's facts."""
        self._facts, self._encode = facts, encoder_of(facts)
        n_agents, n_enemies = len(facts.ally_hp_max), len(facts.enemy_hp_max)
        self.template: Mapping[str, NDArray[np.generic]] = {
            name: np.zeros(
                n_enemies if name.startswith("enemy") else n_agents,
                dtype=np.uint8 if name == "last_action" else np.float32,
            )
            for name in Units._fields
        }

    def rebuild(self, fields: Mapping[str, Array]) -> tuple[Array, Array, Array]:
        """Return observations, state and masks.

        Args:
            fields: Arrays of `Units` by name with any leading axes, numpy or torch.

        Returns:
            Observations ``[..., agent, obs]``, state ``[..., state]`` and masks ``[..., agent, action]``.
        """
        leading = tuple(fields["ally_x"].shape[:-1])
        units = Units(*(fields[name].reshape(-1, fields[name].shape[-1]) for name in Units._fields))
        if self._encode is not None and self._are_kept(units):
            encoded = self._encode(Units(*map(np.ascontiguousarray, units)))
        else:
            encoded = encode(self._facts.to(lambda table: beside(table, units.ally_x)), units)
        obs, state, avail_actions = (part.reshape(*leading, *part.shape[1:]) for part in encoded)
        return obs, state, avail_actions

    def _are_kept(self, units: Units) -> bool:
        """Whether these are numpy arrays as steps have them; tensors are laid out faster by torch, side by side."""
        return all(
            isinstance(field, np.ndarray) and field.dtype == self.template[name].dtype
            for name, field in units._asdict().items()
        )


def spec_of(encoded: Encoded, episode_limit: int, obs_meanings: tuple[str, ...]) -> EnvSpec:
    """Describe battles of SMAC's layout.

    Args:
        encoded: Any battle.
        episode_limit: Steps.
        obs_meanings: From `rmix_kit.smac.layout.observation_meanings`.
    """
    _, n_agents, obs_size = encoded.obs.shape
    n_actions = encoded.avail_actions.shape[-1]
    return EnvSpec(
        n_agents=n_agents,
        n_actions=n_actions,
        obs_shape=(obs_size,),
        obs_dtype="float32",
        obs_low=(-1.0,) * obs_size,
        obs_high=(1.0,) * obs_size,
        state_size=encoded.state.shape[-1],
        episode_limit=episode_limit,
        agent_ids=tuple(f"agent_{agent}" for agent in range(n_agents)),
        action_meanings=action_meanings(n_actions - FIRST_TARGET),
        obs_meanings=obs_meanings,
    )


def action_meanings(n_enemies: int) -> tuple[str, ...]:
    """Return SMAC's actions in words; a medivac heals the ally of that number instead of attacking."""
    return ("no_op", "stop", "north", "south", "east", "west", *(f"attack_{enemy}" for enemy in range(n_enemies)))
