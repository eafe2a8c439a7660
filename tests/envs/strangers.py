"""Other people's environments in small: a plain team, and traits that the adapter must take or refuse."""

from __future__ import annotations

import sys
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete, Space, Tuple
from pettingzoo import ParallelEnv


class Plain(ParallelEnv[Any, Any, Any]):
    """Agents a, b and c; four steps; each is paid 1 a step; observes two numbers from 1 to 2, of 0 to 2."""

    metadata: ClassVar[dict[str, Any]] = {"name": "plain"}
    names: tuple[Any, ...] = ("a", "b", "c")
    length, n_actions = 4, 3

    def __init__(self, max_cycles: int = 9) -> None:
        self.possible_agents, self.max_cycles = list(self.names), max_cycles
        self.taken: list[dict[Any, int]] = []

    def observation_space(self, agent: Any) -> Space[Any]:
        return Box(0.0, 2.0, (2,), np.float32)

    def action_space(self, agent: Any) -> Space[Any]:
        return Discrete(self.n_actions)

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        self.agents, self.steps, self.rng = list(self.possible_agents), 0, np.random.default_rng(seed)
        return self.see(), self.tell()

    def step(self, actions: dict[Any, int]) -> Any:
        self.taken.append(actions)
        self.steps += 1
        over, cut = self.over(), self.cut()
        given = self.see(), self.pay(), self.flags(over), self.flags(cut), self.tell()
        self.agents = [agent for agent in self.agents if agent not in over | cut]
        return given

    def see(self) -> Any:
        return {agent: self.rng.uniform(1, 2, 2).astype(np.float32) for agent in self.agents}

    def pay(self) -> Any:
        return dict.fromkeys(self.agents, 1.0)

    def tell(self) -> Any:
        return {agent: {} for agent in self.agents}

    def over(self) -> set[Any]:
        return set(self.agents) if self.steps >= self.length else set()

    def cut(self) -> set[Any]:
        return set()

    def flags(self, ended: set[Any]) -> Any:
        return {agent: agent in ended for agent in self.agents}


class OneDies(Plain):
    """b is terminated alone at step 2."""

    def over(self) -> set[Any]:
        return super().over() | ({"b"} if self.steps == 2 else set())


class NothingIsSaidOfTheDead(Plain):
    """b is in none of the dicts from step 2 on."""

    def step(self, actions: dict[Any, int]) -> Any:
        if self.steps == 1:
            self.agents.remove("b")
        return super().step(actions)


class TellsAll(Plain):
    """Keeps in the infos, beside the agents', what is told of all: `what` is the key, `form` how it is told."""

    def __init__(self, what: str = "action_mask", form: str = "dict") -> None:
        super().__init__()
        self.what, self.form = what, form

    def tell(self) -> Any:
        masks = {agent: [0, 1, 0] for agent in self.names}
        return {**super().tell(), self.what: masks if self.form == "dict" else list(masks.values())}


class Hints(Plain):
    """Each agent's info holds one thing, named in the table."""

    values: ClassVar[dict[str, Any]] = {
        "a_list_of_actions": {"legal_actions": [0, 2]},
        "a_mapping_of_actions": {"legal_actions": {0: None, 2: None}},
        "a_column": {"valid_actions": [[1], [0], [1]]},
        "numbers": {"action_mask": [0, 1, 2]},
        "additive": {"action_mask": [0.0, -1e9, 0.0]},
        "a_count": {"legal_moves_so_far": 3},
        "a_list": {"allowed": [0, 2]},
        "text": {"action_mask": "all"},
    }

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    def tell(self) -> Any:
        return dict.fromkeys(self.agents, self.values[self.what])


class MaskedByMethod(Plain):
    """Has a method as sb3-contrib's users write it."""

    def valid_action_mask(self) -> Any:
        return np.array([True, False, True])


class MaskedUnheard(Plain):
    """Has a method under a name of its own."""

    def legal_moves(self, agent: Any) -> Any:
        return [0, 1, 1]


class Quits(Plain):
    """Ends the process in its second step, as a game whose window was closed."""

    def step(self, actions: dict[Any, int]) -> Any:
        if self.steps == 1:
            sys.exit()
        return super().step(actions)


class Speechless(Plain):
    """Says of an error in several lines."""

    def step(self, actions: dict[Any, int]) -> Any:
        raise RuntimeError("first line\nsecond line")


class EndsForAll(Plain):
    """Flags everybody's end by the key that RLlib's environments have."""

    def flags(self, ended: set[Any]) -> Any:
        return {"__all__": bool(ended)}


class NeverSays(Plain):
    """Does not say who has ended."""

    def flags(self, ended: set[Any]) -> Any:
        return {}


class Listless(Plain):
    """Has no list of the agents that are there."""

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        given = super().reset(seed)
        del self.agents
        return given


class InfoInWords(Plain):
    """b's info is a word."""

    def tell(self) -> Any:
        return {**super().tell(), "b": "fine"}


class SucceedsInTwoNumbers(Plain):
    """Success is an array of two."""

    def tell(self) -> Any:
        return {agent: {"success": np.array([True, False])} for agent in self.agents}


class Won(Plain):
    """Reports as StarCraft's environments do."""

    def tell(self) -> Any:
        return {agent: {"battle_won": self.steps == self.length} for agent in self.agents}


class StateOutside(Plain):
    """The state leaves its space at step 2."""

    state_space = Box(0, 3, (1,), np.int8)

    def state(self) -> Any:
        return np.array([9 if self.steps == 2 else 1])


class CutsAtThree(Plain):
    """Is cut at step 3, and says so nowhere."""

    length = 99

    def __init__(self) -> None:
        super().__init__()
        del self.max_cycles

    def cut(self) -> set[Any]:
        return set(self.agents) if self.steps == 3 else set()


class Limited(Plain):
    """Takes its limit under one of many names."""

    length = 99

    def __init__(self, **limit: Any) -> None:
        super().__init__()
        del self.max_cycles
        self.last = next(iter(limit.values()), 7)

    def cut(self) -> set[Any]:
        return set(self.agents) if self.steps == self.last else set()


class Unlimited(Plain):
    """Says with -1 that there is no limit."""

    def __init__(self) -> None:
        super().__init__(-1)


class SharesItsLuck(Plain):
    """Draws from a generator that all copies share, and seeds it: alone it is the same again."""

    luck = np.random.RandomState()

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        self.luck.seed(seed)
        return super().reset(seed)

    def see(self) -> Any:
        return {agent: self.luck.uniform(1, 2, 2).astype(np.float32) for agent in self.agents}


class FailsOnce(Plain):
    """Opens something in its reset that only one copy can have; it is free again when it is closed."""

    holders: ClassVar[list[Any]] = []

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        if self.holders and self.holders[0] is not self:
            raise OSError(98, "Address already in use")
        self.holders[:] = [self]
        return super().reset(seed)

    def close(self) -> None:
        self.holders.clear()


class Narrow(Plain):
    """Cannot be trained on, and must be closed before the refusal."""

    closed: ClassVar[list[Any]] = []

    def observation_space(self, agent: Any) -> Space[Any]:
        raise KeyError(agent)

    def close(self) -> None:
        self.closed.append(self)


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
