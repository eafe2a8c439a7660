"""One supervised copy of the game: started, stepped, ended and started anew."""

from __future__ import annotations

import logging
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rmix_kit.envs.smac.sc2.process import GameWorker, Worker, WorkerFailure, count, finite, plain
from rmix_kit.envs.smac.sc2.ray_worker import RayWorker
from rmix_kit.envs.smac.sc2.settings import Settings
from rmix_kit.errors import StarCraftError
from rmix_kit.spelling import suggestion
from rmix_kit.types import EnvSpec, IntArray

LARGEST_SIZES = {
    "n_agents": 1_000,
    "n_actions": 10_000,
    "obs_shape": 10**6,
    "state_shape": 10**7,
    "episode_limit": 10**6,
}
"""What no map has more of."""
MOST_UNITS = 10_000
_LOG = logging.getLogger(__name__)
_SEEDS = 2**31
_REWARD_TOLERANCE = 1e-6  # of max_reward, relative: sums of float32 healths may be taken in another order


@dataclass(kw_only=True)
class GameFacts:
    """What all copies share, known once the first game runs.

    Attributes:
        versions: Of packages and game, by name.
        max_reward: Scale of the reward; None before the first game.
    """

    versions: dict[str, str]
    max_reward: float | None = None


@dataclass(kw_only=True)
class Episode:
    """Where a copy's episode stands; replaced as a whole at every reset.

    Attributes:
        obs: float32 ``[agent, obs]``.
        state: float32 ``[state]``.
        avail_actions: bool ``[agent, action]``.
        steps: Steps taken.
        reward: Of the last step.
        terminated: The battle ended.
        truncated: The clock ended it.
        is_damaged: The game failed in its midst.
        battle_won: All enemies died, and not all allies.
        dead_allies: At the last step.
        dead_enemies: At the last step.
    """

    obs: np.ndarray
    state: np.ndarray
    avail_actions: np.ndarray
    steps: int = 0
    reward: float = 0.0
    terminated: bool = False
    truncated: bool = False
    is_damaged: bool = False
    battle_won: bool = False
    dead_allies: int = 0
    dead_enemies: int = 0

    @property
    def has_ended(self) -> bool:
        """Nothing more happens until the next reset."""
        return self.terminated or self.truncated or self.is_damaged


