"""What the inputs that exports are tried with look like."""

from __future__ import annotations

import numpy as np

from exporters.contract import TensorSpec
from exporters.sampling import _spoil


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
