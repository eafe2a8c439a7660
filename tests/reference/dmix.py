"""DMIX and DDN (DFAC, Sun et al. 2021), read step by step.

Every agent has a distribution Z_i given by its quantiles at fractions that are drawn (LH-IQN's network), and a value
Q_i: the mean of its quantiles at K midpoints of equal shares. The quantile of the joint return at a fraction tau is

    Z_tot(tau) = M(Q_1, .., Q_n; s) + sum_i (Z_i(tau) - Q_i), M QMIX's mixer (DMIX) or the sum (DDN)

    L          = mean over steps of the quantile Huber loss of Z_tot(tau_j), j = 1..N, on target_k, k = 1..N'
    target_k   = sum_{l<n} gamma^l r_{t+l} + gamma^n (1 - d) Z_tot^-(tau'_k)_{t+n}, Z^- and M^- the TARGET networks', of
                 the ONLINE values' allowed argmax; n ends before the first joint action that is not greedy
"""

from __future__ import annotations

from torch import Tensor

from rmix_kit.algorithms import Networks
from rmix_kit.algorithms.dmix import DMIX
from tests.reference.lh_iqn import quantile_targets, quantiles
from tests.reference.mixing import monotonic
from tests.reference.plain import mean, n_step_reward, quantile_huber
from tests.reference.value_decomposition import greedy_joint_actions
from tests.reference.watching import Episode, Seen, watch


def loss(algorithm: DMIX, online: Networks, target: Networks, episodes: list[Episode]) -> Tensor:
    """The joint quantile loss."""
    n_draws, losses = algorithm.n_quantiles, []
    for episode in episodes:
        now, frozen = watch(online.agent, episode), watch(target.agent, episode)
        best = greedy_joint_actions(now, episode)
        is_greedy = [episode.actions[t] == best[t] for t in range(episode.length)]
        for t in range(episode.length):
            reward, factor, later = n_step_reward(
                episode.rewards, episode.terminated, is_greedy, t, gamma=algorithm.gamma, n_max=algorithm.n_max
            )
            tau, later_tau = episode.tau[t][:n_draws], episode.tau[later][n_draws:]
            predictions = joint(algorithm, online, now[t], episode.actions[t], episode.state[t], tau)
            following = joint(algorithm, target, frozen[later], best[later], episode.state[later], later_tau)
            y = quantile_targets(algorithm, episode, reward, factor, following)
            losses.append(quantile_huber(predictions, y, tau, algorithm.quantile_kappa))
    return mean(losses)


def joint(
    algorithm: DMIX, networks: Networks, seen: list[Seen], actions: list[int], state: Tensor, tau: list[float]
) -> Tensor:
    """Z_tot at some fractions, ``[draw]``."""
    count = algorithm.n_acting_quantiles
    midpoints = [(k + 0.5) / count for k in range(count)]
    values, shapes = [], []
    for agent, action in enumerate(actions):
        hidden_state = seen[agent].hidden_state
        value = sum(quantiles(networks.agent, hidden_state, midpoints)[:, action]) / count
        values.append(value)
        shapes.append(quantiles(networks.agent, hidden_state, tau)[:, action] - value)
    q_tot = sum(values) if algorithm.name == "ddn" else monotonic(networks.mixer, values, state)
    return q_tot + sum(shapes)
