"""Which episodes a collection round begins, and when it begins no more."""

from __future__ import annotations

import numpy as np

from rmix_kit.collect import Starts
from rmix_kit.seeding import episode_seed
from rmix_kit.training.run_config import RunConfig
from rmix_kit.training.state import TrainerState
from rmix_kit.types import FloatArray


def is_due(interval: int, before: int, now: int) -> bool:
    """Return whether something that is due every so many environment steps became due between two steps."""
    return now // interval > before // interval


class RoundPlan:
    """The episodes of one round, numbered in the order in which they begin.

    There are `RunConfig.episodes_per_copy` of them for each copy. No more begin once the finished ones have reached an
    evaluation, a checkpoint or the end of the run: these come when every episode that was begun has ended.

    Attributes:
        is_cut: The end of the run alone has kept episodes from beginning: a run that was planned for more steps would
            have begun them.
    """

    def __init__(self, config: RunConfig, state: TrainerState) -> None:
        """Plan a round from where training stands.

        Args:
            state: Of now; its counters are asked again whenever copies are free.
        """
        self._config, self._state = config, state
        self._before = state.env_steps
        self._next = state.episodes + state.damaged_episodes
        self._end = self._next + config.episodes_per_copy * config.training.num_envs
        self.is_cut = False

    def begin(self, free: int) -> Starts:
        """Say which episodes begin now.

        Args:
            free: How many copies play none.

        Returns:
            At most so many.
        """
        count = 0 if self._is_over() else min(free, self._end - self._next)
        numbers = range(self._next, self._next + count)
        self._next += count
        return Starts([episode_seed(self._config.seed, "train", number) for number in numbers], self._levels(count))

    def _is_over(self) -> bool:
        settings, now = self._config.training, self._state.env_steps
        if any(is_due(i, self._before, now) for i in (settings.evaluation_interval, settings.checkpoint_interval)):
            return True
        is_end = now >= self._config.steps
        self.is_cut = self.is_cut or (is_end and self._next < self._end)
        return is_end

    def _levels(self, count: int) -> FloatArray:
        draws = self._config.algorithm.risk_level_draws
        if not draws or not count:
            return np.zeros(count, dtype=np.float32)
        drawn = self._state.streams["risk_level"].integers(1, draws + 1, size=count)
        return (drawn / draws).astype(np.float32)
