"""Watching an evaluation from outside: what the agents decide, and what the environment makes of it.

Nothing is played differently for being watched: the loop is that of `rmix-kit evaluate` or of `rmix-kit run`, between
a team and copies of the environment that both report here.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rmix_kit.envs.interface import Scenery, VectorEnv, pictured, reports_success, scenery_of
from rmix_kit.episodes import PlayedEpisodes
from rmix_kit.films.film import Episode
from rmix_kit.plotting.png import png_of
from rmix_kit.types import BoolArray, EnvSpec, FloatArray, IntArray, TimeStep

NO_OP = "no_op"
LARGEST_FRAME = 640
"""Pixels of the longer side of a picture that is kept."""
MOST_OBSERVED = 64
"""Elements of an observation that are kept where there is no scene."""


class Decision(NamedTuple):
    """What a team thought of one step.

    Attributes:
        action_values: float32 ``[env, agent, action]``.
        risk_level: float32 ``[env, agent]``.
        quantiles: Of every action, ascending, float32 ``[env, agent, action, quantile]``; None where they are unknown.
        tails: Mean of every action's worst returns, float32 ``[env, agent, action]``; None likewise.
    """

    action_values: FloatArray
    risk_level: FloatArray
    quantiles: FloatArray | None = None
    tails: FloatArray | None = None


class _Step(NamedTuple):
    """One copy's step; the fields are those of `rmix_kit.films.film.Episode`."""

    reward: np.float32
    avail_actions: BoolArray
    actions: IntArray
    action_values: FloatArray
    risk_level: FloatArray
    quantiles: FloatArray | None
    tails: FloatArray | None


class _Take(NamedTuple):
    """One copy's episode while it is played."""

    seed: int
    scenes: list[Mapping[str, Any]]
    steps: list[_Step]


class WatchedEnvs:
    """Copies of an environment that keep what happens in them; a `rmix_kit.envs.interface.VectorEnv` themselves."""

    def __init__(self, envs: VectorEnv) -> None:
        """Watch copies.

        Args:
            envs: Who really plays.
        """
        self._envs = envs
        self._scenery: Scenery | None = scenery_of(envs)
        self._pictured = pictured(envs) if self._scenery is None else None
        self._is_drawn = self._pictured is not None  # in every scene so far
        self._decision: Decision | None = None
        self._takes: dict[int, _Take] = {}
        self._finished: list[_Take] = []
        self.spec: EnvSpec = envs.spec
        self.num_envs: int = envs.num_envs

    def decided(self, decision: Decision) -> None:
        """Take note of what the team thinks of the step that comes next."""
        self._decision = decision

    def reset(self, seeds: Sequence[int]) -> TimeStep:
        """Start an episode in every copy."""
        self._keep_sound()
        self._time = self._envs.reset(seeds)
        self._begin(range(self.num_envs), seeds)
        return self._time

    def restart(self, copies: BoolArray, seeds: Sequence[int]) -> TimeStep:
        """Start an episode in some copies."""
        chosen, begun = np.flatnonzero(copies).tolist(), self._envs.restart(copies, seeds)
        self._keep_sound(chosen)
        self._time = begun
        self._begin(chosen, seeds)
        return self._time

    def step(self, actions: IntArray) -> TimeStep:
        """Advance every copy."""
        assert self._decision is not None
        before, decision = self._time, self._decision
        self._time = self._envs.step(actions)
        for env in np.flatnonzero(~before.has_ended).tolist():
            self._takes[env].steps.append(_seen(before, self._time, actions, decision, env))
            self._takes[env].scenes.append(self._scene(env))
        return self._time

    def close(self) -> None:
        """Release what the copies hold."""
        self._envs.close()

    @property
    def reports_success(self) -> bool:
        """Whether the copies tell episodes that are solved from others."""
        return reports_success(self._envs)

    @property
    def stage(self) -> Mapping[str, Any]:
        """What stays as it is in every scene."""
        if self._scenery is not None:
            return self._scenery.stage
        return {
            "kind": "frames" if self._is_drawn else "table",
            "elements": int(np.prod(self.spec.obs_shape, dtype=np.int64)),
        }

    def episodes(self, played: PlayedEpisodes) -> tuple[Episode, ...]:
        """Return what was watched.

        Args:
            played: What was counted of it: sound episodes in the order of their numbers, and of these the first.
        """
        self._keep_sound()
        solved = [None] * len(played.returns) if played.success is None else list(map(bool, played.success))
        counted = zip(played.returns, solved, played.fell, strict=True)
        return tuple(
            _episode(take, float(team_return), success, bool(fell))
            for take, (team_return, success, fell) in zip(self._finished, counted, strict=False)
        )

    def _begin(self, envs: Sequence[int], seeds: Sequence[int]) -> None:
        self._takes |= {env: _Take(int(seed), [self._scene(env)], []) for env, seed in zip(envs, seeds, strict=True)}

    def _keep_sound(self, envs: Sequence[int] | None = None) -> None:
        """Keep what some copies, or all, have played."""
        ended = {env: self._takes.pop(env) for env in (sorted(self._takes) if envs is None else envs)}
        self._finished += [take for env, take in ended.items() if self._time.is_sound[env]]

    def _scene(self, env: int) -> Mapping[str, Any]:
        if self._scenery is not None:
            return self._scenery.scene(env)
        shown = self._time.obs[env].reshape(self.spec.n_agents, -1)[:, :MOST_OBSERVED]
        observed = [[round(float(value), 3) for value in row] for row in shown]
        scene: dict[str, Any] = {"obs": observed, "is_out": self._may_do_nothing(env)}
        frame = None if self._pictured is None else self._pictured.frame(env)
        self._is_drawn = self._is_drawn and frame is not None
        return scene if frame is None else {**scene, "frame": _packed_frame(frame)}

    def _may_do_nothing(self, env: int) -> list[bool]:
        """Say of every agent whether the no-op is all it may do, as of SMAC's dead, bool ``[agent]``."""
        mask = self._time.avail_actions[env]
        is_idle: list[bool] = (mask[:, 0] & ~mask[:, 1:].any(-1)).tolist()
        return is_idle if self.spec.action_meanings[0] == NO_OP else [False] * len(is_idle)


