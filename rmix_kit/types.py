"""Shared value types and THE shape legend.

Axis order is always ``[batch, time, agent, action, quantile]``; what is absent is left out. Environments use
``[env, agent, ...]``. An episode of ``L`` steps holds ``L`` actions and rewards and ``L + 1`` observations,
states and action masks: the last one is the real final observation, which a truncated episode bootstraps from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

UnitFloat = Annotated[float, Ge(0), Le(1)]
"""A number in [0, 1]."""
OpenUnitFloat = Annotated[float, Gt(0), Lt(1)]
"""A number in (0, 1)."""
PositiveFloat = Annotated[float, Gt(0)]
NonNegativeFloat = Annotated[float, Ge(0)]
LARGEST_COUNT = 2**63 - 1
"""Of steps, episodes and the like: what an int64 and, as a share of another, a float can hold."""
PositiveInt = Annotated[int, Gt(0), Le(LARGEST_COUNT)]
NonNegativeInt = Annotated[int, Ge(0), Le(LARGEST_COUNT)]
ThreadCount = Annotated[int, Ge(1), Le(1024)]
RiskLevel = Annotated[float, Gt(0), Le(1)]
"""A number in (0, 1]; 1 is risk-neutral."""


@dataclass(frozen=True, kw_only=True)
class EnvSpec:
    """What an environment looks like from outside; everything a network or a policy file needs to know.

    Attributes:
        n_agents: Number of agents, fixed over an episode.
        n_actions: Number of discrete actions of every agent.
        obs_shape: Shape of one agent's observation.
        obs_dtype: NumPy name of the observation's dtype, as the environment gives it.
        obs_low: Lower bound of every observation element, flattened in C order; ``-inf`` where unbounded.
        obs_high: Upper bound of every observation element, flattened; ``inf`` where unbounded.
        state_size: Length of the global state vector.
        episode_limit: Most steps of an episode.
        agent_ids: The agents' names, in the order of the agent axis.
        action_meanings: One word per action.
        obs_meanings: What each element of an observation is, flattened; empty where the environment does not say.
        state_dtype: NumPy name of what the state's numbers are, as the environment means them; it decides how they are
            coded. They travel as float32.
        state_low: Lower bound of every state element; ``-inf`` where unbounded. Empty: the state is given as networks
            take it, and is not coded.
        state_high: Upper bound likewise.
    """

    n_agents: int
    n_actions: int
    obs_shape: tuple[int, ...]
    obs_dtype: str
    obs_low: tuple[float, ...]
    obs_high: tuple[float, ...]
    state_size: int
    episode_limit: int
    agent_ids: tuple[str, ...]
    action_meanings: tuple[str, ...]
    obs_meanings: tuple[str, ...] = ()
    state_dtype: str = "float32"
    state_low: tuple[float, ...] = ()
    state_high: tuple[float, ...] = ()

    @property
    def action_dtype(self) -> str:
        """The smallest NumPy dtype that holds every action and that torch knows too."""
        sizes = {"uint8": 2**8, "int16": 2**15, "int32": 2**31}
        return next(name for name, size in sizes.items() if self.n_actions <= size)


@dataclass(frozen=True, kw_only=True)
class TimeStep:
    """What a vector environment gives after a reset or a step; arrays are ``[env, agent, ...]``.

    Attributes:
        obs: Observations ``[env, agent, *obs_shape]`` in the environment's dtype.
        avail_actions: True where an action is allowed, bool ``[env, agent, action]``.
        state: Global state, float32 ``[env, state]``.
        reward: Team reward, float32 ``[env]``; zeros after a reset.
        terminated: The task ended, bool ``[env]``; stays true while a finished copy waits.
        truncated: The clock ended it, bool ``[env]``; stays true while a finished copy waits.
        success: The task was solved, bool ``[env]``; meaningful on the final step.
        fell: Agents that met a catastrophe, bool ``[env, agent]``.
        damaged: Copies whose episode broke and must not be used, bool ``[env]``; they stand still like finished ones
            until the next reset. None where that cannot happen.
        compact: A smaller form of observations, state and masks, ``[env, ...]`` by name, where the environment has one:
            `rmix_kit.envs.interface.StepCodec`.
    """

    obs: NDArray[np.generic]
    avail_actions: BoolArray
    state: FloatArray
    reward: FloatArray
    terminated: BoolArray
    truncated: BoolArray
    success: BoolArray
    fell: BoolArray
    damaged: BoolArray | None = None
    compact: Mapping[str, NDArray[np.generic]] | None = None

    @property
    def is_sound(self) -> BoolArray:
        """Copies whose episode did not break, bool ``[env]``."""
        return np.ones_like(self.terminated) if self.damaged is None else ~self.damaged

    @property
    def has_ended(self) -> BoolArray:
        """Copies in which nothing more happens until the next reset, bool ``[env]``."""
        return self.terminated | self.truncated | ~self.is_sound


@dataclass(frozen=True, kw_only=True)
class Packing:
    """Where the real rows of a batch are (`rmix_kit.networks.packing`).

    Attributes:
        index: int64 ``[row]`` into the flattened ``[batch * (time + 1) * agent]``.
        previous: int64 ``[row]``: the packed row of the step before; the number of rows where there is none.
        rows_per_step: Rows of each step, on the host, never rising.
    """

    index: Tensor
    previous: Tensor
    rows_per_step: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class EpisodeBatch:
    """Whole episodes, longest first, padded at the end to the longest one (``time`` steps).

    Attributes:
        obs: ``[batch, time + 1, agent, *obs_shape]``, the environment's dtype.
        state: float32 ``[batch, time + 1, state]``.
        avail_actions: bool ``[batch, time + 1, agent, action]``; all true on padding.
        actions: int64 ``[batch, time, agent]``.
        reward: float32 ``[batch, time]``, scaled as training uses it.
        terminated: bool ``[batch, time]``; false on a step that only the clock ended.
        mask: bool ``[batch, time]``, true on real steps.
        reward_range: float32 ``[2]``, the lowest and the highest (scaled) reward ever seen.
        is_explored: bool ``[batch, time, agent]``, the action was a random draw and not the agent's own.
        risk_level: float32 ``[batch]``, levels drawn for this update by algorithms that learn all levels; else zeros.
        tau: float32 ``[batch, time + 1, draw]``, quantile fractions in (0, 1) drawn for this update by algorithms that
            sample them; no draws (a last axis of 0) for the others.
        is_newest: bool ``[batch]``, episodes that belong to the newest ones (the on-policy half); else false.
        epsilon: float32 scalar, the exploration that the newest episodes were collected with, in [0, 1].
        packing: Where the real rows are.
    """

    obs: Tensor
    state: Tensor
    avail_actions: Tensor
    actions: Tensor
    reward: Tensor
    terminated: Tensor
    mask: Tensor
    reward_range: Tensor
    is_explored: Tensor
    risk_level: Tensor
    tau: Tensor
    is_newest: Tensor
    epsilon: Tensor
    packing: Packing


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where training stands, as one update sees it.

    Attributes:
        env_steps: Environment steps taken, a collection round's steps spread evenly over its updates.
        previous_env_steps: ``env_steps`` of the update before.
        episodes: Finished episodes.
        updates: Number of this update, from 1; 0 before the first.
        best_success_rate: Highest success rate of any evaluation so far, in [0, 1]; 0 before the first, and where the
            environment does not report success.
        reports_success: The environment has said of an episode whether it is solved; a rate is to be waited for only
            then.
        share: Share of the run's planned environment steps that is done, in [0, 1].
    """

    env_steps: int = 0
    previous_env_steps: int = 0
    episodes: int = 0
    updates: int = 0
    best_success_rate: float = 0.0
    reports_success: bool = True
    share: float = 0.0

    def is_due(self, interval: int) -> bool:
        """Return whether a multiple of ``interval`` environment steps was reached since the update before."""
        return self.env_steps // interval > self.previous_env_steps // interval

    def between(self, start: float, end: float, steps: int) -> float:
        """Return what goes linearly from ``start`` to ``end`` over ``steps`` environment steps and stays there."""
        share = min(self.env_steps / steps, 1.0) if steps else 1.0
        return start + share * (end - start)

    def advanced(self, env_steps: int) -> Progress:
        """Return the progress of the next update, at ``env_steps``."""
        return replace(self, env_steps=env_steps, previous_env_steps=self.env_steps, updates=self.updates + 1)


class Losses(NamedTuple):
    """What an algorithm gives back for one batch.

    Attributes:
        groups: One scalar per named parameter group that is due in this update.
        metrics: Detached scalars for the record, on the training device.
    """

    groups: dict[str, Tensor]
    metrics: dict[str, Tensor]
