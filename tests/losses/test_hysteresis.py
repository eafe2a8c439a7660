from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from rmix_kit.errors import ShapeError
from rmix_kit.losses import quantile_huber_loss
from rmix_kit.losses.hysteresis import (
    LikelihoodWindow,
    hysteretic_weights,
    time_difference_likelihood,
)

QUANTILES = torch.tensor([3.0, 0.0, 1.0])
"""Unsorted on purpose; mass .2 between 0 and 1, and .4 between 1 and 3."""
TAU = torch.tensor([0.8, 0.2, 0.4])


def likelihood(quantiles: Tensor, target: float, half_width: float, tau: Tensor = TAU) -> float:
    return time_difference_likelihood(quantiles, torch.tensor([target]), tau, torch.tensor(half_width)).item()


def weight(targets: list[float], *, beta: float, window: LikelihoodWindow = "spread") -> float:
    return hysteretic_weights(QUANTILES, torch.tensor(targets), TAU, beta=beta, window=window).item()


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (1.0, 0.5 * 0.2 + 0.25 * 0.4),  # from 0.5 to 1.5: half of the first interval, a quarter of the second
        (3.0, 0.25 * 0.4),  # nothing lies beyond the highest prediction
        (0.5, 0.2),
        (-0.6, 0.0),
        (10.0, 0.0),
    ],
)
def test_hand_worked_likelihoods(target: float, expected: float) -> None:
    assert likelihood(QUANTILES, target, 0.5) == pytest.approx(expected)


def test_the_likelihood_is_the_mean_over_the_target_samples() -> None:
    found = time_difference_likelihood(QUANTILES, torch.tensor([1.0, 3.0, 10.0]), TAU, torch.tensor(0.5))
    assert found.item() == pytest.approx((0.2 + 0.1 + 0.0) / 3)


def test_a_window_over_everything_holds_the_mass_between_the_outermost_fractions() -> None:
    assert likelihood(QUANTILES, 1.0, 100.0) == pytest.approx(0.6)


def test_predictions_that_coincide_hold_their_mass_as_a_point() -> None:
    same = torch.ones(3)
    assert likelihood(same, 1.5, 0.5) == pytest.approx(0.6)
    assert likelihood(same, 1.6, 0.5) == 0.0


def test_a_single_prediction_has_no_likelihood() -> None:
    assert likelihood(torch.ones(1), 1.0, 0.5, torch.tensor([0.5])) == 0.0


def test_an_update_upwards_counts_fully() -> None:
    assert weight([1.0, 3.0, 10.0], beta=0.1) == 1.0


def test_an_update_of_the_same_mean_counts_fully() -> None:
    assert hysteretic_weights(QUANTILES, QUANTILES, TAU, beta=0.1).item() == 1.0


@pytest.mark.parametrize(("beta", "expected"), [(0.1, 0.4 / 3), (0.4, 0.4)])
def test_an_update_downwards_counts_by_the_larger_of_beta_and_likelihood(beta: float, expected: float) -> None:
    # h = 0.5 / 3 times the range of 3; the likelihoods of -1, 1 and 1 are 0, 0.2 and 0.2.
    assert weight([-1.0, 1.0, 1.0], beta=beta) == pytest.approx(expected)


def test_the_absolute_window_is_half_a_unit_over_the_number_of_predictions() -> None:
    expected = (0.2 / 6 + 0.4 / 12) * 2 / 3  # 1 and 1 have h = 1/6 to either side, -1 has nothing
    assert weight([-1.0, 1.0, 1.0], beta=0.0, window="absolute") == pytest.approx(expected)


def test_bad_news_is_damped_and_good_news_is_not() -> None:
    # The author's code has this comparison reversed: optimism becomes pessimism.
    assert weight([-9.0], beta=0.05) < weight([9.0], beta=0.05) == 1.0


@pytest.mark.parametrize(("scale", "offset"), [(0.05, 0.0), (1000.0, 0.0), (7.0, -300.0)])
def test_the_unit_and_the_origin_of_the_rewards_change_no_weight(scale: float, offset: float) -> None:
    generator = torch.Generator().manual_seed(0)
    quantiles, targets, tau = (torch.randn(50, 8, generator=generator, dtype=torch.float64) for _ in range(3))
    tau = tau.sigmoid()
    plain = hysteretic_weights(quantiles, targets, tau, beta=0.02)
    moved = hysteretic_weights(scale * quantiles + offset, scale * targets + offset, tau, beta=0.02)
    torch.testing.assert_close(moved, plain, rtol=1e-9, atol=1e-12)
    assert ((plain > 0.02) & (plain < 1)).sum() > 10  # the likelihood decides often


def test_the_absolute_window_depends_on_the_unit() -> None:
    far = hysteretic_weights(30 * QUANTILES, 30 * torch.tensor([-1.0, 1.0, 1.0]), TAU, beta=0.0, window="absolute")
    assert far.item() < 0.1 * weight([-1.0, 1.0, 1.0], beta=0.0, window="absolute")


def test_the_weight_has_no_gradient() -> None:
    leaf = QUANTILES.clone().requires_grad_()
    assert not hysteretic_weights(leaf, torch.tensor([-1.0]), TAU, beta=0.0).requires_grad


def test_beta_may_differ_between_rows() -> None:
    rows = QUANTILES.expand(2, 3)
    found = hysteretic_weights(rows, torch.full((2, 1), -9.0), TAU, beta=torch.tensor([0.1, 0.3]))
    torch.testing.assert_close(found, torch.tensor([0.1, 0.3]))


def test_fractions_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="one fraction per prediction"):
        hysteretic_weights(QUANTILES, QUANTILES, TAU[:2], beta=0.1)


@pytest.mark.parametrize("beta", [0.0, 0.01, 0.1])
def test_a_table_of_single_quantiles_learns_exactly_as_hysteretic_q_learning(beta: float) -> None:
    # Hysteretic Q-learning (Matignon et al. 2007): q += alpha delta on the way up, q += beta delta on the way down;
    # here beta / alpha is the weight. Powers of two keep the rescaling by kappa exact.
    alpha, kappa = 0.1, 1024.0
    rng = torch.Generator().manual_seed(0)
    table = torch.zeros(4, dtype=torch.float64)
    learned = table.clone().unsqueeze(-1).requires_grad_()  # [action, quantile]
    optimizer = torch.optim.SGD([learned], lr=2 * kappa * alpha)
    for _ in range(200):
        action = int(torch.randint(4, (), generator=rng))
        reward = 20 * torch.randn((), generator=rng, dtype=torch.float64)
        delta = float(reward - table[action])
        table[action] += (alpha if delta >= 0 else beta) * delta
        pair = (learned[action], reward.unsqueeze(-1), torch.full((1,), 0.5, dtype=torch.float64))
        loss = hysteretic_weights(*pair, beta=beta / alpha) * quantile_huber_loss(*pair, kappa=kappa)
        (learned.grad,) = torch.autograd.grad(loss, [learned])
        optimizer.step()
    torch.testing.assert_close(learned.detach()[:, 0], table, rtol=1e-12, atol=1e-12)
    assert math.isfinite(float(table.sum()))
