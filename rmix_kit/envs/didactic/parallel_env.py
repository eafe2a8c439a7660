"""One copy of a game as a PettingZoo parallel environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

import numpy as np
from gymnasium.spaces import Box, Discrete, Space
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from rmix_kit.envs.didactic.game import Game
from rmix_kit.envs.didactic.vector import GameVector
from rmix_kit.errors import ActionError
from rmix_kit.types import FloatArray, TimeStep

Observation: TypeAlias = NDArray[Any]
Info: TypeAlias = dict[str, Any]

_SEEDS = 2**31  # an environment that is never seeded draws its seed below this


class GameParallelEnv(ParallelEnv[str, Any, Any]):
    """A vector of one copy, spelt in dicts; docs/environments/didactic.md describes the games.

    ``reset(seed=s)`` starts stream s; a later ``reset()`` goes on with its next episode. Infos hold, from the reset to
    the last step, ``action_mask`` (int8, one per action of the agent, 1 = allowed) and ``success``, False until the
    final step decides.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "name": "didactic_v0",
        "render_modes": [],
        "is_parallelizable": True,
    }

    def __init__(self, game: Game[Any]) -> None:
        """Make the environment; `reset` starts it."""
        spec = game.spec
        self.render_mode = None
        self.game = game
        self.episode_limit = spec.episode_limit
        self.action_meanings, self.obs_meanings = spec.action_meanings, spec.obs_meanings
        self.possible_agents = list(spec.agent_ids)
        self.agents: list[str] = []
        least, most = spec.state_low or (0.0,) * spec.state_size, spec.state_high or (1.0,) * spec.state_size
        self.state_space = Box(np.asarray(least, np.float32), np.asarray(most, np.float32), dtype=np.float32)
        low, high = (np.reshape(np.asarray(bound), spec.obs_shape) for bound in (spec.obs_low, spec.obs_high))
        dtype = np.dtype(spec.obs_dtype)
        self.observation_spaces = {
            name: Box(low.astype(dtype), high.astype(dtype), dtype=dtype.type) for name in self.possible_agents
        }
        self.action_spaces = {
            name: Discrete(count) for name, count in zip(self.possible_agents, game.action_counts, strict=True)
        }
        self._copy = GameVector(game, 1)
        self._seed: int | None = None
        self._episode = 0
        self._now: TimeStep | None = None

    def observation_space(self, agent: str) -> Space[Any]:
        """Return the observation space of an agent, always the same object."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Space[Any]:
        """Return the action space of an agent, always the same object."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, Info]]:
        """Start an episode.

        Args:
            seed: Starts this seed's stream; None goes on with its next episode.
            options: Not used.

        Returns:
            Observations ``[*obs_shape]`` and infos, by agent.
        """
        if seed is not None:
            self._seed, self._episode = seed, 0
        elif self._seed is None:
            self._seed = int(np.random.default_rng().integers(_SEEDS))
        else:
            self._episode += 1
        self._now = self._copy.reset([self._seed], episode=self._episode)
        self.agents = self.possible_agents[:]
        return self._observations(self._now), self._infos(self._now)

    def step(
        self, actions: Mapping[str, int]
    ) -> tuple[dict[str, Observation], dict[str, float], dict[str, bool], dict[str, bool], dict[str, Info]]:
        """Let every agent take one step.

        Args:
            actions: One per agent, by name; after the end of an episode, when no agent is left, an empty dict.

        Returns:
            Observations, rewards, terminations, truncations and infos, by agent; empty ones for no agents.

        Raises:
            ActionError: No episode is running, or an action is missing, unknown or out of range.
        """
        names = self.possible_agents
        if self._now is not None and not self.agents and not actions:
            return {}, {}, {}, {}, {}
        if not self.agents:
            raise ActionError("step was called while no episode was running; call reset() first")
        if set(actions) != set(names):
            raise ActionError(
                f"got actions of {', '.join(actions) or 'nobody'}; expected one of {', '.join(names)} each"
            )
        now = self._copy.step(np.asarray([[actions[name] for name in names]]))
        self._now = now
        if now.terminated[0] or now.truncated[0]:
            self.agents = []
        return (
            self._observations(now),
            dict.fromkeys(names, float(now.reward[0])),
            dict.fromkeys(names, bool(now.terminated[0])),
            dict.fromkeys(names, bool(now.truncated[0])),
            self._infos(now),
        )

    def state(self) -> FloatArray:
        """Return the global state, float32 ``[state]``."""
        if self._now is None:
            raise ActionError("state was asked for before the first reset; call reset() first")
        own: FloatArray = self._now.state[0]
        return own

    def render(self) -> None:
        """Draw nothing: there is no render mode."""

    def close(self) -> None:
        """Nothing is held."""

    def _observations(self, now: TimeStep) -> dict[str, Observation]:
        return dict(zip(self.possible_agents, now.obs[0], strict=True))

    def _infos(self, now: TimeStep) -> dict[str, Info]:
        masks = zip(self.possible_agents, self.game.action_counts, now.avail_actions[0], strict=True)
        success = bool(now.success[0])
        return {name: {"action_mask": mask[:count].astype(np.int8), "success": success} for name, count, mask in masks}
