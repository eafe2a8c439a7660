"""Statistics of runs, by hand and at their limits."""

from __future__ import annotations

import numpy as np
import pytest

from rmix_kit.reports import statistics
from rmix_kit.reports.statistics import AGGREGATES, estimates, performance_profile, probability_of_improvement


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_the_interquartile_mean_leaves_out_a_quarter_at_each_end() -> None:
    assert float(statistics.interquartile_mean([np.array([9.0, 1.0, 2.0, 3.0])])) == 2.5


def test_the_interquartile_mean_of_a_few_runs_leaves_none_out() -> None:
    assert float(statistics.interquartile_mean([np.array([0.0, 0.5, 1.0])])) == 0.5


def test_the_median_is_that_of_tasks_and_not_of_runs() -> None:
    tasks = [np.array([0.0, 0.2]), np.array([0.4, 0.4]), np.array([1.0, 1.0, 1.0])]
    assert float(statistics.median(tasks)) == pytest.approx(0.4)
    assert float(statistics.median_of_runs(tasks)) == pytest.approx(0.4)
    assert float(statistics.median_of_runs(tasks[1:])) == pytest.approx(1.0)


def test_every_task_counts_the_same_in_the_mean_however_many_runs_it_has() -> None:
    assert float(statistics.mean([np.array([0.0]), np.array([1.0, 1.0, 1.0])])) == 0.5


def test_what_is_above_one_does_not_close_the_optimality_gap_of_others() -> None:
    assert float(statistics.optimality_gap([np.array([0.5, 1.5])])) == 0.25


@pytest.mark.parametrize("name", AGGREGATES)
def test_without_spread_an_interval_is_a_point(name: str) -> None:
    found = estimates([np.full(4, 0.25), np.full(2, 0.25)], rng=rng(), resamples=50)[name]
    assert found.low == found.value == found.high


def test_runs_are_drawn_within_their_own_task() -> None:
    # Drawn across tasks, the mean of means would not stay at one half.
    found = estimates([np.zeros(3), np.ones(3)], rng=rng(), resamples=50)["mean"]
    assert (found.low, found.high) == (0.5, 0.5)


def test_a_mean_of_many_runs_has_the_interval_of_the_normal_distribution() -> None:
    runs = np.random.default_rng(1).normal(size=400)
    found = estimates([runs], rng=rng(), resamples=4000)["mean"]
    half = 1.96 * runs.std() / np.sqrt(len(runs))
    assert found.low == pytest.approx(found.value - half, abs=0.1 * half)
    assert found.high == pytest.approx(found.value + half, abs=0.1 * half)


def test_the_same_seed_draws_the_same_interval() -> None:
    tasks = [np.random.default_rng(1).random(5)]
    assert estimates(tasks, rng=rng(), resamples=100) == estimates(tasks, rng=rng(), resamples=100)


def test_a_profile_counts_the_runs_above_each_threshold() -> None:
    profile = performance_profile([np.array([0.1, 0.5]), np.array([0.9])], [0.0, 0.1, 0.6, 0.9], rng=rng(), resamples=9)
    assert np.allclose(profile.share, [1.0, 2 / 3, 1 / 3, 0.0])
    assert np.all((profile.low <= profile.share) & (profile.share <= profile.high))


def test_a_profile_of_means_counts_tasks() -> None:
    tasks = [np.array([0.0, 1.0]), np.array([0.2, 0.2])]
    profile = performance_profile(tasks, [0.3, 0.5], of_means=True, rng=rng(), resamples=9)
    assert np.allclose(profile.share, [0.5, 0.0])


def test_a_draw_is_half_an_improvement() -> None:
    same = [np.array([0.5, 0.5])]
    assert probability_of_improvement(same, same, rng=rng(), resamples=9).value == 0.5


def test_improvement_is_counted_over_pairs_and_averaged_over_tasks() -> None:
    x, y = [np.array([1.0, 3.0]), np.array([1.0])], [np.array([2.0, 2.0]), np.array([0.0])]
    assert probability_of_improvement(x, y, rng=rng(), resamples=9).value == 0.75


def test_the_interval_of_an_improvement_is_that_of_drawing_runs_one_by_one() -> None:
    x, y = np.random.default_rng(1).random(8), np.random.default_rng(2).random(6) * 1.2
    draws = rng()
    drawn = [(x[draws.integers(8, size=8)][:, None] > y[draws.integers(6, size=6)][None]).mean() for _ in range(20_000)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    found = probability_of_improvement([x], [y], rng=np.random.default_rng(3), resamples=20_000)
    # The statistic takes 49 values, 0.02 apart: an end may lie on the next one.
    assert (found.low, found.high) == pytest.approx((low, high), abs=1.01 / 48)


def test_a_task_without_runs_is_refused() -> None:
    with pytest.raises(ValueError, match="none empty"):
        estimates([np.array([])], rng=rng())


def test_improvement_over_other_tasks_is_refused() -> None:
    with pytest.raises(ValueError, match="same tasks"):
        probability_of_improvement([np.ones(1)], [np.ones(1), np.ones(1)], rng=rng())
