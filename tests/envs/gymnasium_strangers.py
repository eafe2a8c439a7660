"""Gymnasium teams of other people in small; importing this registers them."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete, Space, Tuple


class Team(gymnasium.Env[Any, Any]):
    """A Gymnasium team of two in tuples, paid 1 and 2; keeps a limit of its own."""

    def __init__(self, max_steps: int = 5, form: str = "tuple") -> None:
        self.max_steps, self.form, self.n_agents = max_steps, form, 2
        one: Space[Any] = Box(0.0, 1.0, (3,), np.float32)
        self.observation_space: Any = {
            "matrix": MultiDiscrete([[3, 2], [3, 2]]), "binaries": MultiBinary((2, 3)), "codes": MultiDiscrete([4, 4]),
        }.get(form, Tuple([one, one]))  # fmt: skip
        self.action_space: Any = MultiBinary(2) if form == "binaries" else Tuple([Discrete(3)] * 2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return self.see(), {}

    def step(self, action: Any) -> Any:
        self.steps += 1
        reward = {"one": np.array([1.5]), "short": [1.0, 2.0, 3.0]}.get(self.form, [1.0, 2.0])
        cut = self.steps >= self.max_steps
        return self.see(), reward, np.array([False, False]), [cut, cut], self.tell()

    def tell(self) -> Any:
        return {"success": np.array([True, False])} if self.form == "success" else {}

    def see(self) -> Any:
        seen = {"matrix": [[2, 0], [0, 1]], "binaries": np.array([[1, 0, 1], [0, 0, 1]]), "codes": [3, 0]}
        return seen.get(self.form, (np.ones(3), np.zeros(3)))


class Clocked(Team):
    """Its own limit has the name of gymnasium's clock, which hides it, as lbforaging's is."""

    def __init__(self, max_episode_steps: int = 5) -> None:
        super().__init__(max_episode_steps)
        self._max_episode_steps = max_episode_steps


if "StrangersTeam-v0" not in gymnasium.registry:
    gymnasium.register("StrangersTeam-v0", entry_point=Team)
    gymnasium.register("StrangersClocked-v0", entry_point=Clocked, kwargs={"max_episode_steps": 5})