class SupervisedCopy:
    """Asks in two halves, so that several copies work side by side: ``begin_`` sends and ``finish_`` waits."""

    def __init__(self, settings: Settings, index: int, facts: GameFacts) -> None:
        """Describe a copy; nothing is started.

        Args:
            index: Its number among the copies.
            facts: Shared by all copies.
        """
        self._settings, self._index, self._facts = settings, index, facts
        self._worker: GameWorker | None = None
        self._is_launching = self._is_first_episode = False
        self._failures: list[str] = []
        self._spec: EnvSpec | None = None
        self.episode: Episode | None = None
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """Number of the worker process; None where there is none."""
        return None if self._worker is None else self._worker.pid

    def describe(self) -> tuple[dict[str, int], dict[str, str]]:
        """Return the map's sizes and the packages' versions, without starting the game.

        Raises:
            StarCraftError: The interpreter, the package or the map is not there.
        """
        worker = self._started()
        worker.send("describe", self._settings.launch_timeout)
        try:
            fields, _ = worker.receive()
            given = plain(fields, "sizes", dict)
            sizes = {name: count(given, name, 1, most) for name, most in LARGEST_SIZES.items()}
            return sizes, {name: str(value) for name, value in plain(fields, "versions", dict).items()}
        except WorkerFailure as failure:
            lines = self._end()
            raise _hopeless(self._settings, failure, lines) from failure

    def bind(self, spec: EnvSpec) -> None:
        """Return which sizes to expect."""
        self._spec = spec

    def begin_reset(self, seed: int) -> None:
        """Ask for an episode, of a new game where none runs.

        Args:
            seed: A new game is created with it; a running one goes on with its own.
        """
        if self._is_fresh():
            return
        # smac takes a reset in a game's unfinished first episode for the first one, and starts a second game.
        if self._worker is not None and self._is_first_episode and self.episode is not None:
            if not self.episode.has_ended:
                self._end()
            self._is_first_episode = False
        self._is_launching = self._worker is None or self.episode is None
        if self._is_launching:
            self._started().send("launch", self._settings.launch_timeout, seed=(seed + len(self._failures)) % _SEEDS)
        else:
            self._started().send("reset", self._settings.step_timeout)
        self.episode = None

    def finish_reset(self) -> bool:
        """Wait for the episode.

        Returns:
            Whether it has begun; if not, ask again.

        Raises:
            StarCraftError: It failed too often in a row, or never will work.
        """
        if self._is_fresh():
            return True
        assert self._worker is not None
        try:
            fields, arrays = self._worker.receive()
            episode = Episode(**self._checked(arrays))
            if self._is_launching:
                self._check_scale(finite(fields, "max_reward"))
                self._facts.versions.setdefault("game_version", plain(fields, "game_version", str))
        except WorkerFailure as failure:
            is_first = self._is_launching and self._facts.max_reward is None
            self._fail("launch" if self._is_launching else "reset", failure, may_give_up=is_first)
            return False
        self.episode, self._is_first_episode = episode, self._is_launching
        return True

    def begin_step(self, actions: IntArray) -> None:
        """Ask for one step of a running episode.

        Args:
            actions: int64 ``[agent]``, each allowed by the mask.
        """
        assert self._worker is not None
        self._worker.send("step", self._settings.step_timeout, actions=actions)

    def finish_step(self) -> None:
        """Wait for the step; `episode` says what came of it.

        Raises:
            StarCraftError: This copy failed too often in a row.
        """
        assert self._worker is not None
        assert self.episode is not None
        episode = self.episode
        try:
            fields, arrays = self._worker.receive()
            seen, after = self._checked(arrays), self._outcome(fields)
        except WorkerFailure as failure:
            episode.reward, episode.is_damaged = 0.0, True
            self._fail(f"step {episode.steps}", failure)
            return
        self.episode = Episode(**seen, **after, steps=episode.steps + 1)
        if self.episode.has_ended:
            self._failures.clear()

    def save_replay(self) -> None:
        """Let the game write what it played, if it runs; a failure is logged and the copy started anew."""
        if self._worker is None or not self._settings.replay_dir:
            return
        Path(self._settings.replay_dir).mkdir(parents=True, exist_ok=True)
        self._worker.send("save_replay", self._settings.step_timeout)
        try:
            self._worker.receive()
        except WorkerFailure as failure:
            self._fail("save_replay", failure)

    def close(self) -> None:
        """End the game and its process."""
        if self._worker is not None:
            self._worker.quit()
            self._worker, self.episode = None, None

    def kill(self) -> None:
        """End the process at once."""
        if self._worker is not None:
            self._end()
        self.episode = None

    def _is_fresh(self) -> bool:
        """Whether an episode has begun and nothing happened in it: a second reset must not reach the game."""
        return self.episode is not None and self._worker is not None and self.episode.steps == 0

    def _started(self) -> GameWorker:
        if self._worker is None:
            kind = RayWorker if self._settings.workers == "ray" else Worker
            self._worker = kind(self._settings, f"{self._settings.map_name}_copy_{self._index}")
        return self._worker

    def _checked(self, arrays: dict[str, Any]) -> dict[str, Any]:
        """Refuse observations that are not of the map's sizes, not finite, or leave an agent nothing to do."""
        spec = self._spec
        assert spec is not None
        expected = {
            "obs": ("float32", (spec.n_agents, *spec.obs_shape)),
            "state": ("float32", (spec.state_size,)),
            "avail_actions": ("bool", (spec.n_agents, spec.n_actions)),
        }
        for name, (dtype, shape) in expected.items():
            array = arrays.get(name)
            if array is None or array.dtype != dtype or array.shape != shape:
                found = "nothing" if array is None else f"{array.dtype} {array.shape}"
                raise WorkerFailure(f"the worker sent {found} as {name}; expected {dtype} {shape}")
            if not np.isfinite(array).all():
                raise WorkerFailure(f"the worker sent {name} that is not finite")
        if not arrays["avail_actions"].any(-1).all():
            raise WorkerFailure("the worker sent a mask that allows an agent nothing")
        return {name: arrays[name] for name in expected}

    def _outcome(self, fields: dict[str, Any]) -> dict[str, Any]:
        info = plain(fields, "info", dict)
        if not info:
            raise WorkerFailure("the game died in the step (smac gave an empty info)")
        reward = finite(fields, "reward")
        terminated = plain(fields, "terminated", bool)
        is_late = terminated and info.get("episode_limit") is True and not self._settings.timeout_terminates
        return {
            "reward": reward,
            "terminated": terminated and not is_late,
            "truncated": is_late,
            "battle_won": plain(info, "battle_won", bool),
            "dead_allies": count(info, "dead_allies", 0, MOST_UNITS),
            "dead_enemies": count(info, "dead_enemies", 0, MOST_UNITS),
        }

    def _check_scale(self, max_reward: float) -> None:
        known = self._facts.max_reward
        if known is None:
            self._facts.max_reward = max_reward
            return
        # smacv2 scales by the team that a game's first episode happens to draw: no two games need to agree.
        if self._settings.package_name == "smac" and not math.isclose(known, max_reward, rel_tol=_REWARD_TOLERANCE):
            raise WorkerFailure(
                f"max_reward is {max_reward:g}, and was {known:g} in the first game: rewards would have another scale"
            )

    def _fail(self, where: str, failure: WorkerFailure, *, may_give_up: bool = False) -> None:
        """Kill everything, count and log; give up where that was once too often."""
        pid = self.pid
        lines = self._end()
        self.restarts += 1
        self._failures.append(f"{where}: {failure}")
        if may_give_up and failure.is_final:
            raise _hopeless(self._settings, failure, lines) from failure
        count, most = len(self._failures), self._settings.max_restarts
        _LOG.warning(
            "StarCraft II, copy %d (process group %s), %s: %s; killed, to be started anew (failure %d in a row, at "
            "most %d)",
            *(self._index, pid, where, failure, count, most),
        )
        if count > most:
            seen = "; ".join(f"{text} ({times}x)" for text, times in Counter(self._failures).items())
            raise StarCraftError(
                f"StarCraft II, copy {self._index} of {self._settings.map_name}, failed {count} times in a row: {seen}"
                f"{_tail(lines)}; rmix-kit doctor looks at the installation"
            ) from failure

    def _end(self) -> tuple[str, ...]:
        """Kill the worker and its game; gives the last lines of its standard error."""
        assert self._worker is not None
        worker, self._worker = self._worker, None
        worker.kill()
        return worker.last_lines


def _hopeless(settings: Settings, failure: WorkerFailure, lines: tuple[str, ...]) -> StarCraftError:
    """Say what no restart can mend."""
    what = str(failure) if failure.is_final else f"{failure}{_tail(lines)}"
    if failure.known:
        what = (
            f"{settings.package_name} has no map {settings.map_name!r}; it has {', '.join(failure.known)}"
            f"{suggestion(settings.map_name, failure.known)}"
        )
    return StarCraftError(
        f"StarCraft II cannot be used through {settings.interpreter}: {what}; rmix-kit doctor looks at the installation"
    )


def _tail(lines: tuple[str, ...]) -> str:
    return f"; its last lines: {' | '.join(lines[-5:])}" if lines else ""
