"""Recurrent memory as named tensors: always an argument and a result, never kept by a module."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

Carry = dict[str, Tensor]
"""Name -> ``[row, size]``; all zero at the start of an episode. A row is one agent of one environment."""


def zero_carry(sizes: dict[str, int], rows: int, device: torch.device) -> Carry:
    """Return the carry of an episode's start.

    Args:
        sizes: Width of each named tensor.

    Returns:
        float32 zeros ``[row, size]`` by name.
    """
    return {name: torch.zeros(rows, size, device=device) for name, size in sizes.items()}


class StepOutput(NamedTuple):
    """One acting step.

    Attributes:
        action_values: What the agent maximises ``[row, action]``.
        risk_level: The level used ``[row]``; ones for agents without one.
        carry: Next carry, all entries but ``last_action``.
    """

    action_values: Tensor
    risk_level: Tensor
    carry: Carry
