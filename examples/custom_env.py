"""Train on an environment of your own: any PettingZoo parallel environment will do. `python custom_env.py`."""

from __future__ import annotations

import sys

import numpy as np
from gymnasium.spaces import Box, Discrete
from pettingzoo import ParallelEnv

import rmix_kit
from rmix_kit.config.load import resolve


class Meeting(ParallelEnv):  # type: ignore[type-arg]
    """Two agents on a line must come to the same place; each sees only its own."""

    metadata = {"name": "meeting_v0"}

    def __init__(self, places: int = 5, max_cycles: int = 10) -> None:
        self.places, self.max_cycles = places, max_cycles
        self.possible_agents = ["left", "right"]

    def observation_space(self, agent: str) -> Box:
        """Its own place, one-hot."""
        return Box(0.0, 1.0, (self.places,), np.float32)

    def action_space(self, agent: str) -> Discrete:
        """Back, stay, forth."""
        return Discrete(3)

    def reset(self, seed: int | None = None, options: object = None):
        """Put the agents on different places, drawn with the seed alone."""
        self.agents, self.steps = list(self.possible_agents), 0
        self.at = dict(zip(self.agents, np.random.default_rng(seed).choice(self.places, 2, replace=False), strict=True))
        return self._see(), {agent: {} for agent in self.agents}

    def step(self, actions: dict[str, int]):
        """Move both; each step apart costs 1."""
        self.steps += 1
        self.at = {agent: np.clip(self.at[agent] + move - 1, 0, self.places - 1) for agent, move in actions.items()}
        met, names = bool(self.at["left"] == self.at["right"]), self.agents
        late = self.steps >= self.max_cycles and not met
        self.agents = [] if met or late else names  # all leave together
        rewards, terminated, truncated = (dict.fromkeys(names, value) for value in (0.0 if met else -1.0, met, late))
        return self._see(), rewards, terminated, truncated, {agent: {"success": met} for agent in names}

    def _see(self) -> dict[str, np.ndarray]:
        return {agent: np.eye(self.places, dtype=np.float32)[place] for agent, place in self.at.items()}


if __name__ == "__main__":
    steps, out = sys.argv[1:] or ("20000", "meeting")
    # MODULE.NAME is imported from the current directory, or from what is installed; ?key=value are its arguments.
    config = resolve(algo="rmix", env="pettingzoo:custom_env.Meeting?places=4", seed=0, steps=int(steps))
    print(rmix_kit.train(config, out=out).evaluate().to_json())
