"""RMIX and RDN (Qiu et al., NeurIPS 2021), read step by step.

An agent's value of an action is the CVaR of its return distribution, C_i = CVaR_alpha(Z_i), Z_i of M quantiles
(Eqn 4-5). The level alpha is k* / K, k* the best-scored one, s_k = <E_cur(sg Z_i), E_hist(sg[head](h^r_i))_k> / sqrt(D)
(Eqn 8), h^r the recurrent state of a network that sees the steps before. The value is C_{k*}; to it is added

    sum_k (p_k - sg p_k) sg C_k     ("straight_through": zero, but the expected CVaR trains the scores), or nothing;

with "soft" the value itself is sum_k p_k C_k. A static level has no scores.

    "td" (Eqn 14):          (y_t - C_tot(u_t))^2, C_tot = mixer(C_1..C_n; s), or their sum (RDN);
                            y as in `value_decomposition`, from the target networks' quantiles and level.
    "quantile" (Eqn 15-16): each agent's Z_i(u_t), quantile j at tau_j = (2 j - 1) / (2 M), on
                            rho + gamma (1 - d) Z_i^-(ubar_{t+1}), Z^- the TARGET network's; rho the team reward, or
                            the agent's own C_i(u_t) ("dummy"). One step; it trains no mixer and no scores.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rmix_kit.algorithms import Networks
from rmix_kit.algorithms.rmix import RMIX
from rmix_kit.networks.quantile import QuantileAgent
from tests.reference import mixing
from tests.reference.plain import greedy, mean, midpoints, quantile_huber, risk_measure
from tests.reference.value_decomposition import td_targets
from tests.reference.watching import Episode, Seen, watch

Distributions = list[Tensor]
"""By action, ``[quantile]`` each, in the order of the head's outputs."""


def td_loss(algorithm: RMIX, online: Networks, target: Networks, episodes: list[Episode]) -> Tensor:
    """The TD loss of C_tot."""
    errors = []
    for episode in episodes:
        now, frozen = watch(online.agent, episode), watch(target.agent, episode)
        best = greedy_joint_actions(algorithm, online, now, episode)
        next_values, is_greedy = [], []
        for t in range(episode.length):
            next_cvar = [
                value_of(algorithm, target.agent, frozen[t + 1][agent], best[t + 1][agent])
                for agent in range(episode.n_agents)
            ]
            next_values.append(mix(algorithm, target, next_cvar, episode.state[t + 1]))
            is_greedy.append(episode.actions[t] == best[t])
        targets = td_targets(algorithm, episode, next_values, is_greedy)
        for t in range(episode.length):
            own_cvar = [
                value_of(algorithm, online.agent, now[t][agent], episode.actions[t][agent])
                for agent in range(episode.n_agents)
            ]
            c_tot = mix(algorithm, online, own_cvar, episode.state[t])
            errors.append((targets[t].detach() - c_tot) ** 2)
    return mean(errors)


def quantile_loss(algorithm: RMIX, online: Networks, target: Networks, episodes: list[Episode]) -> Tensor:
    """The quantile regression of every agent's own distribution."""
    n_quantiles = algorithm.n_quantiles
    tau = midpoints([1 / n_quantiles] * n_quantiles)
    losses = []
    for episode in episodes:
        now, frozen = watch(online.agent, episode), watch(target.agent, episode)
        best = greedy_joint_actions(algorithm, online, now, episode)
        for t in range(episode.length):
            for agent in range(episode.n_agents):
                action = episode.actions[t][agent]
                rho = torch.as_tensor(episode.rewards[t])
                if algorithm.distribution_target == "dummy":
                    rho = value_of(algorithm, online.agent, now[t][agent], action)
                next_quantiles = distributions(target.agent, frozen[t + 1][agent])[best[t + 1][agent]]
                targets = rho if episode.terminated[t] else rho + algorithm.gamma * next_quantiles
                targets = targets.expand(n_quantiles)
                predictions = distributions(online.agent, now[t][agent])[action]
                losses.append(quantile_huber(predictions, targets, tau, algorithm.quantile_kappa))
    return mean(losses)


def distributions(network: QuantileAgent, seen: Seen) -> Distributions:
    """Z_i of every action."""
    return list(network.head(seen.hidden_state).view(network.n_actions, network.n_quantiles))


def value_of(algorithm: RMIX, network: QuantileAgent, seen: Seen, action: int) -> Tensor:
    """C_i of one action, with the gradient that the level's scores get."""
    quantiles = distributions(network, seen)[action]
    if algorithm.risk_level != "dynamic":
        return risk_measure(algorithm.risk, quantiles, algorithm.risk_level)
    n_levels = algorithm.n_risk_levels
    by_level = [risk_measure(algorithm.risk, quantiles, k / n_levels) for k in range(1, n_levels + 1)]
    chances = level_scores(network, seen).softmax(0)
    if algorithm.risk_gradient == "soft":
        return sum(chance * value for chance, value in zip(chances, by_level, strict=True))
    value = by_level[int(chances.argmax())]
    if algorithm.risk_gradient == "straight_through":
        for chance, level_value in zip(chances, by_level, strict=True):
            value = value + (chance - chance.detach()) * level_value.detach()
    return value


def level_scores(network: QuantileAgent, seen: Seen) -> Tensor:
    """s_k of Eqn 8, ``[level]``."""
    predictor, head = network.predictor, network.head
    current = predictor.embed_current(head(seen.hidden_state).detach())  # [embed]
    past = seen.risk_hidden_state
    if predictor.encoder is None:
        past = past.detach()  # the agent's own memory, which the scores never train
    history = predictor.embed_history(head.weight.detach() @ past + head.bias.detach())
    size = len(current)
    scores = [
        sum(current[d] * history[d * predictor.n_levels + k] for d in range(size)) / size**0.5
        for k in range(predictor.n_levels)
    ]
    return torch.stack(scores)


@torch.no_grad()
def greedy_joint_actions(
    algorithm: RMIX, online: Networks, seen: list[list[Seen]], episode: Episode
) -> list[list[int]]:
    """Every agent's allowed argmax of C_i at every observation, each agent at its own level (Eqn 9)."""
    best = []
    for t in range(episode.length + 1):
        best.append([])
        for agent, avail in enumerate(episode.avail[t]):
            values = [value_of(algorithm, online.agent, seen[t][agent], action) for action in range(len(avail))]
            best[t].append(greedy(torch.stack(values), avail))
    return best


def mix(algorithm: RMIX, networks: Networks, values: list[Tensor], state: Tensor) -> Tensor:
    """C_tot (Eqn 10-13): RMIX's monotonic mixer, or RDN's sum."""
    return sum(values[1:], values[0]) if algorithm.name == "rdn" else mixing.monotonic(networks.mixer, values, state)
