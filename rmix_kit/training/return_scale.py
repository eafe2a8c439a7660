"""How large returns are, so that the learner can see all of them at one size."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from rmix_kit.replay import EpisodeBlock

SIZE = 5.0
"""The size at which the learner sees returns: where they are not zero, their root mean square. Targets much smaller
drown in Adam's steps, much larger ones take long to reach."""


@dataclass(kw_only=True)
class ReturnScale:
    """The root mean square of all discounted returns-to-go so far that are not zero.

    Nothing is subtracted, which would change the task where episodes end early. Steps from which nothing is paid do not
    count: with rare rewards the size is that of a reward and not of how rare it was so far, so that it does not fall as
    the team learns to be paid.

    Attributes:
        squares: Sum of squared returns-to-go.
        count: How many were not zero.
    """

    squares: float = 0.0
    count: int = 0

    def add(self, block: EpisodeBlock, *, gamma: float) -> None:
        """Add all real steps of finished episodes."""
        later = np.zeros(len(block.length))
        for rewards in block.reward.T[::-1].astype(np.float64):  # zeros after each episode's end
            later = rewards + gamma * later  # [episode]
            self.squares += float(np.square(later).sum())
            self.count += int(np.count_nonzero(later))

    @property
    def factor(self) -> float:
        """What rewards are multiplied by; 1 before any were paid."""
        size = math.sqrt(self.squares / self.count) if self.count else 0.0
        return SIZE / size if size > 0 else 1.0

    def to_json(self) -> dict[str, float | int]:
        """Return JSON values, exactly."""
        return asdict(self)
