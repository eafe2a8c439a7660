"""Environments that fail, print, or exist once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, ClassVar

import numpy as np

from tests.envs.corpus.team import HERE, Case, Team, plays, refused


class CannotBeMade(Team):
    """Fails when it is made."""

    def __init__(self) -> None:
        raise RuntimeError("no such file")


class BreaksInReset(Team):
    """Fails in its reset."""

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        raise KeyError("arena")


class BreaksInStep(Team):
    """Fails in its third step."""

    def step(self, actions: dict[Any, Any]) -> Any:
        if self.steps == 2:
            raise IndexError("list index out of range")
        return super().step(actions)


class BreaksInClose(Team):
    """Fails when it is closed."""

    def close(self) -> None:
        raise RuntimeError("nothing to close")


class Talks(Team):
    """Prints at every turn."""

    def __init__(self) -> None:
        super().__init__()
        print("made")  # noqa: T201 - what is tried

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        print("reset")  # noqa: T201
        return super().reset(seed)

    def step(self, actions: dict[Any, Any]) -> Any:
        print("step", self.steps)  # noqa: T201
        return super().step(actions)


class ImportsInStep(Team):
    """Imports a module in its second step."""

    def step(self, actions: dict[Any, Any]) -> Any:
        if self.steps == 1:
            __import__("tests.envs.corpus.imported_late")
        return super().step(actions)


class Once(Team):
    """Can exist once, as one that owns a port; a closed one makes place."""

    standing: ClassVar[list[Any]] = []

    def __init__(self) -> None:
        if self.standing:
            raise OSError(98, "Address already in use")
        super().__init__()
        self.standing.append(self)

    def close(self) -> None:
        if self in self.standing:
            self.standing.remove(self)


class Thrice(Team):
    """Cannot be made a third time."""

    numbers: ClassVar[Iterator[int]] = count()

    def __init__(self) -> None:
        if next(self.numbers) >= 2:
            raise OSError(98, "Address already in use")
        super().__init__()


class NumberedCopies(Team):
    """Each copy is another game, drawn where it is made."""

    numbers: ClassVar[Iterator[int]] = count()

    def __init__(self) -> None:
        super().__init__()
        self.number = next(self.numbers)

    def observe(self, agent: Any) -> Any:
        return np.full(2, 1 / (2 + self.number), np.float32)


class GivesFour(Team):
    """A step gives four things, as Gym's did."""

    def step(self, actions: dict[Any, Any]) -> Any:
        observations, rewards, done, _, infos = super().step(actions)
        return observations, rewards, done, infos


class GivesNothing(Team):
    """A step gives None."""

    def step(self, actions: dict[Any, Any]) -> Any:
        super().step(actions)


def give_a_list() -> list[int]:
    """What is made is no environment."""
    return []


PLACE = f"pettingzoo:{HERE}.faults"
CASES: tuple[Case, ...] = (
    refused("an error when it is made", f"{PLACE}.CannotBeMade", "RuntimeError: no such file"),
    refused("an error in the reset", f"{PLACE}.BreaksInReset", "copy 0.*seed.*step 0.*reset.*KeyError.*arena"),
    refused("an error in step 3", f"{PLACE}.BreaksInStep", "copy 0.*seed 5.*step 2.*step.*IndexError: list index"),
    plays("an environment that prints", f"{PLACE}.Talks", length=3),
    plays("an import inside a step", f"{PLACE}.ImportsInStep", length=3),
    plays("one that can exist once, alone", f"{PLACE}.Once?copies=1", length=3),
    Case(kind="one that can exist once, twice", text=f"{PLACE}.Once", refused="already in use.*copies=1", num_envs=2),
    Case(kind="one that can exist twice, thrice", text=f"{PLACE}.Thrice", refused="copy 2 of 3", num_envs=3),
    plays("copies that are other games", f"{PLACE}.NumberedCopies", length=3),
    refused("a step that gives four things", f"{PLACE}.GivesFour", "step"),
    refused("a step that gives nothing", f"{PLACE}.GivesNothing", "step"),
    refused("what is no environment", f"{PLACE}.give_a_list", "list lacks possible_agents"),
    refused("a name that is not there", f"{PLACE}.Tlaks", "did you mean 'Talks'"),
    refused("an argument that is not there", f"{PLACE}.Talks?colour=red", "colour"),
)  # fmt: skip
