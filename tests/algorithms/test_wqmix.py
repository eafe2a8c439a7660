from __future__ import annotations

from typing import cast

import pytest
import torch
from torch import Tensor

from rmix_kit.algorithms import Networks
from rmix_kit.algorithms.qmix import QMIX
from rmix_kit.algorithms.wqmix import CWQMIX, OWQMIX, WQMIX, Judged
from rmix_kit.losses import masked_mean
from rmix_kit.networks.unroll import greedy_actions, take
from tests.algorithms.cases import PROGRESS, batch_for, build, small

each_kind = pytest.mark.parametrize("kind", [CWQMIX, OWQMIX])
NOTHING = torch.zeros(4)


def make(kind: type[WQMIX], **changes: object) -> WQMIX:
    return cast(WQMIX, small(kind, **changes))


def test_optimistic_weights_are_full_where_the_monotonic_value_is_too_low() -> None:
    judged = Judged(torch.tensor([1.0, 2.0, 3.0]), torch.full((3,), 2.0), torch.zeros(3).bool(), torch.zeros(3))
    torch.testing.assert_close(OWQMIX(weight=0.25).weights(judged), torch.tensor([1.0, 0.25, 0.25]))


def test_central_weights_are_full_where_an_action_is_greedy_or_better_than_greedy() -> None:
    judged = Judged(
        q_tot=NOTHING,
        target=torch.tensor([1.0, 5.0, 3.0, 4.0]),
        is_greedy=torch.tensor([True, False, False, False]),
        greedy_value=torch.full((4,), 4.0),
    )
    torch.testing.assert_close(CWQMIX(weight=0.25).weights(judged), torch.tensor([1.0, 1.0, 0.25, 0.25]))


def weighted_slope(algorithm: WQMIX, payoffs: Tensor, q_tot: Tensor, greedy: int) -> Tensor:
    """Sum of w (Q_tot - y) over the cells that are not (A, A)."""
    is_greedy = torch.arange(9) == greedy
    judged = Judged(q_tot, payoffs, is_greedy, payoffs[greedy].expand(9))
    return (algorithm.weights(judged) * (q_tot - payoffs))[1:].sum()


@pytest.mark.parametrize(("algorithm", "rest"), [(CWQMIX(), -6.0), (OWQMIX(), -12.0 / 11.0)])
def test_the_published_table_of_the_matrix_game_is_the_weighted_fit(algorithm: WQMIX, rest: float) -> None:
    payoffs = torch.tensor([8.0, -12.0, -12.0, -12.0, 0.0, 0.0, -12.0, 0.0, 0.0])
    q_tot = torch.tensor([8.0] + [rest] * 8)  # 8 at (A, A) and one number elsewhere
    assert weighted_slope(algorithm, payoffs, q_tot, greedy=0).abs() < 1e-5


@each_kind
def test_both_heads_regress_on_the_central_target_of_the_utilities_choice(kind: type[WQMIX]) -> None:
    algorithm = make(kind, td_lambda=0.0, has_bounded_targets=False)
    online, target = build(algorithm)
    batch = batch_for(algorithm)
    utilities = online.agent.unroll(batch).outputs
    greedy = greedy_actions(utilities, batch.avail_actions)

    def central(networks: Networks, actions: Tensor, steps: slice) -> Tensor:
        values = take(networks.central_agent.unroll(batch).outputs[:, steps], actions)
        return cast(Tensor, networks.central_mixer(values, batch.state[:, steps]))

    y = batch.reward + 0.99 * (~batch.terminated) * central(target, greedy[:, 1:], slice(1, None))
    q_tot = algorithm.joint_values(online, batch)
    q_star = central(online, batch.actions, slice(None, -1))
    is_greedy = (batch.actions == greedy[:, :-1]).all(-1)
    weights = algorithm.weights(Judged(q_tot, y, is_greedy, central(target, greedy[:, :-1], slice(None, -1))))
    metrics = algorithm.losses(online, target, batch, PROGRESS).metrics
    torch.testing.assert_close(metrics["loss_central"], masked_mean((q_star - y).square(), batch.mask).detach())
    expected = masked_mean(weights * (q_tot - y).square(), batch.mask).detach()
    torch.testing.assert_close(metrics["loss_q_tot"], expected)


def test_what_the_weights_look_at_belongs_to_the_step_of_the_action(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Judged] = []
    weights = CWQMIX.weights

    def recorded(algorithm: CWQMIX, judged: Judged) -> Tensor:
        seen.append(judged)
        return weights(algorithm, judged)

    monkeypatch.setattr(CWQMIX, "weights", recorded)
    algorithm = make(CWQMIX)
    online, target = build(algorithm)
    batch = batch_for(algorithm)
    greedy = greedy_actions(online.agent.unroll(batch).outputs, batch.avail_actions)[:, :-1]
    algorithm.losses(online, target, batch, PROGRESS)
    values = take(target.central_agent.unroll(batch).outputs[:, :-1], greedy)
    torch.testing.assert_close(seen[0].greedy_value, target.central_mixer(values, batch.state[:, :-1]))
    torch.testing.assert_close(seen[0].q_tot, algorithm.joint_values(online, batch).detach())
    assert torch.equal(seen[0].is_greedy, (batch.actions == greedy).all(-1))


@each_kind
def test_no_gradient_passes_the_weights_or_from_one_head_to_the_other(kind: type[WQMIX]) -> None:
    algorithm = make(kind)
    networks = build(algorithm)
    by_weight = []
    for weight in (0.1, 0.7):
        changed = make(kind, weight=weight)
        loss = changed.losses(*networks, batch_for(algorithm), PROGRESS).groups["td"]
        central = [p for name, p in networks[0].named_parameters() if name.startswith("central_")]
        by_weight.append(torch.autograd.grad(loss, central))
    assert all(torch.equal(a, b) for a, b in zip(*by_weight, strict=True))


def test_at_weight_one_both_are_the_same() -> None:
    networks, batch = build(make(CWQMIX)), batch_for(make(CWQMIX))
    first, second = (make(kind, weight=1.0).losses(*networks, batch, PROGRESS).groups for kind in (CWQMIX, OWQMIX))
    assert torch.equal(first["td"], second["td"])


@each_kind
def test_the_joint_value_is_the_monotonic_head_s(kind: type[WQMIX]) -> None:
    algorithm = make(kind)
    online, batch = build(algorithm)[0], batch_for(algorithm)
    assert torch.equal(algorithm.joint_values(online, batch), small(QMIX).joint_values(online, batch))
