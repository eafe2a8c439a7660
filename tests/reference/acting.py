"""What COMA and DOP share: policies that draw actions, returns of the policy that acted, and the actor's loss."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rmix_kit.algorithms import Networks
from rmix_kit.algorithms.actor_critic import ActorCritic
from tests.reference.plain import mean, scheduled
from tests.reference.watching import Episode, watch

Policies = list[list[Tensor]]
"""By step, then by agent: ``[action]``."""


def policies_of(online: Networks, episode: Episode) -> Policies:
    """How the collector draws: (1 - epsilon) softmax over the allowed actions + epsilon / their number."""
    policies = []
    for seen, avail in zip(watch(online.agent, episode), episode.avail, strict=True):
        policies.append([])
        for agent, is_allowed in zip(seen, avail, strict=True):
            # The network's own probabilities are of all actions; among the allowed ones they keep their proportions.
            allowed = torch.tensor(is_allowed).double()
            chosen = agent.values * allowed / (agent.values * allowed).sum()
            policies[-1].append((1 - episode.epsilon) * chosen + episode.epsilon * allowed / allowed.sum())
    return policies


def expectation(values: Tensor, policy: Tensor) -> Tensor:
    """E_pi Q of one agent, ``[action]`` twice."""
    return sum(chance * value for chance, value in zip(policy, values, strict=True))


def on_policy_returns(
    episode: Episode, taken: Sequence[Tensor], last_value: Tensor, *, gamma: float, td_lambda: float
) -> list[Tensor]:
    """G_t = r_t + gamma (1 - d_t) [(1 - lambda) Q_{t+1}(u_{t+1}) + lambda G_{t+1}], backwards.

    After the last step nobody acted: Q and G are the value expected there.
    """
    returns, next_value, next_return = [], last_value, last_value
    for t in reversed(range(episode.length)):
        after = (1 - td_lambda) * next_value + td_lambda * next_return
        reward = torch.as_tensor(episode.rewards[t]).double()
        next_return = reward if episode.terminated[t] else reward + gamma * after
        next_value = taken[t]
        returns.insert(0, next_return)
    return returns


def actor_loss(
    algorithm: ActorCritic, episodes: list[Episode], policies: list[Policies], advantages: list[list[list[Tensor]]]
) -> Tensor:
    """- mean A log pi(u) - bonus mean H(pi) + weight mean max(0, floor ln |A(o)| - H(pi))^2, over steps and agents."""
    gains, entropies, shortfalls = [], [], []
    for episode, policy_of, advantage_of in zip(episodes, policies, advantages, strict=True):
        floor = scheduled(
            algorithm.entropy_floor, algorithm.entropy_floor_end, algorithm.entropy_floor_steps, episode.env_steps
        )
        for t in range(episode.length):
            for agent in range(episode.n_agents):
                policy, action = policy_of[t][agent], episode.actions[t][agent]
                gains.append(advantage_of[t][agent].detach() * torch.log(policy[action]))
                likely = [chance for chance in policy if chance > 0]
                entropy = -sum(chance * torch.log(chance) for chance in likely)
                most = torch.log(torch.tensor(float(sum(episode.avail[t][agent]))))
                missing = floor * most - entropy
                entropies.append(entropy)
                shortfalls.append(missing**2 if missing > 0 else 0.0 * missing)
    bonus, weight = algorithm.entropy_bonus, algorithm.entropy_floor_weight
    return -mean(gains) - bonus * mean(entropies) + weight * mean(shortfalls)
