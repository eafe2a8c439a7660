"""What an algorithm's networks say every joint action of a short game is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rmix_kit.algorithms import Algorithm, Networks
from rmix_kit.envs.joint import play_joint_actions
from rmix_kit.envs.make import make_vector_env
from rmix_kit.errors import ConfigError
from rmix_kit.networks.agent import AgentNetwork
from rmix_kit.policy import ActingAgent, team_policy
from rmix_kit.replay import ReplayBuffer
from rmix_kit.replay.episode import EpisodeBlock, block_of
from rmix_kit.types import BoolArray, EnvSpec, EpisodeBatch, FloatArray, IntArray

CPU = torch.device("cpu")
NestedValues = list["float | None | NestedValues"]


@dataclass(frozen=True, kw_only=True, eq=False)
class JointTable:
    """The joint value of every sequence of joint actions, in the environment's own reward units.

    Attributes:
        env: Environment text.
        algorithm: Roster name.
        checkpoint_step: Environment steps of the checkpoint.
        n_actions: Actions of an agent, the unavailable ones among them.
        actions: int64 ``[episode, step, agent]``, every sequence once, in lexicographic order.
        values: Joint value at each step of the sequence so far, float64 ``[episode, step]``; NaN after the end.
        states: Global state before each step, float32 ``[episode, step, state]``.
        greedy_action: The agents' own greedy joint action at the start, one number per agent.
    """

    env: str
    algorithm: str
    checkpoint_step: int
    n_actions: int
    actions: IntArray
    values: NDArray[np.float64]
    states: FloatArray
    greedy_action: tuple[int, ...]

    @property
    def first_values(self) -> NDArray[np.float64]:
        """Joint values at the first step, float64 ``[*action]``, one axis per agent; NaN where none is available."""
        return self._tabulate(self.actions[:, 0], self.values[:, 0])

    @property
    def greedy_value(self) -> float:
        """Joint value of the greedy joint action at the start."""
        return float(self.first_values[self.greedy_action])

    def by_state(self) -> NDArray[np.float64]:
        """Return joint values of each state, averaged over the histories that lead there; for one-hot states.

        Returns:
            float64 ``[state, *action]``; NaN where no history leads.
        """
        where = self.states.argmax(-1)  # [episode, step]
        is_real = ~np.isnan(self.values)
        return np.stack(
            [
                self._tabulate(self.actions[chosen], self.values[chosen])
                for state in range(self.states.shape[-1])
                for chosen in (is_real & (where == state),)
            ]
        )

    def to_json(self) -> dict[str, object]:
        """Return the record of a one-step game; null stands where an action is not available.

        Raises:
            ConfigError: The episodes have several steps.
        """
        if self.actions.shape[1] > 1:
            raise ConfigError(
                f"{self.env} was played for {self.actions.shape[1]} steps; a table of joint actions is of one step. "
                "Use values or by_state()"
            )
        return {
            "env": self.env,
            "algorithm": self.algorithm,
            "checkpoint_step": self.checkpoint_step,
            "q_tot": _nested(self.first_values),
            "greedy_action": list(self.greedy_action),
            "greedy_value": self.greedy_value,
        }

    def _tabulate(self, actions: IntArray, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Average ``[row]`` by joint action ``[row, agent]`` into ``[*action]``."""
        shape = (self.n_actions,) * actions.shape[-1]
        total, count = np.zeros(shape), np.zeros(shape)
        index = tuple(actions.T)
        np.add.at(total, index, values)
        np.add.at(count, index, 1.0)
        return np.divide(total, count, out=np.full(shape, np.nan), where=count > 0)


