"""The PettingZoo face in which the agents act one after the other (AEC)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Discrete, Space
from pettingzoo import AECEnv
from pettingzoo.utils import AgentSelector
from pettingzoo.utils.wrappers import OrderEnforcingWrapper

from macn.errors import NotResetError
from macn.layout import CliffLayout
from macn.parallel_env import MACNParallelEnv, Observation
from macn.rendering import Picture, Screen
from macn.settings import N_ACTIONS, make_settings
from macn.walk import Walk, checked_action


class MACNAECEnv(AECEnv[str, Any, Any]):
    """MACN, one agent at a time; the team moves when the last agent has chosen. See `MACNParallelEnv` for the game."""

    metadata: ClassVar[dict[str, Any]] = dict(MACNParallelEnv.metadata)  # type: ignore[misc]

    def __init__(
        self,
        layout: str | Path | CliffLayout = "4x12",
        *,
        n_agents: int = 2,
        slip: float = 0.0,
        max_steps: int | None = None,
        max_cycles: int | None = None,
        show_agents: bool = False,
        include_position: bool = False,
        render_mode: str | None = None,
    ) -> None:
        """Make the environment; `MACNParallelEnv` explains the arguments."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.settings = make_settings(
            layout,
            n_agents=n_agents,
            slip=slip,
            max_steps=max_steps,
            max_cycles=max_cycles,
            show_agents=show_agents,
            include_position=include_position,
        )
        self.render_mode = render_mode
        self._screen = Screen(self.settings.layout, render_mode)
        self._walk = Walk(self.settings)
        self._chosen: dict[str, int] = {}
        self.max_steps = self.settings.max_steps
        self.possible_agents = self.settings.possible_agents
        self.agents = []
        self.state_space = self.settings.state_box()
        self.observation_spaces = {name: self.settings.observation_box(of_team=False) for name in self.possible_agents}
        self.action_spaces = {name: Discrete(N_ACTIONS) for name in self.possible_agents}

    def observation_space(self, agent: str) -> Space[Any]:
        """Return the observation space of an agent, always the same object."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Space[Any]:
        """Return the action space of an agent, always the same object."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Start an episode.

        Args:
            seed: starts this seed's stream of slips; None goes on with the next episode of the stream.
            options: not used.
        """
        self._walk.reset(seed)
        self._chosen = {}
        self.agents = self.possible_agents[:]
        self._selector = AgentSelector(self.agents)
        self.agent_selection = self._selector.reset()
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self._read_walk(reward=0.0)
        self._screen.update(self._walk)

    def step(self, action: int | None) -> None:
        """Note the selected agent's action; when it is the last agent's, let the team take its step.

        Args:
            action: a whole number 0..3; None for an agent whose episode has ended.

        Raises:
            NotResetError: no episode is running.
            ActionError: the action is out of range.
        """
        if not self.agents:
            raise NotResetError("step was called while no episode was running; call reset() first")
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)
            return
        self._chosen[agent] = checked_action(action, agent)
        self._cumulative_rewards[agent] = 0.0
        if self._selector.is_last():
            self._walk.step(self._chosen)
            self._chosen = {}
            self._read_walk(reward=self._walk.reward)
            self._screen.update(self._walk)
        else:
            self._clear_rewards()
        self.agent_selection = self._selector.next()
        self._accumulate_rewards()

    def observe(self, agent: str) -> Observation:
        """Return what the agent sees: int8 [3, 3] or [11]."""
        return self._walk.observation(self.possible_agents.index(agent))

    def state(self) -> npt.NDArray[np.float32]:
        """Return the global state, float32 [3 * n_agents + 1]."""
        return self._walk.state()

    def render(self) -> str | Picture | None:
        """Return the frame of the render mode: text for `ansi`, uint8 [height, width, 3] for `rgb_array`."""
        return self._screen.render(self._walk)

    def close(self) -> None:
        """Close the window, if there is one."""
        self._screen.close()

    def _read_walk(self, *, reward: float) -> None:
        """Give every agent the result of the team's step."""
        walk, names = self._walk, self.agents
        self.rewards = dict.fromkeys(names, reward)
        self.terminations = dict.fromkeys(names, walk.terminated)
        self.truncations = dict.fromkeys(names, walk.truncated)
        self.infos = {name: walk.info(agent) for agent, name in enumerate(names)}


def env(
    layout: str | Path | CliffLayout = "4x12",
    *,
    n_agents: int = 2,
    slip: float = 0.0,
    max_steps: int | None = None,
    max_cycles: int | None = None,
    show_agents: bool = False,
    include_position: bool = False,
    render_mode: str | None = None,
) -> AECEnv[str, Any, Any]:
    """Return MACN with PettingZoo's AEC interface, in PettingZoo's wrapper that enforces the order of calls."""
    return OrderEnforcingWrapper(
        MACNAECEnv(
            layout,
            n_agents=n_agents,
            slip=slip,
            max_steps=max_steps,
            max_cycles=max_cycles,
            show_agents=show_agents,
            include_position=include_position,
            render_mode=render_mode,
        )
    )
