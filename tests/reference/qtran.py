"""QTRAN-base (Son et al. 2019, section 4.2), read step by step.

With ubar the ONLINE utilities' allowed argmax, and L = L_td + lambda_opt L_opt + lambda_nopt L_nopt over real steps:

    L_td   = (Q_jt(tau, u) - y)^2, y of TD(lambda) as in `value_decomposition` with V' = Q_jt^-(tau', ubar')
    L_opt  = (sum_i Q_i(ubar_i) - sg Q_jt(tau, ubar) + V_jt(s))^2        equal at the greedy joint action,
    L_nopt = min(0, sum_i Q_i(u_i) - sg Q_jt(tau, u) + V_jt(s))^2        not below at the one that was taken.

Q_jt(tau, u) = f(s, sum_i e(h_i, u_i)), h_i the agents' recurrent states, which L_td trains too.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rmix_kit.algorithms import Networks
from rmix_kit.algorithms.qtran import QTRAN
from tests.reference.plain import mean
from tests.reference.value_decomposition import greedy_joint_actions, td_targets
from tests.reference.watching import Episode, Seen, one_hot, watch


def loss(algorithm: QTRAN, online: Networks, target: Networks, episodes: list[Episode]) -> Tensor:
    """The three terms together."""
    td, opt, nopt = [], [], []
    for episode in episodes:
        now, frozen = watch(online.agent, episode), watch(target.agent, episode)
        best = greedy_joint_actions(now, episode)
        next_values, is_greedy = [], []
        for t in range(episode.length):
            next_values.append(joint_value(target, frozen[t + 1], best[t + 1], episode.state[t + 1]))
            is_greedy.append(episode.actions[t] == best[t])
        targets = td_targets(algorithm, episode, next_values, is_greedy)
        for t in range(episode.length):
            state, taken = episode.state[t], episode.actions[t]
            v_jt = online.state_value.layers(state)[0]
            q_jt = joint_value(online, now[t], taken, state)
            best_q_jt = joint_value(online, now[t], best[t], state)
            td.append((q_jt - targets[t].detach()) ** 2)
            opt.append((utilities(now[t], best[t]) - best_q_jt.detach() + v_jt) ** 2)
            gap = utilities(now[t], taken) - q_jt.detach() + v_jt
            nopt.append(gap**2 if gap < 0 else 0.0 * gap)
    return mean(td) + algorithm.lambda_opt * mean(opt) + algorithm.lambda_nopt * mean(nopt)


def joint_value(networks: Networks, seen: list[Seen], actions: list[int], state: Tensor) -> Tensor:
    """Q_jt of one joint action."""
    network = networks.joint_value
    pairs = [
        network.encoder(torch.cat([agent.hidden_state, one_hot(action, len(agent.values))]))
        for agent, action in zip(seen, actions, strict=True)
    ]
    return network.head(torch.cat([state, sum(pairs[1:], pairs[0])]))[0]


def utilities(seen: list[Seen], actions: list[int]) -> Tensor:
    """sum_i Q_i(u_i)."""
    values = [agent.values[action] for agent, action in zip(seen, actions, strict=True)]
    return sum(values[1:], values[0])
