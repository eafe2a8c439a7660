"""MACN's bridge as a task of BenchMARL, which pickles its tasks by name; imported where BenchMARL is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from benchmarl.environments.pettingzoo.common import PettingZooClass
from torchrl.envs import DTypeCastTransform, PettingZooWrapper

import macn

MAX_STEPS = 50


class Bridge(PettingZooClass):
    """BenchMARL's networks ask for numbers with a fraction, so the codes are cast; nothing else is changed."""

    def get_env_fun(
        self, num_envs: int, continuous_actions: bool, seed: int | None, device: Any
    ) -> Callable[[], PettingZooWrapper]:
        def make() -> PettingZooWrapper:
            env = macn.parallel_env("bridge", slip=0.1, include_position=True, max_steps=MAX_STEPS)
            return PettingZooWrapper(env, return_state=True, categorical_actions=True, seed=seed, device=device)

        return make

    def supports_continuous_actions(self) -> bool:
        return False

    def supports_discrete_actions(self) -> bool:
        return True

    def has_state(self) -> bool:
        return True

    def has_render(self, env: Any) -> bool:
        return False

    def get_env_transforms(self, env: Any) -> list[DTypeCastTransform]:
        return [DTypeCastTransform(torch.int8, torch.float32, in_keys=[("agent", "observation")])]
