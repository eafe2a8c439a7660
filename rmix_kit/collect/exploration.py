"""Schedules and epsilon-greedy exploration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rmix_kit.types import BoolArray, IntArray


@dataclass(frozen=True, kw_only=True)
class LinearSchedule:
    """A value that goes linearly from ``start`` to ``end`` between two environment steps and stays there.

    Attributes:
        start: Value up to ``begin_steps``.
        end: Value from ``end_steps`` on.
        begin_steps: Environment step at which the change begins.
        end_steps: Environment step at which it ends; equal to ``begin_steps`` for a jump.
    """

    start: float
    end: float
    begin_steps: int
    end_steps: int

    def at(self, env_steps: int) -> float:
        """Give the value at an environment step."""
        if env_steps >= self.end_steps:
            return self.end
        if env_steps <= self.begin_steps:
            return self.start
        share = (env_steps - self.begin_steps) / (self.end_steps - self.begin_steps)
        return self.start + share * (self.end - self.start)


def explore(greedy: IntArray, avail_actions: BoolArray, epsilon: float, rng: np.random.Generator) -> IntArray:
    """Replace each agent's action with probability epsilon by a uniform draw from its available actions.

    Args:
        greedy: int64 ``[env, agent]``, available actions.
        avail_actions: bool ``[env, agent, action]``, at least one true each.
        epsilon: In [0, 1].
        rng: The stream that draws; it advances equally whatever epsilon is.

    Returns:
        int64 ``[env, agent]``, available actions.
    """
    is_random = rng.random(greedy.shape) < epsilon
    rank = np.floor(rng.random(greedy.shape) * avail_actions.sum(-1)).astype(np.int64)  # [env, agent]
    drawn = (avail_actions.cumsum(-1) > rank[..., None]).argmax(-1)  # the rank-th available action
    return np.where(is_random, drawn, greedy)
