"""Small pieces of a run on the device, on CPU tensors unless said otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from rmix_kit.algorithms import Algorithm
from rmix_kit.algorithms.rmix import RMIX
from rmix_kit.device.capture import Capture, eager
from rmix_kit.device.games import Game, game_of
from rmix_kit.device.replay import DeviceReplay
from rmix_kit.device.rollout import Rollout
from rmix_kit.device.updates import BatchMaker, Updates
from rmix_kit.envs.interface import VectorEnv
from rmix_kit.envs.make import make_vector_env
from rmix_kit.training.learner import Learner, TargetSettings
from tests.algorithms.cases import small

CPU = torch.device("cpu")
MACN = "macn:4x7?max_steps=20&slip=0.1&show_agents=True"
SMAC = "smac:3m?backend=builtin"
SEED = 5


@dataclass
class Parts:
    """One of each."""

    envs: VectorEnv
    game: Game
    learner: Learner
    replay: DeviceReplay
    rollout: Rollout
    updates: Updates


def make_parts(
    env: str = MACN,
    *,
    algorithm: Algorithm[Any] | None = None,
    num_envs: int = 4,
    capacity: int = 30,
    steps: int = 8,
    batch_size: int = 6,
    device: torch.device = CPU,
    capture: Capture = eager,
) -> Parts:
    algorithm = algorithm or small(RMIX)
    envs = make_vector_env(env, num_envs)
    game = game_of(envs, device)
    learner = Learner(algorithm, envs.spec, TargetSettings(), seed=SEED, device=device)
    replay = DeviceReplay(game, capacity, num_envs, device)
    rollout = Rollout(
        game,
        learner.online.agent,
        replay,
        seed=SEED,
        steps=steps,
        level_draws=algorithm.risk_level_draws,
        capture=capture,
    )
    batches = BatchMaker(game=game, replay=replay, algorithm=algorithm, seed=SEED, reward_scale=0.05)
    return Parts(envs, game, learner, replay, rollout, Updates(learner, batches, batch_size, capture))


def play(parts: Parts, blocks: int, epsilon: float = 0.4) -> None:
    """Play blocks, and let the replay's host side know of their episodes."""
    for _ in range(blocks):
        parts.rollout.run(epsilon)
        parts.replay.added += int(parts.rollout.now.totals[0])
