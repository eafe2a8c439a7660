"""The one shape in which environments reach the trainer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from rmix_kit.types import EnvSpec, IntArray, TimeStep


class VectorEnv(Protocol):
    """Several copies of one environment, stepped in lockstep until each has finished its episode.

    A finished copy that is stepped again stands still: its observation stays, its reward is zero, its ``terminated``
    and ``truncated`` stay as they were. So does a copy whose episode broke (``TimeStep.damaged``).
    """

    @property
    def spec(self) -> EnvSpec:
        """Sizes and bounds."""
        ...

    @property
    def num_envs(self) -> int:
        """The number of copies."""
        ...

    def reset(self, seeds: Sequence[int]) -> TimeStep:
        """Start an episode in every copy.

        Args:
            seeds: One seed per copy; the same seed gives the same episode for the same actions.
        """
        ...

    def step(self, actions: IntArray) -> TimeStep:
        """Advance every copy by one joint action.

        Args:
            actions: ``[env, agent]``, each allowed by the current mask.
        """
        ...

    def close(self) -> None:
        """Release what the copies hold."""
        ...


def is_reproducible(envs: VectorEnv) -> bool:
    """Say whether the same seed gives the same episode for the same actions, as it does unless the copies deny it."""
    return bool(getattr(envs, "is_reproducible", True))


def is_costly(envs: VectorEnv) -> bool:
    """Say whether the copies hold so much that evaluation is to use those of training."""
    return bool(getattr(envs, "is_costly", False))


def facts_of(envs: VectorEnv) -> Mapping[str, str]:
    """Give what a record must say about the environment, such as the version of a game; mostly nothing."""
    facts: Mapping[str, str] = getattr(envs, "facts", {})
    return facts
