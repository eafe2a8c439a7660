"""The roster as test cases: every algorithm small, with every group due, plus the modes that change its gradients."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from rmix_kit.algorithms import ALGORITHMS, Algorithm, Networks
from rmix_kit.algorithms.iql import IQL
from rmix_kit.algorithms.rmix import RMIX
from rmix_kit.training.learner import Learner, TargetSettings
from rmix_kit.types import EnvSpec, EpisodeBatch, Losses, Progress
from tests.fixtures.episodes import CPU, make_spec, random_batch

SPEC = make_spec()
SMALL = {"hidden_size": 8, "n_quantiles": 6, "n_risk_levels": 3, "mixer_embed_size": 4, "hypernet_size": 8}
SMALL |= {"joint_embed_size": 8, "central_embed_size": 8, "n_kernels": 2}
ALWAYS_DUE = {"quantile_start_steps": 0, "quantile_interval": 1, "quantile_every_updates": 0}
PROGRESS = Progress(env_steps=1000, previous_env_steps=900, episodes=20, updates=20, best_success_rate=1.0)


def small(kind: type[Algorithm], **changes: Any) -> Algorithm:
    """Make an algorithm with small networks and all its groups due, whatever fields it has."""
    known = {field.name for field in fields(kind)}
    values = {name: value for name, value in (SMALL | ALWAYS_DUE).items() if name in known}
    return kind(**(values | changes))


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


def batch_for(algorithm: Algorithm, seed: int = 0, lengths: tuple[int, ...] = (8, 6, 5, 3, 2)) -> EpisodeBatch:
    """Return a batch as the trainer would draw it for the algorithm."""
    return random_batch(SPEC, lengths, seed, risk_levels=algorithm.risk_level_draws, tau_draws=algorithm.tau_draws)


def build(algorithm: Algorithm, seed: int = 0, spec: EnvSpec = SPEC) -> tuple[Networks, Networks]:
    """Make online and target networks with different weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return algorithm.build(spec), algorithm.build(spec).requires_grad_(False)


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


def compute(algorithm: Algorithm, *, seed: int = 0) -> tuple[Networks, Networks, Losses]:
    """Build and evaluate once."""
    online, target = build(algorithm, seed)
    return online, target, algorithm.losses(online, target, batch_for(algorithm, seed), PROGRESS)


def weights(networks: Networks) -> list[Tensor]:
    """Copy all weights."""
    return [parameter.detach().clone() for parameter in networks.parameters()]
