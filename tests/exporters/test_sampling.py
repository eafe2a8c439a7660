"""What the inputs that exports are tried with look like."""

from __future__ import annotations

import numpy as np
import pytest

from exporters.contract import TensorSpec
from exporters.sampling import _random_obs, _spoil


def spoilt(dtype: str, low: int | None, high: int | None) -> int:
    """One number of the spec, 5 before, made illegal as far as it can be."""
    bounds = {"low": None if low is None else (float(low),), "high": None if high is None else (float(high),)}
    flat = np.full(1, 5, dtype=dtype)
    _spoil(TensorSpec(name="obs", shape=(1,), dtype=dtype, **bounds), flat, np.random.default_rng(0))
    return int(flat[0])


def test_a_bound_that_can_be_passed_is_passed() -> None:
    assert spoilt("int8", 0, 7) == 8
    assert spoilt("int8", 0, 127) == -1
    assert spoilt("int8", 0, None) == -1


def test_numbers_that_are_all_legal_stay() -> None:
    assert spoilt("int8", -128, 127) == 5
    assert spoilt("int8", None, None) == 5


@pytest.mark.parametrize(
    ("low", "high", "least", "most"),
    [(None, None, -4, 4), (None, -10, -14, -10), (None, 3, -4, 3), (5, None, 5, 9), (-2, None, -2, 4), (1, 2, 1, 2)],
)
def test_a_side_without_a_bound_reaches_four_units(
    low: float | None, high: float | None, least: float, most: float
) -> None:
    bounds = {"low": None if low is None else (low,), "high": None if high is None else (high,)}
    tensor = TensorSpec(name="obs", shape=(1,), dtype="float32", **bounds)
    drawn = _random_obs(tensor, 400, np.random.default_rng(0))
    assert least <= drawn.min() < drawn.max() <= most
    assert drawn.max() - drawn.min() > 0.9 * (most - least)
