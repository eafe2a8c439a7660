"""Where the real rows of a batch are, computed on the host from the episodes' lengths."""

from __future__ import annotations

import numpy as np
import torch

from rmix_kit.types import IntArray, Packing


def make_packing(lengths: IntArray, n_agents: int, device: torch.device) -> Packing:
    """Compute the packing of a batch on the host and put it on the device.

    Args:
        lengths: Steps of each episode, never rising, ``[batch]``; an episode has ``length + 1`` observations.
        n_agents: Agents per step.
        device: Where the index tensors live.

    Returns:
        The packing of all real observations.
    """
    steps = int(lengths[0]) + 1
    active = (lengths[:, None] + 1 > np.arange(steps)).sum(0)  # [time], episodes that have an observation there
    time = np.repeat(np.arange(steps), active)  # [packed episode step]
    starts = np.cumsum(active) - active
    episode = np.arange(len(time)) - starts[time]
    index = (episode * steps + time)[:, None] * n_agents + np.arange(n_agents)  # [packed episode step, agent]
    row = np.arange(index.size).reshape(index.shape)
    earlier = np.maximum(time - 1, 0)
    previous = (starts[earlier] + episode)[:, None] * n_agents + np.arange(n_agents)
    previous = np.where(time[:, None] > 0, previous, row.size)  # the first step looks at a row of zeros
    return Packing(
        index=torch.from_numpy(index.reshape(-1)).to(device),
        previous=torch.from_numpy(previous.reshape(-1)).to(device),
        rows_per_step=tuple(int(count) * n_agents for count in active),
    )
