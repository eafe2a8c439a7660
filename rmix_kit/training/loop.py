"""Collection rounds, updates, evaluations and checkpoints, in the order of environment steps."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from rmix_kit.callbacks import Evaluated, Saved, Started, Stop
from rmix_kit.collect import Collector, Round
from rmix_kit.envs.interface import VectorEnv, codec_of, is_reproducible, notes_of, reports_success
from rmix_kit.errors import Interrupted, NonFiniteError, RmixKitError
from rmix_kit.loggers.delivery import Delivery
from rmix_kit.origin import origin_of_process
from rmix_kit.replay import ReplayBuffer
from rmix_kit.replay.held import HeldEpisodes
from rmix_kit.results.stopped import Stopped, write_stopped
from rmix_kit.seeding import validation_stream
from rmix_kit.training.acting import ActingTeam
from rmix_kit.training.device import why_slow
from rmix_kit.training.evaluator import Evaluation, evaluate
from rmix_kit.training.learner import Learner
from rmix_kit.training.listeners import UNWATCHED, Listeners, Watched, how_it_ended
from rmix_kit.training.logbook import Logbook
from rmix_kit.training.memory import replay_fill, replay_notes
from rmix_kit.training.metrics import note_origin
from rmix_kit.training.progress_bar import Reporter
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
        watched: Watched = UNWATCHED,
    ) -> None:
        """Build the learner and the replay, and go back to the newest checkpoint if there is one.

        Args:
            folder: Prepared and locked.
            test_envs: Copies to evaluate in.
            overrides: What the configuration lays over its preset, for the record; None where nobody has said.
            watched: Who else is told.
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
        self._book = Logbook(
            config,
            folder,
            self._state,
            kept=kept,
            held=self._held,
            envs=envs,
            reporter=reporter,
            deliveries=[Delivery(logger, folder.path) for logger in watched.loggers],
        )
        self._listeners = Listeners(watched.callbacks)
        self._epsilon, self._learning_rate = schedules(settings, config.steps)
        self._is_cut = False
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
        state, listeners = self._state, self._listeners
        started = Started(run=self._folder.path, config=self._config.to_dict(), env_steps=state.env_steps)
        raised: BaseException | None = None
        try:
            self._book.begin(started)
            listeners.started(started)
            if state.env_steps == 0 and self._storage.last_saved is None:
                self.evaluate()
            while not self.is_finished and listeners.stop is None:
                before = state.env_steps
                self.begin_round()
                yield
                self.round()
                yield
                self.finish_round(before, signals)
            if not self.is_finished:
                self._stop(listeners.stop)
            self._reporter.note(replay_fill(self._held))
        except BaseException as error:
            raised = error
            if not isinstance(error, RmixKitError):
                error.add_note(f"training ended at step {state.env_steps}; {self._storage.stands}")
            raise
        finally:
            ended = how_it_ended(state.env_steps, raised, None if self.is_finished else listeners.stop)
            try:
                self._book.end(ended)
            finally:
                listeners.ended(ended)

    @property
    def is_finished(self) -> bool:
        """Whether all environment steps are done."""
        return self._state.env_steps >= self._config.steps

    def _stop(self, stop: Stop | None) -> None:
        """Save what a callback has ended, and let the run say why."""
        assert stop is not None
        if self._storage.last_saved != self._state.env_steps:
            self._save(None, is_interruption=True)
        write_stopped(self._folder, Stopped(self._state.env_steps, stop.reason))
        self._reporter.note(f"stopped at step {self._state.env_steps:,}: {stop.reason}")

    def round(self) -> None:
        """Collect a round of episodes; make the updates that are due for them, and the records, as they end."""
        state, plan = self._state, RoundPlan(self._config, self._state)
        rounds = self._playing(plan)
        while True:
            before = state.env_steps
            with self._book.clock.timed("collecting"):
                played = next(rounds, None)
                if played is None:
                    break
                self._keep(played)
            if played.episodes:
                with self._book.clock.timed("learning"):
                    self._learn(before, played)
            self._book.show_round()
            if is_due(self._settings.log_interval, before, state.env_steps):
                self._book.record_training()
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
        state, settings, is_last = self._state, self._settings, self.is_finished
        self._listeners.round(self._book.round_played())
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
            metrics=self._book.sync(), evaluation=summary, is_due=is_saved, is_cut=self._is_cut
        )
        self._book.record_training()
        self._save(self.evaluate() if evaluation is None else evaluation, is_interruption=False, open_end=open_end)

    def evaluate(self) -> Evaluation:
        """Play the greedy evaluation episodes and record them."""
        state = self._state
        with self._book.clock.timed("evaluating"):
            evaluation = evaluate(
                self._policy,
                self._test_envs,
                episodes=self._settings.evaluation_episodes,
                seed=self._config.seed,
                checkpoint_step=state.env_steps,
                stream=validation_stream(state.env_steps) if self._settings.fresh_evaluations else "validation",
                knows_success=state.reports_success,
            )
        state.reports_success = evaluation.success is not None
        state.best_success_rate = max(state.best_success_rate, evaluation.success_rate or 0.0)
        self._book.record_evaluation(evaluation)
        self._listeners.evaluation(Evaluated(env_steps=state.env_steps, evaluation=evaluation))
        return evaluation

    def _save(
        self, evaluation: Evaluation | None, *, is_interruption: bool, open_end: Mapping[str, Any] | None = None
    ) -> None:
        with self._book.clock.timed("saving"):
            self._storage.save(
                self._state,
                self._learner,
                self._held,
                metrics=self._book.sync(),
                evaluation=None if evaluation is None else evaluation.to_json(),
                is_interruption=is_interruption,
                open_end=open_end,
                rollout=self.rollout_tensors(),
            )
        self._book.record_time()
        env_steps = self._state.env_steps
        self._listeners.checkpoint(Saved(env_steps=env_steps, checkpoint=self._folder.checkpoint(env_steps)))
