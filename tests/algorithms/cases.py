"""The roster as test cases: every algorithm small, with every group due, plus the modes that change its gradients."""

from __future__ import annotations

from typing import Any

import torch

from rmix_kit.algorithms import ALGORITHMS, Algorithm, Networks
from rmix_kit.algorithms.iql import IQL
from rmix_kit.algorithms.rmix import RMIX
from rmix_kit.testing import made_small
from rmix_kit.testing.algorithm import PROGRESS, SPEC, batch_for, build, compute, weights
from rmix_kit.testing.episodes import CPU
from rmix_kit.training.learner import Learner, TargetSettings
from rmix_kit.types import EnvSpec

__all__ = ["CASES", "PROGRESS", "SPEC", "UNTRAINED", "batch_for", "build", "compute", "weights"]

small = made_small

CASES: dict[str, Algorithm] = {kind.name: small(kind) for kind in ALGORITHMS} | {
    "rmix, soft": small(RMIX, risk_gradient="soft"),
    "rmix, no risk gradient": small(RMIX, risk_gradient="none"),
    "rmix, the agent's memory": small(RMIX, risk_memory="agent"),
    "rmix, static level": small(RMIX, risk_level=0.5),
    "rmix, dummy reward": small(RMIX, distribution_target="dummy"),
    "rmix, one-step": small(RMIX, td_lambda=0.0, has_bounded_targets=False),
    "rmix, uncut": small(RMIX, trace="peng"),
    "iql, uncut": small(IQL, trace="peng"),
}

UNTRAINED = {"rmix, no risk gradient": ("agent.predictor.",)}
"""Beginnings of the parameter names that the definition says get no gradient."""


def far_from_start(algorithm: Algorithm) -> Networks:
    """Make online networks whose numbers are larger than those that training starts from."""
    networks, _ = build(algorithm)
    with torch.no_grad():
        for parameter in networks.parameters():
            parameter.mul_(3.0)
    return networks


def make_learner(algorithm: Algorithm, *, seed: int = 0, spec: EnvSpec = SPEC, **target: Any) -> Learner:
    """Make a learner on the CPU."""
    return Learner(algorithm, spec, TargetSettings(**target), seed=seed, device=CPU)
