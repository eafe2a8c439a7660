"""The training loop of runs that play on the device: blocks of steps of all copies, read back once each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from rmix_kit.device.capture import capture_for
from rmix_kit.device.draws import stream_key
from rmix_kit.device.games import game_of
from rmix_kit.device.parts import make_parts
from rmix_kit.device.replay import DeviceReplay
from rmix_kit.device.rollout import TOTALS
from rmix_kit.device.updates import Planned, check_algorithm
from rmix_kit.envs.interface import VectorEnv, reports_success
from rmix_kit.errors import CheckpointError, ConfigError, NonFiniteError
from rmix_kit.metrics import FALLS, LENGTH, RETURN, SUCCESS
from rmix_kit.training.evaluator import Evaluation
from rmix_kit.training.loop import TrainingLoop
from rmix_kit.training.round_plan import is_due
from rmix_kit.training.run_config import RunConfig

METRICS = dict(zip(TOTALS[1:], (RETURN, SUCCESS, FALLS, LENGTH), strict=True))


class Due(NamedTuple):
    """What a block that begins owes.

    Attributes:
        updates: How many are made when it is over.
        first: Number of the first of them.
    """

    updates: int
    first: int


class DeviceLoop(TrainingLoop):
    """Plays a block of steps, draws for the updates that are owed, reads once, and starts the updates.

    Beside loops of other seeds (`rmix_kit.device.together`) it says what is due and what came of it; what is between is
    done for all of them.

    The host waits for the device in that one read: it tells of the episodes that ended in the block, of the lengths of
    the batches drawn, and of the updates of the block before. Updates that the block's episodes bring are therefore
    made after the next block, and their scalars stand in the row after that.

    Attributes:
        parts: What it is made of.
        is_beside: Whether somebody else starts its play and updates, together with those of other seeds.
        due: Of the block that has begun.
        plans: The updates that the block has to make.
    """

    is_beside = False

    @staticmethod
    def check(config: RunConfig, envs: VectorEnv) -> None:
        """Refuse a run that the device cannot play, before anything of it is made.

        Args:
            envs: Copies of its environment.

        Raises:
            ConfigError: With what to do.
        """
        check_algorithm(config.algorithm)
        if config.training.reward_scale == "auto":
            raise ConfigError(
                "training.rollout is 'device', where training.reward_scale is a number; it is 'auto': give "
                "--set training.reward_scale=0.05, or --set training.rollout=host"
            )
        game_of(envs, torch.device("cpu"))

    def held_episodes(self) -> DeviceReplay:
        """Make the replay on the device."""
        settings, device = self._settings, self._learner.device
        self._game = game_of(self._envs, device)
        self._replay = DeviceReplay(self._game, settings.buffer_episodes, settings.num_envs, device)
        return self._replay

    def prepare(self) -> None:
        """Put game, replay and networks together, and go back to the copies in play at the newest checkpoint.

        Raises:
            CheckpointError: They are those of another run.
        """
        config, settings, device = self._config, self._settings, self._learner.device
        self.parts = make_parts(
            self._game,
            self._learner,
            self._replay,
            seed=config.seed,
            rollout_steps=settings.rollout_steps,
            batch_size=settings.batch_size,
            reward_scale=self._state.reward_scale(settings),
            capture=capture_for(device),
        )
        self._rollout, self._programs = self.parts.rollout, self.parts.updates
        if self._storage.last_saved is not None:
            try:
                self._rollout.load_state(self._storage.rollout or {})
            except CheckpointError:
                self._book.close()
                raise
        self._draw_key = stream_key(config.seed, "replay")
        self._drawn = torch.zeros(0, settings.batch_size, dtype=torch.int64, device=device)
        self._taken = self._rollout.now.totals
        self.due = Due(updates=0, first=0)
        self.plans: list[Planned] = []

    def rollout_tensors(self) -> dict[str, Tensor]:
        """Return the copies in play, by name."""
        return self._rollout.state_tensors()

    def begin_round(self) -> None:
        """Start a block of play and the draws for the updates that are owed; wait for nothing."""
        state, settings = self._state, self._settings
        owed = int(state.update_debt)
        state.update_debt -= owed
        if len(self._replay) < settings.batch_size:
            owed = 0
        self.due = Due(updates=owed, first=state.progress.updates + 1)
        self._rollout.epsilon.fill_(self._epsilon.at(state.env_steps))
        if self.is_beside:
            return
        with self.timed("collecting"):
            self._rollout.run()
            numbers = torch.arange(owed, device=self._replay.device) + self.due.first
            self._drawn = self._replay.draw(self._draw_key, numbers, settings.batch_size)  # [update, batch]
            longest = self._replay.longest(self._drawn)  # [update]
            self._taken = torch.cat([self._rollout.now.totals, longest.double(), self._programs.taken()])

    def timed(self, activity: str) -> AbstractContextManager[None]:
        """Count the time of a block of statements as that of an activity."""
        return self._book.clock.timed(activity)

    def see(self, values: Sequence[float]) -> None:
        """Take what somebody else has read: totals of the block, lengths of the batches, and of updates before."""
        self._seen = values

    def round(self) -> None:
        """Wait for the block of play, and make the updates that were owed before it."""
        state, settings = self._state, self._settings
        before, steps = state.env_steps, settings.num_envs * settings.rollout_steps
        with self.timed("collecting"):
            if not self.is_beside:
                self.see(self._taken.tolist())  # the block's one look at the device
        values, owed = self._seen, self.due.updates
        n_totals = len(TOTALS)
        self._note_updates(values[n_totals + owed :])
        self._note_episodes(dict(zip(TOTALS, values[:n_totals], strict=True)), steps)
        with self.timed("learning"):
            self._plan_updates(before, [int(length) for length in values[n_totals : n_totals + owed]])
            if not self.is_beside:
                for slots, planned in zip(self._drawn, self.plans, strict=True):
                    self._programs.run(slots, *planned)
        self._book.show_round()
        if is_due(settings.log_interval, before, state.env_steps):
            self._book.record_training()

    def _note_episodes(self, totals: Mapping[str, float], steps: int) -> None:
        state = self._state
        episodes = int(totals["episodes"])
        if episodes:
            for name, metric in METRICS.items():
                state.means.add(metric, totals[name], episodes)
        state.episodes += episodes
        self._replay.added += episodes
        state.env_steps += steps
        state.reports_success = state.reports_success or reports_success(self._envs)
        state.owe(self._settings, env_steps=steps, episodes=episodes)

    def _note_updates(self, values: Sequence[float]) -> None:
        sums = self._programs.told(values)
        if values[0]:
            bad = ", ".join(name for name, (total, _) in sums.items() if total - total != 0)
            raise NonFiniteError(
                f"an update before environment step {self._state.env_steps}: {bad or 'a gradient'} is not finite; no "
                f"weight was changed since. Lower the learning rate or reward_scale; {self._storage.stands}"
            )
        for name, (total, count) in sums.items():
            self._state.means.add(name, total, count)

    def _plan_updates(self, before: int, longest: Sequence[int]) -> None:
        """Say what updates the block makes, its environment steps spread evenly over them."""
        state = self._state
        factor = self._learning_rate.at(state.env_steps)
        self.plans = []
        for index, steps in enumerate(longest):
            env_steps = before + (index + 1) * (state.env_steps - before) // len(longest)
            state.advance(env_steps, self._config.steps)
            self.plans.append(Planned(steps, state.progress, factor))

    def _look(self) -> None:
        """Take what the updates since the last block have to say."""
        self._note_updates(self._programs.taken().tolist())

    def _finish(self, evaluation: Evaluation | None, is_saved: bool) -> None:
        self._look()
        super()._finish(evaluation, is_saved)

    def _save(
        self, evaluation: Evaluation | None, *, is_interruption: bool, open_end: Mapping[str, Any] | None = None
    ) -> None:
        self._look()
        super()._save(evaluation, is_interruption=is_interruption, open_end=open_end)
