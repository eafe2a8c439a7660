"""Evaluated episodes, whoever plays: rounds of one per copy, and what is counted of them. Without torch.

`rmix-kit evaluate` and `rmix-kit run` print the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from statistics import NormalDist
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmix_kit.errors import EnvironmentContractError
from rmix_kit.metrics import FALLS, LENGTH, RETURN, RETURN_STD, RISK_LEVEL, SUCCESS, TAIL_LEVELS, cvar_name
from rmix_kit.types import BoolArray, FloatArray, IntArray


def saved_share(loss: float, constant: float) -> float:
    """Return the share of a constant forecast's loss that a forecast saves; 0 where there is nothing to save.

    Args:
        loss: The forecast's.
        constant: That of the constant one, at least 0.
    """
    return 1 - loss / constant if constant > 0 else 0.0


def tail_mean(returns: ArrayLike, risk_level: float) -> float:
    """Return the CVaR of returns: the mean of their lowest ``risk_level`` share.

    A partly covered episode counts in proportion, as in `rmix_kit.risk.operators`.

    Args:
        returns: ``[episode]``, in any order, at least one.
        risk_level: In (0, 1]; 1 is the mean.

    Returns:
        The mean in reward units.

    Raises:
        ValueError: There is no return, or the level is out of range.
    """
    ordered = np.sort(np.asarray(returns, dtype=np.float64))
    if ordered.ndim != 1 or not ordered.size or not 0 < risk_level <= 1:
        raise ValueError(f"{ordered.shape} returns at level {risk_level}; expected [episode] and a level in (0, 1]")
    share = risk_level * len(ordered)
    weights = np.clip(share - np.arange(len(ordered)), 0.0, 1.0) / share  # [episode]
    return float(weights @ ordered)


def wilson_interval(successes: int, episodes: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a rate; unlike mean plus or minus it also holds near 0 and 1.

    Args:
        successes: Episodes in which it happened, 0 to ``episodes``.
        confidence: In (0, 1).

    Returns:
        Its lower and upper end, in [0, 1].

    Raises:
        ValueError: A number is out of range.
    """
    if not 0 <= successes <= episodes or episodes < 1 or not 0 < confidence < 1:
        raise ValueError(
            f"{successes} of {episodes} episodes at confidence {confidence}; expected 0 to all of at least one episode "
            "and a confidence in (0, 1)"
        )
    z, rate = NormalDist().inv_cdf(0.5 + confidence / 2), successes / episodes
    shrunk = 1 + z * z / episodes
    centre = (rate + z * z / (2 * episodes)) / shrunk
    half = z / shrunk * math.sqrt(rate * (1 - rate) / episodes + z * z / (4 * episodes * episodes))
    # At 0 and at all of them the end is exact; arithmetic would leave it a rounding error away.
    return (0.0 if successes == 0 else centre - half), (1.0 if successes == episodes else centre + half)


def bootstrap_interval(
    values: ArrayLike,
    statistic: Callable[[NDArray[np.float64]], float],
    *,
    rng: np.random.Generator,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a statistic of episodes.

    Args:
        values: ``[episode]``, at least one.
        statistic: Of float64 ``[episode]``, such as a mean or a CVaR.
        rng: Draws the episodes of each resample, as many as there are, with replacement.
        resamples: At least 1.
        confidence: In (0, 1).

    Returns:
        Its lower and upper end, in the statistic's unit.

    Raises:
        ValueError: There is no episode, or a number is out of range.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or not sample.size or resamples < 1 or not 0 < confidence < 1:
        raise ValueError(
            f"{sample.shape} values, {resamples} resamples and confidence {confidence}; expected [episode], at least 1 "
            "and a confidence in (0, 1)"
        )
    found = [statistic(sample[rng.integers(len(sample), size=len(sample))]) for _ in range(resamples)]
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def summarize(
    *,
    returns: ArrayLike,
    success: NDArray[np.bool_] | None,
    fell: NDArray[np.bool_],
    lengths: NDArray[np.int64],
    risk_levels: ArrayLike,
    checkpoint_step: int,
    seed: int,
) -> dict[str, float | int | None]:
    """Summarise evaluated episodes under the names of docs/contracts.md.

    Args:
        returns: Undiscounted team returns ``[episode]``.
        success: Solved, bool ``[episode]``; None where the environment does not say: there is no rate then.
        fell: Any agent met a catastrophe, bool ``[episode]``.
        lengths: Steps ``[episode]``.
        risk_levels: Mean level used ``[episode]`` or ``[episode, agent]``, in (0, 1].
        checkpoint_step: Environment steps after which the policy was saved.

    Returns:
        A JSON-able record; the standard deviation is that of the episodes themselves (divided by their number).
    """
    values: NDArray[np.float64] = np.asarray(returns, dtype=np.float64)
    return {
        RETURN: float(values.mean()),
        RETURN_STD: float(values.std()),
        SUCCESS: None if success is None else float(np.mean(success)),
        FALLS: float(np.mean(fell)),
        LENGTH: float(np.mean(lengths)),
        **{cvar_name(level): tail_mean(values, level) for level in TAIL_LEVELS},
        RISK_LEVEL: float(np.asarray(risk_levels, dtype=np.float64).mean()),
        "episodes": len(values),
        "checkpoint_step": checkpoint_step,
        "seed": seed,
    }


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
        """Return them with nothing solved where nothing was said, for environments that report success elsewhere."""
        return self if self.success is not None else replace(self, success=np.zeros(self.episodes, np.bool_))

    @property
    def episodes(self) -> int:
        """How many there are."""
        return len(self.returns)

    def summary(self, checkpoint_step: int, seed: int) -> dict[str, float | int | None]:
        """Return the record of docs/contracts.md.

        Args:
            checkpoint_step: Environment steps after which the players were saved.
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
    """Return how many copies of an environment play so many episodes.

    Args:
        most: More are not made, if it is given.
    """
    return min(episodes, MOST_COPIES if most is None else most)


def play_rounds(play: Callable[[Sequence[int]], PlayedEpisodes], episodes: int, num_envs: int) -> PlayedEpisodes:
    """Play rounds until there are enough sound episodes; later ones stand in for those that broke.

    Args:
        play: Plays the episodes of these numbers, one per copy, and gives the sound ones.
        episodes: How many are wanted, at least 1.

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


def can_fall(env: str, rates: Iterable[float | None]) -> bool:
    """Return whether falls belong to an environment: to MACN's game, and to others where one was seen.

    Args:
        rates: Of falls there, in any runs.
    """
    return env.startswith("macn:") or any(rates)
