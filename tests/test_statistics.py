from __future__ import annotations

import numpy as np
import pytest

from rmix_kit.statistics import summarize, tail_mean


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
