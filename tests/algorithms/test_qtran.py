from __future__ import annotations

from dataclasses import replace

import torch

from rmix_kit.algorithms import Networks
from rmix_kit.algorithms.qtran import QTRAN, bound_error, optimal_error
from rmix_kit.losses import masked_mean
from rmix_kit.networks.unroll import greedy_actions, one_hot_actions
from tests.algorithms.cases import PROGRESS, batch_for, build, small

UTILITIES, Q_JT, V_JT = torch.tensor([3.0, 1.0, -2.0]), torch.tensor([1.0, 4.0, -2.5]), torch.tensor([0.5, 0.5, 0.5])


def gradients(algorithm: QTRAN, networks: tuple[Networks, Networks]) -> dict[str, torch.Tensor | None]:
    online, target = networks
    loss = algorithm.losses(online, target, batch_for(algorithm), PROGRESS).groups["td"]
    named = dict(online.named_parameters())
    found = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    return dict(zip(named, found, strict=True))


def test_at_the_greedy_action_the_sum_must_equal_the_joint_value() -> None:
    # 3 - 1 + 0.5 = 2.5; 1 - 4 + 0.5 = -2.5; -2 + 2.5 + 0.5 = 1
    assert optimal_error(UTILITIES, Q_JT, V_JT).tolist() == [6.25, 6.25, 1.0]


def test_elsewhere_the_sum_may_lie_above_the_joint_value_and_never_below() -> None:
    assert bound_error(UTILITIES, Q_JT, V_JT).tolist() == [0.0, 6.25, 0.0]


def test_the_constraints_move_the_utilities_and_not_the_joint_value() -> None:
    for error, slopes in ((optimal_error, [5.0, -5.0, 2.0]), (bound_error, [0.0, -5.0, 0.0])):
        inputs = [tensor.clone().requires_grad_() for tensor in (UTILITIES, Q_JT, V_JT)]
        loss = error(*inputs).sum()
        on_utilities, on_q_jt, on_v_jt = torch.autograd.grad(loss, inputs, allow_unused=True)
        assert on_utilities is not None
        assert on_v_jt is not None
        assert on_utilities.tolist() == on_v_jt.tolist() == slopes
        assert on_q_jt is None


def test_the_loss_is_the_weighted_sum_of_its_three_terms() -> None:
    algorithm = small(QTRAN, lambda_opt=2.0, lambda_nopt=3.0)
    groups, metrics = algorithm.losses(*build(algorithm), batch_for(algorithm), PROGRESS)
    expected = metrics["loss_td"] + 2.0 * metrics["loss_opt"] + 3.0 * metrics["loss_nopt"]
    torch.testing.assert_close(groups["td"].detach(), expected)


def test_the_constraints_train_no_weight_of_the_joint_value() -> None:
    algorithm = small(QTRAN)
    assert isinstance(algorithm, QTRAN)
    networks = build(algorithm)
    with_constraints = gradients(algorithm, networks)
    without = gradients(replace(algorithm, lambda_opt=0.0, lambda_nopt=0.0), networks)
    for name in with_constraints:
        if name.startswith("joint_value."):
            torch.testing.assert_close(with_constraints[name], without[name])


def test_the_td_loss_trains_the_agents_memory_and_neither_utilities_nor_v() -> None:
    algorithm = small(QTRAN, lambda_opt=0.0, lambda_nopt=0.0)
    assert isinstance(algorithm, QTRAN)
    moved = {
        name for name, slope in gradients(algorithm, build(algorithm)).items() if slope is not None and slope.any()
    }
    assert any(name.startswith("agent.encoder.gru.") for name in moved)
    assert not any(name.startswith(("agent.head.", "state_value.")) for name in moved)


def test_the_target_is_the_target_joint_value_of_the_online_utilities_choice() -> None:
    algorithm = small(QTRAN, td_lambda=0.0, has_bounded_targets=False)
    online, target = build(algorithm)
    batch = batch_for(algorithm)
    greedy = greedy_actions(online.agent.unroll(batch).outputs, batch.avail_actions)[:, 1:]
    hidden_states = target.agent.unroll(batch).hidden_states[:, 1:]
    next_values = target.joint_value(hidden_states, one_hot_actions(greedy, 3), batch.state[:, 1:])
    y = batch.reward + 0.99 * (~batch.terminated) * next_values
    expected = masked_mean((algorithm.joint_values(online, batch) - y).square(), batch.mask)
    torch.testing.assert_close(algorithm.losses(online, target, batch, PROGRESS).metrics["loss_td"], expected.detach())
