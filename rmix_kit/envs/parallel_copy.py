"""One copy of a PettingZoo parallel environment: dicts become arrays, and every promise is checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rmix_kit.envs.spaces import Array, ObservationCoding
from rmix_kit.errors import EnvironmentContractError
from rmix_kit.types import BoolArray, FloatArray, IntArray

MASK = "action_mask"
SUCCESS_KEYS = ("success", "is_success")


class CopyStep(NamedTuple):
    """One copy's part of `rmix_kit.types.TimeStep`: the same fields without the axis env."""

    obs: Array
    avail_actions: BoolArray
    state: FloatArray
    reward: np.float32
    terminated: np.bool_
    truncated: np.bool_
    success: np.bool_
    fell: BoolArray


class ParallelCopy:
    """Steps one environment and stands still once its episode is over; arrays lack the axis env.

    Attributes:
        reports_success: Whether an info has ever said if the episode is solved.
    """

    def __init__(
        self,
        env: Any,  # noqa: ANN401 - the user's; `rmix_kit.envs.pettingzoo` has checked what is used of it
        coding: ObservationCoding,
        *,
        episode_limit: int,
        action_starts: Mapping[str, int],
        action_sizes: Mapping[str, int],
    ) -> None:
        """Wrap one environment.

        Args:
            env: The parallel environment.
            coding: How observations become arrays.
            episode_limit: Steps after which the episode is truncated at the latest.
            action_starts: First action of each agent's Discrete space.
            action_sizes: Number of actions of each agent.
        """
        self._env, self._coding, self._where = env, coding, coding.where
        self._limit, self._starts, self._sizes = episode_limit, action_starts, action_sizes
        self._agents = list(action_sizes)
        self._n_actions = max(action_sizes.values())
        self._elapsed = 0
        self._now: CopyStep | None = None
        self.reports_success = False

    def reset(self, seed: int) -> CopyStep:
        """Start an episode."""
        self._elapsed = 0
        observations, infos = self._env.reset(seed=seed)
        if sorted(map(str, self._env.agents)) != sorted(self._agents):
            raise EnvironmentContractError(
                f"{self._where}: after reset the agents are {list(self._env.agents)}; expected all of {self._agents}, "
                "the team is fixed"
            )
        self._now = self._copy_step(observations, infos, reward=0.0, terminated=False, truncated=False)
        return self._now

    def step(self, actions: IntArray) -> CopyStep:
        """Take one step, or stand still after the end.

        Args:
            actions: int64 ``[agent]``.
        """
        assert self._now is not None, "reset comes first"
        if self._now.terminated or self._now.truncated:
            self._now = self._now._replace(reward=np.float32(0.0))
            return self._now
        chosen = {agent: int(action) + self._starts[agent] for agent, action in zip(self._agents, actions, strict=True)}
        observations, rewards, terminations, truncations, infos = self._env.step(chosen)
        self._elapsed += 1
        over = {agent for agent in self._agents if terminations.get(agent) or truncations.get(agent)}
        gone = over | (set(self._agents) - set(map(str, self._env.agents)))
        if gone and len(gone) < len(self._agents):
            raise EnvironmentContractError(
                f"{self._where}: {', '.join(sorted(gone))} left at step {self._elapsed} while others stayed; "
                "all agents must leave together: let those that are done wait, with one action allowed"
            )
        terminated = bool(gone) and (any(terminations.get(agent) for agent in self._agents) or not over)
        self._now = self._copy_step(
            observations,
            infos,
            reward=self._team_reward(rewards),
            terminated=terminated,
            truncated=not terminated and (bool(gone) or self._elapsed >= self._limit),
        )
        return self._now

    def close(self) -> None:
        """Close the environment, if it can be closed."""
        if hasattr(self._env, "close"):
            self._env.close()

    def _copy_step(
        self,
        observations: Mapping[str, Any],
        infos: Mapping[str, Any],
        *,
        reward: float,
        terminated: bool,
        truncated: bool,
    ) -> CopyStep:
        is_over = terminated or truncated
        obs = np.stack([self._observation(agent, observations) for agent in self._agents])  # [agent, ...]
        masks = [self._mask(agent, observations[agent], infos.get(agent, {}), is_over) for agent in self._agents]
        notes = [infos.get(agent, {}) for agent in self._agents]
        self.reports_success |= any(key in note for note in notes for key in SUCCESS_KEYS)
        success = is_over and any(bool(note.get(key, False)) for note in notes for key in SUCCESS_KEYS)
        return CopyStep(
            obs=obs,
            avail_actions=np.stack(masks),
            state=self._state(obs),
            reward=np.float32(reward),
            terminated=np.bool_(terminated),
            truncated=np.bool_(truncated),
            success=np.bool_(success),
            fell=np.asarray([bool(note.get("fell", False)) for note in notes]),
        )

    def _observation(self, agent: str, observations: Mapping[str, Any]) -> Array:
        if agent not in observations:
            raise EnvironmentContractError(
                f"{self._where}: no observation of {agent} after step {self._elapsed}; every agent observes at every "
                "step, the last one included"
            )
        return self._coding.encode(agent, observations[agent])

    def _mask(self, agent: str, raw: object, info: Mapping[str, Any], is_over: bool) -> BoolArray:
        """Give the allowed actions of one agent, bool ``[action]``; padding is never allowed."""
        size = self._sizes[agent]
        given = raw.get(MASK, info.get(MASK)) if isinstance(raw, Mapping) else info.get(MASK)
        own: NDArray[np.bool_] = np.ones(size, dtype=np.bool_) if given is None else np.asarray(given).astype(np.bool_)
        if own.shape != (size,):
            raise EnvironmentContractError(
                f"{self._where}: {agent}'s action_mask has shape {own.shape}; expected ({size},), one per action"
            )
        if not own.any():
            if not is_over:
                raise EnvironmentContractError(
                    f"{self._where}: {agent} has no allowed action after step {self._elapsed}; allow at least one"
                )
            own = np.ones(size, dtype=np.bool_)  # nothing is chosen any more
        return np.concatenate([own, np.zeros(self._n_actions - size, dtype=np.bool_)])

    def _state(self, obs: Array) -> FloatArray:
        """Give the global state ``[state]``."""
        try:
            state = np.asarray(self._env.state(), dtype=np.float32).reshape(-1)
        except (AttributeError, NotImplementedError):
            return obs.astype(np.float32).reshape(-1)
        if not np.isfinite(state).all():
            raise EnvironmentContractError(f"{self._where}: state() is not finite after step {self._elapsed}")
        return state

    def _team_reward(self, rewards: Mapping[str, Any]) -> float:
        if missing := [agent for agent in self._agents if agent not in rewards]:
            raise EnvironmentContractError(f"{self._where}: no reward for {', '.join(missing)} at step {self._elapsed}")
        reward = float(np.mean([float(rewards[agent]) for agent in self._agents]))
        if not np.isfinite(reward):
            raise EnvironmentContractError(f"{self._where}: the rewards at step {self._elapsed} are not finite")
        return reward
