"""The TD fixed point of RMIX is risk-neutral whatever the level: CVaR is only how Q is written (docs/fidelity.md).

One step, two arms: a safe one pays 3; a risky one pays 10 with probability 0.8 and -20 else, 4 on average, with a true
CVaR of -20 at level 0.1. rmix-averse learns that CVaR; RMIX's TD loss learns 4.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rmix_kit.algorithms import Algorithm
from rmix_kit.algorithms.rdn import RDN
from rmix_kit.networks import QuantileAgent
from rmix_kit.replay.buffer import make_packing
from rmix_kit.testing.episodes import CPU, make_spec
from rmix_kit.types import EpisodeBatch, Progress
from tests.algorithms.cases import make_learner

SPEC = make_spec(n_agents=1, n_actions=2, obs_values=2, state_size=1, episode_limit=1)
REWARDS = [10.0] * 8 + [-20.0] * 2 + [3.0] * 10
ACTIONS = [1] * 10 + [0] * 10
RISKY = 1


def bandit_batch(level: float = 0.0) -> EpisodeBatch:
    """Twenty episodes in the exact proportions, rewards times 0.1."""
    size = len(REWARDS)
    return EpisodeBatch(
        obs=torch.zeros(size, 2, 1, 2, dtype=torch.int8),
        state=torch.ones(size, 2, 1),
        avail_actions=torch.ones(size, 2, 1, 2, dtype=torch.bool),
        actions=torch.tensor(ACTIONS).view(size, 1, 1),
        reward=0.1 * torch.tensor(REWARDS).view(size, 1),
        terminated=torch.ones(size, 1, dtype=torch.bool),
        mask=torch.ones(size, 1, dtype=torch.bool),
        reward_range=torch.tensor([-2.0, 1.0]),
        is_explored=torch.zeros(size, 1, 1, dtype=torch.bool),
        risk_level=torch.full((size,), level),
        tau=torch.zeros(size, 2, 0),
        is_newest=torch.zeros(size, dtype=torch.bool),
        epsilon=torch.zeros(()),
        packing=make_packing(np.ones(size, dtype=np.int64), 1, CPU),
    )


def learned_value(algorithm: Algorithm, updates: int = 250) -> float:
    """Train and give the agent's value of the risky arm, in reward units."""
    learner, batch = make_learner(algorithm, spec=SPEC), bandit_batch()
    for index in range(updates):
        factor = 1.0 if index < updates / 2 else 0.1
        learner.update(batch, Progress(updates=index), learning_rate_factor=factor)
    agent = learner.online.agent
    assert isinstance(agent, QuantileAgent)
    with torch.no_grad():
        return 10.0 * agent.unroll(batch).values(batch.avail_actions)[0, 0, 0, RISKY].item()


@pytest.mark.parametrize("level", [0.1, 0.5, 1.0])
def test_the_td_loss_learns_the_mean_of_the_risky_arm_at_every_level(level: float) -> None:
    algorithm = RDN(risk_level=level, n_quantiles=10, hidden_size=16, learning_rate=1e-2)  # the sum: C_tot is C
    assert 3.5 <= learned_value(algorithm) <= 4.3