def tabulate(
    algorithm: Algorithm[Any],
    networks: Networks[AgentNetwork],
    agent: ActingAgent,
    env_text: str,
    *,
    checkpoint_step: int,
    reward_scale: float,
    steps: int | None = None,
) -> JointTable:
    """Play every sequence of joint actions and evaluate each with an algorithm's networks.

    Args:
        networks: On the CPU.
        env_text: The game; its masks must be the same in every state. Episode i is seeded with i.
        reward_scale: The factor on rewards that the networks were trained with; values are divided by it.
        steps: Length of the sequences; the episode limit if None.

    Returns:
        The table.

    Raises:
        ConfigError: There are more than 65,536 sequences.
    """
    spec = spec_of(env_text)
    actions, played = play_joint_actions(env_text, steps)
    block = block_of(spec, actions, played)
    batch = whole_batch(spec, block, reward_scale=reward_scale, tau_draws=algorithm.tau_draws)
    with torch.no_grad():
        sampled = (
            algorithm.joint_values(networks, networks.coded(batch)).double().numpy() / reward_scale
        )  # [batch, time]
    values = np.full(actions.shape[:2], np.nan)
    values[np.argsort(-block.length, kind="stable"), : sampled.shape[1]] = sampled  # a batch is ordered by length
    is_real: BoolArray = np.arange(actions.shape[1]) < block.length[:, None]  # [episode, step]
    team = team_policy(agent, spec, CPU)
    start = played[0]
    choice, _ = team.act(start.obs[:1], start.avail_actions[:1], np.zeros(1, dtype=np.float32), team.initial_carry(1))
    return JointTable(
        env=env_text,
        algorithm=algorithm.name,
        checkpoint_step=checkpoint_step,
        n_actions=spec.n_actions,
        actions=actions,
        values=np.where(is_real, values, np.nan),
        states=block.observed["state"][:, : actions.shape[1]].astype(np.float32, copy=False),
        greedy_action=tuple(choice.actions[0].tolist()),
    )


def uniform_batch(
    env_text: str, *, steps: int | None = None, reward_scale: float = 1.0, tau_draws: int = 0
) -> EpisodeBatch:
    """Play every sequence of joint actions once: uniform data without luck.

    Args:
        env_text: The game; its masks must be the same in every state.
        steps: Length of the sequences; the episode limit if None.
        tau_draws: Quantile fractions drawn per step.

    Returns:
        A batch on the CPU, one episode per sequence.

    Raises:
        ConfigError: There are more than 65,536 sequences.
    """
    spec = spec_of(env_text)
    return whole_batch(
        spec, block_of(spec, *play_joint_actions(env_text, steps)), reward_scale=reward_scale, tau_draws=tau_draws
    )


def whole_batch(spec: EnvSpec, block: EpisodeBlock, *, reward_scale: float, tau_draws: int) -> EpisodeBatch:
    """Return all episodes of a block, once each, as one batch on the CPU, longest first."""
    rng = np.random.default_rng(0)
    return replay_of(spec, block).sample(
        0, rng, reward_scale=reward_scale, newest=len(block.length), tau_draws=tau_draws
    )


def uniform_replay(env_text: str) -> ReplayBuffer:
    """Play every sequence of joint actions once and keep the episodes, to draw uniform batches from.

    Raises:
        ConfigError: There are more than 65,536 sequences.
    """
    spec = spec_of(env_text)
    return replay_of(spec, block_of(spec, *play_joint_actions(env_text)))


def replay_of(spec: EnvSpec, block: EpisodeBlock) -> ReplayBuffer:
    """Return a replay on the CPU that holds a block's episodes and has room for no other."""
    replay = ReplayBuffer(spec, len(block.length), CPU)
    replay.add(block)
    return replay


def spec_of(env_text: str) -> EnvSpec:
    """Return the sizes of the environment that a text names."""
    envs = make_vector_env(env_text, 1)
    envs.close()
    return envs.spec


def _nested(values: NDArray[np.float64]) -> NestedValues:
    """Turn ``[*action]`` into nested lists, None in the place of NaN."""
    if values.ndim > 1:
        return [_nested(part) for part in values]
    return [None if np.isnan(value) else float(value) for value in values]
