"""What all copies of someone's environment have in common: names, sizes, and how the team is counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from rmix_kit.envs.masks import NAMES as MASK_NAMES
from rmix_kit.envs.spaces import ObservationCoding
from rmix_kit.envs.text import Value
from rmix_kit.errors import EnvironmentTextError
from rmix_kit.spelling import suggestion
from rmix_kit.types import FloatArray

TEAM_REWARDS: Mapping[str, Callable[[list[float]], float]] = MappingProxyType(
    {"mean": lambda rewards: float(np.mean(rewards)), "sum": sum, "first": lambda rewards: rewards[0]}
)
SUCCESSES: Mapping[str, Callable[[Iterable[bool]], bool]] = MappingProxyType({"all": all, "any": any})
STATES = ("own", "observations")


@dataclass(frozen=True, kw_only=True)
class TeamOptions:
    """The adapter's own options, which the environment's factory never sees.

    Attributes:
        reward: How the agents' rewards make the team's: "mean", "sum", or the "first" agent's.
        success: Whether "all" agents that report success must, or "any".
        mask: The key under which a mask is given besides the usual ones; "none" if nothing is one; "" for the usual.
        state: "own" asks the environment's state() where there is one; "observations" never does.
        copies: Most copies that can exist, such as 1 for an environment that owns a port; 0 for any number.
    """

    reward: str
    success: str = "all"
    mask: str = ""
    state: str = "own"
    copies: int = 0

    @property
    def mask_names(self) -> tuple[str, ...]:
        """Keys that are read as masks."""
        if self.mask == "none":
            return ()
        return (self.mask, *MASK_NAMES) if self.mask else MASK_NAMES


CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"reward": tuple(TEAM_REWARDS), "success": tuple(SUCCESSES), "state": STATES}
)
OPTION_NAMES = (*CHOICES, "mask", "copies")


def team_options(
    options: Mapping[str, Value], taken: Iterable[str], *, reward: str, where: str
) -> tuple[TeamOptions, dict[str, Value]]:
    """Part the adapter's options from those of the environment.

    Args:
        taken: Arguments that the environment's factory takes by name; such a name is the factory's.
        reward: How rewards are put together where nothing is said.

    Returns:
        The adapter's, and the rest.

    Raises:
        EnvironmentTextError: A value is none of the choices.
    """
    own = {key: value for key, value in options.items() if key in OPTION_NAMES and key not in set(taken)}
    for key, value in own.items():
        if key in CHOICES and value not in CHOICES[key]:
            raise EnvironmentTextError(
                f"{where}: {key} is {value!r}; it must be one of {', '.join(CHOICES[key])}"
                f"{suggestion(str(value), CHOICES[key])}"
            )
    copies = own.get("copies", 0)
    if isinstance(copies, bool) or not isinstance(copies, int) or copies < 0:
        raise EnvironmentTextError(f"{where}: copies is {copies!r}; it must be a whole number, 0 for any")
    rest = {key: value for key, value in options.items() if key not in own}
    words = {key: str(own[key]) for key in ("reward", "success", "mask", "state") if key in own}
    return TeamOptions(**{"reward": reward, **words}, copies=copies), rest


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """What a copy needs to know.

    Attributes:
        where: The environment, for errors.
        agents: Names, in the order of the agent axis.
        coding: How observations become arrays.
        action_starts: First action of each agent's Discrete space.
        action_sizes: Number of actions of each agent.
        episode_limit: Steps after which the episode is truncated at the latest.
        options: The adapter's own.
        asked_limit: The limit that the environment's text asks for; None if it asks for none.
        state_size: Numbers of a state; 0 before the first.
        state_dtype: NumPy name of what the numbers of the environment's own state are.
        state_low: Lower bound of every number of the environment's own state; empty where there is none.
        state_high: Upper bound likewise.
    """

    where: str
    agents: tuple[str, ...]
    coding: ObservationCoding
    action_starts: Mapping[str, int]
    action_sizes: Mapping[str, int]
    episode_limit: int
    options: TeamOptions
    asked_limit: int | None = None
    state_size: int = 0
    state_dtype: str = "float32"
    state_low: tuple[float, ...] = ()
    state_high: tuple[float, ...] = ()

    @property
    def n_actions(self) -> int:
        """Actions of the agent that has most."""
        return max(self.action_sizes.values())

    @property
    def mask_names(self) -> tuple[str, ...]:
        """Keys that are read as masks."""
        return self.options.mask_names

    @property
    def asks_state(self) -> bool:
        """Whether the environment is asked for its state."""
        return self.options.state == "own"

    def state_misfit(self, state: FloatArray) -> str:
        """Say what is wrong with a state of the environment's own ``[state]``; empty if nothing is.

        Whole numbers may be coded one-hot, where another number would be none of them and vanish; others are but scaled
        by their bounds, and may leave them (knights_archers_zombies' do).
        """
        if self.state_dtype.startswith("float"):
            return ""
        if not bool((state == np.rint(state)).all()):
            return f"state() holds fractions, and its state_space is of {self.state_dtype}"
        low, high = (np.asarray(bounds, dtype=np.float32) for bounds in (self.state_low, self.state_high))
        if bool((state >= low).all() and (state <= high).all()):
            return ""
        return (
            f"state() lies between {state.min():g} and {state.max():g}, outside its state_space; widen the space, or "
            "append state=observations to the environment's text"
        )

    def team_reward(self, rewards: list[float]) -> float:
        """Put the agents' rewards together; those of absent ones are 0."""
        return TEAM_REWARDS[self.options.reward](rewards)

    def is_success(self, reported: Iterable[bool]) -> bool:
        """Return whether the team succeeded, from what its agents reported."""
        return SUCCESSES[self.options.success](reported)
