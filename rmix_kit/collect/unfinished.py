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
        block: The sound episodes; possibly none.
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
    """The episodes that the copies are playing, checked as they come and written down; finished ones, up to a few.

    An episode has a row; a copy that begins the next one takes an empty row, so that finished episodes can be handed on
    together. Handing on costs about as much for one as for several.
    """

    def __init__(self, spec: EnvSpec, num_envs: int, codec: StepCodec | None, *, spare: int = 0) -> None:
        """Make room.

        Args:
            spare: How many finished episodes there is room for besides one that is played in every copy.

        Raises:
            ConfigError: There is not as much memory.
        """
        rows = num_envs + spare
        self._limit, self._codec, self._spare = spec.episode_limit, codec, spare
        self._block = empty_block(spec, rows, spec.episode_limit, codec)
        self._level_sum: NDArray[np.float64] = np.zeros((rows, spec.n_agents))
        self._success, self._fell, self._is_sound = np.zeros((3, rows), dtype=np.bool_)
        self._row: IntArray = np.arange(num_envs)  # of each copy
        self._empty, self._finished = list(range(num_envs, rows)), list[int]()

    @property
    def has_finished(self) -> bool:
        """Whether there are episodes that have ended."""
        return bool(self._finished)

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another episode in every copy."""
        return len(self._finished) > self._spare

    def begin(self, copies: BoolArray, step: TimeStep, levels: FloatArray) -> None:
        """Write down how episodes begin.

        Args:
            copies: bool ``[env]``, whose.
            step: After the reset.
            levels: float32 ``[env]``, the level asked for.

        Raises:
            EnvironmentContractError: The step breaks the contract; agent, copy and step are named.
        """
        self._block.risk_level[self._row[copies]] = levels[copies]
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
        block, playing = self._block, np.flatnonzero(copies)
        rows = self._row[playing]
        time = block.length[rows]
        if time.max() >= self._limit:
            raise EnvironmentContractError(f"an episode is longer than the limit of {self._limit} steps")
        block.actions[rows, time] = actions[playing]
        block.is_explored[rows, time] = is_explored[playing]
        block.reward[rows, time] = step.reward[playing]
        block.length[rows] += 1
        self._level_sum[rows] += levels[playing]
        self._observe(playing, step)

    def end(self, copies: BoolArray, step: TimeStep) -> None:
        """Write down how episodes ended.

        Args:
            copies: bool ``[env]``, whose.
            step: The last one; copies that ended earlier have stood still since.
        """
        rows = self._row[copies]
        self._block.terminated[rows] = step.terminated[copies]
        self._success[rows] = step.success[copies]
        self._fell[rows] = np.any(step.fell, axis=-1)[copies]
        self._is_sound[rows] = step.is_sound[copies]
        self._finished += rows.tolist()

    def finished(self) -> Round:
        """Return the episodes that have ended, in the order in which they did, those that broke left out."""
        rows = np.array(self._finished, dtype=np.int64)
        kept = rows[self._is_sound[rows]]
        block = self._block.trimmed(int(self._block.length[kept].max(initial=0))).of_episodes(kept)
        return Round(
            block=block,
            episode_return=block.reward.sum(1, dtype=np.float64).astype(np.float32),
            success=self._success[kept],
            fell=self._fell[kept],
            risk_level=(self._level_sum[kept] / block.length[:, None]).astype(np.float32),
            damaged=len(rows) - len(kept),
        )

    def clear(self) -> None:
        """Forget the episodes that have ended."""
        rows = np.array(self._finished, dtype=np.int64)
        steps = int(self._block.length[rows].max(initial=0))
        for array in self._block.trimmed(steps).observed.values():
            array[rows] = 0
        for name in STEP_FIELDS:
            getattr(self._block, name)[rows, :steps] = 0
        for name in EPISODE_FIELDS:
            getattr(self._block, name)[rows] = 0
        self._level_sum[rows] = 0
        self._empty += self._finished
        self._finished = []

    def free(self, copies: BoolArray) -> None:
        """Give copies whose episode has ended an empty row, bool ``[env]``."""
        for copy in np.flatnonzero(copies):
            self._row[copy] = self._empty.pop()

    def _observe(self, playing: IntArray, step: TimeStep) -> None:
        """Write what copies now see, int64 ``[playing]``, after checking it."""
        rows = self._row[playing]
        time = self._block.length[rows]
        _check(step, playing, time)
        for name, array in observed_of(step, self._codec).items():
            self._block.observed[name][rows, time] = array[playing]


def _check(step: TimeStep, playing: IntArray, time: IntArray) -> None:
    """Refuse what no copy may show, int64 ``[playing]``, at its step, likewise."""
    obs = step.obs[playing]
    is_finite = np.isfinite(obs).reshape(*obs.shape[:2], -1).all(-1)  # [playing, agent]
    if not is_finite.all():
        row, agent = np.argwhere(~is_finite)[0]
        raise EnvironmentContractError(
            f"the observation of agent {agent} in copy {playing[row]} at step {time[row]} is not finite"
        )
    is_paid = np.isfinite(step.reward[playing])
    if not is_paid.all():
        row = np.argmin(is_paid)
        raise EnvironmentContractError(f"the reward of copy {playing[row]} at step {time[row]} is not finite")
    has_action = step.avail_actions[playing].any(-1)  # [playing, agent]
    if not has_action.all():
        row, agent = np.argwhere(~has_action)[0]
        raise EnvironmentContractError(
            f"agent {agent} in copy {playing[row]} has no allowed action at step {time[row]}"
        )
