"""LH-IQN (Lyu and Amato 2020, "Likelihood Quantile Networks"), read step by step.

Every agent learns alone the distribution of the team's return, at fractions that are drawn: Z_i(tau) is the last layer
of h_i phi(tau), phi(tau) = ReLU(Linear(cos(pi i tau), i = 0..63)) (IQN, Dabney et al. 2018, Eqn 4).

    L    = mean over steps and agents of w * quantile Huber loss of Z_i(tau_j, u_i), j = 1..N, on target_k, k = 1..N'
    target_k = sum_{l<n} gamma^l r_{t+l} + gamma^n (1 - d) Z_i^-(tau'_k, ubar_i)_{t+n}, Z^- the TARGET network's and
               ubar the ONLINE means' allowed argmax; n ends before the first joint action that is not greedy
    w    = 1 where the targets' mean is not below the predictions', else max(beta, TDL)
    TDL  = mean over k of P(target_k - h <= X <= target_k + h): between neighbouring predictions (sorted) X has the mass
           of their fractions (sorted), spread evenly; h = 1 / (2 N), times the predictions' range ("spread").
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from rmix_kit.algorithms import Networks
from rmix_kit.algorithms.implicit import ImplicitQuantileLearning
from rmix_kit.algorithms.lh_iqn import LHIQN
from tests.reference.plain import bounded, mean, n_step_reward, quantile_huber, scheduled
from tests.reference.value_decomposition import greedy_joint_actions
from tests.reference.watching import Episode, watch


def loss(algorithm: LHIQN, online: Networks, target: Networks, episodes: list[Episode]) -> Tensor:
    """The hysteretic quantile loss."""
    n_draws, losses = algorithm.n_quantiles, []
    for episode in episodes:
        beta = scheduled(algorithm.beta_start, algorithm.beta_end, algorithm.beta_steps, episode.env_steps)
        now, frozen = watch(online.agent, episode), watch(target.agent, episode)
        best = greedy_joint_actions(now, episode)
        is_greedy = [episode.actions[t] == best[t] for t in range(episode.length)]
        for t in range(episode.length):
            reward, factor, later = n_step_reward(
                episode.rewards, episode.terminated, is_greedy, t, gamma=algorithm.gamma, n_max=algorithm.n_max
            )
            tau, later_tau = episode.tau[t][:n_draws], episode.tau[later][n_draws:]
            for agent in range(episode.n_agents):
                action, later_action = episode.actions[t][agent], best[later][agent]
                predictions = quantiles(online.agent, now[t][agent].hidden_state, tau)[:, action]
                next_quantiles = quantiles(target.agent, frozen[later][agent].hidden_state, later_tau)[:, later_action]
                y = quantile_targets(algorithm, episode, reward, factor, next_quantiles)
                w = weight(algorithm, predictions.detach(), y, tau, beta)
                losses.append(w * quantile_huber(predictions, y, tau, algorithm.quantile_kappa))
    return mean(losses)


def quantile_targets(
    algorithm: ImplicitQuantileLearning, episode: Episode, reward: float, factor: float, following: Tensor
) -> Tensor:
    """target_k of the quantiles that follow, kept within what rewards allow if the algorithm is set so."""
    if algorithm.has_bounded_targets:
        following = torch.stack([bounded(value, episode.reward_range, algorithm.gamma) for value in following])
    return (reward + factor * following).detach()


def quantiles(network: nn.Module, hidden_state: Tensor, tau: list[float]) -> Tensor:
    """Z_i at some fractions, ``[draw, action]``."""
    by_draw = []
    for fraction in tau:
        features = torch.tensor([math.cos(math.pi * i * fraction) for i in range(64)]).double()
        by_draw.append(network.head(hidden_state * torch.relu(network.tau_layer(features))))
    return torch.stack(by_draw)


def weight(algorithm: LHIQN, predictions: Tensor, targets: Tensor, tau: list[float], beta: float) -> float:
    """w: how much of an update is made."""
    if targets.mean() >= predictions.mean():
        return 1.0
    ordered, fractions = sorted(predictions.tolist()), sorted(tau)
    half_width = 0.5 / len(ordered)
    if algorithm.likelihood_window == "spread":
        half_width *= ordered[-1] - ordered[0]
    likelihood = 0.0
    for target in targets.tolist():
        for j in range(len(ordered) - 1):
            low, high = ordered[j], ordered[j + 1]
            inside = min(high, target + half_width) - max(low, target - half_width)
            likelihood += max(inside, 0.0) / (high - low) * (fractions[j + 1] - fractions[j]) / len(targets)
    return max(beta, likelihood)
