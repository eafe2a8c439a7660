from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor

from rmix_kit.errors import ShapeError
from rmix_kit.risk.operators import cvar, cvar_levels, cvar_weights, level_weights, quantile_edges, sort_quantiles

TABLE = torch.tensor([-10.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], dtype=torch.float64)
SIZES = st.integers(1, 24)
LEVELS = st.floats(0.01, 1.0)
ROUNDING = 1e-9  # float64 sums of at most 24 numbers of size 100


@st.composite
def distributions(draw: st.DrawFn) -> Tensor:
    values = draw(arrays(np.float64, draw(SIZES), elements=st.floats(-100.0, 100.0, width=32)))
    return torch.from_numpy(values)


def level(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


@pytest.mark.parametrize(
    ("risk_level", "expected"),
    [(0.05, -10.0), (0.1, -10.0), (0.15, -20.0 / 3.0), (0.2, -5.0), (0.25, -3.8), (0.5, -0.8), (1.0, 2.6)],
)
def test_cvar_takes_a_partly_covered_quantile_in_proportion(risk_level: float, expected: float) -> None:
    assert cvar(TABLE, level(risk_level)).item() == pytest.approx(expected, abs=ROUNDING)


@given(distributions())
def test_cvar_at_level_one_is_the_mean(quantiles: Tensor) -> None:
    assert cvar(quantiles, level(1.0)).item() == pytest.approx(quantiles.mean().item(), abs=ROUNDING)


@given(distributions())
def test_cvar_at_the_level_of_one_quantile_is_the_lowest(quantiles: Tensor) -> None:
    lowest = cvar(quantiles, level(1.0 / len(quantiles)))
    assert lowest.item() == pytest.approx(quantiles.min().item(), abs=ROUNDING)


@given(distributions(), LEVELS, LEVELS)
def test_cvar_never_falls_as_the_level_rises(quantiles: Tensor, first: float, second: float) -> None:
    low, high = sorted((first, second))
    assert cvar(quantiles, level(low)) <= cvar(quantiles, level(high)) + ROUNDING


@given(distributions(), LEVELS, st.integers(0, 2**31 - 1))
def test_cvar_does_not_depend_on_the_order(quantiles: Tensor, risk_level: float, seed: int) -> None:
    shuffled = quantiles[torch.from_numpy(np.random.default_rng(seed).permutation(len(quantiles)))]
    assert cvar(shuffled, level(risk_level)) == cvar(quantiles, level(risk_level))


@given(distributions(), LEVELS, st.floats(-50.0, 50.0))
def test_cvar_moves_with_a_constant(quantiles: Tensor, risk_level: float, shift: float) -> None:
    moved = cvar(quantiles + shift, level(risk_level)).item()
    assert moved == pytest.approx(cvar(quantiles, level(risk_level)).item() + shift, abs=ROUNDING)


@given(distributions(), LEVELS, st.floats(0.0, 10.0))
def test_cvar_scales_with_a_positive_factor(quantiles: Tensor, risk_level: float, factor: float) -> None:
    scaled = cvar(factor * quantiles, level(risk_level)).item()
    assert scaled == pytest.approx(factor * cvar(quantiles, level(risk_level)).item(), abs=10 * ROUNDING)


def test_every_level_is_finite_with_as_many_levels_as_quantiles() -> None:
    values = cvar_levels(TABLE.float(), level_weights(10, 10))
    assert values.isfinite().all()


@pytest.mark.parametrize(("index", "atoms"), [(3, 30), (6, 60)])
def test_level_weights_count_the_tail_with_integers(index: int, atoms: int) -> None:
    # In float32 0.3 * 100 and 0.6 * 100 lie above 30 and 60: the released code keeps 31 and 61 quantiles.
    assert (level_weights(10, 100)[index - 1] > 0).sum() == atoms


@pytest.mark.parametrize(("n_levels", "n_quantiles"), [(10, 100), (10, 55), (10, 10), (4, 1), (7, 3)])
def test_level_weights_are_the_cvar_weights_of_their_levels(n_levels: int, n_quantiles: int) -> None:
    levels = torch.arange(1, n_levels + 1, dtype=torch.float64) / n_levels
    expected = cvar_weights(levels, quantile_edges(n_quantiles))
    torch.testing.assert_close(level_weights(n_levels, n_quantiles).double(), expected, rtol=0, atol=1e-7)  # float32


@given(LEVELS, SIZES)
def test_cvar_weights_sum_to_one(risk_level: float, n_quantiles: int) -> None:
    assert cvar_weights(level(risk_level), quantile_edges(n_quantiles)).sum().item() == pytest.approx(1.0)


def test_half_of_the_quantiles_share_the_tail() -> None:
    torch.testing.assert_close(quantile_edges(5, 0.1), torch.tensor([0.0, 0.05, 0.1, 0.4, 0.7, 1.0]))


def test_cvar_of_uneven_quantiles_worked_by_hand() -> None:
    # Shares 0.05, 0.05, 0.45, 0.45: level 0.075 holds the lowest and half of the second, 0.55 the lowest three.
    weights = cvar_weights(torch.tensor([0.075, 0.55, 1.0]), quantile_edges(4, 0.1))
    expected = [[2 / 3, 1 / 3, 0, 0], [1 / 11, 1 / 11, 9 / 11, 0], [0.05, 0.05, 0.45, 0.45]]
    torch.testing.assert_close(weights, torch.tensor(expected))


@given(LEVELS, SIZES, st.floats(0.01, 0.99))
def test_uneven_cvar_weights_sum_to_one(risk_level: float, n_quantiles: int, tail_level: float) -> None:
    weights = cvar_weights(level(risk_level), quantile_edges(n_quantiles, tail_level))
    assert weights.sum().item() == pytest.approx(1.0, abs=1e-5)


def test_cvar_levels_equals_cvar_at_each_level() -> None:
    quantiles = torch.randn(5, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    together = cvar_levels(sort_quantiles(quantiles), level_weights(4, 12).double())
    apart = torch.stack([cvar(quantiles, level(k / 4)) for k in range(1, 5)], dim=-1)
    torch.testing.assert_close(together, apart, rtol=0, atol=1e-6)  # level_weights is float32


def sorted_with_gradient(quantiles: Tensor, slope: Tensor, *, by_torch: bool) -> tuple[Tensor, Tensor]:
    leaf = quantiles.clone().requires_grad_()
    ordered = torch.sort(leaf, dim=-1).values if by_torch else sort_quantiles(leaf)
    (gradient,) = torch.autograd.grad((ordered * slope).sum(), [leaf])
    return ordered.detach(), gradient


def test_both_sorting_backends_give_the_same_values_and_gradient() -> None:
    generator = torch.Generator().manual_seed(1)
    quantiles, slope = torch.randn(3, 4, 100, generator=generator), torch.randn(3, 4, 100, generator=generator)
    ours = sorted_with_gradient(quantiles, slope, by_torch=False)
    theirs = sorted_with_gradient(quantiles, slope, by_torch=True)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_sorting_without_a_gradient_gives_the_same_values() -> None:
    quantiles = torch.randn(6, 50, generator=torch.Generator().manual_seed(2))
    assert torch.equal(sort_quantiles(quantiles), torch.sort(quantiles, dim=-1).values)


def test_sorting_leaves_its_argument_as_it_was() -> None:
    quantiles = torch.tensor([3.0, 1.0, 2.0])
    sort_quantiles(quantiles)
    assert quantiles.tolist() == [3.0, 1.0, 2.0]


@pytest.mark.parametrize("bad", [torch.zeros(3, 0), torch.tensor(1.0), torch.zeros(2, 3, dtype=torch.int64)])
def test_quantiles_without_an_axis_or_of_integers_are_refused(bad: Tensor) -> None:
    with pytest.raises(ShapeError):
        sort_quantiles(bad)
