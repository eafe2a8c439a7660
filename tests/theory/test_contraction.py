"""Proposition 1: the RMIX operator is a gamma-contraction in the sup norm."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.theory.games import TabularGame, random_game, rmix_operator

SEEDS = range(10)
ROUNDING = 1e-12


def random_values(game: TabularGame, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 20 * torch.randn(game.reward.shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("gamma", [0.0, 0.5, 0.99])
def test_the_operator_brings_any_two_values_closer_by_gamma(seed: int, gamma: float) -> None:
    game = random_game(seed, gamma=gamma)
    first, second = random_values(game, 2 * seed), random_values(game, 2 * seed + 1)
    before = (first - second).abs().max()
    after = (rmix_operator(game, first) - rmix_operator(game, second)).abs().max()
    assert after <= gamma * before + ROUNDING


@pytest.mark.parametrize("seed", SEEDS)
def test_a_constant_difference_shrinks_by_exactly_gamma(seed: int) -> None:
    # The bound is tight, so a test that passed with a smaller factor would be wrong.
    game = random_game(seed)
    values = random_values(game, seed)
    difference = rmix_operator(game, values + 1.0) - rmix_operator(game, values)
    torch.testing.assert_close(difference, torch.full_like(difference, game.gamma))


@pytest.mark.parametrize("seed", SEEDS)
def test_iterating_the_operator_reaches_one_fixed_point(seed: int) -> None:
    game = random_game(seed)
    first, second = random_values(game, 2 * seed), random_values(game, 2 * seed + 1)
    for _ in range(400):  # 0.9^400 is 5e-19
        first, second = rmix_operator(game, first), rmix_operator(game, second)
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_fixed_point_is_risk_neutral(seed: int) -> None:
    # No level enters the operator: the TD fixed point is Q* itself (docs/fidelity.md).
    game = random_game(seed)
    values = torch.zeros_like(game.reward)
    for _ in range(400):
        values = rmix_operator(game, values)
    optimum = torch.zeros(game.reward.shape[0], dtype=torch.float64)
    for _ in range(400):
        optimum = (game.reward + game.gamma * game.transition @ optimum).amax(-1)
    torch.testing.assert_close(values.amax(-1), optimum)