def _packed_frame(frame: NDArray[np.uint8]) -> str:
    """Return a picture as a PNG in base64, with every second (third, ...) pixel where it is large."""
    every = -(-max(frame.shape[:2]) // LARGEST_FRAME)
    return base64.b64encode(png_of(np.ascontiguousarray(frame[::every, ::every]))).decode("ascii")


def _seen(before: TimeStep, after: TimeStep, actions: IntArray, decision: Decision, env: int) -> _Step:
    quantiles = None
    if decision.quantiles is not None:
        quantiles = decision.quantiles[env, np.arange(actions.shape[1]), actions[env]]  # [agent, quantile]
    return _Step(
        reward=after.reward[env],
        avail_actions=before.avail_actions[env].copy(),
        actions=actions[env].copy(),
        action_values=decision.action_values[env],
        risk_level=decision.risk_level[env],
        quantiles=quantiles,
        tails=None if decision.tails is None else decision.tails[env],
    )


def _episode(take: _Take, team_return: float, success: bool | None, fell: bool) -> Episode:
    steps = take.steps
    quantiles = [step.quantiles for step in steps if step.quantiles is not None]
    tails = [step.tails for step in steps if step.tails is not None]
    return Episode(
        seed=take.seed,
        scenes=tuple(take.scenes),
        rewards=np.asarray([step.reward for step in steps], dtype=np.float32),
        avail_actions=np.stack([step.avail_actions for step in steps]),
        actions=np.stack([step.actions for step in steps]).astype(np.int64),
        action_values=np.stack([step.action_values for step in steps]).astype(np.float32),
        risk_levels=np.stack([step.risk_level for step in steps]).astype(np.float32),
        is_out=np.asarray([scene["is_out"] for scene in take.scenes[:-1]], dtype=np.bool_),
        quantiles=np.stack(quantiles).astype(np.float32) if quantiles else None,
        tails=np.stack(tails).astype(np.float32) if tails else None,
        team_return=team_return,
        success=success,
        fell=fell,
    )
