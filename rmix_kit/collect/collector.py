"""Collecting in lockstep rounds: one episode per copy, all started together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rmix_kit.collect.exploration import explore
from rmix_kit.envs.interface import VectorEnv, codec_of
from rmix_kit.errors import EnvironmentContractError
from rmix_kit.policy import TeamPolicy
from rmix_kit.replay.episode import EpisodeBlock, empty_block, observed_of
from rmix_kit.types import BoolArray, FloatArray, TimeStep


@dataclass(frozen=True, kw_only=True)
class Round:
    """What one round gave.

    Attributes:
        block: The sound episodes, one per copy whose episode did not break; possibly none.
        episode_return: Undiscounted team return ``[episode]``.
        success: Solved at the end, bool ``[episode]``.
        fell: Any agent met a catastrophe, bool ``[episode]``.
        risk_level: Mean level used by each agent over the real steps ``[episode, agent]``.
        damaged: How many episodes broke and were dropped.
    """

    block: EpisodeBlock
    episode_return: FloatArray
    success: BoolArray
    fell: BoolArray
    risk_level: FloatArray
    damaged: int = 0

    @property
    def episodes(self) -> int:
        """How many sound episodes there are."""
        return len(self.success)

    @property
    def env_steps(self) -> int:
        """Environment steps of all copies together."""
        return int(self.block.length.sum())


class Collector:
    """Steps a vector environment with a team policy; holds neither weights nor counters."""

    def __init__(self, envs: VectorEnv, policy: TeamPolicy) -> None:
        """Bind the two."""
        self._envs, self._policy, self._codec = envs, policy, codec_of(envs)

    def collect(
        self,
        seeds: list[int],
        *,
        epsilon: float,
        rng: np.random.Generator,
        risk_level: FloatArray | None = None,
        is_greedy: bool = False,
    ) -> Round:
        """Play one episode in every copy.

        Args:
            epsilon: Exploration in [0, 1].
            risk_level: float32 ``[env]``, 0 or in (0, 1]; zeros if None.
            is_greedy: A stochastic policy takes its most probable action instead of drawing.

        Returns:
            The finished episodes, those that broke left out.

        Raises:
            EnvironmentContractError: The environment broke its contract; agent and step are named.
        """
        spec, num_envs = self._envs.spec, self._envs.num_envs
        levels = np.zeros(num_envs, dtype=np.float32) if risk_level is None else risk_level
        block = empty_block(spec, num_envs, spec.episode_limit, self._codec)
        level_sum = np.zeros((num_envs, spec.n_agents), dtype=np.float64)
        step = self._envs.reset(seeds)
        carry = self._policy.initial_carry(num_envs)
        active = np.ones(num_envs, dtype=np.bool_)
        t = 0
        self._record(block, step, t, active)
        while active.any():
            if t == spec.episode_limit:
                raise EnvironmentContractError(f"an episode is longer than the limit of {spec.episode_limit} steps")
            choice, carry = self._policy.act(step.obs, step.avail_actions, levels, carry)
            probabilities = None if is_greedy else choice.probabilities
            actions, is_explored = explore(choice.actions, step.avail_actions, epsilon, rng, probabilities)
            carry = self._policy.executed(carry, actions)
            step = self._envs.step(actions)
            block.actions[active, t] = actions[active]
            block.is_explored[active, t] = is_explored[active]
            block.reward[active, t] = step.reward[active]
            block.length[active] += 1
            level_sum[active] += choice.risk_level[active]
            t += 1
            self._record(block, step, t, active)
            active = active & ~step.has_ended
        block.terminated[:] = step.terminated
        block.risk_level[:] = levels
        return _round(block, step, level_sum)

    def _record(self, block: EpisodeBlock, step: TimeStep, t: int, active: BoolArray) -> None:
        """Write what copies that were active before the step now see, after checking it."""
        _check(step, t, active)
        for name, array in observed_of(step, self._codec).items():
            block.observed[name][active, t] = array[active]


def _round(block: EpisodeBlock, step: TimeStep, level_sum: NDArray[np.float64]) -> Round:
    """Return what was played up to the last step, without the episodes that broke."""
    sound = step.is_sound
    kept = block if sound.all() else block.of_episodes(sound)
    kept = kept.trimmed(int(kept.length.max(initial=0)))
    return Round(
        block=kept,
        episode_return=kept.reward.sum(1, dtype=np.float64).astype(np.float32),
        success=step.success[sound],
        fell=np.any(step.fell, axis=-1)[sound],
        risk_level=(level_sum[sound] / kept.length[:, None]).astype(np.float32),
        damaged=int((~sound).sum()),
    )


def _check(step: TimeStep, t: int, active: BoolArray) -> None:
    is_finite = np.isfinite(step.obs).reshape(*step.obs.shape[:2], -1).all(-1)  # [env, agent]
    if not is_finite[active].all():
        env, agent = np.argwhere(~is_finite & active[:, None])[0]
        raise EnvironmentContractError(f"the observation of agent {agent} in copy {env} at step {t} is not finite")
    if not np.isfinite(step.reward[active]).all():
        raise EnvironmentContractError(f"the reward at step {t} is not finite")
    has_action = step.avail_actions.any(-1) | ~active[:, None]
    if not has_action.all():
        env, agent = np.argwhere(~has_action)[0]
        raise EnvironmentContractError(f"agent {agent} in copy {env} has no allowed action at step {t}")
