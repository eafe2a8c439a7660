"""Collecting whole episodes with the copies of a vector environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from rmix_kit.collect.exploration import explore
from rmix_kit.collect.unfinished import Round, Unfinished
from rmix_kit.envs.interface import VectorEnv, codec_of
from rmix_kit.policy import TeamPolicy
from rmix_kit.types import FloatArray

SPARE_SHARE = 0.25
"""Finished episodes that are waited for before they are handed on, as a share of the copies."""


def spare_rows(num_envs: int) -> int:
    """Return how many finished episodes `Collector.play` has room for besides those that are played."""
    return int(SPARE_SHARE * num_envs)


class Starts(NamedTuple):
    """Episodes that may begin.

    Attributes:
        seeds: One per episode.
        levels: The level asked for, float32 ``[start]``, 0 or in (0, 1].
    """

    seeds: list[int]
    levels: FloatArray


class Collector:
    """Steps a vector environment with a team policy; holds neither weights nor counters."""

    def __init__(self, envs: VectorEnv, policy: TeamPolicy) -> None:
        """Bind the two."""
        self._envs, self._policy, self._codec = envs, policy, codec_of(envs)

    def collect(
        self,
        seeds: list[int],
        *,
        epsilon: float,
        rng: np.random.Generator,
        risk_level: FloatArray | None = None,
        is_greedy: bool = False,
    ) -> Round:
        """Play one episode in every copy, and wait for the longest.

        Args:
            epsilon: Exploration in [0, 1].
            risk_level: float32 ``[env]``, 0 or in (0, 1]; zeros if None.
            is_greedy: A stochastic policy takes its most probable action instead of drawing.

        Returns:
            The finished episodes, those that broke left out.

        Raises:
            EnvironmentContractError: The environment broke its contract; agent and step are named.
        """
        levels = np.zeros(self._envs.num_envs, dtype=np.float32) if risk_level is None else risk_level
        playing = self._play(lambda _: Starts(seeds, levels), lambda: epsilon, rng, is_greedy=is_greedy, waits=True)
        return next(playing)

    def play(
        self, begin: Callable[[int], Starts], *, epsilon: Callable[[], float], rng: np.random.Generator
    ) -> Iterator[Round]:
        """Play episodes in all copies; one that ends its episode begins the next at once.

        Args:
            begin: Given how many copies are free, says which episodes begin in the first of them. Asked for all copies
                at first, which must all begin, and then whenever episodes have ended, after they were handed on if so.
            epsilon: Says the exploration of the next step, in [0, 1].

        Yields:
            Episodes in the order of their ends (of one step: of the copies), as soon as more of them have ended than
            `spare_rows` says, and the last ones once nothing begins any more.

        Raises:
            EnvironmentContractError: The environment broke its contract; agent and step are named.
        """
        return self._play(begin, epsilon, rng, is_greedy=False, waits=False)

    def _play(
        self,
        begin: Callable[[int], Starts],
        epsilon: Callable[[], float],
        rng: np.random.Generator,
        *,
        is_greedy: bool,
        waits: bool,
    ) -> Iterator[Round]:
        """Play as `play` does, or, where copies wait for each other, up to the first round."""
        envs, policy = self._envs, self._policy
        spare = 0 if waits else spare_rows(envs.num_envs)
        episodes = Unfinished(envs.spec, envs.num_envs, self._codec, spare=spare)
        seeds, levels = begin(envs.num_envs)
        step, carry = envs.reset(seeds), policy.initial_carry(envs.num_envs)
        active = np.ones(envs.num_envs, dtype=np.bool_)
        episodes.begin(active, step, levels)
        while active.any():
            choice, carry = policy.act(step.obs, step.avail_actions, levels, carry)
            probabilities = None if is_greedy else choice.probabilities
            actions, is_explored = explore(choice.actions, step.avail_actions, epsilon(), rng, probabilities)
            carry = policy.executed(carry, actions)
            step = envs.step(actions)
            episodes.add(active, step, actions, is_explored=is_explored, levels=choice.risk_level)
            ended = active & step.has_ended
            active = active & ~ended
            if ended.any() and not waits:
                episodes.end(ended, step)
                if episodes.is_full:
                    yield episodes.finished()
                    episodes.clear()
                started = begin(int(ended.sum()))
                starts = ended & (ended.cumsum() <= len(started.seeds))
                if starts.any():
                    step, carry = envs.restart(starts, started.seeds), policy.restarted(carry, starts)
                    levels = levels.copy()
                    levels[starts] = started.levels
                    episodes.free(starts)
                    episodes.begin(starts, step, levels)
                    active = active | starts
        if waits:
            episodes.end(~active, step)
        if episodes.has_finished:
            yield episodes.finished()
