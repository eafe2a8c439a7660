"""DMIX and DDN: what the joint distribution is, and that each agent's best action is part of the team's."""

from __future__ import annotations

from itertools import product
from typing import cast

import pytest
import torch
from torch import Tensor

from rmix_kit.algorithms.ddn import DDN
from rmix_kit.algorithms.dmix import DMIX, DMIXNetworks, _joint
from rmix_kit.networks.unroll import greedy_actions, take
from rmix_kit.types import EpisodeBatch
from tests.algorithms.cases import SPEC, batch_for, build, far_from_start, small

KINDS = [DMIX, DDN]


def made(kind: type[DMIX], **changes: object) -> tuple[DMIX, DMIXNetworks, EpisodeBatch]:
    algorithm = cast(DMIX, small(kind, **changes))
    return algorithm, cast(DMIXNetworks, far_from_start(algorithm)), batch_for(algorithm)


def midpoints_of(networks: DMIXNetworks, batch: EpisodeBatch) -> Tensor:
    return networks.agent.acting_tau.expand(*batch.obs.shape[:2], -1)


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_the_mean_of_the_joint_distribution_is_the_mixture_of_means(kind: type[DMIX]) -> None:
    """E[Z_tot] = M(Q_1..Q_n; s): the shapes have mean zero (DFAC, Eqn 9)."""
    algorithm, networks, batch = made(kind)
    output = networks.agent.unroll(batch)
    chosen = take(output.values()[:, :-1], batch.actions)
    joint = _joint(networks, output, chosen, batch.actions, midpoints_of(networks, batch), batch.state[:, :-1])
    expected = algorithm.joint_values(networks, batch)
    torch.testing.assert_close(joint.mean(-1)[batch.mask], expected[batch.mask], rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_the_quantiles_of_ddn_are_the_sums_of_the_agents_at_equal_fractions() -> None:
    _, networks, batch = made(DDN)
    output = networks.agent.unroll(batch)
    chosen = take(output.values()[:, :-1], batch.actions)
    joint = _joint(networks, output, chosen, batch.actions, batch.tau, batch.state[:, :-1])
    sums = output.quantiles_of(batch.actions, batch.tau).sum(2)
    torch.testing.assert_close(joint[batch.mask], sums[batch.mask], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_greedy_alone_is_greedy_together_over_all_joint_actions(kind: type[DMIX]) -> None:
    """DIGM: the argmax of E[Z_tot] over allowed joint actions is made of each agent's own argmax of E[Z_i]."""
    algorithm, networks, batch = made(kind)
    values = networks.agent.unroll(batch).values()
    greedy = greedy_actions(values, batch.avail_actions)[:, :-1]  # [batch, time, agent]
    joint = {}
    for actions in product(range(SPEC.n_actions), repeat=SPEC.n_agents):
        wanted = torch.tensor(actions).expand_as(greedy)
        is_allowed = batch.avail_actions[:, :-1].gather(-1, wanted.unsqueeze(-1)).squeeze(-1).all(-1)
        value = networks.mixer(take(values[:, :-1], wanted), batch.state[:, :-1])
        joint[actions] = value.masked_fill(~is_allowed, -torch.inf)
    best = torch.stack(list(joint.values())).amax(0)  # [batch, time]
    found = networks.mixer(take(values[:, :-1], greedy), batch.state[:, :-1])
    assert (found[batch.mask] >= best[batch.mask] - 1e-5).all()
    assert algorithm.name in ("dmix", "ddn")


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_reaches_every_weight(kind: type[DMIX]) -> None:
    algorithm, networks, batch = made(kind)
    target = cast(DMIXNetworks, build(algorithm)[1])
    from tests.algorithms.cases import PROGRESS

    (loss,) = algorithm.losses(networks, target, batch, PROGRESS).groups.values()
    gradients = torch.autograd.grad(loss, list(networks.parameters()))
    for (name, _), gradient in zip(networks.named_parameters(), gradients, strict=True):
        assert gradient.abs().sum() > 0, name
