"""Turn-based (AEC) environments, modules that stand for them, and a deprecated one."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, Space
from pettingzoo import AECEnv
from pettingzoo.utils.deprecated_module import DeprecatedModule

from tests.envs.corpus.team import HERE, Case, plays, refused


class Turns(AECEnv[Any, Any, Any]):
    """Two agents act in turn; after three rounds it is over. Each is paid 1 at the end of a round."""

    metadata: dict[str, Any] = {"name": "turns", "is_parallelizable": True}
    render_mode = None

    def __init__(self) -> None:
        super().__init__()
        self.possible_agents = ["a", "b"]
        self.max_cycles = 5

    def observation_space(self, agent: Any) -> Space[Any]:
        return Box(0.0, 1.0, (2,), np.float32)

    def action_space(self, agent: Any) -> Space[Any]:
        return Discrete(2)

    def reset(self, seed: int | None = None, options: Any = None) -> None:
        self.agents, self.rounds = list(self.possible_agents), 0
        self.agent_selection = "a"
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos: dict[Any, Any] = {agent: {} for agent in self.agents}

    def observe(self, agent: Any) -> Any:
        return np.array([self.rounds / 10, 0.5], np.float32)

    def step(self, action: Any) -> None:
        agent = self.agent_selection
        if self.terminations[agent]:
            self._was_dead_step(action)
            return
        self._cumulative_rewards[agent] = 0.0
        is_last = agent == "b"
        self.rounds += is_last
        self.rewards = dict.fromkeys(self.agents, float(is_last))
        if self.rounds == 3:
            self.terminations = dict.fromkeys(self.agents, True)
        self.agent_selection = "a" if is_last else "b"
        self._accumulate_rewards()


class OneAfterTheOther(Turns):
    """Agents must not act together."""

    metadata = {"name": "one_after_the_other", "is_parallelizable": False}


class Silent(Turns):
    """Does not say whether its agents may act together."""

    metadata = {"name": "silent"}


class Masked(Turns):
    """Says in the observation what is allowed."""

    def observation_space(self, agent: Any) -> Space[Any]:
        return Dict({"observation": super().observation_space(agent), "action_mask": MultiBinary(2)})

    def observe(self, agent: Any) -> Any:
        return {"observation": super().observe(agent), "action_mask": np.array([0, 1], np.int8)}


env = Turns
game_v1 = DeprecatedModule("game", "1", "2")

PLACE = f"pettingzoo:{HERE}.turn_based"
CASES: tuple[Case, ...] = (
    plays("turns that may be taken together", f"{PLACE}.Turns", length=3, team_return=3.0, episode_limit=5),
    plays("turns, with masks", f"{PLACE}.Masked", mask=[[False, True]] * 2, length=3),
    plays("a module with env", PLACE, length=3),
    plays("a module with parallel_env", f"pettingzoo:{HERE}.together", length=3, n_agents=2),
    refused("turns that must not be taken together", f"{PLACE}.OneAfterTheOther", "turn-based.*is_parallelizable"),
    refused("turns of which nothing is said", f"{PLACE}.Silent", "turn-based.*is_parallelizable"),
    refused("a deprecated module", f"{PLACE}.game_v1", "game_v2"),
    refused("something in a deprecated module", f"{PLACE}.game_v1.parallel_env", "game_v2"),
    refused("a module that makes nothing", f"pettingzoo:{HERE}.imported_late", "parallel_env or env"),
)
