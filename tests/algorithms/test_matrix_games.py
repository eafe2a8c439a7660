"""COMA and DOP on one-step games: the optimum where teammates' mistakes cost nothing, the safe corner where they do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rmix_kit.algorithms.actor_critic import ActorCritic
from rmix_kit.algorithms.coma import COMA
from rmix_kit.algorithms.dop import DOP
from rmix_kit.collect import Collector, LinearSchedule
from rmix_kit.envs.make import make_vector_env
from rmix_kit.policy import TeamPolicy
from rmix_kit.replay import ReplayBuffer
from rmix_kit.testing.episodes import CPU
from rmix_kit.training.learner import Learner, TargetSettings
from rmix_kit.types import Progress

COPIES, ROUNDS = 32, 150
GAMES = {
    "monotone": ("matrix:[[0,1,2],[1,2,3],[2,3,8]]", 8.0),
    "qtran": ("matrix:[[8,-12,-12],[-12,0,0],[-12,0,0]]", 0.0),
    "climbing": ("matrix:[[11,-30,0],[-30,7,6],[0,0,5]]", 5.0),
}
SETTINGS: dict[str, Any] = {
    "hidden_size": 32,
    "critic_hidden_size": 32,
    "learning_rate": 2e-3,
    "critic_learning_rate": 1e-2,
}


def greedy_return(algorithm: ActorCritic, env: str, seed: int) -> float:
    """Train through the collector, the replay and the learner; give the return of the most probable actions."""
    envs = make_vector_env(env, COPIES)
    learner = Learner(algorithm, envs.spec, TargetSettings(interval_episodes=0), seed=seed, device=CPU)
    collector = Collector(envs, TeamPolicy(learner.online.agent, envs.spec, CPU))
    rng, replay = np.random.default_rng(seed), ReplayBuffer(envs.spec, ROUNDS * COPIES, CPU)
    epsilon = LinearSchedule(start=1.0, end=0.05, begin_steps=0, end_steps=ROUNDS // 2)
    is_round = algorithm.data == "round"
    for index in range(ROUNDS):
        exploration = epsilon.at(index)
        replay.add(collector.collect([0] * COPIES, epsilon=exploration, rng=rng).block)
        batch = replay.sample(
            0 if is_round else COPIES,
            rng,
            reward_scale=0.05,
            newest=COPIES if is_round else algorithm.newest_episodes,
            epsilon=exploration,
        )
        learner.update(batch, Progress(updates=index))
    played = collector.collect([0] * COPIES, epsilon=0.0, rng=rng, is_greedy=True)
    return float(played.episode_return[0])


@pytest.mark.slow
@pytest.mark.parametrize("kind", [COMA, DOP], ids=lambda kind: kind.name)
@pytest.mark.parametrize("game", GAMES)
def test_the_return_that_policy_gradients_end_at(kind: type[ActorCritic], game: str) -> None:
    env, expected = GAMES[game]
    assert greedy_return(kind(**SETTINGS), env, seed=0) == expected
