"""Reading an observation space's bounds."""

from __future__ import annotations

import numpy as np
from gymnasium.spaces import Box


def flat_bounds(box: Box) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Give a box's bounds, one number per element in C order.

    Args:
        box: An observation space.

    Returns:
        Low and high; infinite where unbounded.
    """
    low = tuple(float(value) for value in np.broadcast_to(box.low, box.shape).reshape(-1))
    high = tuple(float(value) for value in np.broadcast_to(box.high, box.shape).reshape(-1))
    return low, high
