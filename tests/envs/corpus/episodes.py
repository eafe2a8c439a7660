"""Resets, states, limits and success of every sort."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box

from tests.envs.corpus.team import HERE, Case, Team, plays, refused

NAN, COUNTS = float("nan"), 7.0


class SeedlessReset(Team):
    """`reset` takes no seed."""

    def reset(self) -> Any:  # type: ignore[override]
        return super().reset(0)


class SeededBefore(Team):
    """Is seeded by a method of its own, as Gym's environments were."""

    kept: int | None = None

    def seed(self, seed: int | None = None) -> None:
        self.kept = seed

    def reset(self) -> Any:  # type: ignore[override]
        return super().reset(self.kept)


class ObservationsAlone(Team):
    """`reset` gives observations alone."""

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        return super().reset(seed)[0]


class Unseeded(Team):
    """Draws from a generator that nobody seeds."""

    unseeded = np.random.default_rng()

    def observe(self, agent: Any) -> Any:
        return self.unseeded.uniform(-1, 1, 2).astype(np.float32)


class RandomRewards(Team):
    """Pays at random, unseeded."""

    unseeded = np.random.default_rng()

    def reward(self, agent: Any) -> Any:
        return self.unseeded.uniform()


class Remembers(Team):
    """Every episode is one step longer than the one before, up to five."""

    def __init__(self) -> None:
        super().__init__()
        self.length = 0

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        self.length = min(self.length + 1, 5)
        return super().reset(seed)


class SeedsTheWorld(Team):
    """Draws from numpy's global generator and seeds it: an episode is the same again."""

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        np.random.seed(seed)  # noqa: NPY002 - what is tried
        return super().reset(seed)

    def observe(self, agent: Any) -> Any:
        return np.random.uniform(-1, 1, 2).astype(np.float32)  # noqa: NPY002


class State(Team):
    """Tells a state of three numbers in a matrix."""

    def state(self) -> Any:
        return np.array([[self.steps, 7.0, 0.5]])


class ByteState(State):
    """Says of which numbers the state is."""

    state_space = Box(0, 255, (3,), np.uint8)

    def state(self) -> Any:
        return np.array([self.steps, 7, 255])


class VastState(Team):
    """Tells a picture of everything."""

    def state(self) -> Any:
        return np.full((100, 100, 3), self.steps, np.uint8)


class StateOfDict(Team):
    """`state` is an attribute, and no method."""

    state: ClassVar[dict[str, int]] = {"a": 0, "b": 0}  # type: ignore[assignment]


class Stateless(Team):
    """`state` says that there is none."""

    def state(self) -> Any:
        raise NotImplementedError


class StateOfNone(Team):
    """`state` gives None."""

    def state(self) -> Any:
        return None


class BreaksInState(Team):
    """A typing error in `state`, which must not count as its absence."""

    def state(self) -> Any:
        return self.positoins  # type: ignore[attr-defined]


class RefusesState(Team):
    """`state` raises from step 2 on."""

    def state(self) -> Any:
        if self.steps == 2:
            raise ValueError("the map is lost")
        return np.zeros(2)


class LosesState(Team):
    """`state` says from step 2 on that there is none."""

    def state(self) -> Any:
        if self.steps == 2:
            raise NotImplementedError("no longer")
        return np.zeros(2)


class StateNaN(Team):
    """The state is no number at step 1."""

    def state(self) -> Any:
        return np.array([NAN if self.steps == 1 else 0.0])


class StateTooLarge(Team):
    """The state is more than float32 holds."""

    def state(self) -> Any:
        return np.array([1e39])


class StateGrows(Team):
    """The state has one number more each step."""

    def state(self) -> Any:
        return np.zeros(2 + self.steps)


class StatePerAgent(Team):
    """`state` wants to know whose."""

    def state(self, agent: Any) -> Any:  # type: ignore[override]
        return np.zeros(2)


class Endless(Team):
    """Says nowhere how long an episode may be."""

    length = 10**6

    def __init__(self) -> None:
        super().__init__()
        del self.max_cycles


class Horizon(Endless):
    """Calls its limit `horizon`."""

    horizon = 4


class FloatCycles(Team):
    """Its limit is a float, as 1e1 gives it."""

    def __init__(self, max_cycles: float = 4.0) -> None:
        super().__init__()
        self.max_cycles = max_cycles


class HalfCycles(FloatCycles):
    """Its limit is no whole number."""

    def __init__(self) -> None:
        super().__init__(2.5)


class Ends(Endless):
    """Takes a limit, by the name `max_steps`, and keeps it."""

    def __init__(self, max_steps: int = 10) -> None:
        super().__init__()
        self.last = max_steps

    def cut(self) -> set[Any]:
        return set(self.agents) if self.steps == self.last else set()


class EndsByHorizon(Ends):
    """Takes a limit by the name `horizon`."""

    def __init__(self, horizon: int = 10) -> None:
        super().__init__(horizon)


def ends(**arguments: Any) -> Ends:
    """Pass on whatever is given."""
    return Ends(**arguments)


class EndsAtFive(Endless):
    """Ends after five steps whatever is asked, and says so."""

    max_cycles = 5

    def __init__(self) -> None:
        super(Endless, self).__init__()
        self.max_cycles = 5

    def cut(self) -> set[Any]:
        return set(self.agents) if self.steps == 5 else set()


