"""Our statistics are rliable's."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from rmix_kit.reports import statistics
from rmix_kit.reports.statistics import AGGREGATES, Floats

RUNS, TASKS, RESAMPLES = 10, 6, 20_000
POINT = 1e-6
# Ends of two bootstraps of 20,000 resamples differ by 0.8 % of the width (one standard deviation).
END = 0.03

Scores = NDArray[np.float64]
Theirs = Mapping[str, Callable[[Scores], float]]


@pytest.fixture(scope="module")
def theirs() -> Theirs:
    from rliable import metrics  # takes longer to load than its tests take; those who run others need not wait for it

    return {
        "iqm": metrics.aggregate_iqm,
        "median": metrics.aggregate_median,
        "mean": metrics.aggregate_mean,
        "optimality_gap": metrics.aggregate_optimality_gap,
        "probability of improvement": metrics.probability_of_improvement,
    }


def matrix(seed: int) -> Scores:
    """Scores ``[run, task]``, some above 1."""
    rng = np.random.default_rng(seed)
    return rng.beta(2.0, 1.5, size=(RUNS, TASKS)) * np.linspace(0.6, 1.2, TASKS)


def tasks(scores: Scores) -> list[Floats]:
    return list(scores.T)


def check_interval(ours: statistics.Estimate, low: float, high: float) -> None:
    assert ours.low == pytest.approx(low, abs=END * (high - low))
    assert ours.high == pytest.approx(high, abs=END * (high - low))


@pytest.mark.parametrize("name", AGGREGATES)
def test_a_point_estimate_is_that_of_rliable(name: str, theirs: Theirs) -> None:
    scores = matrix(0)
    assert float(AGGREGATES[name](tasks(scores))) == pytest.approx(theirs[name](scores), abs=POINT)


@pytest.mark.filterwarnings("ignore:random_state is deprecated:FutureWarning")  # rliable hands it on to arch
def test_the_ends_of_intervals_are_those_of_rliable(theirs: Theirs) -> None:
    from rliable import library

    scores = matrix(1)
    ours = statistics.estimates(tasks(scores), rng=np.random.default_rng(0), resamples=RESAMPLES)

    def all_of_them(resampled: Scores) -> Scores:
        return np.array([theirs[name](resampled) for name in AGGREGATES])

    _, ends = library.get_interval_estimates(
        {"x": scores},
        all_of_them,
        reps=RESAMPLES,
        random_state=np.random.RandomState(0),
    )
    for column, name in enumerate(AGGREGATES):
        check_interval(ours[name], *ends["x"][:, column])


def test_the_probability_of_improvement_is_that_of_rliable(theirs: Theirs) -> None:
    x, y = matrix(2), np.round(matrix(3), 1)
    x = np.round(x, 1)  # with draws
    ours = statistics.probability_of_improvement(tasks(x), tasks(y), rng=np.random.default_rng(0), resamples=1)
    assert ours.value == pytest.approx(theirs["probability of improvement"](x, y), abs=POINT)


@pytest.mark.parametrize("of_means", [False, True])
def test_a_performance_profile_is_that_of_rliable(of_means: bool) -> None:
    from rliable import library

    scores, thresholds = matrix(4), np.linspace(0.0, 1.2, 25)
    profile = statistics.performance_profile(
        tasks(scores), thresholds, of_means=of_means, rng=np.random.default_rng(0), resamples=1
    )
    expected, _ = library.create_performance_profile(
        {"x": scores}, thresholds, use_score_distribution=not of_means, reps=2
    )
    assert np.allclose(profile.share, expected["x"], atol=POINT)
