"""Temporal-difference targets over whole episodes."""

from __future__ import annotations

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
        trace: bool, the same shape; c_t, true only if step t + 1 is real and its replayed action is greedy.
        gamma: Discount in [0, 1].
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
    result = base[:, -1]
    returns = [result]
    for t in range(reward.shape[1] - 2, -1, -1):
        result = base[:, t] + factor[:, t] * result
        returns.append(result)
    return torch.stack(returns[::-1], dim=1)
