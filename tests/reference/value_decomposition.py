"""IQL, VDN, QMIX and QPLEX, read step by step.

All minimise (y_t - Q_tot(tau_t, u_t))^2 over the real steps, with

    y_t = r_t + gamma (1 - d_t) [(1 - lambda c) V'_{t+1} + lambda c y_{t+1}],
    V'_{t+1} = Q_tot^-(tau_{t+1}, ubar_{t+1}),

ubar_i the allowed argmax of the ONLINE Q_i (double Q-learning), Q_tot^- the TARGET networks', and c = 1 only where
every agent's replayed action of step t + 1 is its ubar_i (Watkins' cut). d is 1 where the task ended, not the clock.

    IQL (Tan 1993):            every agent has a Q_tot of its own, Q_i, and a cut of its own
    VDN (Sunehag et al. 2018): Q_tot = sum_i Q_i
    QMIX (Rashid et al. 2018): Q_tot = mixer(Q_1..Q_n; s), rising in every Q_i
    QPLEX (Wang et al. 2021):  Q_tot = sum_i V~_i + sum_i lambda_i(s, u) A~_i
"""

from __future__ import annotations

from torch import Tensor

from rmix_kit.algorithms import Networks
from rmix_kit.algorithms.value_decomposition import ValueDecomposition
from tests.reference import mixing
from tests.reference.plain import bounded, greedy, mean, watkins_returns
from tests.reference.watching import Episode, Seen, watch


def loss(algorithm: ValueDecomposition, online: Networks, target: Networks, episodes: list[Episode]) -> Tensor:
    """The TD loss of VDN, QMIX or QPLEX."""
    errors = []
    for episode in episodes:
        now, frozen = watch(online.agent, episode), watch(target.agent, episode)
        best = greedy_joint_actions(now, episode)
        next_values, is_greedy = [], []
        for t in range(episode.length):
            next_values.append(joint_value(algorithm, target, frozen[t + 1], best[t + 1], episode, t + 1))
            is_greedy.append(episode.actions[t] == best[t])
        targets = td_targets(algorithm, episode, next_values, is_greedy)
        for t in range(episode.length):
            q_tot = joint_value(algorithm, online, now[t], episode.actions[t], episode, t)
            errors.append((targets[t].detach() - q_tot) ** 2)
    return mean(errors)


def independent_loss(
    algorithm: ValueDecomposition, online: Networks, target: Networks, episodes: list[Episode]
) -> Tensor:
    """The TD loss of IQL: the same for every agent alone, the mean over steps and agents."""
    errors = []
    for episode in episodes:
        now, frozen = watch(online.agent, episode), watch(target.agent, episode)
        best = greedy_joint_actions(now, episode)
        for agent in range(episode.n_agents):
            next_values, is_greedy = [], []
            for t in range(episode.length):
                next_values.append(frozen[t + 1][agent].values[best[t + 1][agent]])
                is_greedy.append(episode.actions[t][agent] == best[t][agent])
            targets = td_targets(algorithm, episode, next_values, is_greedy)
            for t in range(episode.length):
                value = now[t][agent].values[episode.actions[t][agent]]
                errors.append((targets[t].detach() - value) ** 2)
    return mean(errors)


def joint_value(
    algorithm: ValueDecomposition, networks: Networks, seen: list[Seen], actions: list[int], episode: Episode, t: int
) -> Tensor:
    """Q_tot of one joint action at one step."""
    values = [agent.values[action] for agent, action in zip(seen, actions, strict=True)]
    if algorithm.name == "vdn":
        return sum(values[1:], values[0])
    if algorithm.name == "qmix":
        return mixing.monotonic(networks.mixer, values, episode.state[t])
    best = [agent.values[greedy(agent.values, avail)] for agent, avail in zip(seen, episode.avail[t], strict=True)]
    n_actions = len(episode.avail[t][0])
    return mixing.duplex(networks.mixer, values, best, actions, episode.state[t], n_actions)


def greedy_joint_actions(seen: list[list[Seen]], episode: Episode) -> list[list[int]]:
    """ubar of every observation, the final one's included."""
    return [
        [greedy(agent.values, avail) for agent, avail in zip(seen[t], episode.avail[t], strict=True)]
        for t in range(episode.length + 1)
    ]


def td_targets(
    algorithm: ValueDecomposition, episode: Episode, next_values: list[Tensor], is_greedy: list[bool]
) -> list[Tensor]:
    """y of every step of an episode; V' kept within what rewards allow, if the algorithm is set so."""
    if algorithm.has_bounded_targets:
        next_values = [bounded(value, episode.reward_range, algorithm.gamma) for value in next_values]
    return watkins_returns(
        episode.rewards,
        episode.terminated,
        next_values,
        [True] * len(is_greedy) if algorithm.trace == "peng" else is_greedy,
        gamma=algorithm.gamma,
        td_lambda=algorithm.td_lambda,
    )
