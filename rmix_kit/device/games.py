"""Games whose copies are tensors: begun, stepped and looked at by pure functions, without a value being read back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

import torch
from numpy.typing import NDArray
from torch import Tensor

from macn import counter_hash, dynamics
from macn.settings import Settings
from rmix_kit.envs.interface import VectorEnv
from rmix_kit.envs.macn import MACNVector
from rmix_kit.envs.smac.builtin import BuiltinVector, Rules
from rmix_kit.errors import ConfigError
from rmix_kit.smac import combat, layout
from rmix_kit.smac.battle import Battle
from rmix_kit.smac.facts import Units
from rmix_kit.types import EnvSpec

if TYPE_CHECKING:
    from rmix_kit.envs.interface import StepCodec

Copies: TypeAlias = dict[str, Tensor]
"""Where the copies of a game stand: ``[env, ...]`` by name."""


class Seen(NamedTuple):
    """What copies show.

    Attributes:
        obs: ``[env, agent, *obs_shape]`` in the environment's dtype.
        state: float32 ``[env, state]``.
        avail_actions: bool ``[env, agent, action]``.
    """

    obs: Tensor
    state: Tensor
    avail_actions: Tensor


class Played(NamedTuple):
    """Copies after a step.

    Attributes:
        copies: Where they stand.
        reward: float32 ``[env]``.
        terminated: bool ``[env]``: the task ended.
        truncated: bool ``[env]``: the clock ended it.
        success: bool ``[env]``.
        fell: bool ``[env]``: any agent met a catastrophe.
    """

    copies: Copies
    reward: Tensor
    terminated: Tensor
    truncated: Tensor
    success: Tensor
    fell: Tensor


class Game(Protocol):
    """The tensor form of an environment; the same numbers as its `VectorEnv` for the same seeds and actions."""

    @property
    def spec(self) -> EnvSpec:
        """Sizes and bounds."""
        ...

    @property
    def codec(self) -> StepCodec | None:
        """The form in which steps are kept; None for observations, state and masks."""
        ...

    def begin(self, seeds: Tensor) -> Copies:
        """Start an episode in every copy, of seeds int64 ``[env]`` from 0."""
        ...

    def step(self, copies: Copies, actions: Tensor) -> Played:
        """Play one step in every copy.

        Args:
            copies: Before it; unchanged.
            actions: int64 ``[env, agent]``, each allowed.
        """
        ...

    def kept(self, copies: Copies) -> Mapping[str, Tensor]:
        """Return what is kept of a step, ``[env, *field]`` by the names of `observed_template`."""
        ...

    def rebuild(self, kept: Mapping[str, Tensor]) -> Seen:
        """Return what copies showed, of what was kept of it, ``[..., *field]``; rows of zeros may give anything."""
        ...


def game_of(envs: VectorEnv, device: torch.device) -> Game:
    """Return the tensor form of an environment.

    Args:
        envs: Copies of it, of which settings and tables are taken.

    Raises:
        ConfigError: It has none.
    """
    if isinstance(envs, MACNVector):
        return MACNGame(envs.settings, envs.spec, device)
    if isinstance(envs, BuiltinVector):
        return SMACGame(envs, device)
    raise ConfigError(
        "training.rollout is 'device', and this environment has no form in tensors; macn:* and smac:* with "
        "backend=builtin have one: give --set training.rollout=host"
    )


class MACNGame:
    """Multi-agent cliff navigation (`macn.dynamics`)."""

    def __init__(self, settings: Settings, spec: EnvSpec, device: torch.device) -> None:
        """Put the tables on the device."""
        self.spec = spec
        self.codec: StepCodec | None = None
        self._settings = settings
        self._tables = dynamics.build_tables(settings).to(lambda table: torch.from_numpy(table).to(device))

    def begin(self, seeds: Tensor) -> Copies:
        """Start episodes."""
        zero = torch.zeros_like(seeds)
        cells = zero[:, None] + self._tables.start_cells  # [env, agent]
        return {"cells": cells, "elapsed": zero, "key": counter_hash.stream_keys(seeds, zero, zero)}

    def step(self, copies: Copies, actions: Tensor) -> Played:
        """Play a step."""
        tables, settings, elapsed = self._tables, self._settings, copies["elapsed"]
        if settings.slip > 0.0:
            draws = counter_hash.counter_draws(copies["key"], elapsed, tables.agent_index)
            actions = counter_hash.slipped(actions, draws, settings.slip)
        cells, elapsed = dynamics.transition(tables, copies["cells"], actions), elapsed + 1
        outcome = dynamics.outcome(tables, cells)
        terminated = tables.terminated[outcome]
        return Played(
            copies={**copies, "cells": cells, "elapsed": elapsed},
            reward=tables.reward[outcome].float(),
            terminated=terminated,
            truncated=(elapsed >= settings.max_steps) & ~terminated,
            success=tables.success[outcome],
            fell=dynamics.fell(tables, cells).any(-1),
        )

    def kept(self, copies: Copies) -> Mapping[str, Tensor]:
        """Return observations, state and masks."""
        cells = copies["cells"]
        return {
            "obs": dynamics.observe(self._settings, self._tables, cells),
            "state": dynamics.state(self._tables, cells, copies["elapsed"]),
            "avail_actions": dynamics.avail_actions(self._tables, cells) > 0,
        }

    def rebuild(self, kept: Mapping[str, Tensor]) -> Seen:
        """Return what was kept."""
        return Seen(**kept)


class SMACGame:
    """Battles of the built-in simulator (`rmix_kit.smac.combat`)."""

    def __init__(self, envs: BuiltinVector, device: torch.device) -> None:
        """Put the tables on the device."""

        def asarray(table: NDArray[Any]) -> Tensor:
            return torch.from_numpy(table).to(device)

        self.spec = envs.spec
        self.codec: StepCodec | None = envs.codec
        self._rules: Rules = envs.rules
        self._arena, self._facts = self._rules.arena.to(asarray), self._rules.facts.to(asarray)

    def begin(self, seeds: Tensor) -> Copies:
        """Start battles."""
        return {**combat.begin(self._arena, seeds)._asdict(), "elapsed": torch.zeros_like(seeds)}

    def step(self, copies: Copies, actions: Tensor) -> Played:
        """Play a step of eight game loops."""
        battle = _battle_of(copies)
        after = combat.step(self._arena, self._rules.difficulty, battle, actions)
        units = combat.units_of(self._arena, after)
        ended, elapsed = layout.outcome(self._facts, units), copies["elapsed"] + 1
        out_of_time = ~ended.is_over & (elapsed >= self.spec.episode_limit)
        is_task_over = self._rules.timeout_terminates
        return Played(
            copies={**after._asdict(), "elapsed": elapsed},
            reward=layout.reward(self._facts, combat.units_of(self._arena, battle), units, won=ended.won),
            terminated=ended.is_over | out_of_time if is_task_over else ended.is_over,
            truncated=torch.zeros_like(out_of_time) if is_task_over else out_of_time,
            success=ended.won,
            fell=torch.zeros_like(ended.won),
        )

    def kept(self, copies: Copies) -> Mapping[str, Tensor]:
        """Return unit states."""
        return combat.units_of(self._arena, _battle_of(copies))._asdict()

    def rebuild(self, kept: Mapping[str, Tensor]) -> Seen:
        """Lay unit states out."""
        leading = kept["ally_x"].shape[:-1]
        encoded = layout.encode(self._facts, Units(**{name: part.flatten(0, -2) for name, part in kept.items()}))
        return Seen(*(part.unflatten(0, leading) for part in encoded))


def _battle_of(copies: Copies) -> Battle:
    return Battle(**{name: copies[name] for name in Battle._fields})
