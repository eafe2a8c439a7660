"""The gymnasium face: one central player moves the whole team."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.envs.registration import EnvSpec
from gymnasium.spaces import MultiDiscrete

from macn.errors import ActionError, NotResetError
from macn.layout import CliffLayout
from macn.rendering import RENDER_FPS, RENDER_MODES, Picture, Screen
from macn.settings import N_ACTIONS, make_settings
from macn.walk import Walk

Observation = npt.NDArray[np.int8]


class MACNGymEnv(gymnasium.Env[Any, Any]):
    """MACN for one player. See `MACNParallelEnv` for the game.

    The observation is the agents' observations stacked, [agent, ...]; the action is one whole number 0..3 per agent.
    `info` holds, from the reset to the last step, `action_mask` int8 [agent, action], `fell` bool [agent], `state`
    float32 [3 * n_agents + 1] and `success`, which is False until all agents are at the goal.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "render_modes": list(RENDER_MODES),
        "render_fps": RENDER_FPS,
    }

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
        self.settings = make_settings(
            layout,
            n_agents=n_agents,
            slip=slip,
            max_steps=max_steps,
            max_cycles=max_cycles,
            show_agents=show_agents,
            include_position=include_position,
        )
        self._spec: EnvSpec | None = None
        self.render_mode = render_mode
        self._screen = Screen(self.settings.layout, render_mode)
        self._walk = Walk(self.settings)
        self.observation_space = self.settings.observation_box(of_team=True)
        self.action_space = MultiDiscrete([N_ACTIONS] * self.settings.n_agents)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode.

        Args:
            seed: starts this seed's stream of slips; None goes on with the next episode of the stream.
            options: not used.

        Returns:
            The observation int8 [agent, ...] and the info.
        """
        self._walk.reset(seed)
        super().reset(seed=None if seed is None else operator.index(seed))
        self._screen.update(self._walk)
        return self._observation(), self._info()

    def step(
        self, action: npt.NDArray[np.int64] | Sequence[int]
    ) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Let the team take one step.

        Args:
            action: whole numbers 0..3, [agent].

        Returns:
            Observation int8 [agent, ...], reward, terminated, truncated, info.

        Raises:
            NotResetError: no episode is running.
            ActionError: the action has the wrong shape or range.
        """
        walk = self._walk
        chosen = np.asarray(action)
        if chosen.shape != self.action_space.shape or chosen.dtype.kind not in "iu":
            raise ActionError(
                f"action is {chosen.dtype} of shape {chosen.shape}; expected whole numbers 0..3 of shape "
                f"{self.action_space.shape}, one per agent"
            )
        walk.step(dict(zip(walk.names, chosen.tolist(), strict=True)))
        self._screen.update(walk)
        return self._observation(), walk.reward, walk.terminated, walk.truncated, self._info()

    @property
    def spec(self) -> EnvSpec | None:
        """What `gymnasium.make` made this from, or None; `max_episode_steps` is this game's own limit."""
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        own = self.settings.max_steps
        self._spec = None if spec is None else dataclasses.replace(spec, max_episode_steps=own)

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """Return which actions are allowed, bool [agent * action], agent 0 in front: as MaskablePPO asks for them.

        Raises:
            NotResetError: there was no reset yet.
        """
        if not self._walk.cells:
            raise NotResetError("action_masks was asked for before the first reset; call reset() first")
        masks: npt.NDArray[np.int8] = self._info()["action_mask"]  # [agent, action]
        return masks.reshape(-1).astype(np.bool_)  # [agent * action]

    def state(self) -> npt.NDArray[np.float32]:
        """Return the global state, float32 [3 * n_agents + 1]."""
        return self._walk.state()

    def render(self) -> str | Picture | None:
        """Return the frame of the render mode: text for `ansi`, uint8 [height, width, 3] for `rgb_array`."""
        return self._screen.render(self._walk)

    def close(self) -> None:
        """Close the window, if there is one."""
        self._screen.close()

    def _observation(self) -> Observation:
        """Return the agents' observations, int8 [agent, ...]."""
        return np.stack([self._walk.observation(agent) for agent in range(self.settings.n_agents)])

    def _info(self) -> dict[str, Any]:
        """Return the team's info."""
        by_agent = [self._walk.info(agent) for agent in range(self.settings.n_agents)]
        info: dict[str, Any] = {key: np.asarray([one[key] for one in by_agent]) for key in ("action_mask", "fell")}
        return {**info, "state": self.state(), "success": self._walk.success}
