"""The mathematics of the references, one number at a time: no batch, no mask, nothing of the package."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import torch
from torch import Tensor

Flags = Sequence[bool]


def mean(numbers: Sequence[Tensor]) -> Tensor:
    """Their mean; 0 where there are none."""
    return torch.stack(list(numbers)).sum() / len(numbers) if numbers else torch.zeros((), dtype=torch.float64)


def greedy(values: Tensor, avail: Flags) -> int:
    """The best allowed action: ``[action]`` -> its number."""
    allowed = [action for action, is_allowed in enumerate(avail) if is_allowed]
    return max(allowed, key=lambda action: values[action].item())


def bounded(value: Tensor, reward_range: tuple[float, float], gamma: float) -> Tensor:
    """The value, or the nearest return that one or more rewards within the range can add up to."""
    lowest, highest = reward_range
    n_most = 1 / (1 - gamma)  # an endless stream of ones, discounted
    low = min(lowest, lowest * n_most)
    high = max(highest, highest * n_most)
    return torch.full_like(value, low) if value < low else torch.full_like(value, high) if value > high else value


def watkins_returns(
    rewards: Sequence[float],
    terminated: Flags,
    next_values: Sequence[Tensor],
    is_greedy: Flags,
    *,
    gamma: float,
    td_lambda: float,
) -> list[Tensor]:
    """TD(lambda) of one episode, backwards, going on only where the next action taken was the greedy one (Watkins).

    G_t = r_t + gamma (1 - d_t) [(1 - lambda c) V'_{t+1} + lambda c G_{t+1}], c = 1 where step t + 1 was taken greedily.
    ``next_values[t]`` is V'_{t+1}, the last of them that of the final observation.
    """
    length = len(rewards)
    returns = list(next_values)
    for t in reversed(range(length)):
        goes_on = t + 1 < length and is_greedy[t + 1]
        after = (1 - td_lambda) * next_values[t] + td_lambda * returns[t + 1] if goes_on else next_values[t]
        returns[t] = torch.as_tensor(rewards[t] if terminated[t] else rewards[t] + gamma * after)
    return returns


def n_step_reward(
    rewards: Sequence[float], terminated: Flags, is_greedy: Flags, start: int, *, gamma: float, n_max: int
) -> tuple[float, float, int]:
    """Rewards from a step on, until an action that was not greedy, ``n_max`` of them, or the end.

    Gives their discounted sum, the factor of the value that follows, and the observation which that is the value of.
    """
    total, factor, t = 0.0, 1.0, start
    while t == start or (t < len(rewards) and t < start + n_max and is_greedy[t]):
        total += factor * rewards[t]
        factor *= 0.0 if terminated[t] else gamma
        t += 1
    return total, factor, t


def cvar(quantiles: Tensor, level: float, shares: Sequence[float] | None = None) -> Tensor:
    """The mean of the lowest ``level`` of a distribution ``[quantile]``, the atom at the edge counted in part.

    The j-th lowest quantile stands for ``shares[j]`` of the probability; for 1 / M each if they are not given.
    """
    left, total = level, torch.zeros((), dtype=quantiles.dtype)
    for rank, atom in enumerate(torch.sort(quantiles).values):
        taken = min(left, shares[rank] if shares else 1 / len(quantiles))
        total = total + taken * atom
        left -= taken
        if left <= 0:
            break
    return total / level


def risk_measure(kind: str, quantiles: Tensor, level: float, shares: Sequence[float] | None = None) -> Tensor:
    """CVaR ("cvar"), the quantile at the level ("var"), Wang's measure with -ln(level) ("wang"), or the mean ("mean").

    The j-th lowest quantile stands for ``shares[j]`` of the probability; for 1 / M each if they are not given.
    """
    if kind == "cvar":
        return cvar(quantiles, level, shares)
    ordered = torch.sort(quantiles).values
    each = list(shares or [1 / len(quantiles)] * len(quantiles))
    ends = [sum(each[: j + 1]) for j in range(len(each) - 1)] + [1.0]
    if kind == "var":
        return next(atom for atom, end in zip(ordered, ends, strict=True) if level <= end + 1e-6)
    normal, total, before = NormalDist(), torch.zeros((), dtype=quantiles.dtype), 0.0
    for atom, end in zip(ordered, ends, strict=True):
        after = end
        if kind == "wang" and end < 1:
            after = normal.cdf(normal.inv_cdf(end) - math.log(level))
        total, before = total + (after - before) * atom, after
    return total


def midpoints(shares: Sequence[float]) -> list[float]:
    """The fraction in the middle of each share of probability."""
    return [sum(shares[:j]) + shares[j] / 2 for j in range(len(shares))]


def quantile_huber(
    predictions: Tensor, targets: Tensor, tau: Sequence[float], kappa: float, shares: Sequence[float] | None = None
) -> Tensor:
    """Quantile regression (QR-DQN, Eqn 10): sum over predictions j, mean over targets k, of
    |tau_j - 1{u < 0}| Huber_kappa(u) / kappa with u = target_k - prediction_j.

    The k-th lowest target counts as ``shares[k]``; all alike if they are not given.
    """
    loss = torch.zeros((), dtype=predictions.dtype)
    for j, prediction in enumerate(predictions):
        for k, target in enumerate(torch.sort(targets.detach()).values):
            error = target - prediction
            huber = error**2 / 2 if abs(error) <= kappa else kappa * (abs(error) - kappa / 2)
            side = 1 - tau[j] if error < 0 else tau[j]
            loss = loss + (shares[k] if shares else 1 / len(targets)) * side * huber / kappa
    return loss


def scheduled(start: float, end: float, steps: int, at: int) -> float:
    """What goes from ``start`` to ``end`` in a straight line over ``steps``, and stays there."""
    return end if at >= steps else start + (end - start) * at / steps
