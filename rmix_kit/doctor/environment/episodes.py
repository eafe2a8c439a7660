"""Random episodes of one copy, and what they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rmix_kit.envs.interface import VectorEnv
from rmix_kit.seeding import episode_seed, generator
from rmix_kit.types import BoolArray, FloatArray, IntArray, TimeStep

RUN_SEED = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Episode:
    """One finished episode of one copy.

    Attributes:
        obs: ``[time + 1, agent, *obs_shape]``.
        avail_actions: bool ``[time + 1, agent, action]``.
        state: float32 ``[time + 1, state]``.
        reward: float32 ``[time]``.
        is_terminated: The task ended it, not the clock.
        is_solved: It was reported as solved.
        fell: Agents that met a catastrophe, bool ``[agent]``.
        is_damaged: It broke, and counts nowhere.
    """

    obs: NDArray[np.generic]
    avail_actions: BoolArray
    state: FloatArray
    reward: FloatArray
    is_terminated: bool
    is_solved: bool
    fell: BoolArray
    is_damaged: bool

    @property
    def length(self) -> int:
        """Steps taken."""
        return len(self.reward)

    @property
    def left(self) -> IntArray:
        """The step from which each agent was gone, int64 ``[agent]``; its length where one stayed.

        An agent that is gone may do nothing but its first action until the end, and sees the same until then.
        """
        only_first = np.zeros(self.avail_actions.shape[-1], dtype=np.bool_)
        only_first[0] = True
        seen = self.obs.reshape(*self.obs.shape[:2], -1)
        is_idle = (self.avail_actions == only_first).all(-1)[:-1] & (seen == seen[-1]).all(-1)[:-1]  # [time, agent]
        return np.where(is_idle[::-1].all(0), 0, self.length - is_idle[::-1].argmin(0))


def play_random(envs: VectorEnv, count: int) -> list[Episode]:
    """Play random episodes in the first copy.

    Args:
        envs: One copy.
        count: Episodes, at least 1.
    """
    return [play(envs, episode_seed(RUN_SEED, "test", number), number) for number in range(count)]


def play(envs: VectorEnv, seed: int, number: int = 0) -> Episode:
    """Play one random episode; the same seed and number take the same random draws.

    Args:
        envs: One copy.
        number: Of the stream of actions.
    """
    rng = generator(RUN_SEED, f"actions/{number}")
    steps = [envs.reset([seed])]
    while not steps[-1].has_ended[0]:
        steps.append(envs.step(random_actions(steps[-1], rng)))
    last = steps[-1]
    return Episode(
        obs=np.stack([step.obs[0] for step in steps]),
        avail_actions=np.stack([step.avail_actions[0] for step in steps]),
        state=np.stack([step.state[0] for step in steps]),
        reward=np.array([step.reward[0] for step in steps[1:]], dtype=np.float32),
        is_terminated=bool(last.terminated[0]),
        is_solved=bool(last.success[0]),
        fell=np.any([step.fell[0] for step in steps], axis=0),
        is_damaged=not last.is_sound[0],
    )


def random_actions(step: TimeStep, rng: np.random.Generator) -> IntArray:
    """Draw an allowed action for every agent, int64 ``[env, agent]``."""
    draws = np.where(step.avail_actions, rng.random(step.avail_actions.shape), -1.0)
    chosen: IntArray = draws.argmax(-1)
    return chosen


def difference(one: Episode, other: Episode) -> str:
    """Say where two episodes part; empty where they do not."""
    fields: Sequence[tuple[str, NDArray[np.generic], NDArray[np.generic]]] = (
        ("the observations", one.obs, other.obs),
        ("the masks", one.avail_actions, other.avail_actions),
        ("the state", one.state, other.state),
        ("the reward", one.reward, other.reward),
    )
    found = []
    for name, left, right in fields:
        shared = min(len(left), len(right))
        is_other = (left[:shared] != right[:shared]).reshape(shared, -1).any(-1)
        if is_other.any():
            found.append((int(is_other.argmax()) + (name == "the reward"), name))
    if found:
        step, name = min(found, key=lambda pair: pair[0])
        return f"{name} at step {step}"
    if (one.length, one.is_terminated, one.is_solved) != (other.length, other.is_terminated, other.is_solved):
        return f"the end (after {one.length} and {other.length} steps)"
    return ""
