"""How training runs, whatever the algorithm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from rmix_kit.collect import LinearSchedule
from rmix_kit.training.learner import TargetSettings
from rmix_kit.types import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, ThreadCount, UnitFloat


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """The frame around an algorithm.

    Attributes:
        num_envs: Copies that collect together.
        episodes_per_copy: Episodes per copy and collection round, within which a copy that has ended one begins the
            next at once; evaluations, checkpoints and signals wait for the end of the round. At 1 copies wait for each
            other, and so they do with algorithms that learn from fresh episodes.
        batch_size: Episodes per update, besides fresh ones where both are used. Unused by on-policy algorithms.
        buffer_episodes: Episodes kept in the replay.
        updates_per_episode: Updates per collected episode; fractions add up. Unused where
            ``updates_per_step`` is above 0, and by on-policy algorithms, which make one update per round.
        updates_per_step: Updates per collected environment step, so that long episodes are learned from as often per
            step as short ones; 0 counts episodes instead.
        reward_scale: Factor on every reward that the learner sees; reported returns are unscaled. "auto" keeps the
            returns that the learner sees at one size (`rmix_kit.training.return_scale`).
        epsilon_start: Exploration at step 0.
        epsilon_end: Exploration from ``epsilon_steps`` on.
        epsilon_steps: Environment steps over which epsilon falls linearly.
        epsilon_share: Share of the run's steps over which epsilon falls instead, in [0, 1]; 0 for ``epsilon_steps``.
        learning_rate_decay_from: Share of the run's steps after which the learning rate falls linearly; 1 for never.
        learning_rate_end: Factor on the learning rate at the end of the run.
        target: How target networks follow.
        evaluation_interval: Environment steps between evaluations.
        evaluation_episodes: Greedy episodes per evaluation.
        fresh_evaluations: Every evaluation during training plays episodes of its own; false plays the same ones each
            time, whose luck is then part of every score.
        evaluation_copies: Copies of the environment to evaluate in; 0 for those of training, which an environment that
            can exist once needs; null for one an episode, at most 32.
        checkpoint_interval: Environment steps between checkpoints.
        keep_checkpoints: Checkpoints kept besides the best one.
        log_interval: Environment steps between rows of ``metrics.jsonl``; a row averages over all since the last.
        rollout: Where games are played: "host" in rounds, one episode a copy, by NumPy; "device" by tensors beside the
            networks, where no copy waits for another (`rmix_kit.device`). The latter takes macn:* and smac:* with
            backend=builtin, algorithms that learn from the replay alone, and a reward scale that is a number.
        rollout_steps: Steps of every copy between two looks of the host at the device. Unused by rounds on the host.
        threads: Threads of torch's operators, for the whole process, in [1, 1024]; exact resume holds for 1.
    """

    num_envs: PositiveInt = 32
    episodes_per_copy: PositiveInt = 1
    batch_size: PositiveInt = 32
    buffer_episodes: PositiveInt = 5000
    updates_per_episode: PositiveFloat = 0.25
    updates_per_step: NonNegativeFloat = 0.0
    reward_scale: PositiveFloat | Literal["auto"] = 0.05
    epsilon_start: UnitFloat = 1.0
    epsilon_end: UnitFloat = 0.05
    epsilon_steps: PositiveInt = 100_000
    epsilon_share: UnitFloat = 0.0
    learning_rate_decay_from: UnitFloat = 0.5
    learning_rate_end: UnitFloat = 0.0
    target: TargetSettings = field(default_factory=TargetSettings)
    evaluation_interval: PositiveInt = 10_000
    evaluation_episodes: PositiveInt = 32
    fresh_evaluations: bool = True
    evaluation_copies: NonNegativeInt | None = None
    checkpoint_interval: PositiveInt = 10_000
    keep_checkpoints: PositiveInt = 3
    log_interval: PositiveInt = 1_000
    rollout: Literal["host", "device"] = "host"
    rollout_steps: PositiveInt = 32
    threads: ThreadCount = 1

    @property
    def most_evaluation_copies(self) -> int | None:
        """Most copies that any evaluation makes; None for no limit of the run's own."""
        return self.num_envs if self.evaluation_copies == 0 else self.evaluation_copies


BEFORE: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "algorithm": {"trace": "watkins"},
        "training": {"episodes_per_copy": 1, "fresh_evaluations": False, "rollout": "host", "rollout_steps": 32},
    }
)
"""What runs did before there was a setting for it, by section; records leave out settings that say the same."""


def schedules(settings: TrainingSettings, steps: int) -> tuple[LinearSchedule, LinearSchedule]:
    """Return exploration and the factor on the learning rate over a run of so many environment steps."""
    explored = int(settings.epsilon_share * steps) or settings.epsilon_steps
    epsilon = LinearSchedule(start=settings.epsilon_start, end=settings.epsilon_end, begin_steps=0, end_steps=explored)
    decays = settings.learning_rate_decay_from < 1
    learning_rate = LinearSchedule(
        start=1.0,
        end=settings.learning_rate_end if decays else 1.0,
        begin_steps=int(settings.learning_rate_decay_from * steps),
        end_steps=steps,
    )
    return epsilon, learning_rate
