"""Stochastic DOP (Wang et al. 2021), read step by step.

Q_tot(u) = sum_i k_i(s) Q_i(s, o_i, u_i) + b(s), k_i >= 0: linear, so that E_pi Q_tot is Q_tot of the agents' E_pi Q_i.

    "critic": mean over steps of (Q_tot(u_t) - y_t)^2. For the newest episodes y is the TD(lambda) return, for older
              ones the tree backup (Eqn 11), both of the TARGET critic and mixer, with the ONLINE policies:
              y_t = Q(u_t) + sum_{l<n} (gamma lambda)^l [prod_{j=1..l} pi(u_{t+j})] delta_{t+l},
              delta_t = r_t + gamma (1 - d_t) E_pi Q_{t+1} - Q(u_t).
    "actor":  - mean of k_i A_i log pi_i(u_i) over the newest episodes alone, A_i = Q_i(u_i) - E_pi Q_i (Eqn 8), k and Q
              the ONLINE ones.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from rmix_kit.algorithms import Networks
from rmix_kit.algorithms.dop import DOP
from tests.reference import mixing
from tests.reference.acting import Policies, actor_loss, expectation, on_policy_returns, policies_of
from tests.reference.plain import bounded, mean
from tests.reference.watching import Episode, one_hot


def critic_loss(
    algorithm: DOP, online: Networks, target: Networks, episodes: list[Episode], only_step: int | None = None
) -> Tensor:
    """The critic's squared error, over all steps or over one step of every episode that has it."""
    errors = []
    for episode in episodes:
        y = targets(algorithm, target, episode, policies_of(online, episode))
        for t in range(episode.length) if only_step is None else {only_step} & set(range(episode.length)):
            errors.append((joint_value(online, episode, t) - y[t].detach()) ** 2)
    return mean(errors)


def policy_loss(algorithm: DOP, online: Networks, _: Networks, episodes: list[Episode]) -> Tensor:
    """The actor's loss."""
    newest = [episode for episode in episodes if episode.is_newest]
    policies = [policies_of(online, episode) for episode in newest]
    advantages = []
    for episode, policy_of in zip(newest, policies, strict=True):
        advantages.append([])
        for t in range(episode.length):
            weights = mixing.linear_weights(online.mixer, episode.state[t])
            advantages[-1].append([])
            for agent in range(episode.n_agents):
                values = judge(online, episode, t, agent)
                baseline = expectation(values, policy_of[t][agent])
                advantages[-1][t].append(weights[agent] * (values[episode.actions[t][agent]] - baseline))
    return actor_loss(algorithm, newest, policies, advantages)


def targets(algorithm: DOP, target: Networks, episode: Episode, policies: Policies) -> list[Tensor]:
    """y of every step."""
    taken = [joint_value(target, episode, t) for t in range(episode.length)]
    expected = []
    for t in range(episode.length + 1):
        own = [expectation(judge(target, episode, t, agent), policies[t][agent]) for agent in range(episode.n_agents)]
        expected.append(mixing.linear(target.mixer, own, episode.state[t]))
    if algorithm.has_bounded_targets:
        taken = [bounded(value, episode.reward_range, algorithm.gamma) for value in taken]
        expected = [bounded(value, episode.reward_range, algorithm.gamma) for value in expected]
    if episode.is_newest:
        return on_policy_returns(episode, taken, expected[-1], gamma=algorithm.gamma, td_lambda=algorithm.td_lambda)
    return [tree_backup(algorithm, episode, policies, taken, expected, t) for t in range(episode.length)]


def tree_backup(
    algorithm: DOP, episode: Episode, policies: Policies, taken: list[Tensor], expected: list[Tensor], start: int
) -> Tensor:
    """y of one step of an older episode, as Eqn 11 stands."""
    y, factor = taken[start], 1.0
    for t in range(start, min(start + algorithm.tree_steps, episode.length)):
        if t > start:
            chances = [policies[t][agent][episode.actions[t][agent]] for agent in range(episode.n_agents)]
            factor = factor * algorithm.gamma * algorithm.tree_lambda * math.prod(chances)
        after = 0.0 if episode.terminated[t] else algorithm.gamma * expected[t + 1]
        y = y + factor * (episode.rewards[t] + after - taken[t])
    return y


def joint_value(networks: Networks, episode: Episode, t: int) -> Tensor:
    """Q_tot of the joint action that was taken."""
    values = [judge(networks, episode, t, agent)[episode.actions[t][agent]] for agent in range(episode.n_agents)]
    return mixing.linear(networks.mixer, values, episode.state[t])


def judge(networks: Networks, episode: Episode, t: int, agent: int) -> Tensor:
    """Q_i of all of one agent's actions, ``[action]``: an advantage of each, and a baseline of the situation."""
    critic = networks.critic
    coded = critic.coding.code(episode.obs[t, agent])
    hidden = critic.body(torch.cat([episode.state[t], *coded, one_hot(agent, episode.n_agents)]))
    return critic.head(hidden) + critic.baseline(hidden)
