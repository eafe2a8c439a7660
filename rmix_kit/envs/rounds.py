"""Playing a given number of episodes in rounds of one episode per copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from rmix_kit.errors import EnvironmentContractError

SPARE_ROUNDS = 4


class Played(Protocol):
    """What a round gave."""

    @property
    def episodes(self) -> int:
        """How many sound episodes."""
        ...


Result = TypeVar("Result", bound=Played)


def play_rounds(play: Callable[[Sequence[int]], Result], episodes: int, num_envs: int) -> list[Result]:
    """Play rounds until there are enough sound episodes; later ones stand in for those that broke.

    Args:
        play: Plays the episodes of these numbers, one per copy.
        episodes: How many are wanted, at least 1.
        num_envs: Number of copies.

    Returns:
        The rounds in order, with at least ``episodes`` sound episodes together.

    Raises:
        EnvironmentContractError: About as many episodes broke as were wanted.
    """
    rounds: list[Result] = []
    most = 2 * -(-episodes // num_envs) + SPARE_ROUNDS
    while (sound := sum(played.episodes for played in rounds)) < episodes:
        if len(rounds) == most:
            raise EnvironmentContractError(
                f"only {sound} of {most * num_envs} episodes went well, and {episodes} are wanted: the environment "
                "breaks too often"
            )
        first = len(rounds) * num_envs
        rounds.append(play(range(first, first + num_envs)))
    return rounds