class Reports(Team):
    """Reports success at the end, as `a` and `b` say; None for an agent that does not report."""

    def __init__(self, a: Any = "none", b: Any = "none", key: str = "success") -> None:
        super().__init__()
        self.said, self.key = {"a": a, "b": b}, key

    def note(self, agent: Any) -> Any:
        said = self.said[agent]
        return {} if said == "none" else {self.key: said and self.steps == self.length}


PLACE = f"pettingzoo:{HERE}.episodes"
CASES: tuple[Case, ...] = (
    plays("a reset without seed", f"{PLACE}.SeedlessReset", length=3, is_reproducible=True),
    plays("a method to seed", f"{PLACE}.SeededBefore", length=3, is_reproducible=True),
    plays("a reset that gives observations alone", f"{PLACE}.ObservationsAlone", length=3),
    plays("observations from an unseeded generator", f"{PLACE}.Unseeded", is_reproducible=False),
    plays("rewards from an unseeded generator", f"{PLACE}.RandomRewards", is_reproducible=False),
    plays("episodes that depend on how many came before", f"{PLACE}.Remembers", is_reproducible=False),
    plays("a global generator that is seeded", f"{PLACE}.SeedsTheWorld", is_reproducible=True),
    plays("a state of its own", f"{PLACE}.State", state_size=3, first_state=[0.0, 7.0, 0.5]),
    plays("a state that is not wanted", f"{PLACE}.State?state=observations", state_size=4),
    plays("a state with a space", f"{PLACE}.ByteState", state_size=3, state_dtype="uint8", state_high=(255.0,) * 3),
    plays("a state that is a picture", f"{PLACE}.VastState", state_size=30_000),
    plays("a state that is an attribute", f"{PLACE}.StateOfDict", state_size=4),
    plays("a state that is not implemented", f"{PLACE}.Stateless", state_size=4),
    plays("a state that is None", f"{PLACE}.StateOfNone", state_size=4),
    refused("an AttributeError in the state", f"{PLACE}.BreaksInState", "state.*AttributeError.*positoins"),
    refused("a ValueError in the state", f"{PLACE}.RefusesState", "step 2.*state.*ValueError: the map is lost"),
    refused("a state that is lost", f"{PLACE}.LosesState", "step 2.*state.*NotImplementedError"),
    refused("a state that is no number", f"{PLACE}.StateNaN", r"step 1.*state\(\).*not finite"),
    refused("a state beyond float32", f"{PLACE}.StateTooLarge", r"state\(\).*float32"),
    refused("a state that grows", f"{PLACE}.StateGrows", "step 1.*state.*3.*2"),
    refused("a state per agent", f"{PLACE}.StatePerAgent", "state.*TypeError"),
    refused("no limit", f"{PLACE}.Endless", r"append it: .*Endless\?episode_limit=100"),
    plays("no limit, and one that is asked", f"{PLACE}.Endless?episode_limit=7", length=7, end="truncated"),
    plays("a limit called horizon", f"{PLACE}.Horizon", episode_limit=4, length=4, end="truncated"),
    plays("a limit that is a float", f"{PLACE}.FloatCycles", episode_limit=4),
    plays("a limit that is given as a float", f"{PLACE}.FloatCycles?max_cycles=1e1", episode_limit=10),
    refused("a limit of 2.5", f"{PLACE}.HalfCycles", "episode_limit"),
    refused("a limit of 2.5 that is asked", f"{PLACE}.Endless?episode_limit=2.5", "whole number"),
    refused("a limit of 0", f"{PLACE}.Endless?episode_limit=0", "at least 1"),
    refused("a limit in words", f"{PLACE}.Endless?episode_limit=long", "whole number"),
    refused("a limit that is true", f"{PLACE}.Endless?episode_limit=true", "whole number"),
    plays("an asked limit reaches max_steps", f"{PLACE}.Ends?episode_limit=20", episode_limit=20, length=20),
    plays("an asked limit reaches horizon", f"{PLACE}.EndsByHorizon?episode_limit=20", episode_limit=20, length=20),
    plays("a default limit", f"{PLACE}.Ends", episode_limit=10, length=10),
    refused("two limits that differ", f"{PLACE}.Ends?episode_limit=20&max_steps=50", "20.*50"),
    plays("two limits that agree", f"{PLACE}.Ends?episode_limit=20&max_steps=20", episode_limit=20),
    refused("more than the limit that it keeps", f"{PLACE}.EndsAtFive?episode_limit=20", "20.*5"),
    plays("less than the limit that it keeps", f"{PLACE}.EndsAtFive?episode_limit=3", length=3, end="truncated"),
    plays(
        "success that is never reported", f"{PLACE}.Reports", reports_success=False, success=False, is_reproducible=True
    ),
    plays("success of all", f"{PLACE}.Reports?a=true&b=true", reports_success=True, success=True),
    plays("success of one of two", f"{PLACE}.Reports?a=true&b=false", reports_success=True, success=False),
    plays("success of one of two, which is asked", f"{PLACE}.Reports?a=true&b=false&success=any", success=True),
    plays("success of the only one that reports", f"{PLACE}.Reports?a=true", reports_success=True, success=True),
    plays("success that is called is_success", f"{PLACE}.Reports?a=true&b=true&key=is_success", success=True),
    plays("failure that is reported", f"{PLACE}.Reports?a=false&b=false", reports_success=True, success=False),
    refused("success counted in an unknown way", f"{PLACE}.Reports?success=both", "success.*all, any"),
)
