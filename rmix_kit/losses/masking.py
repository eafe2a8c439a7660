"""Means over the real steps of padded episodes."""

from __future__ import annotations

from torch import Tensor


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of the values on real steps: sum(m x) / sum(m), the mask repeated over the trailing axes of the values.

    Args:
        values: ``[batch, time, ...]``.
        mask: bool ``[batch, time]`` or with more of the values' axes, true where a value counts.

    Returns:
        Scalar; zero where nothing counts.
    """
    weights = mask.to(values.dtype).reshape(mask.shape + (1,) * (values.ndim - mask.ndim))  # [batch, time, 1...]
    weights = weights.expand_as(values)
    return (values * weights).sum() / weights.sum().clamp(min=1.0)
