from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rmix_kit.networks.coding import LARGEST_NORMALISED, ElementCoding, ObsCoding, StateCoding, affine_of
from rmix_kit.testing.episodes import float_spec, make_spec

INF = math.inf


def coded(coding: ElementCoding, values: list[float]) -> list[float]:
    return torch.cat(coding.parts(torch.tensor(values)), -1).tolist()


def test_bounds_within_one_leave_numbers_untouched() -> None:
    coding = ElementCoding([-1.0, 0.0, -0.3], [1.0, 1.0, 0.7], "float32")
    assert coded(coding, [0.0, 0.25, 0.7]) == pytest.approx([0.0, 0.25, 0.7])
    assert coding.is_identity


def test_numbers_are_divided_by_the_largest_absolute_bound() -> None:
    coding = ElementCoding([0.0, -5.0, -10.0], [255.0, 5.0, 2.0], "float32")
    assert coded(coding, [255.0, -5.0, 2.0]) == pytest.approx([1.0, -1.0, 0.2])
    assert coded(coding, [0.0, 0.0, 0.0]) == [0.0, 0.0, 0.0]


def test_bounds_without_zero_are_moved_to_their_middle() -> None:
    coding = ElementCoding([500.0, 1e6], [510.0, 1e6 + 4], "float32")
    assert coded(coding, [500.0, 1e6]) == [-1.0, -1.0]
    assert coded(coding, [505.0, 1e6 + 4]) == [0.0, 1.0]


def test_an_element_of_one_value_is_finite() -> None:
    assert coded(ElementCoding([7.0], [7.0], "float32"), [7.0]) == [0.0]


@given(low=st.floats(-256, 256), high=st.floats(-256, 256))
def test_zero_stays_zero_wherever_it_lies_within_informative_bounds(low: float, high: float) -> None:
    low, high = min(low, high, 0.0), max(low, high, 0.0)
    pair = affine_of(low, high)
    assert pair is not None
    assert pair[0] == 0
    assert max(abs(low * pair[1]), abs(high * pair[1])) <= 1 + 1e-12


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (-INF, INF),
        (0.0, INF),
        (-INF, 0.0),
        (-1e6, 1e6),
        (float(np.finfo(np.float32).min), float(np.finfo(np.float32).max)),
        (-np.finfo(np.float64).max, np.finfo(np.float64).max),
        (0.0, float(np.finfo(np.float16).max)),
        (float(np.iinfo(np.int64).min), float(np.iinfo(np.int64).max)),
        (float(np.iinfo(np.int16).min), float(np.iinfo(np.int16).max)),
        (0.0, float(np.iinfo(np.uint16).max)),
        (0.0, 2.0**31 - 2),
    ],
)
def test_bounds_that_say_nothing_count_as_none(low: float, high: float) -> None:
    coding = ElementCoding([low, -1.0], [high, 1.0], "float32")
    assert coding.normalised == (0,)
    assert coded(coding, [0.5, 0.5]) == [0.5, 0.5], "before anything was collected"
    assert coded(coding, [1e6, 0.0]) == [LARGEST_NORMALISED, 0.0]
    assert torch.isfinite(torch.tensor(coded(coding, [3e38, 0.0]))).all()


def test_statistics_code_the_elements_without_bounds_alone() -> None:
    coding = ElementCoding([0.0, -INF, 0.0, -INF], [1.0, INF, 4.0, INF], "float32")
    coding.set_statistics(torch.tensor([100.0, -3.0]).double(), torch.tensor([10.0, 0.5]).double())
    assert coded(coding, [0.5, 120.0, 2.0, -3.0]) == [0.5, 2.0, 0.5, 0.0]
    assert coded(coding, [0.5, 1e9, 2.0, -1e9]) == [0.5, LARGEST_NORMALISED, 0.5, -LARGEST_NORMALISED]


def test_statistics_travel_with_the_weights_and_bounds_do_not() -> None:
    assert sorted(ElementCoding([-INF], [INF], "float32").state_dict()) == ["factor", "offset"]
    assert ElementCoding([0.0], [255.0], "float32").state_dict() == {}


def test_small_integer_codes_stay_one_hot() -> None:
    coding = ElementCoding([-1.0, 0.0], [1.0, 200.0], "int16")
    assert coded(coding, [-1.0, 100.0]) == [1.0, 0.0, 0.0, 0.5]


def test_a_state_is_coded_as_observations_are() -> None:
    spec = make_spec(obs_values=3)
    spec = replace(spec, state_size=2, state_dtype=spec.obs_dtype, state_low=spec.obs_low, state_high=spec.obs_high)
    raw = torch.tensor([[2, 0]], dtype=torch.int8)
    assert torch.equal(StateCoding(spec)(raw.float()), torch.cat(ObsCoding(spec).code(raw), -1))


def test_bounded_and_unbounded_elements_keep_their_order() -> None:
    obs = torch.tensor([[[0.25, 2.0], [-5.0, 7.0]]])
    parts = ObsCoding(float_spec()).code(obs)
    assert torch.cat(parts, -1)[0].tolist() == [0.25, 1.0, -1.0, 7.0]
