"""Finished episodes as they leave the collector: NumPy arrays in compact dtypes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rmix_kit.types import BoolArray, EnvSpec, FloatArray, IntArray, TimeStep


@dataclass(frozen=True, kw_only=True)
class EpisodeBlock:
    """Several finished episodes, padded to one length ``time`` (the longest), zeros after each one's end.

    Attributes:
        obs: ``[episode, time + 1, agent, *obs_shape]`` in the environment's dtype.
        state: float32 ``[episode, time + 1, state]``.
        avail_actions: bool ``[episode, time + 1, agent, action]``.
        actions: uint8 ``[episode, time, agent]``.
        is_explored: bool ``[episode, time, agent]``, the action was a random draw and not the agent's own.
        reward: float32 ``[episode, time]``, as the environment gave it.
        terminated: bool ``[episode]``: the task ended, not the clock.
        length: int64 ``[episode]``, real steps.
        risk_level: float32 ``[episode]``, the level that was asked for; 0 where the agents chose.
    """

    obs: NDArray[np.generic]
    state: FloatArray
    avail_actions: BoolArray
    actions: NDArray[np.uint8]
    is_explored: BoolArray
    reward: FloatArray
    terminated: BoolArray
    length: IntArray
    risk_level: FloatArray

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Give the arrays by name, in a fixed order."""
        return {
            "obs": self.obs,
            "state": self.state,
            "avail_actions": self.avail_actions,
            "actions": self.actions,
            "is_explored": self.is_explored,
            "reward": self.reward,
            "terminated": self.terminated,
            "length": self.length,
            "risk_level": self.risk_level,
        }


def empty_block(spec: EnvSpec, episodes: int, steps: int) -> EpisodeBlock:
    """Give a zeroed block.

    Args:
        spec: The environment's spec.
        episodes: Number of episodes.
        steps: Room for this many steps each.

    Returns:
        A block of the right dtypes and shapes.
    """
    return EpisodeBlock(
        obs=np.zeros((episodes, steps + 1, spec.n_agents, *spec.obs_shape), dtype=spec.obs_dtype),
        state=np.zeros((episodes, steps + 1, spec.state_size), dtype=np.float32),
        avail_actions=np.zeros((episodes, steps + 1, spec.n_agents, spec.n_actions), dtype=np.bool_),
        actions=np.zeros((episodes, steps, spec.n_agents), dtype=np.uint8),
        is_explored=np.zeros((episodes, steps, spec.n_agents), dtype=np.bool_),
        reward=np.zeros((episodes, steps), dtype=np.float32),
        terminated=np.zeros(episodes, dtype=np.bool_),
        length=np.zeros(episodes, dtype=np.int64),
        risk_level=np.zeros(episodes, dtype=np.float32),
    )


def block_of(spec: EnvSpec, actions: IntArray, played: Sequence[TimeStep]) -> EpisodeBlock:
    """Record episodes that were played with given actions (`rmix_kit.envs.joint.play_joint_actions`).

    Args:
        spec: The environment's spec.
        actions: int64 ``[episode, time, agent]``.
        played: One time step after the reset and one after each action, their axis env being the episode; a finished
            copy waits, its terminated or truncated flag up. Where no flag is up at the end, the episode is cut there.

    Returns:
        A block with one episode per copy.
    """
    episodes, steps = actions.shape[:2]
    block = empty_block(spec, episodes, steps)
    active = np.ones(episodes, dtype=np.bool_)
    for t, step in enumerate(played):
        if t:
            block.actions[active, t - 1] = actions[active, t - 1]
            block.reward[active, t - 1] = step.reward[active]
            block.length[active] += 1
        for name in ("obs", "state", "avail_actions"):
            getattr(block, name)[active, t] = getattr(step, name)[active]
        active &= ~(step.terminated | step.truncated)
    block.terminated[:] = played[-1].terminated
    return block
