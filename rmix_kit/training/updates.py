"""The updates that collected episodes are due."""

from __future__ import annotations

from torch import Tensor

from rmix_kit.collect import LinearSchedule, Round
from rmix_kit.errors import NonFiniteError
from rmix_kit.replay import ReplayBuffer
from rmix_kit.training.learner import Learner
from rmix_kit.training.run_config import RunConfig
from rmix_kit.training.state import TrainerState
from rmix_kit.types import EpisodeBatch


class Updates:
    """Counts which updates are due, and makes them with batches of the replay."""

    def __init__(
        self,
        config: RunConfig,
        state: TrainerState,
        *,
        learner: Learner,
        buffer: ReplayBuffer,
        epsilon: LinearSchedule,
        learning_rate: LinearSchedule,
    ) -> None:
        """Bind the learner to the replay.

        Args:
            state: Its debt, its progress and its streams move with every update.
            epsilon: Exploration by environment steps.
            learning_rate: Factor on every learning rate, likewise.
        """
        self._config, self._state, self._learner, self._buffer = config, state, learner, buffer
        self._epsilon, self._learning_rate = epsilon, learning_rate

    def make(self, before: int, played: Round) -> list[dict[str, Tensor]]:
        """Make the updates owed for episodes, their environment steps spread evenly over them.

        Args:
            before: Environment steps before these episodes.
            played: At least one episode, which the replay holds already.

        Returns:
            Each update's scalars, on the training device.

        Raises:
            NonFiniteError: A loss or gradient is NaN or infinite; the update is named.
        """
        state = self._state
        count = self._owed(played)
        metrics = []
        factor = self._learning_rate.at(state.env_steps)
        for index in range(1, count + 1):
            batch = self._sample(self._epsilon.at(before), played.episodes)
            env_steps = before + index * played.env_steps // count
            state.advance(env_steps, self._config.steps)
            try:
                metrics.append(self._learner.update(batch, state.progress, learning_rate_factor=factor))
            except NonFiniteError as error:
                where = f"update {state.progress.updates} at environment step {state.progress.env_steps}"
                raise NonFiniteError(f"{where}: {error}") from error
        return metrics

    def _owed(self, played: Round) -> int:
        """Return how many updates are made now; a fraction stays owed."""
        state, settings, algorithm = self._state, self._config.training, self._config.algorithm
        state.owe(settings, env_steps=played.env_steps, episodes=played.episodes)
        count = int(state.update_debt)
        state.update_debt -= count
        if algorithm.data == "round":
            state.update_debt = 0.0
            return 1  # a second update would no longer be on-policy
        return count if len(self._buffer) >= max(settings.batch_size, algorithm.newest_episodes) else 0

    def _sample(self, epsilon: float, round_episodes: int) -> EpisodeBatch:
        algorithm, settings = self._config.algorithm, self._config.training
        newest = {"replay": 0, "round": round_episodes, "both": algorithm.newest_episodes}
        return self._buffer.sample(
            0 if algorithm.data == "round" else settings.batch_size,
            self._state.streams["replay"],
            reward_scale=self._state.reward_scale(settings),
            newest=newest[algorithm.data],
            epsilon=epsilon,
            level_draws=algorithm.risk_level_draws,
            level_redraw_share=algorithm.level_redraw_share,
            tau_draws=algorithm.tau_draws,
        )
