"""Greedy episodes and what they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rmix_kit.collect import Collector, Round
from rmix_kit.envs.interface import VectorEnv
from rmix_kit.envs.rounds import play_rounds
from rmix_kit.policy import TeamPolicy
from rmix_kit.seeding import episode_seed, generator
from rmix_kit.statistics import summarize
from rmix_kit.types import BoolArray, FloatArray, IntArray

MOST_COPIES = 32


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """Greedy episodes, one entry each.

    Attributes:
        returns: Undiscounted team returns ``[episode]``.
        success: Solved, bool ``[episode]``.
        fell: Any agent met a catastrophe, bool ``[episode]``.
        lengths: Steps, int64 ``[episode]``.
        risk_levels: Mean level used by each agent ``[episode, agent]``, in (0, 1].
        checkpoint_step: Environment steps after which the policy was saved.
        seed: Seed of the episodes.
    """

    returns: FloatArray
    success: BoolArray
    fell: BoolArray
    lengths: IntArray
    risk_levels: FloatArray
    checkpoint_step: int
    seed: int

    @property
    def return_mean(self) -> float:
        """Mean undiscounted return."""
        return float(self.returns.mean(dtype=np.float64))

    @property
    def success_rate(self) -> float:
        """Share of solved episodes."""
        return float(self.success.mean())

    @property
    def risk_level_by_agent(self) -> list[float]:
        """Mean level used by each agent."""
        return [float(level) for level in self.risk_levels.mean(0, dtype=np.float64)]

    def to_json(self) -> dict[str, float | int]:
        """Give the record of docs/contracts.md."""
        return summarize(
            returns=self.returns,
            success=self.success,
            fell=self.fell,
            lengths=self.lengths,
            risk_levels=self.risk_levels,
            checkpoint_step=self.checkpoint_step,
            seed=self.seed,
        )


def copies_for(episodes: int) -> int:
    """Say how many copies an evaluation of so many episodes steps together."""
    return min(episodes, MOST_COPIES)


def evaluate(
    policy: TeamPolicy,
    envs: VectorEnv,
    *,
    episodes: int,
    seed: int,
    checkpoint_step: int,
    risk_level: float | None = None,
) -> Evaluation:
    """Play greedy episodes; which they are does not depend on the number of copies.

    Args:
        policy: The team.
        envs: Copies to play in.
        episodes: At least 1.
        seed: Episode i is reset with the seed of (seed, "test", i).
        checkpoint_step: For the record.
        risk_level: In (0, 1] for all agents; None leaves it to them.

    Returns:
        Exactly ``episodes`` sound episodes.

    Raises:
        EnvironmentContractError: About as many broke as were wanted.
    """
    collector = Collector(envs, policy)
    rng = generator(seed, "test")  # greedy: it draws, but nothing follows its draws
    levels = np.full(envs.num_envs, risk_level or 0.0, dtype=np.float32)

    def play(numbers: Sequence[int]) -> Round:
        seeds = [episode_seed(seed, "test", number) for number in numbers]
        return collector.collect(seeds, epsilon=0.0, rng=rng, risk_level=levels, is_greedy=True)

    rounds = play_rounds(play, episodes, envs.num_envs)
    return Evaluation(
        returns=np.concatenate([r.episode_return for r in rounds])[:episodes],
        success=np.concatenate([r.success for r in rounds])[:episodes],
        fell=np.concatenate([r.fell for r in rounds])[:episodes],
        lengths=np.concatenate([r.block.length for r in rounds])[:episodes],
        risk_levels=np.concatenate([r.risk_level for r in rounds])[:episodes],
        checkpoint_step=checkpoint_step,
        seed=seed,
    )
