"""Small parallel environments, each with one trait that the adapter must handle or refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, Space
from pettingzoo import ParallelEnv


class Counting(ParallelEnv[str, Any, Any]):
    """Two unequal agents: `a` sees two numbers and has 3 actions, `b` sees one and has 2; it ends after `length` steps.

    Agent a's reward is 1, b's is 3. The first number is drawn with the seed. b may do everything, a not action 1.
    """

    metadata = {"name": "counting_v0"}

    def __init__(self, length: int = 4, max_cycles: int = 6) -> None:
        self.length, self.max_cycles = length, max_cycles
        self.possible_agents = ["a", "b"]
        self.seen: list[dict[str, int]] = []

    def observation_space(self, agent: str) -> Space[Any]:
        return Box(-1.0, 1.0, (2,), np.float32) if agent == "a" else Box(0.0, 2.0, (1,), np.float64)

    def action_space(self, agent: str) -> Space[Any]:
        return Discrete(3, start=5) if agent == "a" else Discrete(2)

    def reset(self, seed: int | None = None, options: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        self.agents, self.steps = list(self.possible_agents), 0
        self.start = np.random.default_rng(seed).uniform(-1, 1)
        return self.observations(), self.infos()

    def step(self, actions: dict[str, int]) -> tuple[dict[str, Any], ...]:
        self.seen.append(actions)
        self.steps += 1
        names = self.agents
        terminated, truncated = self.steps == self.length, self.steps == self.max_cycles
        self.agents = [] if terminated or truncated else names
        return (
            self.observations(),
            {"a": 1.0, "b": 3.0},
            dict.fromkeys(names, terminated),
            dict.fromkeys(names, truncated),
            self.infos(),
        )

    def observations(self) -> dict[str, Any]:
        return {"a": np.asarray([self.start, 0.5], np.float32), "b": np.asarray([2.0 * self.steps / 10])}

    def infos(self) -> dict[str, Any]:
        success = self.steps == self.length
        return {"a": {"action_mask": [1, 0, 1], "success": success}, "b": {"fell": self.steps == 2}}


class WithState(Counting):
    """Tells its state."""

    def state(self) -> np.ndarray:
        return np.asarray([[self.steps, 7.0]])


class Sighted(Counting):
    """Gives dict observations with masks, and Discrete ones."""

    def observation_space(self, agent: str) -> Space[Any]:
        inner = Box(-1.0, 1.0, (2,), np.float32)
        return Dict({"observation": inner, "action_mask": Box(0, 1, (3,), np.int8)}) if agent == "a" else Discrete(3)

    def observations(self) -> dict[str, Any]:
        mask = np.asarray([0, 0, 1], np.int8)
        return {"a": {"observation": np.asarray([0.25, 0.5], np.float32), "action_mask": mask}, "b": 2}

    def infos(self) -> dict[str, Any]:
        return {"a": {}, "b": {}}


class LeavesEarly(Counting):
    """Agent b is done before the others."""

    def step(self, actions: dict[str, int]) -> tuple[dict[str, Any], ...]:
        observations, rewards, terminated, truncated, infos = super().step(actions)
        self.agents = ["a"]
        return observations, rewards, terminated | {"b": True}, truncated, infos


class Endless(Counting):
    """Says nowhere how long it may last."""

    def __init__(self) -> None:
        super().__init__(length=10**6, max_cycles=10**6)
        del self.max_cycles

    def step(self, actions: dict[str, int]) -> tuple[dict[str, Any], ...]:
        self.max_cycles = 10**6
        return super().step(actions)


class Continuous(Counting):
    """Has actions that are no Discrete."""

    def action_space(self, agent: str) -> Space[Any]:
        return Box(0.0, 1.0, (2,))


class Uneven(Counting):
    """Has observations of different rank."""

    def observation_space(self, agent: str) -> Space[Any]:
        return Box(0.0, 1.0, (2,)) if agent == "a" else Box(0.0, 1.0, (2, 2))


class Wordy(Counting):
    """Observes a Dict without the keys that are read."""

    def observation_space(self, agent: str) -> Space[Any]:
        return Dict({"words": Box(0.0, 1.0, (2,))})


class Outside(Counting):
    """Observes what its space does not hold."""

    def observations(self) -> dict[str, Any]:
        return super().observations() | {"b": np.asarray([9.0])}


class NotANumber(Counting):
    """Observes NaN."""

    def observations(self) -> dict[str, Any]:
        return super().observations() | {"b": np.asarray([np.nan])}


class Stuck(Counting):
    """Allows agent a nothing."""

    def infos(self) -> dict[str, Any]:
        return {"a": {"action_mask": [0, 0, 0]}, "b": {}}


class Blind(Counting):
    """Forgets agent b's observation."""

    def observations(self) -> dict[str, Any]:
        return {"a": super().observations()["a"]}


class Broken(Counting):
    """Cannot be made."""

    def __init__(self, length: int = 4) -> None:
        raise RuntimeError("no such file")
