"""rmix-averse learns the CVaR of its return at every level, and nothing from what its teammates explored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from rmix_kit.algorithms.rmix_averse import RMIXAverse, teammates_explored
from rmix_kit.networks import QuantileAgent
from rmix_kit.replay.buffer import make_packing
from rmix_kit.testing.episodes import CPU, make_spec
from rmix_kit.types import EpisodeBatch, Progress
from tests.algorithms.cases import batch_for, make_learner
from tests.algorithms.test_bandit import RISKY, bandit_batch
from tests.algorithms.test_bandit import SPEC as BANDIT

PAIR = make_spec(n_actions=2, obs_values=2, state_size=1, episode_limit=1)
ALGORITHM = RMIXAverse(n_quantiles=20, hidden_size=16, learning_rate=1e-2, quantile_kappa=0.01)


def trained_values(algorithm: RMIXAverse, batch: EpisodeBatch, updates: int = 200) -> Tensor:
    """Train on one batch and give the CVaR of every action at its levels, in reward units."""
    n_agents = batch.actions.shape[-1]
    learner = make_learner(algorithm, spec=BANDIT if n_agents == 1 else PAIR)
    for index in range(updates):
        learner.update(batch, Progress(updates=index), learning_rate_factor=1.0 if index < updates / 2 else 0.1)
    agent = learner.online.agent
    assert isinstance(agent, QuantileAgent)
    return 10.0 * agent.unroll(batch).values(batch.avail_actions)[:, 0]  # [batch, agent, action]


@pytest.mark.parametrize("tail_level", [0.1, 0.5])
@pytest.mark.parametrize(("level", "cvar"), [(0.1, -20.0), (0.5, -2.0), (1.0, 4.0)])
def test_it_learns_the_cvar_of_the_risky_arm(level: float, cvar: float, tail_level: float) -> None:
    values = trained_values(replace(ALGORITHM, tail_level=tail_level), bandit_batch(level))
    assert values[0, 0, RISKY].item() == pytest.approx(cvar, abs=1.0)


def test_what_a_teammate_explored_teaches_nothing() -> None:
    # Agent 1 explores action 1, which costs everyone 20; otherwise everyone gets 3.
    actions = torch.tensor([[0, 0], [1, 0], [0, 1], [1, 1]]).unsqueeze(1)  # [batch, time, agent]
    is_explored = torch.zeros_like(actions, dtype=torch.bool)
    is_explored[2:, 0, 1] = True
    batch = EpisodeBatch(
        obs=torch.zeros(4, 2, 2, 2, dtype=torch.int8),
        state=torch.ones(4, 2, 1),
        avail_actions=torch.ones(4, 2, 2, 2, dtype=torch.bool),
        actions=actions,
        reward=torch.tensor([[0.3], [0.3], [-2.0], [-2.0]]),
        terminated=torch.ones(4, 1, dtype=torch.bool),
        mask=torch.ones(4, 1, dtype=torch.bool),
        reward_range=torch.tensor([-2.0, 0.3]),
        is_explored=is_explored,
        risk_level=torch.ones(4),
        tau=torch.zeros(4, 2, 0),
        is_newest=torch.zeros(4, dtype=torch.bool),
        epsilon=torch.zeros(()),
        packing=make_packing(np.ones(4, dtype=np.int64), 2, CPU),
    )
    values = trained_values(ALGORITHM, batch)[0]
    torch.testing.assert_close(values, torch.tensor([[3.0, 3.0], [3.0, -20.0]]), rtol=0, atol=1.0)


def test_a_step_is_left_out_for_those_whose_teammates_explored_in_it() -> None:
    explored = torch.tensor([[[0, 0, 0], [1, 0, 0], [1, 1, 0]]], dtype=torch.bool)  # [batch, time, agent]
    expected = torch.tensor([[[0, 0, 0], [0, 1, 1], [1, 1, 1]]], dtype=torch.bool)
    assert torch.equal(teammates_explored(replace(batch_for(ALGORITHM), is_explored=explored)), expected)
