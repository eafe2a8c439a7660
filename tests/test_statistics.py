from __future__ import annotations

import numpy as np
import pytest

from rmix_kit.episodes import bootstrap_interval, summarize, tail_mean, wilson_interval


@pytest.mark.parametrize(
    ("level", "expected"), [(0.05, -10.0), (0.1, -10.0), (0.15, -20 / 3), (0.25, -3.8), (0.5, -0.8), (1.0, 2.6)]
)
def test_tail_mean_counts_a_partly_covered_return_in_proportion(level: float, expected: float) -> None:
    assert tail_mean([8, 7, 6, 5, 4, 3, 2, 1, 0, -10], level) == pytest.approx(expected)


@pytest.mark.parametrize(("returns", "level"), [([], 0.5), ([1.0], 0.0), ([1.0], 1.1), ([[1.0]], 0.5)])
def test_tail_mean_refuses_what_has_no_tail(returns: list[float], level: float) -> None:
    with pytest.raises(ValueError, match="level"):
        tail_mean(returns, level)


def test_summary_of_two_hand_worked_episodes() -> None:
    record = summarize(
        returns=[-12.0, -110.0],
        success=np.array([True, False]),
        fell=np.array([False, True]),
        lengths=np.array([12, 11]),
        risk_levels=[[0.5, 1.0], [0.25, 0.25]],
        checkpoint_step=7,
        seed=3,
    )
    assert record == {
        "return_mean": -61.0,
        "return_std": 49.0,
        "success_rate": 0.5,
        "fall_rate": 0.5,
        "episode_length_mean": 11.5,
        "cvar_0.1": -110.0,
        "cvar_0.25": -110.0,
        "risk_level_mean": 0.5,
        "episodes": 2,
        "checkpoint_step": 7,
        "seed": 3,
    }


@pytest.mark.parametrize(
    ("successes", "episodes", "expected"),
    [
        # Newcombe (1998), Statistics in Medicine 17, table I, method 3.
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_wilson_interval_is_the_published_one(successes: int, episodes: int, expected: tuple[float, float]) -> None:
    assert wilson_interval(successes, episodes) == pytest.approx(expected, abs=5e-5)


def test_wilson_interval_of_all_ends_at_one() -> None:
    assert wilson_interval(20, 20)[1] == 1.0


@pytest.mark.parametrize(
    ("successes", "episodes", "confidence"), [(-1, 5, 0.95), (6, 5, 0.95), (0, 0, 0.95), (1, 2, 1.0)]
)
def test_wilson_interval_refuses_what_is_no_rate(successes: int, episodes: int, confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        wilson_interval(successes, episodes, confidence)


def test_bootstrap_interval_of_a_mean_is_the_normal_one() -> None:
    values = np.random.default_rng(0).normal(size=400)
    low, high = bootstrap_interval(values, np.mean, rng=np.random.default_rng(1), resamples=4000)
    half = 1.96 * values.std() / 20
    # The ends are quantiles of 4,000 resamples: a standard error of some 4 % of half the width.
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.2 * half)


def test_bootstrap_interval_of_equal_episodes_is_a_point() -> None:
    assert bootstrap_interval([3.0] * 5, np.mean, rng=np.random.default_rng(0), resamples=10) == (3.0, 3.0)


def test_bootstrap_interval_narrows_with_less_confidence() -> None:
    ends = [
        bootstrap_interval(range(50), np.mean, rng=np.random.default_rng(0), confidence=confidence)
        for confidence in (0.5, 0.95)
    ]
    assert ends[1][0] < ends[0][0] < ends[0][1] < ends[1][1]


@pytest.mark.parametrize(("values", "resamples"), [([], 10), ([[1.0]], 10), ([1.0], 0)])
def test_bootstrap_interval_refuses_what_it_cannot_draw(values: list[float], resamples: int) -> None:
    with pytest.raises(ValueError, match="resamples"):
        bootstrap_interval(values, np.mean, rng=np.random.default_rng(0), resamples=resamples)
