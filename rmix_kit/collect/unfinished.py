"""Episodes while they are played, one row per copy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rmix_kit.envs.interface import StepCodec
from rmix_kit.errors import EnvironmentContractError
from rmix_kit.replay.episode import EPISODE_FIELDS, STEP_FIELDS, EpisodeBlock, empty_block, observed_of
from rmix_kit.types import BoolArray, EnvSpec, FloatArray, IntArray, TimeStep


@dataclass(frozen=True, kw_only=True)
class Round:
    """Finished episodes that are handed on together.

    Attributes:
        block: The sound episodes, at most one per copy, in the order of the copies; possibly none.
        episode_return: Undiscounted team return ``[episode]``.
        success: Solved at the end, bool ``[episode]``.
        fell: Any agent met a catastrophe, bool ``[episode]``.
        risk_level: Mean level used by each agent over the real steps ``[episode, agent]``.
        damaged: How many episodes broke and were dropped.
    """

    block: EpisodeBlock
    episode_return: FloatArray
    success: BoolArray
    fell: BoolArray
    risk_level: FloatArray
    damaged: int = 0

    @property
    def episodes(self) -> int:
        """How many sound episodes there are."""
        return len(self.success)

    @property
    def env_steps(self) -> int:
        """Environment steps of all copies together."""
        return int(self.block.length.sum())


class Unfinished:
    """The episodes that the copies are playing, checked as they come and written down."""

    def __init__(self, spec: EnvSpec, num_envs: int, codec: StepCodec | None) -> None:
        """Make room for an episode per copy.

        Raises:
            ConfigError: There is not as much memory.
        """
        self._limit, self._codec = spec.episode_limit, codec
        self._block = empty_block(spec, num_envs, spec.episode_limit, codec)
        self._level_sum: NDArray[np.float64] = np.zeros((num_envs, spec.n_agents))

    def begin(self, copies: BoolArray, step: TimeStep, levels: FloatArray) -> None:
        """Write down how episodes begin.

        Args:
            copies: bool ``[env]``, whose; their rows are empty.
            step: After the reset.
            levels: float32 ``[env]``, the level asked for.

        Raises:
            EnvironmentContractError: The step breaks the contract; agent, copy and step are named.
        """
        self._block.risk_level[copies] = levels[copies]
        self._observe(np.flatnonzero(copies), step)

    def add(
        self, copies: BoolArray, step: TimeStep, actions: IntArray, *, is_explored: BoolArray, levels: FloatArray
    ) -> None:
        """Write down a step.

        Args:
            copies: bool ``[env]``, that have played it.
            step: What it gave.
            actions: int64 ``[env, agent]``.
            is_explored: bool ``[env, agent]``.
            levels: The level that each agent used, float32 ``[env, agent]``.

        Raises:
            EnvironmentContractError: The step breaks the contract, or the episode its limit.
        """
        block, rows = self._block, np.flatnonzero(copies)
        time = block.length[rows]
        if time.max() >= self._limit:
            raise EnvironmentContractError(f"an episode is longer than the limit of {self._limit} steps")
        block.actions[rows, time] = actions[rows]
        block.is_explored[rows, time] = is_explored[rows]
        block.reward[rows, time] = step.reward[rows]
        block.length[rows] += 1
        self._level_sum[rows] += levels[rows]
        self._observe(rows, step)

    def finished(self, copies: BoolArray, step: TimeStep) -> Round:
        """Return episodes that have ended, those that broke left out.

        Args:
            copies: bool ``[env]``, whose.
            step: The last one; copies that ended earlier have stood still since.
        """
        block = self._block
        block.terminated[copies] = step.terminated[copies]
        is_kept = copies & step.is_sound
        kept = block.trimmed(int(block.length[is_kept].max(initial=0))).of_episodes(is_kept)
        return Round(
            block=kept,
            episode_return=kept.reward.sum(1, dtype=np.float64).astype(np.float32),
            success=step.success[is_kept],
            fell=np.any(step.fell, axis=-1)[is_kept],
            risk_level=(self._level_sum[is_kept] / kept.length[:, None]).astype(np.float32),
            damaged=int((copies & ~is_kept).sum()),
        )

    def clear(self, copies: BoolArray) -> None:
        """Forget what copies have played, bool ``[env]``."""
        block, steps = self._block, int(self._block.length[copies].max(initial=0))
        for array in block.trimmed(steps).observed.values():
            array[copies] = 0
        for name in STEP_FIELDS:
            getattr(block, name)[copies, :steps] = 0
        for name in EPISODE_FIELDS:
            getattr(block, name)[copies] = 0
        self._level_sum[copies] = 0

    def _observe(self, rows: IntArray, step: TimeStep) -> None:
        """Write what copies now see, int64 ``[row]``, after checking it."""
        time = self._block.length[rows]
        _check(step, rows, time)
        for name, array in observed_of(step, self._codec).items():
            self._block.observed[name][rows, time] = array[rows]


def _check(step: TimeStep, rows: IntArray, time: IntArray) -> None:
    """Refuse what no copy of those given may show, int64 ``[row]`` both."""
    obs = step.obs[rows]
    is_finite = np.isfinite(obs).reshape(*obs.shape[:2], -1).all(-1)  # [row, agent]
    if not is_finite.all():
        row, agent = np.argwhere(~is_finite)[0]
        raise EnvironmentContractError(
            f"the observation of agent {agent} in copy {rows[row]} at step {time[row]} is not finite"
        )
    is_paid = np.isfinite(step.reward[rows])
    if not is_paid.all():
        row = np.argmin(is_paid)
        raise EnvironmentContractError(f"the reward of copy {rows[row]} at step {time[row]} is not finite")
    has_action = step.avail_actions[rows].any(-1)  # [row, agent]
    if not has_action.all():
        row, agent = np.argwhere(~has_action)[0]
        raise EnvironmentContractError(f"agent {agent} in copy {rows[row]} has no allowed action at step {time[row]}")
