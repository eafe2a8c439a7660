"""Our statistics are rliable's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from rliable import library as rliable_library
from rliable import metrics as rliable_metrics

from rmix_kit.reports import statistics
from rmix_kit.reports.statistics import AGGREGATES, Floats

RUNS, TASKS, RESAMPLES = 10, 6, 50_000
POINT = 1e-6
# Ends of two bootstraps of 50,000 resamples differ by 0.5 % of the width (one standard deviation).
END = 0.02

THEIRS: dict[str, Callable[[NDArray[np.float64]], float]] = {
    "iqm": rliable_metrics.aggregate_iqm,
    "median": rliable_metrics.aggregate_median,
    "mean": rliable_metrics.aggregate_mean,
    "optimality_gap": rliable_metrics.aggregate_optimality_gap,
}


def matrix(seed: int) -> NDArray[np.float64]:
    """Scores ``[run, task]``, some above 1."""
    rng = np.random.default_rng(seed)
    return rng.beta(2.0, 1.5, size=(RUNS, TASKS)) * np.linspace(0.6, 1.2, TASKS)


def tasks(scores: NDArray[np.float64]) -> list[Floats]:
    return list(scores.T)


def check_interval(ours: statistics.Estimate, low: float, high: float) -> None:
    assert ours.low == pytest.approx(low, abs=END * (high - low))
    assert ours.high == pytest.approx(high, abs=END * (high - low))


@pytest.mark.parametrize("name", AGGREGATES)
def test_a_point_estimate_is_that_of_rliable(name: str) -> None:
    scores = matrix(0)
    assert float(AGGREGATES[name](tasks(scores))) == pytest.approx(THEIRS[name](scores), abs=POINT)


@pytest.mark.filterwarnings("ignore:random_state is deprecated:FutureWarning")  # rliable hands it on to arch
def test_the_ends_of_intervals_are_those_of_rliable() -> None:
    scores = matrix(1)
    ours = statistics.estimates(tasks(scores), rng=np.random.default_rng(0), resamples=RESAMPLES)

    def theirs(resampled: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([THEIRS[name](resampled) for name in AGGREGATES])

    _, ends = rliable_library.get_interval_estimates(
        {"x": scores},
        theirs,
        reps=RESAMPLES,
        random_state=np.random.RandomState(0),
    )
    for column, name in enumerate(AGGREGATES):
        check_interval(ours[name], *ends["x"][:, column])


def test_the_probability_of_improvement_is_that_of_rliable() -> None:
    x, y = matrix(2), np.round(matrix(3), 1)
    x = np.round(x, 1)  # with draws
    ours = statistics.probability_of_improvement(tasks(x), tasks(y), rng=np.random.default_rng(0), resamples=1)
    assert ours.value == pytest.approx(rliable_metrics.probability_of_improvement(x, y), abs=POINT)


@pytest.mark.parametrize("of_means", [False, True])
def test_a_performance_profile_is_that_of_rliable(of_means: bool) -> None:
    scores, thresholds = matrix(4), np.linspace(0.0, 1.2, 25)
    profile = statistics.performance_profile(
        tasks(scores), thresholds, of_means=of_means, rng=np.random.default_rng(0), resamples=1
    )
    theirs, _ = rliable_library.create_performance_profile(
        {"x": scores}, thresholds, use_score_distribution=not of_means, reps=2
    )
    assert np.allclose(profile.share, theirs["x"], atol=POINT)
