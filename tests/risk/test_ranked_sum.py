"""What the CVaR's gradient is, in the quantiles and in the level, worked by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from rmix_kit.errors import ShapeError
from rmix_kit.risk.operators import (
    RankedSum,
    cvar,
    cvar_weights,
    level_probabilities,
    quantile_edges,
    ranked_sum,
    straight_through,
)

# Level 1/2 of three quantiles holds the lowest and half of the second: weights 2/3, 1/3, 0.
HALF = [2 / 3, 1 / 3, 0.0]
QUANTILES = [3.0, -1.0, 2.0]


def doubles(values: object, *, is_leaf: bool = True) -> Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=is_leaf)


def two_rows() -> tuple[Tensor, Tensor]:
    """Quantiles far apart, so that no step of a numerical gradient changes their order, and weights of two levels."""
    return doubles([[3.0, -1.0, 2.0], [0.5, 8.0, -4.0]]), doubles([HALF, [1 / 3, 1 / 3, 1 / 3]])


def test_the_ranked_sum_follows_its_formula() -> None:
    quantiles, weights = two_rows()
    summed = ranked_sum(quantiles, weights)
    # -1 * 2/3 + 2 * 1/3 = 0; (0.5 + 8 - 4) / 3 = 1.5
    torch.testing.assert_close(summed.values.detach(), doubles([0.0, 1.5], is_leaf=False), rtol=0, atol=1e-15)
    assert summed.ordered.tolist() == [[-1.0, 2.0, 3.0], [-4.0, 0.5, 8.0]]


def test_each_quantiles_gradient_is_the_weight_of_its_rank() -> None:
    quantiles = doubles(QUANTILES)
    (slope,) = torch.autograd.grad(ranked_sum(quantiles, doubles(HALF, is_leaf=False)).values, [quantiles])
    assert slope.tolist() == [0.0, 2 / 3, 1 / 3]


def test_each_weights_gradient_is_the_quantile_of_its_rank() -> None:
    weights = doubles(HALF)
    (slope,) = torch.autograd.grad(ranked_sum(doubles(QUANTILES, is_leaf=False), weights).values, [weights])
    assert slope.tolist() == [-1.0, 2.0, 3.0]


def cvar_by_rank(quantiles: Tensor, risk_level: Tensor) -> Tensor:
    weights = cvar_weights(risk_level, quantile_edges(quantiles.shape[-1])).expand_as(quantiles)
    return ranked_sum(quantiles, weights).values


@pytest.mark.parametrize("by_rank", [False, True])
def test_the_gradients_of_the_cvar_in_quantiles_and_level_worked_by_hand(by_rank: bool) -> None:
    # Between levels 1/3 and 2/3, CVaR(a) = (z_1 + (3 a - 1) z_2) / (3 a) = 2 - 1 / a for z = (-1, 2, 3).
    quantiles, risk_level = doubles(QUANTILES), doubles(0.5)
    value = (cvar_by_rank if by_rank else cvar)(quantiles, risk_level)
    slope, level_slope = torch.autograd.grad(value, [quantiles, risk_level])
    assert value.item() == pytest.approx(0.0, abs=1e-15)
    assert slope.tolist() == pytest.approx([0.0, 2 / 3, 1 / 3], abs=1e-15)
    assert level_slope.item() == pytest.approx(4.0)  # 1 / a^2


def test_the_gradients_are_those_of_finite_differences() -> None:
    def values(quantiles: Tensor, weights: Tensor) -> Tensor:
        return ranked_sum(quantiles, weights).values

    assert torch.autograd.gradcheck(values, two_rows())
    # 0.4 and 0.8 of three quantiles lie between two of them, where the CVaR is smooth in its level.
    assert torch.autograd.gradcheck(cvar_by_rank, (two_rows()[0], doubles([0.4, 0.8])))
    assert torch.autograd.gradcheck(cvar, (two_rows()[0], doubles([0.4, 0.8])))


def same(first: RankedSum, second: RankedSum) -> bool:
    return all(torch.equal(ours, theirs) for ours, theirs in zip(first, second, strict=True))


def test_without_a_gradient_the_sum_and_the_order_are_the_same() -> None:
    quantiles, weights = two_rows()
    # Three numbers whose products are added in another order: exact for these weights' powers of two.
    halves = torch.full_like(weights, 0.5)
    with torch.no_grad():
        apart = ranked_sum(quantiles, halves)
    assert same(ranked_sum(quantiles, halves), apart)
    assert apart.ordered.tolist() == [[-1.0, 2.0, 3.0], [-4.0, 0.5, 8.0]]


def test_the_sorted_quantiles_carry_no_gradient() -> None:
    assert not ranked_sum(*two_rows()).ordered.requires_grad


def test_a_ranked_sum_of_no_quantile_is_refused() -> None:
    with pytest.raises(ShapeError):
        ranked_sum(torch.zeros(2, 0), torch.zeros(2, 0))


def test_the_straight_through_term_is_nothing_but_the_levels_gradient() -> None:
    probabilities, values = doubles([0.25, 0.75]), doubles([-4.0, 8.0])
    term = straight_through(probabilities, values)
    assert term.item() == 0.0
    slope, value_slope = torch.autograd.grad(term, [probabilities, values], allow_unused=True)
    assert slope.tolist() == [-4.0, 8.0]
    assert value_slope is None


def test_the_probabilities_of_levels_add_up_to_one_in_each_row() -> None:
    scores = torch.tensor([[0.0, math.log(3.0)], [5.0, 5.0], [math.log(4.0), 0.0]])
    torch.testing.assert_close(level_probabilities(scores), torch.tensor([[0.25, 0.75], [0.5, 0.5], [0.8, 0.2]]))


def test_quantiles_that_are_none_are_refused_with_and_without_gradients() -> None:
    for quantiles in (torch.zeros(2, 0), torch.zeros(2, 0, requires_grad=True)):
        with pytest.raises(ShapeError):
            ranked_sum(quantiles, torch.zeros(2, 0))


@pytest.mark.parametrize("spread", [0.0, 1e-30, 1.0, 1e30])
def test_float32_rows_have_the_same_ranks_compiled_and_not(spread: float, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    rows = spread * torch.randn(7, 3, 33, generator=generator)
    rows[0, 0, :5] = torch.tensor([0.0, -0.0, torch.inf, -torch.inf, 0.0])
    rows[1, 1] = rows[1, 1].round()  # ties
    quantiles, weights = rows.requires_grad_(), torch.rand(7, 3, 33, generator=generator).sort(-1).values

    def summed() -> tuple[Tensor, Tensor, Tensor]:
        values, ordered = ranked_sum(quantiles, weights)
        (slope,) = torch.autograd.grad(values.sum(), [quantiles])
        return values.detach(), ordered, slope

    compiled = summed()
    assert compiled[1].equal(rows.detach().sort(-1).values)
    # Equal quantiles share their ranks' weights: a sum over them is what both ways have in common.
    monkeypatch.setattr("rmix_kit.risk.operators.compiled_module", lambda name: "numba is not installed")
    operations = summed()
    torch.testing.assert_close(compiled[0], operations[0], equal_nan=True)
    assert compiled[1].equal(operations[1])
    unlike = rows.detach().sort(-1).values.diff(dim=-1).ne(0).all(-1)
    assert compiled[2][unlike].equal(operations[2][unlike])
    assert compiled[2].sort(-1).values.equal(operations[2].sort(-1).values)


def test_a_quantile_that_is_no_number_reaches_the_sum() -> None:
    rows = torch.zeros(2, 5)
    rows[1, 3] = torch.nan
    assert ranked_sum(rows.requires_grad_(), torch.full((2, 5), 0.2)).values.isnan().tolist() == [False, True]
