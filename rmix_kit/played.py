"""Finished episodes and what is counted of them, whoever plays; playing them in rounds of one episode per copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np

from rmix_kit.errors import EnvironmentContractError
from rmix_kit.statistics import summarize
from rmix_kit.types import BoolArray, FloatArray, IntArray

MOST_COPIES = 32
SPARE_ROUNDS = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class PlayedEpisodes:
    """Finished episodes that did not break, one entry each.

    Attributes:
        returns: Undiscounted team returns, float32 ``[episode]``.
        success: Solved, bool ``[episode]``; None where the environment never said.
        fell: Any agent met a catastrophe, bool ``[episode]``.
        lengths: Steps, int64 ``[episode]``.
        risk_levels: Mean level used by each agent, float32 ``[episode, agent]``, in (0, 1].
    """

    returns: FloatArray
    success: BoolArray | None
    fell: BoolArray
    lengths: IntArray
    risk_levels: FloatArray

    def with_success(self) -> Self:
        """Give them with nothing solved where nothing was said, for environments that report success elsewhere."""
        return self if self.success is not None else replace(self, success=np.zeros(self.episodes, np.bool_))

    @property
    def episodes(self) -> int:
        """How many there are."""
        return len(self.returns)

    def summary(self, checkpoint_step: int, seed: int) -> dict[str, float | int | None]:
        """Give the record of docs/contracts.md.

        Args:
            checkpoint_step: Environment steps after which the players were saved.
            seed: Seed of the episodes.
        """
        return summarize(
            returns=self.returns,
            success=self.success,
            fell=self.fell,
            lengths=self.lengths,
            risk_levels=self.risk_levels,
            checkpoint_step=checkpoint_step,
            seed=seed,
        )


def copies_for(episodes: int, most: int | None = None) -> int:
    """Say how many copies of an environment play so many episodes.

    Args:
        episodes: At least 1.
        most: More are not made, if it is given.
    """
    return min(episodes, MOST_COPIES if most is None else most)


def play_rounds(play: Callable[[Sequence[int]], PlayedEpisodes], episodes: int, num_envs: int) -> PlayedEpisodes:
    """Play rounds until there are enough sound episodes; later ones stand in for those that broke.

    Args:
        play: Plays the episodes of these numbers, one per copy, and gives the sound ones.
        episodes: How many are wanted, at least 1.
        num_envs: Number of copies.

    Returns:
        Exactly ``episodes`` sound episodes, in the order of their numbers.

    Raises:
        EnvironmentContractError: About as many episodes broke as were wanted.
    """
    rounds: list[PlayedEpisodes] = []
    most = 2 * -(-episodes // num_envs) + SPARE_ROUNDS
    while (sound := sum(played.episodes for played in rounds)) < episodes:
        if len(rounds) == most:
            raise EnvironmentContractError(
                f"only {sound} of {most * num_envs} episodes went well, and {episodes} are wanted: the environment "
                "breaks too often"
            )
        first = len(rounds) * num_envs
        rounds.append(play(range(first, first + num_envs)))
    names = [entry.name for entry in fields(PlayedEpisodes) if entry.name != "success"]
    joined = {name: np.concatenate([getattr(played, name) for played in rounds])[:episodes] for name in names}
    return PlayedEpisodes(**joined, success=_joined_success(rounds, episodes))


def _joined_success(rounds: Sequence[PlayedEpisodes], episodes: int) -> BoolArray | None:
    """Put what was said of success behind each other; rounds before the first word solved nothing."""
    if all(played.success is None for played in rounds):
        return None
    return np.concatenate([played.with_success().success for played in rounds])[:episodes]
