"""RiskQ (Shen et al. 2023), read step by step.

Every agent has the quantiles of a distribution Z_i at the midpoints of M shares of probability, the lowest first. The
team's quantile at each of them is

    Z_tot,j = sum_i k_i(s) Z_i,(j) + c(s), k_i = |w(s)| softmax(scores(s))_i

    L        = mean over steps of the quantile Huber loss of Z_tot,j, j = 1..M, on target_k, k = 1..M, with their shares
    target_k = sum_{l<n} gamma^l r_{t+l} + gamma^n (1 - d) Z_tot^-,k(t+n), n ending before the first joint action that
               is not greedy; or TD(lambda) of every quantile on its own (as released)

Z^-, k^- and c^- are the TARGET networks', of the ONLINE risk measure's allowed argmax at the episode's level.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rmix_kit.algorithms import Networks
from rmix_kit.algorithms.riskq import RiskQ
from tests.reference.mixing import quantile_weights
from tests.reference.plain import bounded, mean, midpoints, n_step_reward, quantile_huber, watkins_returns
from tests.reference.rmix import distributions
from tests.reference.rmix_averse import greedy_joint_actions, shares_of
from tests.reference.watching import Episode, Seen, watch


def loss(algorithm: RiskQ, online: Networks, target: Networks, episodes: list[Episode]) -> Tensor:
    """The joint quantile loss."""
    shares = shares_of(algorithm)
    tau, losses = midpoints(shares), []
    for episode in episodes:
        is_given = algorithm.level_source == "given" and episode.risk_level
        level = episode.risk_level if is_given else algorithm.default_risk_level
        now, frozen = watch(online.agent, episode), watch(target.agent, episode)
        best = greedy_joint_actions(algorithm, online, now, episode, level, shares)
        is_greedy = [episode.actions[t] == best[t] for t in range(episode.length)]
        following = [
            clipped(algorithm, episode, joint(target, frozen[t], best[t], episode.state[t]))
            for t in range(episode.length + 1)
        ]
        mixed = watkins_returns(
            episode.rewards,
            episode.terminated,
            following[1:],
            [True] * episode.length if algorithm.trace == "peng" else is_greedy,
            gamma=algorithm.gamma,
            td_lambda=algorithm.td_lambda,
        )
        for t in range(episode.length):
            reward, factor, later = n_step_reward(
                episode.rewards, episode.terminated, is_greedy, t, gamma=algorithm.gamma, n_max=algorithm.n_max
            )
            y = reward + factor * following[later] if algorithm.targets == "n-step" else mixed[t].expand(len(tau))
            predictions = joint(online, now[t], episode.actions[t], episode.state[t])
            losses.append(quantile_huber(predictions, y, tau, algorithm.quantile_kappa, shares))
    return mean(losses)


def joint(networks: Networks, seen: list[Seen], actions: list[int], state: Tensor) -> Tensor:
    """Z_tot, ``[quantile]``, the lowest first."""
    total = networks.mixer.shift(state)[0]
    for agent, weight in enumerate(quantile_weights(networks.mixer, state)):
        total = total + weight * torch.sort(distributions(networks.agent, seen[agent])[actions[agent]]).values
    return total


def clipped(algorithm: RiskQ, episode: Episode, quantiles: Tensor) -> Tensor:
    """The quantiles, within what rewards can add up to."""
    if not algorithm.has_bounded_targets:
        return quantiles
    return torch.stack([bounded(value, episode.reward_range, algorithm.gamma) for value in quantiles])
