"""QTRAN, CW-QMIX and OW-QMIX find the optimum of QTRAN's matrix game from uniform data, where VDN and QMIX get 0."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from rmix_kit.algorithms import Algorithm
from rmix_kit.algorithms.qtran import QTRAN
from rmix_kit.algorithms.value_decomposition import ValueDecomposition
from rmix_kit.algorithms.wqmix import CWQMIX, OWQMIX
from rmix_kit.collect import Collector
from rmix_kit.envs.make import make_vector_env
from rmix_kit.policy import TeamPolicy
from rmix_kit.replay import ReplayBuffer
from rmix_kit.training.learner import Learner, TargetSettings
from rmix_kit.types import Progress
from tests.fixtures.episodes import CPU

COPIES, ROUNDS, UPDATES, REWARD_SCALE = 256, 20, 1500, 0.1
PAYOFFS = [[8.0, -12.0, -12.0], [-12.0, 0.0, 0.0], [-12.0, 0.0, 0.0]]


def learned(kind: type[ValueDecomposition]) -> tuple[float, Tensor]:
    """Train on uniform data; give the greedy return and the joint value of every joint action."""
    algorithm: Algorithm = kind(learning_rate=5e-3)
    envs = make_vector_env("didactic:qtran", COPIES)
    learner = Learner(algorithm, envs.spec, TargetSettings(), seed=0, device=CPU)
    collector = Collector(envs, TeamPolicy(learner.online.agent, envs.spec, CPU))  # type: ignore[arg-type]
    rng, replay = np.random.default_rng(0), ReplayBuffer(envs.spec, ROUNDS * COPIES, CPU)
    for number in range(ROUNDS):
        seeds = list(range(number * COPIES, (number + 1) * COPIES))
        replay.add(collector.collect(seeds, epsilon=1.0, rng=rng).block)
    for index in range(UPDATES):
        batch = replay.sample(32, rng, reward_scale=REWARD_SCALE)
        factor = min(1.0, 2.0 * (1.0 - index / UPDATES))  # constant, then falling to 0 over the second half
        learner.update(batch, Progress(episodes=index), learning_rate_factor=factor)
    every = torch.cartesian_prod(torch.arange(3), torch.arange(3)).unsqueeze(1)  # [joint action, time, agent]
    batch = replace(replay.sample(9, rng, reward_scale=REWARD_SCALE), actions=every)
    with torch.no_grad():
        table = algorithm.joint_values(learner.online, batch).reshape(3, 3) / REWARD_SCALE
    return float(collector.collect([0] * COPIES, epsilon=0.0, rng=rng).episode_return[0]), table


@pytest.mark.slow
def test_qtran_learns_the_whole_table_of_the_matrix_game() -> None:
    greedy_return, table = learned(QTRAN)
    assert greedy_return == 8.0
    torch.testing.assert_close(table, torch.tensor(PAYOFFS), rtol=0, atol=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "rest"), [(CWQMIX, -6.0), (OWQMIX, -12.0 / 11.0)])
def test_weighted_projections_put_the_best_joint_action_above_the_mean_of_the_rest(
    kind: type[ValueDecomposition], rest: float
) -> None:
    greedy_return, table = learned(kind)
    assert greedy_return == 8.0
    expected = torch.full((3, 3), rest)
    expected[0, 0] = 8.0
    # What one number fits best depends on how even the data are: 5,120 drawn episodes move it by 0.1 or 0.2.
    torch.testing.assert_close(table, expected, rtol=0, atol=0.4)
