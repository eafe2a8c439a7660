"""Answers of a shape that nobody asked for, and things that people have under other names."""

from __future__ import annotations

import sys
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete, Space

from tests.envs.corpus.team import HERE, Case, Team, plays, refused

# By name: what is given instead, and the words of the refusal; empty words where it plays.
NOTES: dict[str, tuple[Any, str]] = {
    "words": ("alive", "info"),
    "number": (3, "info"),
    "two_successes": ({"success": np.array([True, False])}, "success"),
    "success_of_numpy": ({"success": np.bool_(True)}, ""),
    "success_in_an_array": ({"success": np.array([True])}, ""),
    "success_none": ({"success": None}, ""),
    "two_falls": ({"fell": np.array([True, False])}, "fell"),
    "ragged_mask": ({"action_mask": [[1], [1, 0]]}, "mask"),
    "mask_of_words": ({"action_mask": ["left", "right"]}, "mask"),
    "mask_of_two": ({"action_mask": [2, 0]}, "mask"),
    "mask_nan": ({"action_mask": [float("nan"), 1.0]}, "mask"),
    "mask_of_halves": ({"action_mask": [0.5, 0.5]}, "mask"),
    "mask_number": ({"action_mask": 1}, "mask"),
    "mask_tensor": ({"action_mask": torch.tensor([True, True])}, ""),
}
SIGHTS: dict[str, tuple[Any, str]] = {
    "complex": (np.array([0j, 1j]), "observ"),
    "dates": (np.array(["2026-01-01", "2026-01-02"], "datetime64[D]"), "observ"),
    "huge": ([2**70, 0], "observ"),
    "tensor": (torch.tensor([0.5, -0.5]), ""),
    "column": (np.array([[0.5], [0.5]]), r"\(2, 1\)"),
    "masked": (np.ma.masked_array([0.5, 0.5], [False, False]), ""),
}
PAYS: dict[str, tuple[Any, str]] = {
    "tensor": (torch.tensor(1.0), ""),
    "fraction": (Fraction(1, 2), ""),
    "complex": (1j, "reward of a"),
    "dict": ({"score": 1.0}, "reward of a"),
    "empty": (np.array([]), "reward of a"),
    "ragged": ([[1.0], [1.0, 2.0]], "reward of a"),
    "words": ("1.0", ""),
}
ENDS: dict[str, tuple[Any, str]] = {
    "none": (None, ""),
    "of_numpy": (np.bool_(False), ""),
    "in_an_array": (np.array([False]), ""),
    "two": (np.array([True, False]), "terminat"),
    "words": ("no", "terminat"),
}


class Notes(Team):
    """Infos of another shape."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.given = NOTES[what][0]

    def note(self, agent: Any) -> Any:
        return self.given


class Sights(Team):
    """Observations of another shape."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.given = SIGHTS[what][0]

    def observe(self, agent: Any) -> Any:
        return self.given


class Pays(Team):
    """Rewards of another shape."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.given = PAYS[what][0]

    def reward(self, agent: Any) -> Any:
        return self.given


class Ends(Team):
    """Terminations of another shape, until the end."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.given = ENDS[what][0]

    def step(self, actions: dict[Any, Any]) -> Any:
        observations, rewards, terminations, *rest = super().step(actions)
        if self.steps < self.length:
            terminations = dict.fromkeys(terminations, self.given)
        return observations, rewards, terminations, *rest


class TogetherInOne(Team):
    """Ends are one bool, for all."""

    def step(self, actions: dict[Any, Any]) -> Any:
        observations, rewards, terminations, truncations, infos = super().step(actions)
        return observations, rewards, all(terminations.values()), any(truncations.values()), infos


class AllInAll(Team):
    """Ends have an entry for all, as RLlib's."""

    def step(self, actions: dict[Any, Any]) -> Any:
        observations, rewards, terminations, truncations, infos = super().step(actions)
        ends = ({**flags, "__all__": all(flags.values())} for flags in (terminations, truncations))
        return observations, rewards, *ends, infos


class AllAlone(Team):
    """Ends have an entry for all, and none for an agent."""

    def step(self, actions: dict[Any, Any]) -> Any:
        observations, rewards, terminations, truncations, infos = super().step(actions)
        names = self.agents or list(self.possible_agents)
        self.agents = names if self.steps < self.length else []
        return observations, rewards, {"__all__": self.steps == self.length}, {"__all__": False}, infos


class TupleOfAgents(Team):
    """Agents are named in tuples."""

    def __init__(self) -> None:
        super().__init__()
        self.possible_agents = ("a", "b")  # type: ignore[assignment]


class SpacesInDicts:
    """Has `observation_spaces` and `action_spaces` alone, and no parent."""

    def __init__(self) -> None:
        self.team = Team()
        self.possible_agents, self.max_cycles = self.team.possible_agents, 5
        self.observation_spaces: dict[str, Space[Any]] = dict.fromkeys("ab", Box(-1.0, 1.0, (2,), np.float32))
        self.action_spaces: dict[str, Space[Any]] = dict.fromkeys("ab", Discrete(2))

    @property
    def agents(self) -> list[str]:
        return self.team.agents

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        return self.team.reset(seed)

    def step(self, actions: Any) -> Any:
        return self.team.step(actions)


class Quits(Team):
    """Leaves the program in its second step, as games do whose window is closed."""

    def step(self, actions: dict[Any, Any]) -> Any:
        if self.steps == 1:
            sys.exit(3)
        return super().step(actions)


class Stops(Team):
    """Raises StopIteration in its second step, as one that reads a file to its end."""

    def step(self, actions: dict[Any, Any]) -> Any:
        if self.steps == 1:
            next(iter(()))
        return super().step(actions)


class ListedReset(Team):
    """`reset` gives a list of observations and infos."""

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        return list(super().reset(seed))


class OneStep(Team):
    """Ends after one step, and says that it may not last longer."""

    length = 1

    def __init__(self) -> None:
        super().__init__()
        self.max_cycles = 1


class ListedMoves(Team):
    """Names the allowed actions by their numbers, as OpenSpiel does."""

    def note(self, agent: Any) -> Any:
        return {"legal_actions": [1]}


PLACE = f"pettingzoo:{HERE}.misshapen"
TABLES = {"Notes": NOTES, "Sights": SIGHTS, "Pays": PAYS, "Ends": ENDS}
CASES: tuple[Case, ...] = (
    *(
        refused(f"{made} that are {what}", f"{PLACE}.{made}?what={what}", words)
        if words
        else plays(f"{made} that are {what}", f"{PLACE}.{made}?what={what}", length=3)
        for made, table in TABLES.items()
        for what, (_, words) in table.items()
    ),
    plays("one end for all", f"{PLACE}.TogetherInOne", length=3, end="terminated", team_return=3.0),
    plays("an end for all besides those of each", f"{PLACE}.AllInAll", length=3, end="terminated"),
    plays("an end for all alone", f"{PLACE}.AllAlone", length=3, end="terminated"),
    plays("agents in a tuple", f"{PLACE}.TupleOfAgents", length=3),
    refused("spaces in dicts", f"{PLACE}.SpacesInDicts", "lacks observation_space, action_space"),
    refused("an exit of the program", f"{PLACE}.Quits", "step 1.*SystemExit"),
    refused("a StopIteration", f"{PLACE}.Stops", "step 1.*StopIteration"),
    refused("a reset that gives a list", f"{PLACE}.ListedReset", "observations are list"),
    plays("one step", f"{PLACE}.OneStep", episode_limit=1, length=1),
    refused("allowed actions by number", f"{PLACE}.ListedMoves", "legal_actions"),
)
