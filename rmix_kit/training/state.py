"""Everything a run remembers besides weights and replay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from rmix_kit.files.writing import Prefix
from rmix_kit.metrics import SUCCESS
from rmix_kit.seeding import generator, generator_state, restore_generator
from rmix_kit.training.metrics import Means
from rmix_kit.training.return_scale import ReturnScale
from rmix_kit.training.settings import TrainingSettings
from rmix_kit.types import Progress

STREAMS = ("exploration", "replay", "risk_level")


@dataclass(kw_only=True)
class TrainerState:
    """The trainer's counters and random streams; the trainer alone changes them.

    Attributes:
        streams: Generators by name.
        env_steps: Environment steps taken.
        episodes: Finished episodes.
        damaged_episodes: Episodes that broke and were dropped; they count nowhere else.
        resumed_inexactly: The run went on from a checkpoint in an environment that cannot be brought back to it.
        extended_inexactly: How the run was planned for other steps, where that was not exact; otherwise empty.
        update_debt: Updates still owed: in [0, 1) between rounds; blocks on the device pay at the next one.
        progress: What the last update saw.
        best_success_rate: Highest success rate of any evaluation, in [0, 1].
        reports_success: The environment has said of an episode whether it is solved.
        segment_start: Number of the first episode that no replay segment of a due checkpoint holds yet.
        means: What the next row of metrics averages.
        return_scale: How large the returns collected so far are.
    """

    streams: dict[str, np.random.Generator]
    env_steps: int = 0
    episodes: int = 0
    damaged_episodes: int = 0
    resumed_inexactly: bool = False
    extended_inexactly: str = ""
    update_debt: float = 0.0
    progress: Progress = field(default_factory=Progress)
    best_success_rate: float = 0.0
    reports_success: bool = False
    segment_start: int = 0
    means: Means = field(default_factory=Means)
    return_scale: ReturnScale = field(default_factory=ReturnScale)

    @classmethod
    def at_start(cls, seed: int) -> TrainerState:
        """Return the state of a run that has not begun."""
        return cls(streams={name: generator(seed, name) for name in STREAMS})

    def owe(self, settings: TrainingSettings, *, env_steps: int, episodes: int) -> None:
        """Add the updates that so many environment steps and finished episodes are due."""
        if settings.updates_per_step:
            self.update_debt += env_steps * settings.updates_per_step
        else:
            self.update_debt += episodes * settings.updates_per_episode

    def advance(self, env_steps: int, planned: int) -> None:
        """Let the next update see that so many environment steps are done.

        Args:
            planned: Environment steps of the whole run.
        """
        self.progress = replace(
            self.progress.advanced(env_steps),
            episodes=self.episodes,
            best_success_rate=self.best_success_rate,
            reports_success=self.reports_success,
            share=min(env_steps / planned, 1.0),
        )

    def reward_scale(self, settings: TrainingSettings) -> float:
        """Return the factor on rewards that the learner sees at present."""
        return self.return_scale.factor if settings.reward_scale == "auto" else settings.reward_scale

    @property
    def counts(self) -> dict[str, int]:
        """What a row of metrics counts since the run's start."""
        return {
            "episodes": self.episodes,
            "damaged_episodes": self.damaged_episodes,
            "updates": self.progress.updates,
        }

    def row(self) -> dict[str, float | None]:
        """Return the means of the next row of metrics; a success rate is None while the environment has not said it."""
        means: dict[str, float | None] = {**self.means.means()}
        if SUCCESS in means and not self.reports_success:
            means[SUCCESS] = None
        return means

    def to_json(self) -> dict[str, Any]:
        """Return JSON values, exactly."""
        return {
            "streams": {name: generator_state(stream) for name, stream in self.streams.items()},
            "env_steps": self.env_steps,
            "episodes": self.episodes,
            "damaged_episodes": self.damaged_episodes,
            "resumed_inexactly": self.resumed_inexactly,
            "extended_inexactly": self.extended_inexactly,
            "update_debt": self.update_debt,
            "progress": asdict(self.progress),
            "best_success_rate": self.best_success_rate,
            "reports_success": self.reports_success,
            "segment_start": self.segment_start,
            "means": self.means.to_json(),
            "return_scale": self.return_scale.to_json(),
        }

    @property
    def inexactness(self) -> dict[str, str | bool]:
        """In what the run is not one that was trained in one go; empty where it is."""
        flags: dict[str, str | bool] = {"resumed_inexactly": self.resumed_inexactly}
        flags |= {"extended_inexactly": self.extended_inexactly}
        return {name: value for name, value in flags.items() if value}

    def open_end(
        self, *, metrics: Prefix, evaluation: Mapping[str, float | int | None] | None, is_due: bool, is_cut: bool
    ) -> dict[str, Any]:
        """Return what a run planned for more steps would have here in place of what the run's end is about to change.

        Args:
            metrics: ``metrics.jsonl`` so far.
            evaluation: The evaluation that was due here, if one was.
            is_due: Whether a checkpoint is due here.
            is_cut: `rmix_kit.training.round_plan.RoundPlan.is_cut` of the last round.
        """
        return {
            "metrics": metrics._asdict(),
            "best_success_rate": self.best_success_rate,
            "reports_success": self.reports_success,
            "means": self.means.to_json(),
            "evaluation": evaluation,
            "is_due": is_due,
            **({"is_cut": True} if is_cut else {}),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any], seed: int) -> TrainerState:
        """Read back what `to_json` gave."""
        state = cls.at_start(seed)
        for name, recorded in values["streams"].items():
            restore_generator(state.streams[name], recorded)
        state.env_steps = values["env_steps"]
        state.episodes = values["episodes"]
        state.damaged_episodes = values.get("damaged_episodes", 0)
        state.resumed_inexactly = values.get("resumed_inexactly", False)
        state.extended_inexactly = values.get("extended_inexactly", "")
        state.update_debt = values["update_debt"]
        state.progress = Progress(**values["progress"])
        state.best_success_rate = values["best_success_rate"]
        state.reports_success = values.get("reports_success", True)
        state.segment_start = values["segment_start"]
        state.means = Means(values["means"])
        state.return_scale = ReturnScale(**values["return_scale"])
        return state
