"""Watching a training from Python, and stopping it: `rmix_kit.train(..., callbacks=[...])`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rmix_kit.training.evaluator import Evaluation

__all__ = ["Callback", "Ended", "Evaluated", "RoundPlayed", "Saved", "Started", "Stop"]

HowEnded = Literal["finished", "stopped", "interrupted", "failed"]


@dataclass(frozen=True, kw_only=True)
class Started:
    """Training begins, or goes on.

    Attributes:
        run: The run's folder.
        config: Everything that decides its numbers, as in ``config.yaml``: algo, preset, env, seed, steps, device,
            algorithm, training.
        env_steps: Environment steps taken; 0 for a new run.
    """

    run: Path
    config: Mapping[str, Any]
    env_steps: int


@dataclass(frozen=True, kw_only=True)
class RoundPlayed:
    """A round of episodes was played, and the updates due for it made (on the device: a block of steps).

    Attributes:
        env_steps: Environment steps taken so far.
        episodes: Finished so far.
        updates: Made so far.
        return_mean: Mean undiscounted return of what was shown last, the episodes since the last row of metrics; None
            while none has ended.
        success_rate: In [0, 1], of the same episodes; None where the environment does not say.
        loss: Mean over the last updates; None before the first.
    """

    env_steps: int
    episodes: int
    updates: int
    return_mean: float | None
    success_rate: float | None
    loss: float | None


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """Greedy episodes were played.

    Attributes:
        env_steps: Environment steps taken.
        evaluation: `return_mean`, `success_rate` and every episode.
    """

    env_steps: int
    evaluation: Evaluation


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A checkpoint was saved, from which training can go on exactly.

    Attributes:
        env_steps: Environment steps taken.
        checkpoint: Its folder.
    """

    env_steps: int
    checkpoint: Path


@dataclass(frozen=True, kw_only=True)
class Ended:
    """Training came to its end in this process.

    Attributes:
        env_steps: Environment steps taken.
        how: "finished", all steps are done; "stopped", a callback asked for it; "interrupted", a signal came;
            "failed", something was raised.
        reason: Why, in words; empty where it is finished.
    """

    env_steps: int
    how: HowEnded
    reason: str


@dataclass(frozen=True)
class Stop:
    """What a callback returns to end training in order, with a checkpoint.

    Attributes:
        reason: Why; the run tells it (`Run.stopped`, ``stopped.json``) until it goes on.
    """

    reason: str


class Callback:
    """Told of what training does; subclasses override what they want to know.

    Every method is called in the training's process, between its steps, and may return `Stop`. Whatever it raises ends
    training, with the last checkpoint standing. What it does must not change the run: a callback that draws random
    numbers draws its own.
    """

    def started(self, record: Started) -> Stop | None:
        """Hear that training begins, before its first step."""

    def round(self, record: RoundPlayed) -> Stop | None:
        """Hear how a round of episodes and updates went."""

    def evaluation(self, record: Evaluated) -> Stop | None:
        """Hear how an evaluation went."""

    def checkpoint(self, record: Saved) -> Stop | None:
        """Hear that a checkpoint was saved."""

    def ended(self, record: Ended) -> None:
        """Hear that training has ended, however it did."""
