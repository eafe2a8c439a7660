"""RiskQ: what the joint distribution is, and that who chooses alone chooses what the team would (RIGM)."""

from __future__ import annotations

from itertools import product
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from rmix_kit.algorithms.riskq import RiskQ, RiskQNetworks, _joint
from rmix_kit.networks.unroll import greedy_actions
from rmix_kit.risk import risk_weights
from rmix_kit.types import EpisodeBatch
from tests.algorithms.cases import PROGRESS, SPEC, batch_for, build, far_from_start, small

MEASURES = ["cvar", "var", "wang", "mean"]
SOURCES = ["given", "static"]


def made(**changes: Any) -> tuple[RiskQ, RiskQNetworks, EpisodeBatch]:
    algorithm = cast(RiskQ, small(RiskQ, **changes))
    return algorithm, cast(RiskQNetworks, far_from_start(algorithm)), batch_for(algorithm)


def joint_measure(algorithm: RiskQ, networks: RiskQNetworks, batch: EpisodeBatch, actions: Tensor) -> Tensor:
    """The measure of Z_tot itself, by its quantiles: ``[batch, time]``."""
    output = networks.agent.unroll(batch)
    quantiles = _joint(networks, output, actions, batch.state[:, :-1])
    weights = risk_weights(algorithm.risk, output.risk_level[:, :-1, 0], output.edges)
    return (quantiles * weights).sum(-1)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("source", SOURCES)
@torch.no_grad()
def test_greedy_alone_is_greedy_together_over_all_joint_actions(measure: str, source: str) -> None:
    """RIGM (Shen et al. 2023, definition 3) by enumeration, for VaR, CVaR, Wang's measure and the mean."""
    algorithm, networks, batch = made(risk=measure, level_source=source, default_risk_level=0.4)
    greedy = greedy_actions(networks.agent.unroll(batch).values(batch.avail_actions), batch.avail_actions)[:, :-1]
    joint = {}
    for actions in product(range(SPEC.n_actions), repeat=SPEC.n_agents):
        wanted = torch.tensor(actions).expand_as(greedy)
        is_allowed = batch.avail_actions[:, :-1].gather(-1, wanted.unsqueeze(-1)).squeeze(-1).all(-1)
        joint[actions] = joint_measure(algorithm, networks, batch, wanted).masked_fill(~is_allowed, -torch.inf)
    best = torch.stack(list(joint.values())).amax(0)  # [batch, time]
    found = joint_measure(algorithm, networks, batch, greedy)
    assert (found[batch.mask] >= best[batch.mask] - 1e-4).all()
    assert best[batch.mask].std() > 0.1


@pytest.mark.parametrize("measure", MEASURES)
@torch.no_grad()
def test_the_joint_value_is_the_measure_of_the_joint_distribution(measure: str) -> None:
    algorithm, networks, batch = made(risk=measure)
    mixed = algorithm.joint_values(networks, batch)
    by_quantiles = joint_measure(algorithm, networks, batch, batch.actions)
    torch.testing.assert_close(mixed[batch.mask], by_quantiles[batch.mask], rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_joint_quantiles_ascend_and_weights_are_never_negative() -> None:
    algorithm, networks, batch = made()
    quantiles, fractions = algorithm.joint_quantiles(networks, batch)
    assert (quantiles.diff(dim=-1) >= 0).all()
    assert len(fractions) == algorithm.n_quantiles
    assert (networks.mixer.weights(batch.state) >= 0).all()


@torch.no_grad()
def test_training_starts_near_the_sum() -> None:
    algorithm = small(RiskQ)
    networks = cast(RiskQNetworks, build(algorithm)[0])
    total = networks.mixer.weights(batch_for(algorithm).state).sum(-1)
    assert ((total - SPEC.n_agents).abs() < 1.0).all()


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("targets", ["n-step", "lambda"])
def test_the_loss_reaches_every_weight(measure: str, targets: str) -> None:
    algorithm, networks, batch = made(risk=measure, targets=targets)
    target = cast(RiskQNetworks, build(algorithm)[1])
    (loss,) = algorithm.losses(networks, target, batch, PROGRESS).groups.values()
    gradients = torch.autograd.grad(loss, list(networks.parameters()))
    for (name, _), gradient in zip(networks.named_parameters(), gradients, strict=True):
        assert gradient.abs().sum() > 0, name


def test_a_measure_that_no_level_turns_has_no_dial() -> None:
    algorithm, networks, _ = made(risk="mean")
    agent = networks.agent
    assert (agent.is_risk_aware, agent.value_kind, agent.default_risk_level) == (False, "q", None)
    assert algorithm.risk_level_draws == 0
    agent = made(risk="wang")[1].agent
    assert (agent.is_risk_aware, agent.value_kind, agent.default_risk_level) == (True, "wang", 1.0)
