"""Episodes one at a time, and what an agent network says of them one step at a time."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from rmix_kit.types import EpisodeBatch, Progress


class Episode(NamedTuple):
    """One episode of ``length`` steps and as many observations and one; step by step, then agent by agent."""

    length: int
    obs: Tensor  # [step + 1, agent, *obs_shape]
    state: Tensor  # [step + 1, state]
    avail: list[list[list[bool]]]
    actions: list[list[int]]
    rewards: list[float]
    terminated: list[bool]
    is_explored: list[list[bool]]
    tau: list[list[float]]
    risk_level: float
    is_newest: bool
    reward_range: tuple[float, float]
    epsilon: float
    env_steps: int  # where training stands

    @property
    def n_agents(self) -> int:
        return len(self.avail[0])


def episodes_of(batch: EpisodeBatch, progress: Progress) -> list[Episode]:
    """Take a batch apart; padding is left behind here and never met again."""
    low, high = batch.reward_range.tolist()
    episodes = []
    for index, mask in enumerate(batch.mask.tolist()):
        length = sum(mask)
        episodes.append(
            Episode(
                length=length,
                obs=batch.obs[index, : length + 1],
                state=batch.state[index, : length + 1].double(),
                avail=batch.avail_actions[index, : length + 1].tolist(),
                actions=batch.actions[index, :length].tolist(),
                rewards=batch.reward[index, :length].tolist(),
                terminated=batch.terminated[index, :length].tolist(),
                is_explored=batch.is_explored[index, :length].tolist(),
                tau=batch.tau[index, : length + 1].tolist(),
                risk_level=batch.risk_level[index].item(),
                is_newest=bool(batch.is_newest[index]),
                reward_range=(low, high),
                epsilon=batch.epsilon.item(),
                env_steps=progress.env_steps,
            )
        )
    return episodes


class Seen(NamedTuple):
    """What an agent's network said of one observation."""

    values: Tensor  # [action], what the agent would act on
    hidden_state: Tensor  # [hidden]
    risk_hidden_state: Tensor  # [hidden], what a risk level predictor knows the history by


def one_hot(number: int | None, size: int) -> Tensor:
    """Float64 ``[size]``; zeros for None."""
    coded = torch.zeros(size, dtype=torch.float64)
    if number is not None:
        coded[number] = 1.0
    return coded


def watch(network: nn.Module, episode: Episode) -> list[list[Seen]]:
    """Step a network through an episode from the zero carry, each agent by itself: by step, then by agent.

    Nothing is unrolled here: a step sees the observation, the agent's own last action and what it carried on.
    """
    n_actions, seen = len(episode.avail[0][0]), []
    carries = [
        {name: torch.zeros(1, size, dtype=torch.float64) for name, size in network.carry_sizes.items()}
        for _ in range(episode.n_agents)
    ]
    for t in range(episode.length + 1):
        seen.append([])
        for agent in range(episode.n_agents):
            last_action = episode.actions[t - 1][agent] if t else None
            carry = carries[agent] | {"last_action": one_hot(last_action, n_actions)[None]}
            who, level = one_hot(agent, episode.n_agents)[None], torch.full((1,), episode.risk_level).double()
            output = network.step(episode.obs[t, agent][None], who, level, carry)
            carries[agent] = output.carry
            seen[t].append(
                Seen(
                    output.action_values[0],
                    output.carry["hidden_state"][0],
                    output.carry.get("risk_hidden_state", carry["hidden_state"])[0],
                )
            )
    return seen
