"""The quantile Huber loss by all pairs of a prediction and a target, compiled."""

from __future__ import annotations

import numpy as np

from rmix_kit.compiling.keeping import kept
from rmix_kit.types import FloatArray

HALF, ONE, ZERO = np.float32(0.5), np.float32(1), np.float32(0)


def _loss_and_slope(
    quantiles: FloatArray, targets: FloatArray, tau: FloatArray, shares: FloatArray, kappa: float,
    loss: FloatArray, slope: FloatArray,
) -> None:  # fmt: skip
    """Write the loss and its derivative; all arrays are float32 in C order.

    With c = u clipped to [-kappa, kappa], Huber_kappa(u) / kappa is c (u - c / 2) / kappa, its derivative c / kappa.

    Args:
        quantiles: ``[row, quantile]``.
        targets: ``[row, target]``, ascending unless all shares are equal.
        tau: ``[row, quantile]``, or ``[1, quantile]`` for all rows.
        shares: Probability of each target ``[target]``, adding up to one.
        kappa: Above 0.
        loss: ``[row]``.
        slope: ``[row, quantile]``.
    """
    rows, n_quantiles = quantiles.shape
    most = np.float32(kappa)
    scale = ONE / most
    costs = np.empty(n_quantiles, dtype=np.float32)
    for row in range(rows):
        predicted, slopes, above = quantiles[row], slope[row], tau[row if len(tau) > 1 else 0]
        costs[:] = ZERO
        slopes[:] = ZERO
        # Predictions are the inner loop: each has sums of its own, so that vectors need no other order of adding.
        for j in range(targets.shape[1]):
            target, share = targets[row, j], shares[j] * scale
            for i in range(n_quantiles):
                u = target - predicted[i]
                weight = above[i] if u >= ZERO else ONE - above[i]
                clipped = -most if u < -most else u
                clipped = most if clipped > most else clipped
                pull = share * weight * clipped
                slopes[i] -= pull
                costs[i] += pull * (u - HALF * clipped)
        total = 0.0
        for i in range(n_quantiles):
            total += costs[i]
        loss[row] = total


loss_and_slope = kept(_loss_and_slope, fused=True)
