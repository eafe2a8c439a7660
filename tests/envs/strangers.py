"""Other people's environments in small: a plain team, and traits that the adapter must take or refuse."""

from __future__ import annotations

import functools
import subprocess
import sys
from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box, Discrete, Space
from pettingzoo import ParallelEnv

from rmix_kit.envs.interface import VectorEnv
from rmix_kit.types import TimeStep

partial_popen = functools.partial(subprocess.Popen, ["true"])


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


class StateOfFloatsOutside(StateOutside):
    """The state leaves its space, which is of floats."""

    state_space = Box(0.0, 3.0, (1,), np.float32)


class StateOfFractions(StateOutside):
    """The state is between the numbers that its space has."""

    def state(self) -> Any:
        return np.array([0.9])


class StateEmpty(Plain):
    """The state has no numbers."""

    def state(self) -> Any:
        return np.zeros(0)


class StateSpaceFails(Plain):
    """The state's space is an error."""

    def state(self) -> Any:
        return np.zeros(2)

    @property
    def state_space(self) -> Any:
        raise RuntimeError("no space")


class NobodyYet(Plain):
    """Does not know its agents before a reset."""

    @property
    def possible_agents(self) -> Any:
        raise RuntimeError("reset first")

    @possible_agents.setter
    def possible_agents(self, names: Any) -> None:
        pass


class NoArray:
    """Cannot be made an array, as a tensor that remembers its gradient."""

    def __array__(self, *arguments: Any, **options: Any) -> Any:
        raise RuntimeError("use detach()")


class Sees(Plain):
    """Observes one thing of one space, by name."""

    things: ClassVar[dict[str, tuple[Space[Any], Any]]] = {
        "float32 of a double bound": (Box(0.0, 0.1, (1,), np.float64), np.array([0.1], np.float32)),
        "double of a float32 bound": (Box(0.0, 0.7, (1,), np.float32), np.array([0.7])),
        "double of a float16 bound": (Box(0.0, 0.7, (1,), np.float16), np.array([0.70021])),
        "double in a float16 box": (Box(-1.0, 1.0, (1,), np.float16), np.array([0.3333])),
        "ragged": (Box(0.0, 1.0, (2,), np.float32), [[1], [1, 2]]),
        "no array": (Box(0.0, 1.0, (2,), np.float32), NoArray()),
        "nan of two": (Discrete(2), float("nan")),
    }

    def __init__(self, what: str) -> None:
        super().__init__()
        self.space, self.thing = self.things[what]

    def observation_space(self, agent: Any) -> Space[Any]:
        return self.space

    def see(self) -> Any:
        return dict.fromkeys(self.agents, self.thing)


class PaysWholeNumbers(Plain):
    """Pays more than any float holds."""

    def pay(self) -> Any:
        return dict.fromkeys(self.agents, 10**400)


class SucceedsTogether(Plain):
    """Reports success of all at once, beside the agents' infos."""

    def tell(self) -> Any:
        return {**super().tell(), "success": self.steps == self.length}


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


def played(envs: VectorEnv, seed: int = 5) -> list[TimeStep]:
    """One episode of all copies by the first allowed actions."""
    steps = [envs.reset(range(seed, seed + envs.num_envs))]
    while not steps[-1].has_ended.all():
        steps.append(envs.step(steps[-1].avail_actions.argmax(-1)))
    return steps
