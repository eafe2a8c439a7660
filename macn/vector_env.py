"""Many copies of MACN as one array: the vector face."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from gymnasium.spaces import MultiDiscrete
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from macn import counter_hash, dynamics
from macn.errors import ActionError, NotResetError, ParameterError
from macn.layout import CliffLayout
from macn.limits import require_copies_fit
from macn.rendering import RENDER_FPS, Picture, draw_picture, draw_text
from macn.settings import N_ACTIONS, checked_count, make_settings
from macn.streams import Streams, is_one_seed

Observations: TypeAlias = npt.NDArray[np.int8]
Booleans: TypeAlias = npt.NDArray[np.bool_]
Step: TypeAlias = tuple[Observations, npt.NDArray[np.float64], Booleans, Booleans, dict[str, Any]]

LARGEST_COUNT = 2**24  # copies
RENDER_MODES = ("ansi", "rgb_array")


class MACNVectorEnv(VectorEnv[Observations, npt.NDArray[np.int64], Any]):
    """`num_envs` copies of MACN, stepped together as arrays `[env, agent, ...]`.

    Copies of an episode that has ended are put back at the next step (`NEXT_STEP`); or in the step that ends it, whose
    observations and infos are then those of the next episode (`SAME_STEP`); or they stand still until they are reset
    (`DISABLED`): their observation stays, their reward is 0, `terminated` and `truncated` stay as they were.

    `infos` holds arrays, never a dict per copy: `action_mask` int8 [env, agent, action], `success` bool [env],
    `fell` bool [env, agent], `state` float32 [env, 3 * n_agents + 1]. With `SAME_STEP`, and only at steps that end an
    episode, gymnasium's four keys are added: `final_obs` object [env] (an observation, or None where nothing ended),
    `final_info` (the arrays above as the episode left them, 0 elsewhere), `_final_obs` and `_final_info` bool [env].
    """

    def __init__(
        self,
        num_envs: int = 1,
        layout: str | Path | CliffLayout = "4x12",
        *,
        n_agents: int = 2,
        slip: float = 0.0,
        max_steps: int | None = None,
        max_cycles: int | None = None,
        max_episode_steps: int | None = None,
        show_agents: bool = False,
        include_position: bool = False,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
    ) -> None:
        """Make the copies; `reset` starts them.

        Args:
            slip: probability with which an action is replaced by a uniform draw, in [0, 1].
            max_steps: steps after which an episode is truncated; 50 by default.
            max_cycles: another name of `max_steps`.
            max_episode_steps: gymnasium's name of `max_steps`, which `gymnasium.make_vec` hands on.
            show_agents: add 8 to the code of a seen cell that holds another agent.
            include_position: append row and column to the observation.
            autoreset_mode: `AutoresetMode.NEXT_STEP`, `SAME_STEP` or `DISABLED`, or its value.
            render_mode: `rgb_array` pictures, `ansi` texts, one per copy, or None.

        Raises:
            ParameterError: a value is out of range.
            LayoutError: the map is refused.
        """
        self.settings = make_settings(
            layout,
            n_agents=n_agents,
            slip=slip,
            max_steps=max_steps,
            max_cycles=max_cycles,
            max_episode_steps=max_episode_steps,
            show_agents=show_agents,
            include_position=include_position,
        )
        self.autoreset_mode = _checked_mode(autoreset_mode)
        self.tables = dynamics.build_tables(self.settings)
        self.num_envs = checked_count("num_envs", num_envs, LARGEST_COUNT)
        require_copies_fit(self.num_envs, self.settings.n_agents)
        self.render_mode = _checked_render_mode(render_mode)
        self.metadata = {"render_modes": list(RENDER_MODES), "render_fps": RENDER_FPS}
        self.metadata["autoreset_mode"] = self.autoreset_mode
        self.single_observation_space = self.settings.observation_box(of_team=True)
        self.single_action_space = MultiDiscrete([N_ACTIONS] * self.settings.n_agents)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._streams = Streams(self.num_envs)
        self._keys = np.zeros(self.num_envs, dtype=np.int64)
        self._cells = np.zeros((self.num_envs, self.settings.n_agents), dtype=np.int64)
        self._elapsed = np.zeros(self.num_envs, dtype=np.int64)
        self._is_done = np.zeros(self.num_envs, dtype=np.bool_)
        self._is_started = np.zeros(self.num_envs, dtype=np.bool_)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, dict[str, Any]]:
        """Start new episodes.

        Args:
            seed: an int s gives copy i the stream (s, environment i). A list gives copy i the stream of a single
                environment that was reset with `seed[i]`; None in it lets that copy go on with its stream. None
                lets all copies go on.
            options: `reset_mask`, bool [env], restarts only those copies.

        Returns:
            Observations int8 [env, agent, ...] and infos, of all copies.

        Raises:
            ParameterError: a seed or the mask has a bad value or shape.
        """
        mask = self._reset_mask(options)
        if is_one_seed(seed):
            counter_hash.checked_seed(seed)
            super().reset(seed=operator.index(seed))
        self._streams.start(seed, mask, self._is_started, self.np_random)
        self._begin(np.flatnonzero(mask))
        self._is_started |= mask
        self._is_done = self._is_done & ~mask
        outcome = dynamics.outcome(self.tables, self._cells)
        return dynamics.observe(self.settings, self.tables, self._cells), self._infos(outcome)

    def step(self, actions: npt.NDArray[np.int64]) -> Step:
        """Let every copy take one step.

        Args:
            actions: whole numbers 0..3, [env, agent].

        Returns:
            Observations int8 [env, agent, ...], reward float64 [env], terminated and truncated bool [env], infos.

        Raises:
            NotResetError: some copy was never reset.
            ActionError: the actions have the wrong shape, kind or range.
        """
        if not self._is_started.all():
            raise NotResetError("step was called before reset; call reset() first")
        chosen = self._checked_actions(actions)
        tables, settings, was_done = self.tables, self.settings, self._is_done
        if settings.slip > 0.0:
            draws = counter_hash.counter_draws(self._keys, self._elapsed, tables.agent_index)
            chosen = counter_hash.slipped(chosen, draws, settings.slip)
        cells = dynamics.transition(tables, self._cells, chosen)
        any_done = bool(was_done.any())
        if any_done and self.autoreset_mode is AutoresetMode.DISABLED:
            cells = np.where(was_done[:, None], self._cells, cells)
            self._elapsed = self._elapsed + ~was_done
        else:
            self._elapsed = self._elapsed + 1
        self._cells = cells
        if any_done and self.autoreset_mode is AutoresetMode.NEXT_STEP:
            finished = np.flatnonzero(was_done)
            self._streams.go_on(finished)
            self._begin(finished)
        outcome = dynamics.outcome(tables, self._cells)
        reward: npt.NDArray[np.float64] = tables.reward.take(outcome)
        if any_done:
            reward[was_done] = 0.0
        terminated: npt.NDArray[np.bool_] = tables.terminated.take(outcome)
        truncated: npt.NDArray[np.bool_] = (self._elapsed >= settings.max_steps) & ~terminated
        observations, infos = dynamics.observe(settings, tables, self._cells), self._infos(outcome)
        self._is_done = terminated | truncated
        if self.autoreset_mode is AutoresetMode.SAME_STEP and self._is_done.any():
            observations, infos = self._begun_anew(self._is_done, observations, infos)
            self._is_done = np.zeros(self.num_envs, dtype=np.bool_)
        return observations, reward, terminated, truncated, infos

    @property
    def cells(self) -> npt.NDArray[np.int64]:
        """The agents' cells `row * width + column`, int64 [env, agent]; a copy."""
        return self._cells.copy()

    def state(self) -> npt.NDArray[np.float32]:
        """Return the global state, float32 [env, 3 * n_agents + 1]."""
        whole: npt.NDArray[np.float32] = dynamics.state(self.tables, self._cells, self._elapsed)
        return whole

    def render(self) -> tuple[Picture | str, ...]:
        """Return one frame per copy: text for `ansi`, uint8 [height, width, 3] for `rgb_array`.

        Raises:
            NotResetError: some copy was never reset.
            ParameterError: the environment was made without a render mode.
        """
        if self.render_mode is None:
            raise ParameterError("render_mode is None; make the environment with one of " + ", ".join(RENDER_MODES))
        if not self._is_started.all():
            raise NotResetError("render was called before reset; call reset() first")
        layout, cells = self.settings.layout, self._cells.tolist()
        if self.render_mode == "ansi":
            return tuple(draw_text(layout, one) for one in cells)
        return tuple(draw_picture(layout, one) for one in cells)

    def _infos(self, outcome: npt.NDArray[np.int64]) -> dict[str, Any]:
        """Return the infos of all copies for `outcome` int64 [env]."""
        return {
            "action_mask": dynamics.avail_actions(self.tables, self._cells),
            "success": self.tables.success.take(outcome),
            "fell": dynamics.fell(self.tables, self._cells),
            "state": self.state(),
        }

    def _begin(self, copies: npt.NDArray[np.int64]) -> None:
        """Put the copies with these indices to the start of the episode that their counters name."""
        self._cells[copies] = self.tables.start_cells
        self._elapsed[copies] = 0
        if self.settings.slip > 0.0:
            self._keys[copies] = self._streams.keys(copies)

    def _begun_anew(
        self, ended: Booleans, observations: Observations, infos: dict[str, Any]
    ) -> tuple[Observations, dict[str, Any]]:
        """Put the copies that have `ended`, bool [env], to their next episodes.

        Returns:
            Observations and infos with which the next episodes begin, where an episode ended; the infos hold how it
            ended, the way that gymnasium's own vector environments tell it.
        """
        finished = np.flatnonzero(ended)
        final_obs = np.full(self.num_envs, None, dtype=object)
        for copy in finished:
            final_obs[copy] = observations[copy].copy()
        final_info: dict[str, Any] = {}
        for key, whole in infos.items():
            final_info[key] = np.where(ended.reshape(-1, *[1] * (whole.ndim - 1)), whole, np.zeros_like(whole))
            final_info[f"_{key}"] = ended.copy()
        self._streams.go_on(finished)
        self._begin(finished)
        begun = self._infos(dynamics.outcome(self.tables, self._cells))
        final: dict[str, Any] = {"final_obs": final_obs, "_final_obs": ended.copy()}
        final |= {"final_info": final_info, "_final_info": ended.copy()}
        return dynamics.observe(self.settings, self.tables, self._cells), begun | final

    def _reset_mask(self, options: dict[str, Any] | None) -> npt.NDArray[np.bool_]:
        """Return which copies a reset restarts, bool [env]."""
        if options is None or "reset_mask" not in options:
            return np.ones(self.num_envs, dtype=np.bool_)
        mask = np.asarray(options["reset_mask"])
        if mask.dtype != np.bool_ or mask.shape != (self.num_envs,):
            raise ParameterError(
                f"options['reset_mask'] is {mask.dtype} {mask.shape}; it must be bool of shape ({self.num_envs},)"
            )
        return mask

    def _checked_actions(self, actions: object) -> npt.NDArray[np.int64]:
        """Return the actions as int64 [env, agent]."""
        chosen = np.asarray(actions)
        expected = (self.num_envs, self.settings.n_agents)
        if chosen.shape != expected:
            raise ActionError(f"actions have shape {chosen.shape}; expected {expected}, one action per copy and agent")
        if chosen.dtype.kind not in "iu":
            raise ActionError(f"actions have dtype {chosen.dtype}; expected whole numbers 0..{N_ACTIONS - 1}")
        if chosen.min() < 0 or chosen.max() >= N_ACTIONS:
            copy, agent = np.argwhere((chosen < 0) | (chosen >= N_ACTIONS))[0]
            raise ActionError(
                f"action of copy {copy}, agent {agent} is {chosen[copy, agent]}; "
                "it must be 0 UP, 1 DOWN, 2 LEFT or 3 RIGHT"
            )
        return chosen.astype(np.int64, copy=False)


def _checked_mode(mode: AutoresetMode | str) -> AutoresetMode:
    """Return the autoreset mode, or refuse it."""
    try:
        return AutoresetMode(mode)
    except ValueError:
        names = ", ".join(f"AutoresetMode.{one.name}" for one in AutoresetMode)
        raise ParameterError(f"autoreset_mode is {mode!r}; it must be one of {names}") from None


def _checked_render_mode(mode: str | None) -> str | None:
    """Return the render mode, or refuse it."""
    if mode is not None and mode not in RENDER_MODES:
        raise ParameterError(
            f"render_mode is {mode!r}; the vector face takes None, {' or '.join(RENDER_MODES)}; a window shows one "
            "copy alone: macn.parallel_env"
        )
    return mode
