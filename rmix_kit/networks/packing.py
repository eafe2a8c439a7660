"""Packing: networks compute real steps only, losses see padded tensors.

Episodes of a batch are ordered by length, longest first. Packed rows are all (episode, agent) rows of step 0, then
those of step 1 that are still real, and so on: the layout of torch's ``PackedSequence``.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rmix_kit.stacked import is_stacked
from rmix_kit.types import Packing


def pack(values: Tensor, packing: Packing) -> Tensor:
    """Take the real rows.

    Args:
        values: ``[batch, time + 1, agent, ...]``.

    Returns:
        ``[row, ...]``.
    """
    # By index and not by mask: the number of true entries of a mask would have to be read back from a device first.
    return values.flatten(0, 2).index_select(0, packing.index)  # [batch * (time + 1) * agent, ...] -> [row, ...]


def unpack(rows: Tensor, packing: Packing, shape: tuple[int, int, int]) -> Tensor:
    """Put rows back; padding becomes zero.

    Args:
        rows: ``[row, ...]``.
        shape: (batch, time + 1, agent).

    Returns:
        ``[batch, time + 1, agent, ...]``.
    """
    return place(rows, packing.index, shape)


def place(rows: Tensor, index: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Put rows in any order where they belong; all else becomes zero.

    Args:
        rows: ``[row, ...]``.
        index: int64 ``[row]`` into the flattened ``[batch * (time + 1) * agent]``.
        shape: (batch, time + 1, agent).

    Returns:
        ``[batch, time + 1, agent, ...]``.
    """
    size = shape[0] * shape[1] * shape[2]
    # No place is written twice, so that the order of writing, which devices do not promise, decides nothing.
    zeros = rows.new_zeros(size, *rows.shape[1:])
    padded = zeros.index_copy(0, index, rows) if is_stacked() else zeros.index_copy_(0, index, rows)
    return torch.unflatten(padded, 0, shape)


def shift(rows: Tensor, packing: Packing) -> Tensor:
    """Delay rows by one step, zeros at the first.

    Args:
        rows: ``[row, input]``.

    Returns:
        The same shape; a row holds the entry of its agent one step before.
    """
    # A row of zeros behind the last one is what `Packing.previous` names where there is no step before.
    return torch.cat([rows, torch.zeros_like(rows[:1])]).index_select(0, packing.previous)
