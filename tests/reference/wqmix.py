"""CW-QMIX and OW-QMIX (Rashid et al. 2020), read step by step.

Two heads regress on one target, made from the unrestricted central network's TARGET copy:

    y_t = r_t + gamma (1 - d_t) V', V' = Q*hat^-(tau', ubar'), with TD(lambda) as in `value_decomposition`
    L   = mean of w (Q_tot(tau, u) - y)^2 + mean of (Q*hat(tau, u) - y)^2

ubar is the argmax of the ONLINE utilities Q_i, not of the central network's. No gradient passes w:

    CW-QMIX: w = 1 where u = ubar or y > Q*hat^-(tau, ubar), else alpha
    OW-QMIX: w = 1 where Q_tot < y, else alpha
"""

from __future__ import annotations

from torch import Tensor

from rmix_kit.algorithms import Networks
from rmix_kit.algorithms.wqmix import WQMIX
from tests.reference import mixing
from tests.reference.plain import mean
from tests.reference.value_decomposition import greedy_joint_actions, td_targets
from tests.reference.watching import Episode, Seen, watch


def loss(algorithm: WQMIX, online: Networks, target: Networks, episodes: list[Episode]) -> Tensor:
    """Both heads' terms together."""
    projection, central = [], []
    for episode in episodes:
        now = watch(online.agent, episode)
        central_now = watch(online.central_agent, episode)
        central_frozen = watch(target.central_agent, episode)
        best = greedy_joint_actions(now, episode)
        best_values = [
            central_value(target, central_frozen[t], best[t], episode.state[t]) for t in range(episode.length + 1)
        ]
        is_greedy = [episode.actions[t] == best[t] for t in range(episode.length)]
        targets = td_targets(algorithm, episode, best_values[1:], is_greedy)
        for t in range(episode.length):
            y, taken, state = targets[t].detach(), episode.actions[t], episode.state[t]
            utilities = [agent.values[action] for agent, action in zip(now[t], taken, strict=True)]
            q_tot = mixing.monotonic(online.mixer, utilities, state)
            q_star = central_value(online, central_now[t], taken, state)
            if algorithm.name == "cw-qmix":
                may_be_best = is_greedy[t] or y > best_values[t]
            else:
                may_be_best = q_tot < y
            projection.append((1.0 if may_be_best else algorithm.weight) * (q_tot - y) ** 2)
            central.append((q_star - y) ** 2)
    return mean(projection) + mean(central)


def central_value(networks: Networks, seen: list[Seen], actions: list[int], state: Tensor) -> Tensor:
    """Q*hat of one joint action."""
    values = [agent.values[action] for agent, action in zip(seen, actions, strict=True)]
    return mixing.unrestricted(networks.central_mixer, values, state)
