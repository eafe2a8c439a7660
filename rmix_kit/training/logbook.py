"""Writing down what training does: rows of metrics and time, the display, and the loggers that a user has given."""

from __future__ import annotations

from collections.abc import Sequence

from rmix_kit.callbacks import Ended, RoundPlayed, Started
from rmix_kit.envs.interface import VectorEnv, facts_of
from rmix_kit.files.writing import Prefix
from rmix_kit.loggers.delivery import Delivery
from rmix_kit.metrics import RETURN, SUCCESS
from rmix_kit.replay.held import HeldEpisodes
from rmix_kit.training.evaluator import Evaluation
from rmix_kit.training.memory import MIB
from rmix_kit.training.metrics import MetricsLog, Stopwatch, purge_from
from rmix_kit.training.progress_bar import Reporter, Status
from rmix_kit.training.run_config import RunConfig
from rmix_kit.training.run_folder import RunFolder
from rmix_kit.training.settings import schedules
from rmix_kit.training.state import TrainerState


class Logbook:
    """Knows the run's counters and writes them down; changes none but the means that a row takes.

    Attributes:
        clock: Wall seconds by activity.
        status: What was shown last of collected episodes; None before any ended.
    """

    def __init__(
        self,
        config: RunConfig,
        folder: RunFolder,
        state: TrainerState,
        *,
        kept: int,
        held: HeldEpisodes,
        envs: VectorEnv,
        reporter: Reporter,
        deliveries: Sequence[Delivery] = (),
    ) -> None:
        """Open the files; rows after those kept are cut off.

        Args:
            state: The loop's own, looked at whenever something is written.
            kept: Bytes of ``metrics.jsonl`` to go on from.
            held: The replay, whose size is told.
            envs: Asked what they say of themselves.
            deliveries: To loggers, which `begin` opens; they get every row of numbers too.
        """
        self._config, self._state, self._held, self._envs, self._reporter = config, state, held, envs, reporter
        is_new = not folder.metrics.exists()
        purge = None if is_new else purge_from(state.env_steps)
        self._log = MetricsLog(folder, keep=kept, purge_step=purge, deliveries=deliveries)
        self._epsilon, self._learning_rate = schedules(config.training, config.steps)
        self._loss: float | None = None
        self._knows_environment = False
        self._recorded_step: int | None = None
        self.clock = Stopwatch("collecting", "learning", "evaluating", "saving")
        self.status: Status | None = None

    def begin(self, started: Started) -> None:
        """Let loggers begin, and the display."""
        self._log.begin(started)
        self._reporter.start(self._config.steps, self._state.env_steps)

    def end(self, ended: Ended) -> None:
        """Let the display end, and loggers; close the files."""
        self._reporter.stop()
        try:
            self._log.end(ended)
        finally:
            self._log.close()

    def show_round(self) -> None:
        """Show how the episodes since the last row went, if there were any; write what the environment says of itself.

        That is written once: a game tells its version only when it has been played.
        """
        state = self._state
        means = state.means.means()
        if RETURN in means:
            self._show(means[RETURN], means[SUCCESS] if state.reports_success else None)
        facts = {} if self._knows_environment else facts_of(self._envs)
        is_new, self._knows_environment = not self._knows_environment, True
        inexact = state.inexactness
        if facts or (is_new and inexact):
            self._log.facts(state.env_steps, {**facts, "resumed_inexactly": False, **inexact})

    def round_played(self) -> RoundPlayed:
        """Say how the last round went, for callbacks."""
        state, shown = self._state, self.status
        return RoundPlayed(
            env_steps=state.env_steps,
            episodes=state.episodes,
            updates=state.progress.updates,
            return_mean=None if shown is None else shown.return_mean,
            success_rate=None if shown is None else shown.success_rate,
            loss=self._loss,
        )

    def record_training(self) -> None:
        """Write a row of what was seen since the last one, unless there is one of this step."""
        state = self._state
        if self._recorded_step == state.env_steps:
            return
        rates = {
            "epsilon": self._epsilon.at(state.env_steps),
            "learning_rate_factor": self._learning_rate.at(state.env_steps),
            "reward_scale": state.reward_scale(self._config.training),
            "replay_mebibytes": self._held.bytes_held / MIB,
        }
        self._log.row("training", state.env_steps, {**state.counts, **rates, **state.row()})
        self._log.time(state.env_steps, state.progress.updates, self.clock.seconds)
        state.means.clear()
        self._recorded_step = state.env_steps

    def record_evaluation(self, evaluation: Evaluation) -> None:
        """Write a row of an evaluation, and show it."""
        levels = {f"risk_level_agent_{i}": level for i, level in enumerate(evaluation.risk_level_by_agent)}
        self._log.row("evaluation", self._state.env_steps, {**evaluation.to_json(), **levels})
        self._show(evaluation.return_mean, evaluation.success_rate, is_evaluation=True)

    def record_time(self) -> None:
        """Write how long things took so far."""
        self._log.time(self._state.env_steps, self._state.progress.updates, self.clock.seconds)

    def _show(self, return_mean: float, success_rate: float | None, *, is_evaluation: bool = False) -> None:
        losses = (value for name, value in self._state.means.means().items() if name.startswith("loss"))
        self._loss = next(losses, self._loss)
        status = Status(
            env_steps=self._state.env_steps,
            updates=self._state.progress.updates,
            return_mean=return_mean,
            success_rate=success_rate,
            loss=self._loss,
            is_evaluation=is_evaluation,
        )
        self._reporter.show(status)
        if not is_evaluation:
            self.status = status

    def sync(self) -> Prefix:
        """Make the rows durable and give them as the beginning of what the file will be."""
        return self._log.sync()

    def close(self) -> None:
        """Close the files."""
        self._log.close()
