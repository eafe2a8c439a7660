"""COMA (Foerster et al. 2018), read step by step.

A central critic sees an agent's action as a choice, the others' as given: Q(s, (u'_i, u_-i)) for all u'_i at once.

    "critic": mean over steps and agents of (Q_i(s_t, u_t) - G_t)^2, G the TD(lambda) returns of the TARGET critic's
              values of the taken actions; nobody acted on the final observation: there G = sum_u' pi(u') Q^-(u'), the
              others' actions replaced by their probabilities.
    "actor":  - mean of A log pi_i(u_i), A_i = Q(s, u) - sum_u' pi_i(u') Q(s, (u', u_-i)) by the ONLINE critic (Eqn 4).

The critic is stepped first, several times towards the same G.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rmix_kit.algorithms import Networks
from rmix_kit.algorithms.coma import COMA
from tests.reference.acting import Policies, actor_loss, expectation, on_policy_returns, policies_of
from tests.reference.plain import bounded, mean
from tests.reference.watching import Episode, one_hot


def critic_loss(
    algorithm: COMA, online: Networks, target: Networks, episodes: list[Episode], only_step: int | None = None
) -> Tensor:
    """The critic's squared error, over all steps or over one step of every episode that has it."""
    errors = []
    for episode in episodes:
        policies = policies_of(online, episode)
        for agent in range(episode.n_agents):
            returns = targets(algorithm, target, episode, policies, agent)
            for t in range(episode.length) if only_step is None else {only_step} & set(range(episode.length)):
                value = judge(online, episode, policies, t, agent)[episode.actions[t][agent]]
                errors.append((value - returns[t].detach()) ** 2)
    return mean(errors)


def policy_loss(algorithm: COMA, online: Networks, _: Networks, episodes: list[Episode]) -> Tensor:
    """The actor's loss."""
    policies = [policies_of(online, episode) for episode in episodes]
    advantages = []
    for episode, policy_of in zip(episodes, policies, strict=True):
        advantages.append([])
        for t in range(episode.length):
            advantages[-1].append([])
            for agent in range(episode.n_agents):
                values = judge(online, episode, policy_of, t, agent)
                baseline = expectation(values, policy_of[t][agent])
                advantages[-1][t].append(values[episode.actions[t][agent]] - baseline)
    return actor_loss(algorithm, episodes, policies, advantages)


def targets(algorithm: COMA, target: Networks, episode: Episode, policies: Policies, agent: int) -> list[Tensor]:
    """G as one agent sees it."""
    values = [judge(target, episode, policies, t, agent) for t in range(episode.length + 1)]
    if algorithm.has_bounded_targets:
        values = [
            torch.stack([bounded(value, episode.reward_range, algorithm.gamma) for value in of_all])
            for of_all in values
        ]
    taken = [values[t][episode.actions[t][agent]] for t in range(episode.length)]
    last_value = expectation(values[episode.length], policies[episode.length][agent])
    return on_policy_returns(episode, taken, last_value, gamma=algorithm.gamma, td_lambda=algorithm.td_lambda)


def judge(networks: Networks, episode: Episode, policies: Policies, t: int, agent: int) -> Tensor:
    """Q(s_t, (u', u_-i)) for all of one agent's actions u', ``[action]``."""
    n_actions, others = len(episode.avail[t][agent]), []
    for other in range(episode.n_agents):
        if other == agent:
            others.append(one_hot(None, n_actions))
        elif t < episode.length:
            others.append(one_hot(episode.actions[t][other], n_actions))
        else:
            others.append(policies[t][other].detach())
    before = [one_hot(episode.actions[t - 1][other] if t else None, n_actions) for other in range(episode.n_agents)]
    coded = networks.critic.coding.code(episode.obs[t, agent])
    inputs = [episode.state[t], *coded, *others, *before, one_hot(agent, episode.n_agents)]
    return networks.critic(torch.cat(inputs))
