"""What the references are compared on: batches of every kind, and networks whose numbers are of all sizes and signs."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from rmix_kit.algorithms import Algorithm, Networks
from rmix_kit.algorithms.coma import COMA
from rmix_kit.algorithms.dmix import DMIX
from rmix_kit.algorithms.dop import DOP
from rmix_kit.algorithms.lh_iqn import LHIQN
from rmix_kit.algorithms.qtran import QTRAN
from rmix_kit.algorithms.riskq import RiskQ
from rmix_kit.algorithms.rmix import RMIX
from rmix_kit.algorithms.rmix_averse import RMIXAverse
from rmix_kit.testing.episodes import make_spec, random_batch
from rmix_kit.types import EnvSpec, EpisodeBatch
from tests.algorithms.cases import CASES as ROSTER_CASES
from tests.algorithms.cases import PROGRESS, SPEC, build, small
from tests.reference.watching import Episode, episodes_of

Reference = Callable[[Any, Networks, Networks, list[Episode]], Tensor]
"""Gives a group's loss from an algorithm's numbers, its online and target networks, and real episodes."""


CASES = ROSTER_CASES | {
    "lh-iqn, absolute window": small(LHIQN, likelihood_window="absolute", beta_start=0.05, beta_end=0.1, n_max=1),
    "lh-iqn, more predictions than targets": small(LHIQN, n_quantiles=5, n_target_quantiles=3, beta_steps=0),
    "dmix, one reward": small(DMIX, n_quantiles=5, n_target_quantiles=3, n_max=1, quantile_kappa=1.0),
    "rmix-averse, wang": small(RMIXAverse, risk="wang", tail_level=0.3),
    "rmix-averse, mean": small(RMIXAverse, risk="mean"),
    "rmix, var": small(RMIX, risk="var"),
    "rmix, wang at one level": small(RMIX, risk="wang", risk_level=0.4),
    "riskq, released": small(
        RiskQ,
        risk="wang",
        level_source="static",
        default_risk_level=0.4723665527,
        tail_level=0.5,
        targets="lambda",
        td_lambda=0.6,
        trace="peng",
        has_bounded_targets=False,
        quantile_kappa=1.0,
    ),
    "riskq, cut traces, var": small(RiskQ, risk="var", targets="lambda", td_lambda=0.7),
    "riskq, several rewards, mean": small(RiskQ, risk="mean", n_max=3, tail_level=0.3),
    "rmix-averse, several rewards": small(RMIXAverse, n_max=3, default_risk_level=0.4, tail_level=0.3),
    "qtran, unequal weights": small(QTRAN, lambda_opt=0.7, lambda_nopt=0.3),
    "coma, entropy": small(COMA, entropy_bonus=0.2, entropy_floor=1.0, entropy_floor_end=0.6, entropy_floor_steps=4000),
    "dop, normalised weights": small(DOP, has_normalised_weights=True, entropy_bonus=0.2, entropy_floor=0.9),
}
"""The roster's cases, and settings whose terms are absent or cancel in those."""


class Kind(NamedTuple):
    """How a batch is drawn."""

    spec: EnvSpec
    lengths: tuple[int, ...]
    reward_range: tuple[float, float] | None = None


BATCHES = {
    "several lengths": Kind(SPEC, (6, 4, 3, 1)),
    "three agents": Kind(make_spec(n_agents=3, n_actions=4), (4, 3, 1)),
    "tight bounds on both sides": Kind(SPEC, (4, 3, 3), (-0.005, 0.004)),
    "positive rewards alone": Kind(SPEC, (4, 2), (0.1, 0.2)),
    "one step": Kind(SPEC, (1,)),
}


def draw(kind: Kind, algorithm: Algorithm, seed: int) -> EpisodeBatch:
    """Draw a batch whose newest episodes are terminated and truncated ones, and whose older ones are so too."""
    draws = {"risk_levels": algorithm.risk_level_draws, "tau_draws": algorithm.tau_draws}
    batch = random_batch(kind.spec, kind.lengths, seed, **draws)
    level = batch.risk_level * (torch.arange(len(kind.lengths)) > 0)  # level 0 means the algorithm's default
    batch = replace(batch, risk_level=level, is_newest=torch.arange(len(kind.lengths)) % 3 == 0)
    return batch if kind.reward_range is None else replace(batch, reward_range=torch.tensor(kind.reward_range))


def stirred(algorithm: Algorithm, spec: EnvSpec, seed: int) -> tuple[Networks, Networks]:
    """Make online and target networks of different weights, far from where training starts."""
    online, target = build(algorithm, seed, spec)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for networks in (online, target):
            for parameter in networks.parameters():
                parameter.add_(0.5 * torch.randn(parameter.shape, generator=generator))
    return online, target


def in_double(*networks: Networks) -> list[Networks]:
    """Copy networks to float64, in which the references count."""
    return [copy.deepcopy(each).double() for each in networks]


def gradients(loss: Tensor, algorithm: Algorithm, group: str, online: Networks) -> dict[str, Tensor]:
    """A group's gradients by name, zeros where a parameter has none."""
    named = algorithm.parameters_of(group, online)
    found = torch.autograd.grad(loss, list(named.values()), allow_unused=True, retain_graph=True)
    return {
        name: torch.zeros_like(value) if slope is None else slope
        for (name, value), slope in zip(named.items(), found, strict=True)
    }


def assert_like_reference(
    loss: Tensor,
    reference: Reference,
    algorithm: Algorithm,
    *,
    group: str,
    networks: tuple[Networks, Networks],
    batch: EpisodeBatch,
) -> None:
    """Compare a group's loss and all its gradients with the reference."""
    online, target = in_double(*networks)
    expected = reference(algorithm, online, target, episodes_of(batch, PROGRESS))
    # The loss is counted in float32 (seven digits) through recurrent layers; the reference's float64 adds nothing.
    torch.testing.assert_close(loss.detach().double(), expected.detach(), rtol=1e-5, atol=1e-7)
    if not expected.requires_grad:
        return
    slopes = gradients(loss, algorithm, group, networks[0])
    for name, slope in gradients(expected, algorithm, group, online).items():
        largest = slope.abs().max().item()  # elements that nearly cancel are rounded like the largest ones
        torch.testing.assert_close(slopes[name].double(), slope, rtol=1e-4, atol=1e-4 * largest + 1e-7, msg=name)
