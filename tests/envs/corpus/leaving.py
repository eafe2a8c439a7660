"""Agents of every name, that leave, stay away and come back."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.envs.corpus.team import HERE, Case, Team, plays, refused


class Numbered(Team):
    """Agents are called 0 and 1."""

    names = (0, 1)


class AlikeAsText(Team):
    """Agents are called 0 and "0"."""

    names = (0, "0")


class Alone(Team):
    """There is one agent."""

    names = ("a",)


class Crowd(Team):
    """There are ten agents."""

    names = tuple(f"agent_{number}" for number in range(10))


class Nobody(Team):
    """There is no agent."""

    names = ()


class Dies(Team):
    """b is terminated at step 2, alone; nothing is said of it afterwards."""

    length = 4

    def over(self) -> set[Any]:
        return super().over() | ({"b"} if self.steps == 2 else set())


class Tires(Team):
    """b is truncated at step 2, alone."""

    length = 4

    def cut(self) -> set[Any]:
        return {"b"} if self.steps == 2 else set()


class Vanishes(Team):
    """b is no longer listed from step 2 on, without an end."""

    length = 4

    def step(self, actions: dict[Any, Any]) -> Any:
        given = super().step(actions)
        self.agents = [agent for agent in self.agents if agent == "a" or self.steps < 2]
        return given


class DiesOneByOne(Team):
    """Three agents leave at steps 1, 2 and 3."""

    names = ("a", "b", "c")

    def over(self) -> set[Any]:
        return {self.names[self.steps - 1]}


class LastOneTires(Team):
    """b is terminated at step 1, a truncated at step 2: the clock ended it."""

    def over(self) -> set[Any]:
        return {"b"} if self.steps == 1 else set()

    def cut(self) -> set[Any]:
        return {"a"} if self.steps == 2 else set()


class Returns(Dies):
    """b is back at step 3."""

    def step(self, actions: dict[Any, Any]) -> Any:
        if self.steps == 2:
            self.agents = ["a", "b"]
        return super().step(actions)


class Haunts(Dies):
    """b stays in every dict after its end, paid 100 a step, as those who are blacked out do."""

    def step(self, actions: dict[Any, Any]) -> Any:
        self.agents = ["a", "b"]
        given = super().step(actions)
        if self.steps > 2:
            given[1]["b"], given[2]["b"] = 100.0, True
        self.agents = [] if self.steps == self.length else ["a", "b"][: 1 if self.steps >= 2 else 2]
        return given


class IsPaidLater(Dies):
    """b is paid after it has left."""

    def pay(self) -> Any:
        return super().pay() | ({"b": 100.0} if self.steps > 2 else {})


class StartsAlone(Team):
    """b is not there at the start, and never comes."""

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed)
        self.agents = ["a"]
        return self.see(), self.tell()


class ComesLate(StartsAlone):
    """b comes at step 2."""

    def step(self, actions: dict[Any, Any]) -> Any:
        if self.steps == 1:
            self.agents = ["a", "b"]
        return super().step(actions)


class Stranger(Team):
    """An agent comes that possible_agents does not name."""

    def step(self, actions: dict[Any, Any]) -> Any:
        self.agents = [*self.agents, "c"]
        return super().step(actions)


class Unseen(Team):
    """b acts and observes nothing from step 1 on."""

    def see(self) -> Any:
        seen = super().see()
        return seen if self.steps == 0 else {"a": seen["a"]}


class EndsUnseen(Team):
    """At the end that the task makes, nobody observes."""

    def see(self) -> Any:
        return {} if self.steps == self.length else super().see()


class IsCutUnseen(Team):
    """At the end that the clock makes, nobody observes: nothing to bootstrap from."""

    length = 99

    def see(self) -> Any:
        return {} if self.steps == 2 else super().see()

    def cut(self) -> set[Any]:
        return set(self.agents) if self.steps == 2 else set()


class NothingNamed(Team):
    """Has no possible_agents."""

    def __init__(self) -> None:
        super().__init__()
        del self.possible_agents


class CannotBeZero(Dies):
    """Observes numbers between 1 and 2 only: zeros, which a gone agent sees, lie outside."""

    def observation_space(self, agent: Any) -> Any:
        from gymnasium.spaces import Box

        return Box(1.0, 2.0, (2,), np.float32)

    def observe(self, agent: Any) -> Any:
        return np.array([1.5, 1.5], np.float32)


PLACE = f"pettingzoo:{HERE}.leaving"
NO_OP = [True, False]
CASES: tuple[Case, ...] = (
    plays("agents called 0 and 1", f"{PLACE}.Numbered", agent_ids=("0", "1"), team_return=3.0),
    refused("agents called 0 and '0'", f"{PLACE}.AlikeAsText", "same name"),
    plays("one agent alone", f"{PLACE}.Alone", n_agents=1, team_return=3.0),
    plays("ten agents", f"{PLACE}.Crowd", n_agents=10, state_size=20),
    refused("no agents", f"{PLACE}.Nobody", "possible_agents is empty"),
    refused("no possible_agents", f"{PLACE}.NothingNamed", "lacks possible_agents"),
    plays(
        "one dies at step 2", f"{PLACE}.Dies",
        length=4, team_return=3.0, end="terminated", masks_at_step_3=[[True, True], NO_OP], obs_of_b_at_step_3=[0, 0],
    ),
    plays("one tires at step 2", f"{PLACE}.Tires", length=4, team_return=3.0, masks_at_step_3=[[True] * 2, NO_OP]),
    plays("one is gone without a word", f"{PLACE}.Vanishes", length=4, team_return=3.0),
    plays("three leave one by one", f"{PLACE}.DiesOneByOne", length=3, team_return=2.0, end="terminated"),
    plays("one dies and the clock ends the other", f"{PLACE}.LastOneTires", length=2, end="truncated"),
    refused("one dies and comes back", f"{PLACE}.Returns", "step 3.*b had left and is back"),
    plays("a dead one stays in the dicts", f"{PLACE}.Haunts", length=4, team_return=3.0),
    plays("a gone one is paid", f"{PLACE}.IsPaidLater", length=4, team_return=3.0),
    plays("one never comes", f"{PLACE}.StartsAlone", length=3, team_return=1.5),
    refused("one comes late", f"{PLACE}.ComesLate", "step 2.*b"),
    refused("a stranger comes", f"{PLACE}.Stranger", "agent c"),
    refused("one who acts observes nothing", f"{PLACE}.Unseen", "step 1.*no observation of b"),
    plays("nobody observes the end", f"{PLACE}.EndsUnseen", length=3, end="terminated"),
    refused("nobody observes when the clock ends it", f"{PLACE}.IsCutUnseen", "step 2.*no observation of a"),
    plays("a gone one cannot observe zeros", f"{PLACE}.CannotBeZero", length=4, obs_of_b_at_step_3=[1, 1]),
)  # fmt: skip
