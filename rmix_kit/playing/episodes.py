"""Greedy episodes of exported agents, counted as `rmix-kit evaluate` counts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from exporters.contract import PolicySpec
from exporters.errors import InvalidInputError
from rmix_kit.envs.interface import VectorEnv, reports_success
from rmix_kit.episodes import PlayedEpisodes, play_rounds
from rmix_kit.fit import check_fit
from rmix_kit.seeding import episode_seed
from rmix_kit.types import BoolArray, FloatArray, IntArray


class Choice(NamedTuple):
    """What a team does.

    Attributes:
        actions: int64 ``[env, agent]``.
        risk_level: Levels used, float32 ``[env, agent]``; 1 for agents without a dial.
    """

    actions: IntArray
    risk_level: FloatArray


class ExportedTeam(Protocol):
    """Exported agents, wherever they run; each remembers its own episodes."""

    @property
    def specs(self) -> Mapping[str, PolicySpec]:
        """Agent id -> specification, in the order of the agent axis."""
        ...

    def reset(self) -> None:
        """Forget everything: the next step is the first of its episodes."""
        ...

    def act(self, obs: np.ndarray, avail_actions: BoolArray, risk_level: float) -> Choice:
        """Choose greedily; agent i is shown ``obs[:, i]`` and ``avail_actions[:, i]`` alone.

        Args:
            obs: ``[env, agent, ...]``.
            avail_actions: bool ``[env, agent, action]``.
            risk_level: In (0, 1]; 0 leaves it to the agents.
        """
        ...


def play(
    team: ExportedTeam, envs: VectorEnv, *, episodes: int, seed: int, risk_level: float | None = None
) -> PlayedEpisodes:
    """Play greedy episodes; which they are does not depend on the number of copies.

    Args:
        seed: Episode i is reset with the seed of (seed, "test", i), as everywhere.
        risk_level: In (0, 1] for all agents; None leaves it to them.

    Returns:
        Exactly ``episodes`` sound episodes.

    Raises:
        EnvironmentContractError: The agents do not fit the environment, or about as many episodes broke as were wanted.
        InvalidInputError: A level is asked of agents that have no risk dial.
    """
    check_fit(team.specs, envs.spec)
    for spec in team.specs.values() if risk_level is not None else ():
        if not spec.is_risk_aware:
            raise InvalidInputError(
                f"risk_level is {risk_level:g}, and {spec.agent_id} ({spec.algorithm}) has no risk dial; leave it out"
            )

    def play_round(numbers: Sequence[int]) -> PlayedEpisodes:
        return _round(team, envs, [episode_seed(seed, "test", number) for number in numbers], risk_level or 0.0)

    return play_rounds(play_round, episodes, envs.num_envs)


def _round(team: ExportedTeam, envs: VectorEnv, seeds: list[int], risk_level: float) -> PlayedEpisodes:
    """Play one episode in every copy, and give those that did not break; a finished copy waits for the others."""
    returns = np.zeros(envs.num_envs, dtype=np.float64)
    lengths = np.zeros(envs.num_envs, dtype=np.int64)
    level_sum = np.zeros((envs.num_envs, envs.spec.n_agents), dtype=np.float64)
    team.reset()
    step = envs.reset(seeds)
    active = np.ones(envs.num_envs, dtype=np.bool_)
    while active.any():
        choice = team.act(step.obs, step.avail_actions, risk_level)
        step = envs.step(choice.actions)
        returns[active] += step.reward[active]
        lengths[active] += 1
        level_sum[active] += choice.risk_level[active]
        active = active & ~step.has_ended
    sound = step.is_sound
    return PlayedEpisodes(
        returns=returns[sound].astype(np.float32),
        success=step.success[sound] if reports_success(envs) else None,
        fell=np.any(step.fell, axis=-1)[sound],
        lengths=lengths[sound],
        risk_levels=(level_sum / lengths[:, None])[sound].astype(np.float32),
    )
