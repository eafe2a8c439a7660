"""Copies of a game behind the trainer's vector interface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, cast

import numpy as np

from rmix_kit.envs.didactic.draws import stream_keys
from rmix_kit.envs.didactic.game import Game, StateT
from rmix_kit.envs.interface import chosen_copies
from rmix_kit.errors import ActionError, ConfigError
from rmix_kit.types import BoolArray, FloatArray, IntArray, TimeStep


class GameVector(Generic[StateT]):
    """Copies of one game that stand still at the end of their episodes."""

    def __init__(self, game: Game[StateT], num_envs: int) -> None:
        """Make the copies; `reset` starts them."""
        self._game = game
        self._counts = np.asarray(game.action_counts)  # [agent]
        self.spec, self.num_envs = game.spec, num_envs
        self._state: StateT | None = None

    def reset(self, seeds: Sequence[int], *, episode: int = 0) -> TimeStep:
        """Start an episode in every copy.

        Args:
            episode: Which episode of these seeds.
        """
        if len(seeds) != self.num_envs:
            raise ConfigError(f"got {len(seeds)} seeds for {self.num_envs} copies; give one per copy")
        self._keys = stream_keys(seeds, episode)
        self._state = self._game.start(self._keys)
        self._elapsed = np.zeros(self.num_envs, dtype=np.int64)
        self._terminated = np.zeros(self.num_envs, dtype=np.bool_)
        self._truncated = np.zeros(self.num_envs, dtype=np.bool_)
        return self._time_step(np.zeros(self.num_envs, dtype=np.float32))

    def restart(self, copies: BoolArray, seeds: Sequence[int]) -> TimeStep:
        """Start an episode in some copies; see `rmix_kit.envs.interface.VectorEnv.restart`."""
        assert self._state is not None, "reset comes first"
        chosen = chosen_copies(copies, seeds, self.num_envs)
        self._keys = self._keys.copy()
        self._keys[chosen] = stream_keys(seeds, 0)
        self._state = _held(~copies, self._state, self._game.start(self._keys))
        self._elapsed = np.where(copies, 0, self._elapsed)
        self._terminated, self._truncated = self._terminated & ~copies, self._truncated & ~copies
        return self._time_step(np.zeros(self.num_envs, dtype=np.float32))

    def step(self, actions: IntArray) -> TimeStep:
        """Advance every copy that has not finished.

        Args:
            actions: int64 ``[env, agent]``.

        Raises:
            ActionError: The actions have another shape, or one does not exist.
        """
        assert self._state is not None, "reset comes first"
        self._check(actions)
        is_over = self._terminated | self._truncated
        state, reward, has_ended = self._game.advance(self._state, actions, self._keys, self._elapsed + 1)
        self._state = _held(is_over, self._state, state) if is_over.any() else state
        self._elapsed = self._elapsed + ~is_over
        self._terminated = np.where(is_over, self._terminated, has_ended)
        is_late = self._elapsed >= self.spec.episode_limit
        self._truncated = np.where(is_over, self._truncated, is_late & ~has_ended)
        return self._time_step(np.where(is_over, np.float32(0.0), reward))

    def close(self) -> None:
        """Nothing is held."""

    def _time_step(self, reward: FloatArray) -> TimeStep:
        assert self._state is not None, "reset comes first"
        view = self._game.view(self._state)
        return TimeStep(
            obs=view.obs,
            avail_actions=view.avail_actions,
            state=view.state,
            reward=reward,
            terminated=self._terminated.copy(),
            truncated=self._truncated.copy(),
            success=view.success & (self._terminated | self._truncated),
            fell=np.zeros((self.num_envs, self.spec.n_agents), dtype=np.bool_),
        )

    def _check(self, actions: IntArray) -> None:
        expected = (self.num_envs, self.spec.n_agents)
        if actions.shape != expected or actions.dtype.kind not in "iu":
            raise ActionError(f"actions are {actions.dtype} {actions.shape}; expected whole numbers {expected}")
        is_bad = (actions < 0) | (actions >= self._counts)  # [env, agent]
        if is_bad.any():
            copy, agent = map(int, np.argwhere(is_bad)[0])
            raise ActionError(
                f"action of copy {copy}, {self.spec.agent_ids[agent]} is {actions[copy, agent]}; "
                f"it must be in 0..{self._counts[agent] - 1}"
            )


def _held(stays: BoolArray, old: StateT, new: StateT) -> StateT:
    """Return the new situation, but the old one where that stays, bool ``[env]``."""
    parts = [
        np.where(stays.reshape(-1, *[1] * (after.ndim - 1)), before, after)
        for before, after in zip(old, new, strict=True)
    ]
    return cast(Callable[..., StateT], type(new))(*parts)
