"""RMIX solves the QMIX paper's two-step game (return 8); RDN, which adds, cannot (return 7)."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from rmix_kit.algorithms.rdn import RDN
from rmix_kit.algorithms.rmix import RMIX
from rmix_kit.collect import Collector
from rmix_kit.envs.make import make_vector_env
from rmix_kit.networks.unroll import take
from rmix_kit.policy import TeamPolicy
from rmix_kit.testing.episodes import CPU
from rmix_kit.training.joint_table import uniform_batch
from rmix_kit.training.learner import Learner, TargetSettings
from rmix_kit.types import EpisodeBatch, Progress

GAME = "didactic:two-step"
UPDATES = {"rmix": 400, "rdn": 600}
TABLES = {
    "rmix": [[[6.93, 6.93], [7.92, 7.92]], [[7.0, 7.0], [7.0, 7.0]], [[0.0, 1.0], [1.0, 8.0]]],
    "rdn": [[[6.93, 6.93], [6.435, 6.435]], [[7.0, 7.0], [7.0, 7.0]], [[-1.5, 2.5], [2.5, 6.5]]],
}


@cache
def learned(name: str) -> tuple[float, Tensor]:
    """Train on every sequence of joint actions at once; give the greedy return and Q_tot of every state.

    What a sum fits depends on how even the data are: data without luck need few episodes.
    """
    kind = {"rmix": RMIX, "rdn": RDN}[name]
    algorithm = kind(
        n_quantiles=10,
        risk_level=0.3,
        td_lambda=0.0,
        hidden_size=32,
        learning_rate=1e-2,
        has_bounded_targets=False,
        optimizer_eps=1e-8,
    )
    envs, batch = make_vector_env(GAME, 1), uniform_batch(GAME)
    updates = UPDATES[name]
    learner = Learner(algorithm, envs.spec, TargetSettings(interval_episodes=updates // 10), seed=0, device=CPU)
    for index in range(updates):
        factor = 0.5 * (1.0 + np.cos(np.pi * index / updates))
        learner.update(batch, Progress(episodes=index), learning_rate_factor=factor)
    collector = Collector(envs, TeamPolicy(learner.online.agent, envs.spec, CPU))
    greedy = collector.collect([0], epsilon=0.0, rng=np.random.default_rng(0))
    return float(greedy.episode_return[0]), joint_table(algorithm, learner, batch)


@torch.no_grad()
def joint_table(algorithm: RMIX, learner: Learner, batch: EpisodeBatch) -> Tensor:
    """Q_tot ``[state, first agent's action, second's]``, averaged over the histories that lead to a state."""
    values = learner.online.agent.unroll(batch).values(batch.avail_actions)[:, :-1]  # [batch, time, agent, action]
    where = batch.state[:, :-1].argmax(-1)  # [batch, time]
    table = torch.zeros(3, 2, 2)
    for first in range(2):
        for second in range(2):
            actions = torch.tensor([first, second]).expand(values.shape[:3])
            joint = learner.online.mixer(take(values, actions), batch.state[:, :-1])
            for state in range(3):
                table[state, first, second] = joint[where == state].mean()
    return table


@pytest.mark.parametrize(("name", "expected"), [("rmix", 8.0), ("rdn", 7.0)])
def test_the_greedy_return_of_the_two_step_game(name: str, expected: float) -> None:
    assert learned(name)[0] == expected


@pytest.mark.parametrize("name", ["rmix", "rdn"])
def test_the_joint_values_of_the_two_step_game(name: str) -> None:
    torch.testing.assert_close(learned(name)[1], torch.tensor(TABLES[name]), rtol=0, atol=0.05)
