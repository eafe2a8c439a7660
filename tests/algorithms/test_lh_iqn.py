from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
import torch

from rmix_kit.algorithms.lh_iqn import LHIQN
from rmix_kit.losses import masked_mean, quantile_huber_loss
from rmix_kit.losses.hysteresis import hysteretic_weights
from rmix_kit.networks.unroll import greedy_actions
from rmix_kit.types import Progress
from tests.algorithms.cases import batch_for, build, small

HALF_WAY = Progress(env_steps=100_000)


def make(**changes: object) -> LHIQN:
    return cast(LHIQN, small(LHIQN, **changes))


@pytest.mark.parametrize(("env_steps", "expected"), [(0, 0.2), (50_000, 0.25), (200_000, 0.4), (10**6, 0.4)])
def test_the_least_weight_rises_linearly_and_stays(env_steps: int, expected: float) -> None:
    assert LHIQN().beta(Progress(env_steps=env_steps)) == pytest.approx(expected)


def test_without_a_schedule_the_last_least_weight_holds_from_the_start() -> None:
    assert LHIQN(beta_start=0.1, beta_end=0.3, beta_steps=0).beta(Progress()) == 0.3


def test_the_loss_follows_the_equations_of_its_page() -> None:
    algorithm = make(n_quantiles=3, n_target_quantiles=2, n_max=1, has_bounded_targets=False)
    online, target = build(algorithm)
    batch = batch_for(algorithm)
    tau, target_tau = batch.tau.split([3, 2], -1)
    output, target_output = online.agent.unroll(batch), target.agent.unroll(batch)
    chosen = greedy_actions(output.values().detach(), batch.avail_actions)  # the online means' choice
    following = target_output.quantiles_of(chosen, target_tau)[:, 1:]  # of the step after, at its own fractions
    discount = 0.99 * (~batch.terminated).float()
    targets = batch.reward[..., None, None] + discount[..., None, None] * following
    predictions = output.quantiles_of(batch.actions, tau)
    beta = algorithm.beta(HALF_WAY)
    own_tau = tau[:, :-1].unsqueeze(2)
    weights = hysteretic_weights(predictions, targets, own_tau, beta=beta)
    loss = weights * quantile_huber_loss(predictions, targets, own_tau, kappa=algorithm.quantile_kappa)
    found = algorithm.losses(online, target, batch, HALF_WAY).groups["quantile"]
    torch.testing.assert_close(found, masked_mean(loss, batch.mask))


def test_a_target_takes_rewards_up_to_the_first_joint_action_that_is_not_greedy() -> None:
    algorithm = make(n_quantiles=1, n_target_quantiles=1, n_max=3, gamma=0.5, has_bounded_targets=False)
    batch = batch_for(algorithm, lengths=(4,))
    batch = replace(batch, reward=torch.tensor([[1.0, 2.0, 4.0, 8.0]]), terminated=torch.zeros(1, 4, dtype=torch.bool))
    greedy = torch.nn.functional.pad(batch.actions, (0, 0, 0, 1))
    greedy[0, 2, 1] = (greedy[0, 2, 1] + 1) % 3  # agent 1 explores at step 2
    values = torch.tensor([0.0, 100.0, 200.0, 300.0, 400.0]).view(1, 5, 1, 1).expand(1, 5, 2, 1)
    found = algorithm.quantile_targets(batch, values, greedy, n_max=algorithm.n_max)
    # Step 0 goes on to step 1 and stops before step 2: 1 + 2 / 2 + 200 / 4; step 2 on to step 3: 4 + 8 / 2 + 400 / 4.
    expected = torch.tensor([52.0, 2.0 + 100.0, 108.0, 8.0 + 200.0])
    torch.testing.assert_close(found[0, :, 0, 0], expected)
    torch.testing.assert_close(found[0, :, 1, 0], expected)
