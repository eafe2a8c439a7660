"""The plain environment that the corpus varies, and what a case says of its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, Space
from pettingzoo import ParallelEnv

HERE = "tests.envs.corpus"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One environment and its outcome.

    Attributes:
        kind: What is special about it; a sentence, and the test's name.
        text: Its environment text.
        refused: Words (a pattern) that the one line of the refusal holds; empty where it plays.
        facts: What is measured where it plays, by the names of `tests.envs.corpus.playing.measured`.
        num_envs: Copies.
    """

    kind: str
    text: str
    refused: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    num_envs: int = 1


def plays(kind: str, text: str, **facts: object) -> Case:
    """A case that plays."""
    return Case(kind=kind, text=text, facts=facts)


def refused(kind: str, text: str, words: str) -> Case:
    """A case that is refused."""
    return Case(kind=kind, text=text, refused=words)


class Team(ParallelEnv[Any, Any, Any]):
    """Agents a and b with two actions each; three steps, each pays both 1; nothing about it is unusual."""

    metadata = {"name": "corpus"}
    names: tuple[Any, ...] = ("a", "b")
    length = 3

    def __init__(self) -> None:
        self.possible_agents = list(self.names)
        self.agents: list[Any] = []
        self.max_cycles: Any = 5
        self.steps = 0
        self.rng = np.random.default_rng(0)

    def observation_space(self, agent: Any) -> Space[Any]:
        return Box(-1.0, 1.0, (2,), np.float32)

    def action_space(self, agent: Any) -> Space[Any]:
        return Discrete(2)

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        self.rng = np.random.default_rng(seed)
        self.agents, self.steps = list(self.possible_agents), 0
        return self.see(), self.tell()

    def step(self, actions: dict[Any, Any]) -> Any:
        self.steps += 1
        self.actions = actions
        over, cut = self.over(), self.cut()
        given = (
            self.see(),
            self.pay(),
            {agent: agent in over for agent in self.agents},
            {agent: agent in cut for agent in self.agents},
            self.tell(),
        )
        self.agents = [agent for agent in self.agents if agent not in over | cut]
        return given

    def see(self) -> Any:
        return {agent: self.observe(agent) for agent in self.agents}

    def observe(self, agent: Any) -> Any:
        return self.rng.uniform(-1, 1, 2).astype(np.float32)

    def pay(self) -> Any:
        return {agent: self.reward(agent) for agent in self.agents}

    def reward(self, agent: Any) -> Any:
        return 1.0

    def over(self) -> set[Any]:
        """Who is terminated by this step."""
        return set(self.agents) if self.steps >= self.length else set()

    def cut(self) -> set[Any]:
        """Who is truncated by this step."""
        return set()

    def tell(self) -> Any:
        return {agent: self.note(agent) for agent in self.agents}

    def note(self, agent: Any) -> Any:
        return {}
