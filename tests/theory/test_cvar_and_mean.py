"""Proposition 2 as it holds: C_i <= E[Z_i] always, and C_i = lambda_i E[Z_i] with lambda_i in (0, 1] where C_i > 0."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rmix_kit.risk.operators import cvar

LEVELS = st.floats(0.01, 1.0)
ROUNDING = 1e-9


def distributions(low: float, high: float) -> st.SearchStrategy[np.ndarray]:
    return arrays(np.float64, st.integers(1, 20), elements=st.floats(low, high))


@given(distributions(-100.0, 100.0), LEVELS)
def test_cvar_never_exceeds_the_mean(quantiles: np.ndarray, level: float) -> None:
    value = cvar(torch.from_numpy(quantiles), torch.tensor(level, dtype=torch.float64))
    assert value.item() <= quantiles.mean() + ROUNDING


@given(distributions(0.1, 100.0), LEVELS)
def test_the_ratio_to_the_mean_is_in_the_unit_interval_for_positive_cvar(quantiles: np.ndarray, level: float) -> None:
    value = cvar(torch.from_numpy(quantiles), torch.tensor(level, dtype=torch.float64)).item()
    assert 0.0 < value / quantiles.mean() <= 1.0 + ROUNDING


def test_the_ratio_exceeds_one_for_negative_returns() -> None:
    # Proposition 2 as printed claims a ratio in [0, 1]; for returns of mean -12 and CVaR -20 it is 5 / 3.
    quantiles = torch.tensor([-20.0, -10.0, -9.0, -9.0])
    ratio = cvar(quantiles, torch.tensor(0.25)) / quantiles.mean()
    assert ratio.item() == pytest.approx(5.0 / 3.0)


def test_the_ratio_is_negative_where_only_the_tail_is() -> None:
    quantiles = torch.tensor([-10.0, 10.0, 10.0, 10.0])
    assert cvar(quantiles, torch.tensor(0.25)) / quantiles.mean() < 0
