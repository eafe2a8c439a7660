"""The additive mixer of VDN and RDN."""

from __future__ import annotations

from torch import Tensor


def mix_sum(values: Tensor) -> Tensor:
    """Add the agents' values: Q_tot = sum_i Q_i (VDN, Sunehag et al. 2018, Eqn 2).

    Args:
        values: ``[..., agent]``.

    Returns:
        ``[...]``.
    """
    return values.sum(-1)
