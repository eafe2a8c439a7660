"""Many copies of MACN as one array: the vector face."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from gymnasium.spaces import MultiDiscrete
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from macn import dynamics, slipping
from macn.errors import ActionError, NotResetError, ParameterError
from macn.layout import CliffLayout
from macn.settings import N_ACTIONS, check_count, make_settings

Observations: TypeAlias = npt.NDArray[np.int8]
Booleans: TypeAlias = npt.NDArray[np.bool_]
Step: TypeAlias = tuple[Observations, npt.NDArray[np.float64], Booleans, Booleans, dict[str, Any]]

LARGEST_COUNT = 2**24  # copies
SUPPORTED_MODES = (AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED)


class MACNVectorEnv(VectorEnv[Observations, npt.NDArray[np.int64], Any]):
    """`num_envs` copies of MACN, stepped together as arrays `[env, agent, ...]`.

    Copies of an episode that has ended are put back at the next step (`NEXT_STEP`), or stand still until they are reset
    (`DISABLED`): their observation stays, their reward is 0, `terminated` and `truncated` stay as they were.

    `infos` holds arrays, never a dict per copy: `action_mask` int8 [env, agent, action], `success` bool [env],
    `fell` bool [env, agent], `state` float32 [env, 3 * n_agents + 1].
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
        show_agents: bool = False,
        include_position: bool = False,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: None = None,
    ) -> None:
        """Make the copies; `reset` starts them.

        Args:
            num_envs: number of copies, at least 1.
            layout: a name, a drawn map or a path.
            n_agents: number of agents.
            slip: probability with which an action is replaced by a uniform draw, in [0, 1].
            max_steps: steps after which an episode is truncated; 50 by default.
            max_cycles: another name of `max_steps`.
            show_agents: add 8 to the code of a seen cell that holds another agent.
            include_position: append row and column to the observation.
            autoreset_mode: `AutoresetMode.NEXT_STEP` or `AutoresetMode.DISABLED`.
            render_mode: only None: to picture a run use a single environment.

        Raises:
            ParameterError: a value is out of range.
            LayoutError: the map is refused.
        """
        check_count("num_envs", num_envs, LARGEST_COUNT)
        if render_mode is not None:
            raise ParameterError(
                f"render_mode is {render_mode!r}; the vector face draws nothing: macn.parallel_env does"
            )
        self.settings = make_settings(
            layout,
            n_agents=n_agents,
            slip=slip,
            max_steps=max_steps,
            max_cycles=max_cycles,
            show_agents=show_agents,
            include_position=include_position,
        )
        self.autoreset_mode = _checked_mode(autoreset_mode)
        self.tables = dynamics.build_tables(self.settings)
        self.num_envs = int(num_envs)
        self.metadata = {"render_modes": [], "autoreset_mode": self.autoreset_mode}
        self.render_mode = None
        self.single_observation_space = self.settings.observation_box(of_team=True)
        self.single_action_space = MultiDiscrete([N_ACTIONS] * self.settings.n_agents)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._seed = np.zeros(self.num_envs, dtype=np.int64)
        self._environment = np.arange(self.num_envs, dtype=np.int64)
        self._episode = np.zeros(self.num_envs, dtype=np.int64)
        self._keys = np.zeros(self.num_envs, dtype=np.int64)
        self._cells = np.zeros((self.num_envs, self.settings.n_agents), dtype=np.int64)
        self._elapsed = np.zeros(self.num_envs, dtype=np.int64)
        self._is_done = np.zeros(self.num_envs, dtype=np.bool_)
        self._is_seeded = False
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
        self._set_seeds(seed, mask)
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
            draws = slipping.slip_draws(self._keys, self._elapsed, tables.agent_index)
            chosen = slipping.slipped(chosen, draws, settings.slip)
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
            self._episode[finished] += 1
            self._begin(finished)
        outcome = dynamics.outcome(tables, self._cells)
        reward: npt.NDArray[np.float64] = tables.reward.take(outcome)
        if any_done:
            reward[was_done] = 0.0
        terminated: npt.NDArray[np.bool_] = tables.terminated.take(outcome)
        truncated: npt.NDArray[np.bool_] = (self._elapsed >= settings.max_steps) & ~terminated
        self._is_done = terminated | truncated
        return dynamics.observe(settings, tables, self._cells), reward, terminated, truncated, self._infos(outcome)

    @property
    def cells(self) -> npt.NDArray[np.int64]:
        """The agents' cells `row * width + column`, int64 [env, agent]; a copy."""
        return self._cells.copy()

    def state(self) -> npt.NDArray[np.float32]:
        """Return the global state, float32 [env, 3 * n_agents + 1]."""
        whole: npt.NDArray[np.float32] = dynamics.state(self.tables, self._cells, self._elapsed)
        return whole

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
            self._keys[copies] = slipping.stream_keys(
                self._seed[copies], self._environment[copies], self._episode[copies]
            )

    def _set_seeds(self, seed: int | Sequence[int | None] | None, mask: npt.NDArray[np.bool_]) -> None:
        """Set seed, environment index and episode number of the masked copies."""
        seeds: list[int | None]
        if seed is None or isinstance(seed, (int, np.integer)):
            environment = np.arange(self.num_envs, dtype=np.int64)
            seeds = [None if seed is None else slipping.checked_seed(seed)] * self.num_envs
        else:
            environment = np.zeros(self.num_envs, dtype=np.int64)
            seeds = [None if one is None else slipping.checked_seed(one) for one in seed]
            if len(seeds) != self.num_envs:
                raise ParameterError(
                    f"got {len(seeds)} seeds for {self.num_envs} copies; give one per copy, or one int"
                )
        is_given = np.asarray([one is not None for one in seeds]) & mask
        if seed is not None and isinstance(seed, (int, np.integer)):
            super().reset(seed=int(seed))
        if not self._is_seeded:  # copies without a seed share one random seed
            self._seed[:] = self.np_random.integers(slipping.LARGEST_SEED)
            self._is_seeded = True
        continues = mask & ~is_given & self._is_started
        self._episode[continues] += 1
        self._seed[is_given] = np.asarray([one or 0 for one in seeds], dtype=np.int64)[is_given]
        self._environment[is_given] = environment[is_given]
        self._episode[is_given] = 0

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
        checked = mode if isinstance(mode, AutoresetMode) else AutoresetMode(mode)
    except ValueError:
        checked = AutoresetMode.SAME_STEP
    if checked not in SUPPORTED_MODES:
        raise ParameterError(f"autoreset_mode is {mode!r}; it must be AutoresetMode.NEXT_STEP or .DISABLED")
    return checked
