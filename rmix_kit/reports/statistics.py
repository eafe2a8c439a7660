"""Statistics of scores over runs and tasks, in numpy.

Scores are one float64 array ``[..., run]`` per task; tasks may have different numbers of runs. A leading axis, where
there is one, counts the bootstrap's resamples. Source: Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge
of the Statistical Precipice"; a test holds the numbers to those of its library `rliable`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
Scores: TypeAlias = Sequence[Floats]
"""One array ``[..., run]`` per task."""

RESAMPLES = 50_000
PROFILE_RESAMPLES = 5_000
CONFIDENCE = 0.95
TRIMMED_SHARE = 0.25  # of each end
_RESAMPLES_AT_ONCE = 5_000


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A statistic with its interval.

    Attributes:
        value: Of the runs themselves.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float


def interquartile_mean(scores: Scores) -> Floats:
    """Return the mean of the middle half of all runs' scores (IQM), ``[...]``.

    A quarter of the number of runs, rounded down, is left out at each end.
    """
    ordered = np.sort(np.concatenate(list(scores), axis=-1), axis=-1)  # [..., run of any task]
    cut = int(TRIMMED_SHARE * ordered.shape[-1])
    return _floats(ordered[..., cut : ordered.shape[-1] - cut].mean(-1))


def median(scores: Scores) -> Floats:
    """Return the median over tasks of the mean over runs, ``[...]``."""
    return _floats(np.median(_task_means(scores), axis=-1))


def mean(scores: Scores) -> Floats:
    """Return the mean over tasks of the mean over runs, ``[...]``."""
    return _floats(_task_means(scores).mean(-1))


def median_of_runs(scores: Scores) -> Floats:
    """Return the median of all runs' scores, ``[...]``: what "median" means on a single task."""
    return _floats(np.median(np.concatenate(list(scores), axis=-1), axis=-1))


def optimality_gap(scores: Scores) -> Floats:
    """Return how far scores stay below 1 on average, ``[...]``; what is above 1 counts as 1."""
    return _floats(1.0 - np.minimum(np.concatenate(list(scores), axis=-1), 1.0).mean(-1))


AGGREGATES: Mapping[str, Callable[[Scores], Floats]] = MappingProxyType(
    {"iqm": interquartile_mean, "median": median, "mean": mean, "optimality_gap": optimality_gap}
)


