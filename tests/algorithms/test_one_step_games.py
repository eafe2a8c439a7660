"""The joint value tables of QTRAN's matrix game, learned from every joint action in every batch: data without luck."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from rmix_kit.algorithms import Algorithm
from rmix_kit.algorithms.iql import IQL
from rmix_kit.algorithms.qmix import QMIX
from rmix_kit.algorithms.qtran import QTRAN
from rmix_kit.algorithms.vdn import VDN
from rmix_kit.algorithms.wqmix import CWQMIX, OWQMIX
from rmix_kit.envs.didactic import games
from rmix_kit.envs.make import make_vector_env
from rmix_kit.networks.unroll import greedy_actions
from rmix_kit.testing.episodes import CPU
from rmix_kit.training.joint_table import uniform_batch
from rmix_kit.training.learner import Learner, TargetSettings
from rmix_kit.types import Progress
from tests.algorithms.cases import small

GAME, REWARD_SCALE = "didactic:qtran", 0.1
PAYOFFS = torch.tensor(games.QTRAN, dtype=torch.float32)
MARGINALS = PAYOFFS.mean(1, keepdim=True) + PAYOFFS.mean(0, keepdim=True)
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "mixer_embed_size": 32,
    "hypernet_size": 32,
    "central_embed_size": 32,
    "joint_embed_size": 32,
}


def one_peak(rest: float) -> torch.Tensor:
    """8 for the best joint action, and one number elsewhere."""
    table = torch.full((3, 3), rest)
    table[0, 0] = 8.0
    return table


# Updates, the joint values' fixed point and the greedy return. A sum's fixed point is the two-way analysis of variance,
# the sum of IQL's values that of the marginal means; QMIX's is published, WQMIX's in tests/algorithms/test_wqmix.py.
CASES: dict[type[Algorithm], tuple[int, torch.Tensor, float]] = {
    IQL: (200, MARGINALS, 0.0),
    VDN: (200, MARGINALS - PAYOFFS.mean(), 0.0),
    QMIX: (500, torch.tensor([[-8.0, -8.0, -8.0], [-8.0, 0.0, 0.0], [-8.0, 0.0, 0.0]]), 0.0),
    QTRAN: (300, PAYOFFS, 8.0),
    CWQMIX: (500, one_peak(-6.0), 8.0),
    OWQMIX: (500, one_peak(-12.0 / 11.0), 8.0),
}


@pytest.mark.parametrize("kind", CASES, ids=lambda kind: kind.name)
def test_the_joint_values_of_the_matrix_game_are_the_fixed_point(kind: type[Algorithm]) -> None:
    updates, expected, greedy_return = CASES[kind]
    sizes = {name: size for name, size in SIZES.items() if hasattr(kind, name)}
    algorithm = small(kind, td_lambda=0.0, has_bounded_targets=False, learning_rate=1e-2, **sizes)
    spec, batch = make_vector_env(GAME, 1).spec, uniform_batch(GAME, reward_scale=REWARD_SCALE)
    learner = Learner(algorithm, spec, TargetSettings(), seed=0, device=CPU)
    for index in range(updates):
        learner.update(batch, Progress(episodes=index), learning_rate_factor=1.0 - index / updates)
    with torch.no_grad():
        table = algorithm.joint_values(learner.online, batch).reshape(3, 3) / REWARD_SCALE
        values = learner.online.agent.unroll(batch).outputs[0, 0]  # [agent, action]
    first, second = greedy_actions(values, batch.avail_actions[0, 0]).tolist()
    assert PAYOFFS[first, second] == greedy_return
    torch.testing.assert_close(table, expected, rtol=0, atol=0.05)
