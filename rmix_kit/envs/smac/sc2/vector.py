"""Copies of the real game behind the trainer's vector interface."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from rmix_kit.envs.interface import chosen_copies
from rmix_kit.envs.smac.options import legal_actions
from rmix_kit.envs.smac.sc2.settings import Settings
from rmix_kit.envs.smac.sc2.supervisor import Episode, GameFacts, SupervisedCopy
from rmix_kit.errors import ActionError, EnvironmentContractError
from rmix_kit.types import BoolArray, EnvSpec, IntArray, TimeStep

ACTIONS_BEFORE_TARGETS = ("no_op", "stop", "north", "south", "east", "west")


class SC2Vector:
    """Games in a worker process each, stepped side by side; a broken one costs its episode and nothing else.

    `is_reproducible` is false: StarCraft II takes a seed when a game is created, not at a reset. `is_costly` asks the
    trainer to evaluate in the copies that it trains in.
    """

    is_reproducible = False
    is_costly = True

    def __init__(self, settings: Settings, num_envs: int) -> None:
        """Ask one worker for the map's sizes; games start at the first reset.

        Args:
            settings: What to play, and how patiently.
            num_envs: Number of copies; no more than ``settings.games`` are made.

        Raises:
            StarCraftError: The interpreter, the package or the map is not there.
        """
        self._settings, self._facts = settings, GameFacts(versions={})
        self.num_envs = min(num_envs, settings.games)
        self._copies = [SupervisedCopy(settings, index, self._facts) for index in range(self.num_envs)]
        sizes, versions = self._copies[0].describe()
        self._facts.versions |= versions
        self.spec = _spec(sizes)
        for copy in self._copies:
            copy.bind(self.spec)

    @property
    def facts(self) -> dict[str, str]:
        """Versions of packages and, after the first reset, of the game, for the record of a run."""
        return dict(self._facts.versions)

    @property
    def restarts(self) -> int:
        """How many workers were killed because they failed."""
        return sum(copy.restarts for copy in self._copies)

    @property
    def max_reward(self) -> float | None:
        """The reward's scale, as the first game has it; None before the first reset."""
        return self._facts.max_reward

    @property
    def pids(self) -> tuple[int | None, ...]:
        """Numbers of the worker processes; each is its group's and its session's too."""
        return tuple(copy.pid for copy in self._copies)

    @property
    def dead_allies(self) -> IntArray:
        """Dead allies at the last step of each copy, int64 ``[env]``."""
        return np.array([episode.dead_allies for episode in self._episodes()], dtype=np.int64)

    @property
    def dead_enemies(self) -> IntArray:
        """Dead enemies at the last step of each copy, int64 ``[env]``."""
        return np.array([episode.dead_enemies for episode in self._episodes()], dtype=np.int64)

    def reset(self, seeds: Sequence[int]) -> TimeStep:
        """Start an episode in every copy, in a new game where the last one broke.

        Args:
            seeds: One per copy; it seeds a game that is created now, and nothing in one that runs already.

        Raises:
            EnvironmentContractError: There are more seeds than copies.
            StarCraftError: A copy cannot be brought to play.
        """
        if len(seeds) != self.num_envs:
            raise EnvironmentContractError(
                f"{len(seeds)} seeds for {self.num_envs} games of StarCraft II; to play more side by side append "
                f"games={len(seeds)} to the environment text (each takes memory of its own)"
            )
        self._start(self._copies, seeds)
        return self._seen()

    def restart(self, copies: BoolArray, seeds: Sequence[int]) -> TimeStep:
        """Start an episode in some copies, in a new game where the last one broke; the others wait for it.

        Args:
            copies: bool ``[env]``.
            seeds: One per copy that starts; see `reset`.

        Raises:
            EnvironmentContractError: The copies have another form, or the seeds another number.
            StarCraftError: A copy cannot be brought to play.
        """
        self._start([self._copies[copy] for copy in chosen_copies(copies, seeds, self.num_envs)], seeds)
        return replace(self._seen(), reward=np.zeros(self.num_envs, dtype=np.float32))

    def step(self, actions: IntArray) -> TimeStep:
        """Advance every copy whose episode goes on.

        Args:
            actions: int64 ``[env, agent]``, each allowed by the current mask.

        Raises:
            ActionError: An action is not allowed; nothing was sent to any game.
            StarCraftError: A copy failed too often in a row.
        """
        episodes = self._episodes()
        running = [index for index, episode in enumerate(episodes) if not episode.has_ended]
        actions = legal_actions(
            actions,
            np.stack([episode.avail_actions for episode in episodes]),
            np.array([not episode.has_ended for episode in episodes]),
            steps=[episode.steps for episode in episodes],
            illegal_action=self._settings.illegal_action,
        )
        with self._all_or_none():
            for index in running:
                self._copies[index].begin_step(actions[index])
            for index in running:
                self._copies[index].finish_step()
        for index, episode in enumerate(self._episodes()):
            if index not in running:
                episode.reward = 0.0
        return self._seen()

    def save_replays(self) -> None:
        """Let every running game write its replay so far into ``replay_dir``, if one is set."""
        for copy in self._copies:
            copy.save_replay()

    def close(self) -> None:
        """Save the replays that are asked for, and end all games."""
        with self._all_or_none():
            self.save_replays()
            for copy in self._copies:
                copy.close()

    @contextmanager
    def _all_or_none(self) -> Iterator[None]:
        """Kill every game if the block is left by an exception: answers that nobody read would come next time."""
        try:
            yield
        except BaseException:
            for copy in self._copies:
                copy.kill()
            raise

    def _start(self, copies: Sequence[SupervisedCopy], seeds: Sequence[int]) -> None:
        """Start episodes, side by side, until all have begun."""
        waiting = list(zip(copies, seeds, strict=True))
        with self._all_or_none():
            while waiting:
                for copy, seed in waiting:
                    copy.begin_reset(seed)
                waiting = [(copy, seed) for copy, seed in waiting if not copy.finish_reset()]

    def _episodes(self) -> list[Episode]:
        episodes = [copy.episode for copy in self._copies]
        if any(episode is None for episode in episodes):
            raise ActionError("no episode is running; call reset first")
        return [episode for episode in episodes if episode is not None]

    def _seen(self) -> TimeStep:
        episodes = self._episodes()
        return TimeStep(
            obs=np.stack([episode.obs for episode in episodes]),
            avail_actions=np.stack([episode.avail_actions for episode in episodes]),
            state=np.stack([episode.state for episode in episodes]),
            reward=np.array([episode.reward for episode in episodes], dtype=np.float32),
            terminated=np.array([episode.terminated for episode in episodes]),
            truncated=np.array([episode.truncated for episode in episodes]),
            success=np.array([episode.battle_won for episode in episodes]),
            fell=np.zeros((self.num_envs, self.spec.n_agents), dtype=np.bool_),
            damaged=np.array([episode.is_damaged for episode in episodes]),
        )


def _spec(sizes: dict[str, int]) -> EnvSpec:
    n_agents, n_actions, width = sizes["n_agents"], sizes["n_actions"], sizes["obs_shape"]
    targets = (f"attack_{number}" for number in range(n_actions - len(ACTIONS_BEFORE_TARGETS)))
    return EnvSpec(
        n_agents=n_agents,
        n_actions=n_actions,
        obs_shape=(width,),
        obs_dtype="float32",
        # Distances are taken relative to the sight range within it, the rest are shares and bits.
        obs_low=(-1.0,) * width,
        obs_high=(1.0,) * width,
        state_size=sizes["state_shape"],
        episode_limit=sizes["episode_limit"],
        agent_ids=tuple(f"agent_{number}" for number in range(n_agents)),
        action_meanings=(*ACTIONS_BEFORE_TARGETS, *targets),
    )
