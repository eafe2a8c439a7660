"""Greedy episodes and what they show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rmix_kit.collect import Collector, Round
from rmix_kit.envs.interface import VectorEnv, reports_success
from rmix_kit.episodes import PlayedEpisodes, play_rounds
from rmix_kit.policy import TeamPolicy
from rmix_kit.seeding import episode_seed, generator


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation(PlayedEpisodes):
    """Greedy episodes of a saved policy, one entry each.

    Attributes:
        checkpoint_step: Environment steps after which the policy was saved.
        seed: Seed of the episodes.
    """

    checkpoint_step: int
    seed: int

    @property
    def return_mean(self) -> float:
        """Mean undiscounted return."""
        return float(self.returns.mean(dtype=np.float64))

    @property
    def success_rate(self) -> float | None:
        """Share of solved episodes; None where the environment never said."""
        return None if self.success is None else float(self.success.mean())

    @property
    def risk_level_by_agent(self) -> list[float]:
        """Mean level used by each agent."""
        return [float(level) for level in self.risk_levels.mean(0, dtype=np.float64)]

    def to_json(self) -> dict[str, float | int | None]:
        """Return the record of docs/contracts.md."""
        return self.summary(self.checkpoint_step, self.seed)


def greedy_player(
    policy: TeamPolicy, envs: VectorEnv, *, seed: int, risk_level: float | None = None, stream: str = "test"
) -> Callable[[Sequence[int]], Round]:
    """Return what plays the greedy episodes of given numbers, one per copy.

    Args:
        seed: Episode i is reset with the seed of (seed, stream, i).
        risk_level: In (0, 1] for all agents; None leaves it to them.
        stream: Which episodes.
    """
    collector = Collector(envs, policy)
    rng = generator(seed, stream)  # greedy: it draws, but nothing follows its draws
    levels = np.full(envs.num_envs, risk_level or 0.0, dtype=np.float32)

    def play(numbers: Sequence[int]) -> Round:
        seeds = [episode_seed(seed, stream, number) for number in numbers]
        return collector.collect(seeds, epsilon=0.0, rng=rng, risk_level=levels, is_greedy=True)

    return play


def evaluate(
    policy: TeamPolicy,
    envs: VectorEnv,
    *,
    episodes: int,
    seed: int,
    checkpoint_step: int,
    risk_level: float | None = None,
    stream: str = "test",
    knows_success: bool = False,
) -> Evaluation:
    """Play greedy episodes; which they are does not depend on the number of copies.

    Args:
        seed: Episode i is reset with the seed of (seed, stream, i).
        risk_level: In (0, 1] for all agents; None leaves it to them.
        stream: "test", or one of "validation" while training: those episodes choose the best checkpoint and play
            nowhere else.
        knows_success: The environment has said elsewhere whether episodes are solved.

    Returns:
        Exactly ``episodes`` sound episodes.

    Raises:
        EnvironmentContractError: About as many broke as were wanted.
    """
    play_greedily = greedy_player(policy, envs, seed=seed, risk_level=risk_level, stream=stream)

    def play(numbers: Sequence[int]) -> PlayedEpisodes:
        played = play_greedily(numbers)
        return PlayedEpisodes(
            returns=played.episode_return,
            success=played.success if knows_success or reports_success(envs) else None,
            fell=played.fell,
            lengths=played.block.length,
            risk_levels=played.risk_level,
        )

    whole = play_rounds(play, episodes, envs.num_envs)
    return Evaluation(**vars(whole), checkpoint_step=checkpoint_step, seed=seed)
