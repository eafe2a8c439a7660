"""Small pieces of a run on the device, on CPU tensors unless said otherwise."""

from __future__ import annotations

from typing import Any

import torch

from rmix_kit.algorithms import Algorithm
from rmix_kit.algorithms.rmix import RMIX
from rmix_kit.device import parts
from rmix_kit.device.capture import Capture, eager
from rmix_kit.device.games import game_of
from rmix_kit.device.parts import Parts
from rmix_kit.device.replay import DeviceReplay
from rmix_kit.envs.make import make_vector_env
from rmix_kit.training.learner import Learner, TargetSettings
from tests.algorithms.cases import small

CPU = torch.device("cpu")
MACN = "macn:4x7?max_steps=20&slip=0.1&show_agents=True"
SMAC = "smac:3m?backend=builtin"
SEED = 5


def make_parts(
    env: str = MACN,
    *,
    algorithm: Algorithm[Any] | None = None,
    num_envs: int = 4,
    capacity: int = 30,
    steps: int = 8,
    batch_size: int = 6,
    seed: int = SEED,
    device: torch.device = CPU,
    capture: Capture = eager,
) -> Parts:
    envs = make_vector_env(env, num_envs)
    game = game_of(envs, device)
    learner = Learner(algorithm or small(RMIX), envs.spec, TargetSettings(), seed=seed, device=device)
    return parts.make_parts(
        game,
        learner,
        DeviceReplay(game, capacity, num_envs, device),
        seed=seed,
        rollout_steps=steps,
        batch_size=batch_size,
        reward_scale=0.05,
        capture=capture,
    )


def play(made: Parts, blocks: int, epsilon: float = 0.4) -> None:
    """Play blocks, and let the replay's host side know of their episodes."""
    for _ in range(blocks):
        made.rollout.run(epsilon)
        made.replay.added += int(made.rollout.now.totals[0])
