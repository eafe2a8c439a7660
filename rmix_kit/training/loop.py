"""Collection rounds, updates, evaluations and checkpoints, in the order of environment steps."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from rmix_kit.collect import Collector, Round
from rmix_kit.envs.interface import VectorEnv, codec_of, facts_of, is_reproducible, notes_of, reports_success
from rmix_kit.errors import Interrupted, NonFiniteError
from rmix_kit.files.writing import writing
from rmix_kit.metrics import RETURN, SUCCESS
from rmix_kit.origin import origin_of_process
from rmix_kit.replay import ReplayBuffer
from rmix_kit.replay.held import HeldEpisodes
from rmix_kit.training.acting import ActingTeam
from rmix_kit.training.device import why_slow
from rmix_kit.training.evaluator import Evaluation, evaluate
from rmix_kit.training.learner import Learner
from rmix_kit.training.memory import MIB, replay_fill, replay_notes
from rmix_kit.training.metrics import MetricsLog, Stopwatch, note_origin, purge_from
from rmix_kit.training.progress_bar import Reporter, Status
from rmix_kit.training.round_plan import RoundPlan, is_due
from rmix_kit.training.run_config import RunConfig
from rmix_kit.training.run_folder import RunFolder
from rmix_kit.training.settings import schedules
from rmix_kit.training.signals import StopSignals
from rmix_kit.training.state import TrainerState
from rmix_kit.training.storage import Storage
from rmix_kit.training.updates import Updates


class TrainingLoop:
    """Owns time: nothing but `run` moves a counter."""

    def __init__(
        self,
        config: RunConfig,
        folder: RunFolder,
        *,
        envs: VectorEnv,
        test_envs: VectorEnv,
        device: torch.device,
        reporter: Reporter,
        overrides: Mapping[str, Any] | None = None,
    ) -> None:
        """Build the learner and the replay, and go back to the newest checkpoint if there is one.

        Args:
            folder: Prepared and locked.
            test_envs: Copies to evaluate in.
            overrides: What the configuration lays over its preset, for the record; None where nobody has said.
        """
        settings = config.training
        self._config, self._settings, self._folder, self._reporter = config, settings, folder, reporter
        self._envs, self._test_envs = envs, test_envs
        self._learner = Learner(
            config.algorithm, envs.spec, settings.target, seed=config.seed, device=device, codec=codec_of(envs)
        )
        self._policy = ActingTeam(self._learner.online.agent, envs.spec, device)
        self._held = self.held_episodes()
        for line in (
            f"{config.algorithm.name} on {config.env}, {device}",
            *notes_of(envs),
            *why_slow(device),
            *replay_notes(self._held),
        ):
            reporter.note(line)
        self._storage = Storage(folder, config)
        restored = self._storage.restore(self._learner, self._held, reporter)
        self._state = TrainerState.at_start(config.seed) if restored is None else restored[0]
        kept = 0 if restored is None else restored[1].metrics.length
        if restored is not None:
            reporter.note(f"going on from step_{self._state.env_steps}")
            if not is_reproducible(envs):
                self._state.resumed_inexactly = True
                reporter.note("the environment cannot be brought back to it: this run resumes inexactly")
        origin = origin_of_process(self._state.env_steps, str(device), settings.threads)
        note_origin(folder, {**origin, "overrides": overrides})
        is_new = not folder.metrics.exists()
        self._log = MetricsLog(folder, keep=kept, purge_step=None if is_new else purge_from(self._state.env_steps))
        self._epsilon, self._learning_rate = schedules(settings, config.steps)
        self._loss: float | None = None
        self._knows_environment = self._is_cut = False
        self._recorded_step: int | None = None
        self._clock = Stopwatch("collecting", "learning", "evaluating", "saving")
        self.prepare()

    def held_episodes(self) -> HeldEpisodes:
        """Make the replay, which the newest checkpoint is about to fill."""
        spec, capacity = self._envs.spec, self._settings.buffer_episodes
        self._buffer = ReplayBuffer(spec, capacity, self._learner.device, codec=codec_of(self._envs))
        return self._buffer

    def prepare(self) -> None:
        """Make what plays and learns, once all else stands at the newest checkpoint."""
        self._collector = Collector(self._envs, self._policy)
        self._updates = Updates(
            self._config,
            self._state,
            learner=self._learner,
            buffer=self._buffer,
            epsilon=self._epsilon,
            learning_rate=self._learning_rate,
        )

    def rollout_tensors(self) -> dict[str, Tensor] | None:
        """Return the copies in play, by name; rounds leave none."""
        return None

    def run(self, signals: StopSignals) -> None:
        """Train to the end, or to the end of the round in which a signal came.

        Args:
            signals: Asked after every round.

        Raises:
            Interrupted: A signal came before the end.
        """
        for _ in self.stages(signals):
            pass

    def begin_round(self) -> None:
        """Start what need not be waited for; rounds on the host start nothing."""

    def stages(self, signals: StopSignals) -> Generator[None]:
        """Do what `run` does, and pause in each round: when it has begun, and before what follows it."""
        state = self._state
        self._reporter.start(self._config.steps, state.env_steps)
        try:
            if state.env_steps == 0:
                self.evaluate()
            while state.env_steps < self._config.steps:
                before = state.env_steps
                self.begin_round()
                yield
                self.round()
                yield
                self.finish_round(before, signals)
            self._reporter.note(replay_fill(self._held))
        finally:
            self._reporter.stop()
            self._log.close()

    def round(self) -> None:
        """Collect a round of episodes; make the updates that are due for them, and the records, as they end."""
        state, plan = self._state, RoundPlan(self._config, self._state)
        rounds = self._playing(plan)
        while True:
            before = state.env_steps
            with self._clock.timed("collecting"):
                played = next(rounds, None)
                if played is None:
                    break
                self._keep(played)
            if played.episodes:
                with self._clock.timed("learning"):
                    self._learn(before, played)
                means = state.means.means()
                self._show(means[RETURN], means[SUCCESS] if state.reports_success else None)
            self._record_environment()
            if is_due(self._settings.log_interval, before, state.env_steps):
                self._record()
        self._is_cut = plan.is_cut

    def _playing(self, plan: RoundPlan) -> Iterator[Round]:
        """Play a round: all its episodes at once where copies wait for each other, otherwise those that end at once.

        The team takes over the learner's weights with its initial carry, and where copies do not wait as often as if
        they did: whenever as many episodes have ended as there are copies.
        """
        state, num_envs, rng = self._state, self._settings.num_envs, self._state.streams["exploration"]
        if self._config.episodes_per_copy == 1:
            seeds, levels = plan.begin(num_envs)
            epsilon = self._epsilon.at(state.env_steps)
            yield self._collector.collect(seeds, epsilon=epsilon, rng=rng, risk_level=levels)
            return
        ended = 0
        for played in self._collector.play(plan.begin, epsilon=lambda: self._epsilon.at(state.env_steps), rng=rng):
            yield played
            ended += played.episodes
            if ended >= num_envs:
                self._policy.take_over()
                ended = 0

    def _keep(self, played: Round) -> None:
        """Count episodes, and add those that did not break to the replay."""
        state = self._state
        if played.episodes:
            self._buffer.add(played.block)
            self._learner.observe(played.block)
            state.return_scale.add(played.block, gamma=self._config.algorithm.gamma)
        if played.damaged:
            state.damaged_episodes += played.damaged
            self._reporter.note(
                f"{played.damaged} of {played.damaged + played.episodes} episodes broke and are dropped; "
                f"{state.damaged_episodes} so far"
            )
        state.episodes += played.episodes
        state.env_steps += played.env_steps
        state.reports_success = state.reports_success or reports_success(self._envs)
        state.means.add_round(played)

    def _learn(self, before: int, played: Round) -> None:
        """Make the updates that episodes are due.

        Args:
            before: Environment steps before these episodes.
        """
        means = self._state.means
        try:
            metrics = self._updates.make(before, played)
        except NonFiniteError as error:
            raise NonFiniteError(f"{error}; {self._storage.stands}") from error
        means.add_updates(metrics)

    def finish_round(self, before: int, signals: StopSignals) -> None:
        """Evaluate and save what became due in the round; stop if a signal came.

        Args:
            before: Environment steps before the round.
            signals: Asked once.

        Raises:
            Interrupted: A signal came and training has not ended.
        """
        state, settings = self._state, self._settings
        is_last = state.env_steps >= self._config.steps
        evaluation = self.evaluate() if is_due(settings.evaluation_interval, before, state.env_steps) else None
        is_saved = is_due(settings.checkpoint_interval, before, state.env_steps)
        if is_last:
            self._finish(evaluation, is_saved)
        elif is_saved:
            self._save(evaluation, is_interruption=False)
        if signals.received is not None and not is_last:
            if self._storage.last_saved != state.env_steps:
                self._save(evaluation, is_interruption=True)
            raise Interrupted(signals.received, f"step_{state.env_steps} is saved; go on with --resume")

    def _finish(self, evaluation: Evaluation | None, is_saved: bool) -> None:
        """Record, evaluate and save at the end, and keep what a run planned for more steps would have here instead."""
        summary = None if evaluation is None else evaluation.to_json()
        open_end = self._state.open_end(
            metrics=self._log.sync(), evaluation=summary, is_due=is_saved, is_cut=self._is_cut
        )
        if self._recorded_step != self._state.env_steps:
            self._record()
        self._save(self.evaluate() if evaluation is None else evaluation, is_interruption=False, open_end=open_end)

    def evaluate(self) -> Evaluation:
        """Play the greedy evaluation episodes and record them."""
        state = self._state
        with self._clock.timed("evaluating"):
            evaluation = evaluate(
                self._policy,
                self._test_envs,
                episodes=self._settings.evaluation_episodes,
                seed=self._config.seed,
                checkpoint_step=state.env_steps,
                stream="validation",
                knows_success=state.reports_success,
            )
        state.reports_success = evaluation.success is not None
        state.best_success_rate = max(state.best_success_rate, evaluation.success_rate or 0.0)
        levels = {f"risk_level_agent_{i}": level for i, level in enumerate(evaluation.risk_level_by_agent)}
        with writing("metrics.jsonl", "make room and resume"):
            self._log.row("evaluation", state.env_steps, {**evaluation.to_json(), **levels})
        self._show(evaluation.return_mean, evaluation.success_rate, is_evaluation=True)
        return evaluation

    def _show(self, return_mean: float, success_rate: float | None, *, is_evaluation: bool = False) -> None:
        losses = (value for name, value in self._state.means.means().items() if name.startswith("loss"))
        self._loss = next(losses, self._loss)
        self._reporter.show(
            Status(
                env_steps=self._state.env_steps,
                updates=self._state.progress.updates,
                return_mean=return_mean,
                success_rate=success_rate,
                loss=self._loss,
                is_evaluation=is_evaluation,
            )
        )

    def _record_environment(self) -> None:
        """Write once what the environment says of itself; a game tells its version only when it has been played."""
        facts = {} if self._knows_environment else facts_of(self._envs)
        is_new, self._knows_environment = not self._knows_environment, True
        inexact = self._state.inexactness
        if facts or (is_new and inexact):
            with writing("metrics.jsonl", "make room and resume"):
                self._log.facts(self._state.env_steps, {**facts, "resumed_inexactly": False, **inexact})

    def _record(self) -> None:
        state = self._state
        with writing("metrics.jsonl", "make room and resume"):
            rates = {
                "epsilon": self._epsilon.at(state.env_steps),
                "learning_rate_factor": self._learning_rate.at(state.env_steps),
                "reward_scale": state.reward_scale(self._settings),
                "replay_mebibytes": self._held.bytes_held / MIB,
            }
            self._log.row("training", state.env_steps, {**state.counts, **rates, **state.row()})
            self._log.time(state.env_steps, state.progress.updates, self._clock.seconds)
        state.means.clear()
        self._recorded_step = state.env_steps

    def _save(
        self, evaluation: Evaluation | None, *, is_interruption: bool, open_end: Mapping[str, Any] | None = None
    ) -> None:
        with self._clock.timed("saving"):
            self._storage.save(
                self._state,
                self._learner,
                self._held,
                metrics=self._log.sync(),
                evaluation=None if evaluation is None else evaluation.to_json(),
                is_interruption=is_interruption,
                open_end=open_end,
                rollout=self.rollout_tensors(),
            )
        with writing("timing.jsonl", "make room and resume"):
            self._log.time(self._state.env_steps, self._state.progress.updates, self._clock.seconds)
