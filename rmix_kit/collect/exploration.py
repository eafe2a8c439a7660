"""Schedules and epsilon-greedy exploration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rmix_kit.types import BoolArray, FloatArray, IntArray


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
        """Return the value at an environment step."""
        if env_steps >= self.end_steps:
            return self.end
        if env_steps <= self.begin_steps:
            return self.start
        share = (env_steps - self.begin_steps) / (self.end_steps - self.begin_steps)
        return self.start + share * (self.end - self.start)


class Explored(NamedTuple):
    """What is done after exploration.

    Attributes:
        actions: int64 ``[env, agent]``, available actions.
        is_explored: bool ``[env, agent]``, a random draw that differs from the agent's own action.
    """

    actions: IntArray
    is_explored: BoolArray


def explore(
    greedy: IntArray,
    avail_actions: BoolArray,
    epsilon: float,
    rng: np.random.Generator,
    probabilities: FloatArray | None = None,
) -> Explored:
    """Replace each agent's action with probability epsilon by a uniform draw from its available actions.

    Args:
        greedy: int64 ``[env, agent]``, available actions.
        avail_actions: bool ``[env, agent, action]``, at least one true each.
        epsilon: In [0, 1].
        rng: The stream that draws; it advances equally whatever epsilon is.
        probabilities: float32 ``[env, agent, action]`` of a stochastic policy, zero where an action is not available:
            where no uniform draw is made, the action is drawn from these instead of being the greedy one.

    Returns:
        The actions, and which of them are explorations.
    """
    is_random = rng.random(greedy.shape) < epsilon
    rank = np.floor(rng.random(greedy.shape) * avail_actions.sum(-1)).astype(np.int64)  # [env, agent]
    drawn = (avail_actions.cumsum(-1) > rank[..., None]).argmax(-1)  # the rank-th available action
    own = greedy if probabilities is None else draw(probabilities, rng)
    return Explored(np.where(is_random, drawn, own), is_random & (drawn != own))


def draw(probabilities: FloatArray, rng: np.random.Generator) -> IntArray:
    """Draw one action from each distribution.

    Args:
        probabilities: ``[..., action]``; their sums may miss 1 by rounding.

    Returns:
        int64 ``[...]``; never an action of probability zero.
    """
    cumulative = probabilities.cumsum(-1, dtype=np.float64)  # [..., action]
    threshold = rng.random(probabilities.shape[:-1])[..., None] * cumulative[..., -1:]
    drawn: IntArray = (cumulative > threshold).argmax(-1)
    return drawn
