"""What saving, resuming and reporting ask of a replay, wherever its episodes lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from rmix_kit.replay.episode import EpisodeBlock

if TYPE_CHECKING:
    from rmix_kit.envs.interface import StepCodec


class HeldEpisodes(Protocol):
    """The last ``capacity`` episodes, numbered from the run's start.

    Attributes:
        added: Episodes ever added.
        reward_low: Lowest reward ever seen; infinite before any.
        reward_high: Highest.
    """

    added: int
    reward_low: float
    reward_high: float

    def __len__(self) -> int:
        """Return the number of episodes held."""
        ...

    @property
    def capacity(self) -> int:
        """Most episodes held."""
        ...

    @property
    def codec(self) -> StepCodec | None:
        """The environment's smaller form of steps, in which they are kept."""
        ...

    @property
    def template(self) -> Mapping[str, NDArray[np.generic]]:
        """What is kept of an observation (`observed_template`)."""
        ...

    @property
    def worst_case_bytes(self) -> int:
        """Most memory that the steps will ever take."""
        ...

    @property
    def episode_bytes(self) -> int:
        """Memory of one episode that reaches the limit."""
        ...

    @property
    def episode_limit(self) -> int:
        """Most steps of an episode."""
        ...

    @property
    def bytes_held(self) -> int:
        """Size of the steps held at present."""
        ...

    def add(self, block: EpisodeBlock) -> None:
        """Append episodes, the oldest ones giving way.

        Args:
            block: At most ``capacity`` episodes.
        """
        ...

    def last(self, count: int) -> EpisodeBlock:
        """Return the newest episodes, oldest of them first, padded to their longest, on the host.

        Args:
            count: How many, at most ``len(self)``.
        """
        ...
