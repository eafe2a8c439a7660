from __future__ import annotations

from dataclasses import replace

import torch

from rmix_kit.algorithms.qplex import QPLEX
from rmix_kit.losses import masked_mean
from rmix_kit.networks.unroll import greedy_actions, one_hot_actions, take
from tests.algorithms.cases import PROGRESS, batch_for, build, small


def test_the_target_takes_the_online_choice_and_the_target_networks_own_maxima() -> None:
    algorithm = small(QPLEX, td_lambda=0.0, has_bounded_targets=False)
    online, target = build(algorithm)
    batch = batch_for(algorithm)
    greedy = greedy_actions(online.agent.unroll(batch).outputs, batch.avail_actions)[:, 1:]
    values = target.agent.unroll(batch).outputs[:, 1:]
    maxima = values.masked_fill(~batch.avail_actions[:, 1:], -torch.inf).max(-1).values
    assert (take(values, greedy) < maxima)[batch.mask].any()  # the two networks differ somewhere
    next_values = target.mixer(take(values, greedy), maxima, one_hot_actions(greedy, 3), batch.state[:, 1:])
    y = batch.reward + 0.99 * (~batch.terminated) * next_values
    expected = masked_mean((algorithm.joint_values(online, batch) - y).square(), batch.mask)
    torch.testing.assert_close(algorithm.losses(online, target, batch, PROGRESS).metrics["loss_td"], expected.detach())


def test_an_action_that_is_not_available_is_no_maximum() -> None:
    algorithm = small(QPLEX)
    online = build(algorithm)[0]
    batch = batch_for(algorithm, lengths=(4,))
    batch = replace(batch, actions=torch.zeros_like(batch.actions))
    only_first = torch.zeros_like(batch.avail_actions)
    only_first[..., 0] = True
    forced = algorithm.joint_values(online, replace(batch, avail_actions=only_first))
    # With one action allowed every advantage is zero: Q_tot is the sum of transformed values.
    chosen = online.agent.unroll(batch).outputs[:, :-1, :, 0]
    mixer = online.mixer
    state = batch.state[:, :-1]
    expected = ((mixer.scale(state).abs() + 1e-10) * chosen + mixer.shift(state)).sum(-1)  # type: ignore[operator]
    torch.testing.assert_close(forced, expected)
