"""Temporal-difference targets over whole episodes."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


def lambda_returns(
    reward: Tensor, terminated: Tensor, next_values: Tensor, trace: Tensor, *, gamma: float, td_lambda: float
) -> Tensor:
    """TD(lambda) targets with a trace that may be cut at any step (Watkins 1989; Sutton and Barto 2018, 12.10).

    G_t = r_t + gamma (1 - d_t) [(1 - lambda c_t) V'_{t+1} + lambda c_t G_{t+1}], computed backwards. With
    ``td_lambda`` 0 this is the one-step target. A truncated step bootstraps: the task did not end, the clock did.

    Args:
        reward: ``[batch, time, ...]``.
        terminated: bool, the same shape.
        next_values: Value V' of the step after, the same shape.
        trace: bool, the same shape; c_t, true only if step t + 1 is real (and, for Watkins' Q(lambda), its replayed
            action greedy; uncut it is Peng and Williams' of 1996).
        td_lambda: In [0, 1].

    Returns:
        The targets, the same shape as ``reward``.
    """
    discount = gamma * (~terminated).to(reward.dtype)
    decay = td_lambda * trace.to(reward.dtype)
    if td_lambda == 0.0:
        return reward + discount * next_values
    base = reward + discount * (1.0 - decay) * next_values
    factor = discount * decay
    steps = list(
        zip(base.unbind(1), factor.unbind(1), strict=True)
    )  # all views at once: slicing costs as much as a sum
    returns = [steps[-1][0]]
    for own, decayed in reversed(steps[:-1]):
        returns.append(torch.addcmul(own, decayed, returns[-1]))
    return torch.stack(returns[::-1], dim=1)


class NStepReturns(NamedTuple):
    """Returns over as many steps as the data allow.

    Attributes:
        rewards: Discounted sum of the rewards ``[batch, time]``.
        discounts: Factor on the value bootstrapped from ``[batch, time]``; 0 where the task ended.
        bootstrap_steps: int64 index of the step bootstrapped from ``[batch, time]``, in 1..time.
    """

    rewards: Tensor
    discounts: Tensor
    bootstrap_steps: Tensor


def n_step_returns(reward: Tensor, terminated: Tensor, trace: Tensor, *, gamma: float, n_max: int) -> NStepReturns:
    """Sum rewards until the first step whose action is not greedy, at most ``n_max`` of them.

    Args:
        reward: ``[batch, time]``.
        terminated: bool ``[batch, time]``.
        trace: bool ``[batch, time]``, true if step t + 1 is real and its replayed action is greedy.
        n_max: Most rewards summed, at least 1.

    Returns:
        Sums, discounts and the steps bootstrapped from.
    """
    time = reward.shape[1]
    discount = gamma * (~terminated).to(reward.dtype)
    rewards, discounts = reward, discount
    own_next = torch.arange(1, time + 1, device=reward.device).expand_as(trace)
    steps = own_next
    for _ in range(n_max - 1):
        rewards = torch.where(trace, reward + discount * rewards.roll(-1, 1), reward)
        discounts = torch.where(trace, discount * discounts.roll(-1, 1), discount)
        steps = torch.where(trace, steps.roll(-1, 1), own_next)
    return NStepReturns(rewards, discounts, steps)
