"""What the faces ask of a game: pure functions over arrays ``[env, ...]``."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, TypeVar

from numpy.typing import NDArray

from rmix_kit.types import BoolArray, EnvSpec, FloatArray, IntArray

StateT = TypeVar("StateT", bound=tuple[NDArray[Any], ...])
"""A named tuple of arrays whose first axis is env."""


class View(NamedTuple):
    """What can be seen of a situation; the fields are those of `rmix_kit.types.TimeStep`."""

    obs: NDArray[Any]
    """``[env, agent, *obs_shape]``."""
    avail_actions: BoolArray
    """bool ``[env, agent, action]``."""
    state: FloatArray
    """float32 ``[env, state]``."""
    success: BoolArray
    """bool ``[env]``: would the episode be a success if it ended here?"""


class Game(Protocol[StateT]):
    """A game without clock and without memory of its own."""

    @property
    def name(self) -> str:
        """Its name, without options."""
        ...

    @property
    def spec(self) -> EnvSpec:
        """Sizes and bounds."""
        ...

    @property
    def action_counts(self) -> tuple[int, ...]:
        """Number of actions of each agent; the largest is the spec's ``n_actions``."""
        ...

    def start(self, keys: IntArray) -> StateT:
        """Return the first situation of an episode.

        Args:
            keys: int64 ``[env]``, from `draws.stream_keys`.
        """
        ...

    def advance(
        self, state: StateT, actions: IntArray, keys: IntArray, moment: IntArray
    ) -> tuple[StateT, FloatArray, BoolArray]:
        """Play one joint action.

        Args:
            state: The situation; it stays as it is.
            actions: int64 ``[env, agent]``, each below the agent's number of actions.
            keys: int64 ``[env]``.
            moment: int64 ``[env]``, steps done before this one, plus one.

        Returns:
            The next situation, the team reward float32 ``[env]``, and whether the task ended, bool ``[env]``.
        """
        ...

    def view(self, state: StateT) -> View:
        """Return what can be seen of a situation."""
        ...
