"""SMAC as a PettingZoo parallel environment, whichever backend plays."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from gymnasium.error import Error as GymnasiumError
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, Space
from gymnasium.utils import seeding
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from rmix_kit.envs.smac.interface import BattleVector
from rmix_kit.errors import ActionError, ConfigError, StarCraftError
from rmix_kit.types import TimeStep

Observation = dict[str, NDArray[Any]]


class SMACParallelEnv(ParallelEnv[str, Any, Any]):
    """# SMAC, as a PettingZoo parallel environment.

    | fact | value |
    |---|---|
    | Creation | `rmix_kit.envs.smac.parallel_env("3m", backend="builtin")` |
    | Agents | 3 on `3m` |
    | Agent names | `agent_0`, `agent_1`, ... |
    | Action space | `Discrete(9)` on `3m` |
    | Observation | `{"observation": float32 (30,), "action_mask": int8 (9,)}` on `3m` |
    | Observation values | -1.0 to 1.0 |
    | State shape | `(48,)` on `3m` |
    | State values | -1.0 to 2.0 |
    | Steps before truncation | 60 on `3m` |

    ## Description

    A team of StarCraft II units, one agent each, against units that the computer leads. The backend `sc2` is the game
    itself through SMAC; `builtin` is a simulator with the same layout, whose win rates do not compare with SMAC's.

    ## Action Space

    0 no-op (the only action of a dead agent), 1 stop, 2 north, 3 south, 4 east, 5 west, 6 + j attack enemy j, or for a
    medivac heal ally j. A move is allowed where the next cell is free, an attack within 6 cells between centres.

    ## Observation Space

    In order: the four moves that are allowed; of each enemy within 9 cells whether it can be attacked, distance, x, y,
    health, shield (if the enemy's race has them) and type bits; of each other agent the same with visibility first;
    own health, shield and type bits. All is zero when the agent is dead.

    ## State

    All agents' health, cooldown (a medivac's energy), x, y, shield and type bits; all enemies' health, x, y, shield and
    type bits; every agent's last action one-hot.

    ## Rewards

    Shared: damage dealt, 10 per kill and 200 for the win, scaled so that a clean win pays 20; enemies that regain
    shields or health pay too.

    ## Episode End

    Terminated when one side is dead or has a medivac alone; truncated at the map's time limit. All agents stay until
    then.

    ## Information

    `battle_won`, `success` (the same), `dead_allies`, `dead_enemies`: all of them from the reset to the
    last step; the first two are False until the battle is won. The mask stands in the observation, and only there.

    ## Arguments

    `backend`, `difficulty` ("1" to "9" or "A"), `illegal_action` ("raise" or "noop"), `timeout_terminates`; for `sc2`
    also those of `rmix_kit.envs.smac.sc2.settings.Settings`.

    ## References

    Samvelyan et al., "The StarCraft Multi-Agent Challenge", AAMAS 2019.

    ## Version History

    v0: first.
    """

    metadata = {"name": "smac_v0", "render_modes": [], "is_parallelizable": True}

    def __init__(self, battles: BattleVector, map_name: str) -> None:
        """Show one battle; see `rmix_kit.envs.smac.parallel_env`.

        Args:
            battles: One copy.
        """
        spec = battles.spec
        self.map_name, self.render_mode = map_name, None
        self.episode_limit = spec.episode_limit
        self.action_meanings, self.obs_meanings = spec.action_meanings, spec.obs_meanings
        self.possible_agents = list(spec.agent_ids)
        self.agents: list[str] = []
        mask = MultiBinary(spec.n_actions)
        box = Box(-1.0, 1.0, spec.obs_shape, np.float32)
        self.observation_spaces: dict[str, Space[Any]] = {
            agent: Dict({"observation": box, "action_mask": mask}) for agent in self.possible_agents
        }
        self.action_spaces: dict[str, Space[Any]] = {agent: Discrete(spec.n_actions) for agent in self.possible_agents}
        self.state_space = Box(
            -1.0, 2.0, (spec.state_size,), np.float32
        )  # a delayed weapon waits longer than its cooldown
        self._battles = battles
        self._now: TimeStep | None = None
        self._draws = np.random.default_rng()

    def observation_space(self, agent: str) -> Space[Any]:
        """Return the space of an agent's observations."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Space[Any]:
        """Return the space of an agent's actions."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, dict[str, Any]]]:
        """Start a battle.

        Args:
            seed: Seeds this battle and those after it.
            options: Not used.

        Raises:
            ConfigError: The seed is no whole number from 0 on.
            StarCraftError: The game cannot be brought to play.
        """
        if seed is not None:
            try:
                self._draws, _ = seeding.np_random(operator.index(seed))
            except (TypeError, GymnasiumError):
                raise ConfigError(f"seed is {seed!r}; it must be a whole number from 0 on") from None
        self._now = self._battles.reset([int(self._draws.integers(2**31))])
        self.agents = list(self.possible_agents)
        return self._observations(self._now), self._infos(self._now)

    def step(
        self, actions: dict[str, int]
    ) -> tuple[dict[str, Observation], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Play one step.

        Args:
            actions: One for every agent, the dead included (0, the no-op); after the end of a battle, when no agent is
                left, an empty dict, for which empty results come back.

        Raises:
            ActionError: An action is missing or masked, or no battle is going on.
            StarCraftError: The game broke and this episode is lost; reset starts another one.
        """
        if self._now is not None and not self.agents and not actions:
            return {}, {}, {}, {}, {}
        if not self.agents:
            raise ActionError("no battle is going on; call reset first")
        if missing := [agent for agent in self.agents if agent not in actions]:
            raise ActionError(f"no action for {', '.join(missing)}; every agent acts, the dead with 0 (no-op)")
        now = self._battles.step(np.asarray([[int(actions[agent]) for agent in self.agents]], dtype=np.int64))
        self._now = now
        if not now.is_sound[0]:
            self.agents = []
            raise StarCraftError("the game broke and the episode is lost; call reset to go on in a new one")
        agents, over = self.agents, bool(now.terminated[0] or now.truncated[0])
        if over:
            self.agents = []
        return (
            self._observations(now),
            dict.fromkeys(agents, float(now.reward[0])),
            dict.fromkeys(agents, bool(now.terminated[0])),
            dict.fromkeys(agents, bool(now.truncated[0])),
            self._infos(now),
        )

    def state(self) -> NDArray[np.float32]:
        """Return the global state, float32 ``[state]``.

        Raises:
            ActionError: No battle has begun.
        """
        if self._now is None:
            raise ActionError("no battle has begun; call reset first")
        state: NDArray[np.float32] = self._now.state[0]
        return state

    def close(self) -> None:
        """End the game."""
        self._battles.close()

    def _observations(self, now: TimeStep) -> dict[str, Observation]:
        masks = now.avail_actions[0].astype(np.int8)
        return {
            agent: {"observation": obs, "action_mask": mask}
            for agent, obs, mask in zip(self.possible_agents, now.obs[0], masks, strict=True)
        }

    def _infos(self, now: TimeStep) -> dict[str, dict[str, Any]]:
        won = bool(now.success[0])
        shared = {
            "battle_won": won,
            "success": won,
            "dead_allies": int(self._battles.dead_allies[0]),
            "dead_enemies": int(self._battles.dead_enemies[0]),
        }
        return {agent: shared.copy() for agent in self.possible_agents}
