"""rmix-averse (this package's extension of RMIX; docs/algorithms/rmix-averse.md), read step by step.

Every agent learns alone the distribution of the team's return, given the episode's risk level, which is an input of its
network; it acts on the CVaR at that level. Half of the M quantiles share the lowest ``tail_level`` of the probability.

    L = mean over steps and agents of the quantile Huber loss of Z_i(u_i) (QR-DQN, Dabney et al. 2018, Eqn 10) on
    target_k = sum_{l<n} gamma^l r_{t+l} + gamma^n (1 - d) Z_i^-(ubar_i)_{t+n}, the k-th lowest with its share,

Z^- the TARGET network's, ubar the allowed argmax of the ONLINE CVaR, n ending before the first joint action that is not
greedy. An agent's steps at which a teammate explored do not count.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rmix_kit.algorithms import Networks
from rmix_kit.algorithms.riskq import RiskQ
from rmix_kit.algorithms.rmix_averse import RMIXAverse
from tests.reference.plain import bounded, greedy, mean, midpoints, n_step_reward, quantile_huber, risk_measure
from tests.reference.rmix import distributions
from tests.reference.watching import Episode, Seen, watch


def loss(algorithm: RMIXAverse, online: Networks, target: Networks, episodes: list[Episode]) -> Tensor:
    """The quantile regression of every agent's own distribution."""
    shares = shares_of(algorithm)
    tau, losses = midpoints(shares), []
    for episode in episodes:
        level = episode.risk_level or algorithm.default_risk_level
        now, frozen = watch(online.agent, episode), watch(target.agent, episode)
        best = greedy_joint_actions(algorithm, online, now, episode, level, shares)
        is_greedy = [episode.actions[t] == best[t] for t in range(episode.length)]
        for t in range(episode.length):
            reward, factor, later = n_step_reward(
                episode.rewards, episode.terminated, is_greedy, t, gamma=algorithm.gamma, n_max=algorithm.n_max
            )
            for agent in range(episode.n_agents):
                teammates = [other for other in range(episode.n_agents) if other != agent]
                if any(episode.is_explored[t][other] for other in teammates):
                    continue
                predictions = distributions(online.agent, now[t][agent])[episode.actions[t][agent]]
                targets = []
                for value in distributions(target.agent, frozen[later][agent])[best[later][agent]]:
                    if algorithm.has_bounded_targets:
                        value = bounded(value, episode.reward_range, algorithm.gamma)
                    targets.append(reward + factor * value)
                losses.append(quantile_huber(predictions, torch.stack(targets), tau, algorithm.quantile_kappa, shares))
    return mean(losses)


def shares_of(algorithm: RMIXAverse | RiskQ) -> list[float]:
    """How much probability each quantile stands for, the lowest first."""
    n_low = algorithm.n_quantiles // 2
    n_high = algorithm.n_quantiles - n_low
    return [algorithm.tail_level / n_low] * n_low + [(1 - algorithm.tail_level) / n_high] * n_high


@torch.no_grad()
def greedy_joint_actions(
    algorithm: RMIXAverse | RiskQ,
    online: Networks,
    seen: list[list[Seen]],
    episode: Episode,
    level: float,
    shares: list[float],
) -> list[list[int]]:
    """Every agent's allowed argmax of the risk measure at every observation."""
    best = []
    for t in range(episode.length + 1):
        best.append([])
        for agent, avail in enumerate(episode.avail[t]):
            values = [
                risk_measure(algorithm.risk, quantiles, level, shares)
                for quantiles in distributions(online.agent, seen[t][agent])
            ]
            best[t].append(greedy(torch.stack(values), avail))
    return best
