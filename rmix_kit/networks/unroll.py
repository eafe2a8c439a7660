"""Unrolling an agent over a batch of episodes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from rmix_kit.types import EpisodeBatch


def last_actions(batch: EpisodeBatch) -> Tensor:
    """Return the previous joint action of every step, one-hot, zeros at the first.

    Returns:
        float32 ``[batch, time + 1, agent, action]``.
    """
    coded = one_hot_actions(batch.actions, batch.avail_actions.shape[-1])  # [batch, time, agent, action]
    return functional.pad(coded, (0, 0, 0, 0, 1, 0))  # [batch, time + 1, agent, action]


def one_hot_actions(actions: Tensor, n_actions: int) -> Tensor:
    """Code actions one-hot.

    Args:
        actions: int64 ``[...]``.

    Returns:
        float32 ``[..., action]``.
    """
    return (actions.unsqueeze(-1) == torch.arange(n_actions, device=actions.device)).float()


def agent_ids(batch: EpisodeBatch) -> Tensor:
    """Return the one-hot agent index of every entry.

    Returns:
        float32 ``[batch, time + 1, agent, n_agents]``.
    """
    size, steps, n_agents = batch.avail_actions.shape[:3]
    return torch.eye(n_agents, device=batch.obs.device).expand(size, steps, n_agents, n_agents)


def greedy_actions(values: Tensor, avail_actions: Tensor) -> Tensor:
    """Take the best available action of every agent.

    Args:
        values: ``[..., action]``.
        avail_actions: bool ``[..., action]``, at least one true.

    Returns:
        int64 ``[...]``.
    """
    return values.masked_fill(~avail_actions, -torch.inf).argmax(-1)


def best_values(values: Tensor, avail_actions: Tensor) -> Tensor:
    """Return the value of every agent's best available action.

    Args:
        values: ``[..., action]``.
        avail_actions: bool ``[..., action]``, at least one true.

    Returns:
        ``[...]``.
    """
    return values.masked_fill(~avail_actions, -torch.inf).amax(-1)


def available_probabilities(probabilities: Tensor, avail_actions: Tensor) -> Tensor:
    """Restrict a distribution over all actions to the available ones, evenly if they all have underflowed to 0.

    Args:
        probabilities: ``[..., action]``, not negative.
        avail_actions: bool ``[..., action]``, at least one true.

    Returns:
        ``[..., action]``; zero where an action is not available, sums to 1.
    """
    allowed = probabilities.clamp(min=torch.finfo(probabilities.dtype).tiny) * avail_actions
    return allowed / allowed.sum(-1, keepdim=True)


def take(values: Tensor, actions: Tensor) -> Tensor:
    """Pick the entries of chosen actions.

    Args:
        values: ``[..., action]`` or ``[..., action, quantile]``.
        actions: int64 ``[...]``.

    Returns:
        ``[...]`` or ``[..., quantile]``.
    """
    if values.ndim == actions.ndim + 1:
        return values.gather(-1, actions.unsqueeze(-1)).squeeze(-1)
    index = actions[..., None, None].expand(*actions.shape, 1, values.shape[-1])  # [..., 1, quantile]
    return values.gather(-2, index).squeeze(-2)
