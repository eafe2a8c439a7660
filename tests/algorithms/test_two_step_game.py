"""RMIX solves the QMIX paper's two-step game (return 8); RDN, which adds, cannot (return 7)."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from rmix_kit.algorithms.rdn import RDN
from rmix_kit.algorithms.rmix import RMIX, unroll
from rmix_kit.collect import Collector
from rmix_kit.envs.make import make_vector_env
from rmix_kit.networks.unroll import take
from rmix_kit.policy import TeamPolicy
from rmix_kit.replay import ReplayBuffer
from rmix_kit.training.learner import Learner, TargetSettings
from rmix_kit.types import EpisodeBatch, Progress
from tests.fixtures.episodes import CPU

COPIES, ROUNDS, TARGET_EVERY = 256, 128, 60
UPDATES = {"rmix": 600, "rdn": 850}
TABLES = {
    "rmix": [[[6.93, 6.93], [7.92, 7.92]], [[7.0, 7.0], [7.0, 7.0]], [[0.0, 1.0], [1.0, 8.0]]],
    "rdn": [[[6.93, 6.93], [6.435, 6.435]], [[7.0, 7.0], [7.0, 7.0]], [[-1.5, 2.5], [2.5, 6.5]]],
}


@cache
def learned(name: str) -> tuple[float, Tensor]:
    """Train on uniform data through the product's own parts; give the greedy return and Q_tot of every state."""
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
    envs = make_vector_env("didactic:two-step", COPIES)
    learner = Learner(algorithm, envs.spec, TargetSettings(interval_episodes=TARGET_EVERY), seed=0, device=CPU)
    agent = learner.online.agent
    collector = Collector(envs, TeamPolicy(agent, envs.spec, CPU))
    rng, replay = np.random.default_rng(0), ReplayBuffer(envs.spec, ROUNDS * COPIES, CPU)
    for _ in range(ROUNDS):
        replay.add(collector.collect([0] * COPIES, epsilon=1.0, rng=rng).block)
    updates = UPDATES[name]
    for index in range(updates):
        # What a sum fits depends on how even the data are; a monotonic mixer holds the game exactly.
        batch_size = 2048 if name == "rdn" and index >= 0.75 * updates else 256
        factor = 0.5 * (1.0 + np.cos(np.pi * index / updates))
        learner.update(
            replay.sample(batch_size, rng, reward_scale=1.0), Progress(episodes=index), learning_rate_factor=factor
        )
    greedy = collector.collect([0] * COPIES, epsilon=0.0, rng=rng)
    return float(greedy.episode_return[0]), joint_table(algorithm, learner, replay.sample(64, rng, reward_scale=1.0))


@torch.no_grad()
def joint_table(algorithm: RMIX, learner: Learner, batch: EpisodeBatch) -> Tensor:
    """Q_tot ``[state, first agent's action, second's]``, averaged over the histories that lead to a state."""
    values = unroll(learner.online, batch).values()[:, :-1]  # [batch, time, agent, action]
    where = batch.state[:, :-1].argmax(-1)  # [batch, time]
    table = torch.zeros(3, 2, 2)
    for first in range(2):
        for second in range(2):
            actions = torch.tensor([first, second]).expand(values.shape[:3])
            joint = algorithm.mix(learner.online, take(values, actions), batch.state[:, :-1])
            for state in range(3):
                table[state, first, second] = joint[where == state].mean()
    return table


@pytest.mark.parametrize(("name", "expected"), [("rmix", 8.0), ("rdn", 7.0)])
def test_the_greedy_return_of_the_two_step_game(name: str, expected: float) -> None:
    assert learned(name)[0] == expected


@pytest.mark.parametrize("name", ["rmix", "rdn"])
def test_the_joint_values_of_the_two_step_game(name: str) -> None:
    torch.testing.assert_close(learned(name)[1], torch.tensor(TABLES[name]), rtol=0, atol=0.05)