def estimates(
    scores: Scores,
    statistics: Mapping[str, Callable[[Scores], Floats]] = AGGREGATES,
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> dict[str, Estimate]:
    """Return statistics with stratified bootstrap intervals (percentile): runs are drawn anew within each task.

    Args:
        scores: One array ``[run]`` per task, at least one run each.
        statistics: By name; all are computed on the same resamples.
        confidence: Of the intervals, in (0, 1).

    Returns:
        An estimate per name.

    Raises:
        ValueError: There is no task, or one has no run.
    """
    tasks = _checked(scores)
    found: dict[str, list[Floats]] = {name: [] for name in statistics}
    for count in _portions(resamples):
        drawn = _drawn(tasks, count, rng)  # [resample, run] per task
        for name, statistic in statistics.items():
            found[name].append(statistic(drawn))
    return {
        name: _estimate(float(statistic(tasks)), np.concatenate(found[name]), confidence)
        for name, statistic in statistics.items()
    }


@dataclass(frozen=True, kw_only=True, eq=False)
class Profile:
    """The share of runs (or of tasks) whose score is above a threshold, with its band.

    Attributes:
        thresholds: ``[threshold]``.
        share: ``[threshold]``, in [0, 1].
        low: Lower end of the pointwise interval, ``[threshold]``.
        high: Upper end, ``[threshold]``.
    """

    thresholds: Floats
    share: Floats
    low: Floats
    high: Floats


def performance_profile(
    scores: Scores,
    thresholds: ArrayLike,
    *,
    of_means: bool = False,
    rng: np.random.Generator,
    resamples: int = PROFILE_RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Profile:
    """Return a performance profile: the share of runs whose score is above each threshold.

    Args:
        scores: One array ``[run]`` per task.
        thresholds: ``[threshold]``.
        of_means: Count tasks by their mean over runs instead of runs.
        rng: Draws the resamples of the band.
        confidence: Of the pointwise intervals, in (0, 1).

    Returns:
        Shares and band.

    Raises:
        ValueError: There is no task, or one has no run.
    """
    tasks, levels = _checked(scores), np.asarray(thresholds, dtype=np.float64)
    shares_of = _shares_of_means if of_means else _shares_of_runs
    low, high = _ends(
        np.concatenate([shares_of(tasks, levels, rng, count) for count in _portions(resamples)]), confidence
    )
    counted = _task_means(tasks) if of_means else np.concatenate(tasks)
    return Profile(thresholds=levels, share=_floats((counted[:, None] > levels).mean(0)), low=low, high=high)


def probability_of_improvement(
    scores_x: Scores,
    scores_y: Scores,
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Return how probably a run of X beats a run of Y on a task drawn at random; a draw counts as a half.

    This is the mean over tasks of the Mann-Whitney statistic divided by the number of pairs.

    Args:
        scores_x: One array ``[run]`` per task.
        scores_y: One array ``[run]`` per task, the same tasks.
        confidence: Of the interval, in (0, 1).

    Returns:
        The probability.

    Raises:
        ValueError: The numbers of tasks differ, or a task has no run.
    """
    tasks_x, tasks_y = _same_tasks(scores_x, scores_y)
    wins = [
        (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :]) for x, y in zip(tasks_x, tasks_y, strict=True)
    ]  # [run of X, run of Y] per task
    found: list[Floats] = []
    for count in _portions(resamples):
        by_task = [
            ((_weights(won.shape[0], count, rng) @ won) * _weights(won.shape[1], count, rng)).sum(-1) for won in wins
        ]  # [resample] per task
        found.append(np.mean(by_task, axis=0))
    return _estimate(float(np.mean([won.mean() for won in wins])), np.concatenate(found), confidence)


def difference(
    scores_x: Scores,
    scores_y: Scores,
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Return by how much the mean over tasks of X's mean over runs is above Y's, each drawn anew by itself.

    Args:
        scores_x: One array ``[run]`` per task.
        scores_y: One array ``[run]`` per task, the same tasks.
        confidence: Of the interval, in (0, 1).

    Returns:
        The difference.

    Raises:
        ValueError: The numbers of tasks differ, or a task has no run.
    """
    tasks_x, tasks_y = _same_tasks(scores_x, scores_y)
    found = [mean(_drawn(tasks_x, count, rng)) - mean(_drawn(tasks_y, count, rng)) for count in _portions(resamples)]
    return _estimate(float(mean(tasks_x) - mean(tasks_y)), np.concatenate(found), confidence)


def _same_tasks(scores_x: Scores, scores_y: Scores) -> tuple[list[Floats], list[Floats]]:
    tasks_x, tasks_y = _checked(scores_x), _checked(scores_y)
    if len(tasks_x) != len(tasks_y):
        raise ValueError(f"X has {len(tasks_x)} tasks and Y has {len(tasks_y)}; give both the same tasks")
    return tasks_x, tasks_y


def _task_means(scores: Scores) -> Floats:
    return np.stack([task.mean(-1) for task in scores], axis=-1)  # [..., task]


def _checked(scores: Scores) -> list[Floats]:
    tasks = [np.asarray(task, dtype=np.float64) for task in scores]
    if not tasks or any(task.ndim != 1 or not task.size for task in tasks):
        raise ValueError(f"scores are {[task.shape for task in tasks]}; expected one array [run] per task, none empty")
    return tasks


def _portions(resamples: int) -> Iterator[int]:
    """Split a number of resamples, so that memory does not grow with it."""
    for start in range(0, resamples, _RESAMPLES_AT_ONCE):
        yield min(_RESAMPLES_AT_ONCE, resamples - start)


def _weights(runs: int, resamples: int, rng: np.random.Generator) -> Floats:
    """Draw how often each run is in a resample, as a share: ``[resample, run]``."""
    return rng.multinomial(runs, np.full(runs, 1.0 / runs), size=resamples) / runs


def _drawn(tasks: Scores, resamples: int, rng: np.random.Generator) -> Scores:
    """Draw runs anew within each task: ``[resample, run]`` per task."""
    return [task[rng.integers(len(task), size=(resamples, len(task)))] for task in tasks]


def _shares_of_means(tasks: Scores, levels: Floats, rng: np.random.Generator, resamples: int) -> Floats:
    """Return the share of tasks whose mean is above each level, ``[resample, threshold]``."""
    means = _task_means(_drawn(tasks, resamples, rng))
    return np.stack([(means > level).mean(-1) for level in levels], axis=-1)


def _shares_of_runs(tasks: Scores, levels: Floats, rng: np.random.Generator, resamples: int) -> Floats:
    """Return the share of runs above each level, ``[resample, threshold]``, without drawing the runs out one by one."""
    above = [len(task) * _weights(len(task), resamples, rng) @ (task[:, None] > levels) for task in tasks]
    return _floats(np.sum(above, axis=0) / sum(len(task) for task in tasks))


def _estimate(value: float, resampled: Floats, confidence: float) -> Estimate:
    low, high = _ends(resampled, confidence)
    return Estimate(value=value, low=float(low), high=float(high))


def _ends(resampled: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Return the percentile interval over the first axis."""
    low, high = np.quantile(resampled, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return low, high


def _floats(values: ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)
