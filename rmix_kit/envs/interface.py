"""The one shape in which environments reach the trainer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from rmix_kit.errors import EnvironmentContractError
from rmix_kit.types import BoolArray, EnvSpec, IntArray, TimeStep

if TYPE_CHECKING:
    from torch import Tensor

Array = TypeVar("Array", NDArray[Any], "Tensor")
"""A numpy array or a torch tensor; one call has one kind."""


class StepCodec(Protocol):
    """A smaller form in which an environment's steps are kept; the rest is rebuilt from it exactly.

    An environment that has one exposes it as ``codec`` and fills `TimeStep.compact`.
    """

    @property
    def template(self) -> Mapping[str, NDArray[np.generic]]:
        """One array of zeros per field, of its dtype and shape, without an env or time axis."""
        ...

    def rebuild(self, fields: Mapping[str, Array]) -> tuple[Array, Array, Array]:
        """Rebuild what the environment gave, bit for bit; pure, and on the device of the fields.

        Args:
            fields: ``[..., *field]`` by the names of the template; rows of zeros among them may give anything.

        Returns:
            Observations ``[..., agent, *obs_shape]`` in the environment's dtype, states float32 ``[..., state]`` and
            masks bool ``[..., agent, action]``.
        """
        ...


class VectorEnv(Protocol):
    """Several copies of one environment, stepped together; each plays its own episode.

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

    def restart(self, copies: BoolArray, seeds: Sequence[int]) -> TimeStep:
        """Start an episode in some copies, wherever they are; the others stay where they are.

        Args:
            copies: bool ``[env]``, those that start.
            seeds: One seed per copy that starts, in their order; the episode is that of a `reset` with the same seed.

        Returns:
            What all copies show; nobody is paid.

        Raises:
            EnvironmentContractError: The copies have another form, or the seeds another number.
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


class Scenery(Protocol):
    """Copies that can say where everything stands, for pictures; an environment that can offers both on itself."""

    @property
    def stage(self) -> Mapping[str, Any]:
        """What stays as it is in every episode, JSON-able; ``kind`` says how it and the scenes are drawn."""
        ...

    def scene(self, env: int) -> Mapping[str, Any]:
        """Return where one copy stands, JSON-able; ``is_out`` says of every agent whether it takes part no more."""
        ...


RENDER_MODE = "rgb_array"
"""Gymnasium's and PettingZoo's word for pictures as arrays."""


class Pictured(Protocol):
    """Copies of someone's environment that may draw themselves, by its own `render`."""

    @property
    def could_draw(self) -> bool:
        """Whether they would, made with ``render_mode="rgb_array"``."""
        ...

    def frame(self, env: int) -> NDArray[np.uint8] | None:
        """Return what one copy looks like, uint8 ``[height, width, 3]``; None where it does not draw itself."""
        ...


def pictured(envs: VectorEnv) -> Pictured | None:
    """Return the copies as something that may draw itself; None where it never does."""
    return cast(Pictured, envs) if hasattr(envs, "frame") and hasattr(envs, "could_draw") else None


def chosen_copies(copies: BoolArray, seeds: Sequence[int], num_envs: int) -> IntArray:
    """Return the numbers of the copies that `VectorEnv.restart` is to start, int64 ``[start]``.

    Args:
        copies: bool ``[env]``.

    Raises:
        EnvironmentContractError: They have another form, or there are not as many seeds.
    """
    if copies.dtype != np.bool_ or copies.shape != (num_envs,):
        raise EnvironmentContractError(
            f"the copies to start are {copies.dtype} {copies.shape}; expected bool ({num_envs},)"
        )
    chosen: IntArray = np.flatnonzero(copies)
    if len(chosen) != len(seeds):
        raise EnvironmentContractError(
            f"there are {len(seeds)} seeds for {len(chosen)} copies to start; give one for each"
        )
    return chosen


def is_reproducible(envs: VectorEnv) -> bool:
    """Return whether the same seed and actions give the same episode, as they do unless the copies deny it."""
    return bool(getattr(envs, "is_reproducible", True))


def is_costly(envs: VectorEnv) -> bool:
    """Return whether the copies hold so much that evaluation is to use those of training."""
    return bool(getattr(envs, "is_costly", False))


def reports_success(envs: VectorEnv) -> bool:
    """Return whether the copies tell episodes that are solved from others, as they do unless they deny it.

    Strangers' environments may have no word for it; their copies deny it until one of them has said it once.
    """
    return bool(getattr(envs, "reports_success", True))


def facts_of(envs: VectorEnv) -> Mapping[str, str]:
    """Return what a record must say about the environment, such as the version of a game; mostly nothing."""
    facts: Mapping[str, str] = getattr(envs, "facts", {})
    return facts


def notes_of(envs: VectorEnv) -> Sequence[str]:
    """Return what must be said of the environment before training; mostly nothing."""
    notes: Sequence[str] = getattr(envs, "notes", ())
    return notes


def codec_of(envs: VectorEnv) -> StepCodec | None:
    """Return the smaller form in which an environment's steps are kept; None where there is none."""
    codec: StepCodec | None = getattr(envs, "codec", None)
    return codec


def scenery_of(envs: VectorEnv) -> Scenery | None:
    """Return the copies as something to be drawn; None where they do not say where things stand."""
    return cast(Scenery, envs) if hasattr(envs, "scene") and hasattr(envs, "stage") else None
