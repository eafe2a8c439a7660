"""How good forecasts of a distribution are: quantiles beside what came, and their moments."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
TIED = 0.005
"""Share of the measured returns' range within which a quantile and a return count as equal: a network's quantiles of a
certain return are never all the same number."""


def moments(forecasts: Floats, fractions: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each forecast, its quantiles weighted by the shares that they stand for.

    Args:
        forecasts: ``[row, quantile]``.
        fractions: Of the quantiles, ``[quantile]`` in (0, 1).

    Returns:
        ``[row]`` each.
    """
    weights = np.diff(edges_of(fractions))  # [quantile]
    means: Floats = forecasts @ weights
    return means, np.sqrt((forecasts - means[:, None]) ** 2 @ weights)


def pinball_loss(quantiles: Floats, came: Floats, fractions: Floats) -> float:
    """Return the mean over forecasts of (tau - 1{y < q}) (y - q), fractions weighted by the shares that they stand for.

    Args:
        quantiles: ``[row, quantile]``, or ``[quantile]`` for the same forecast everywhere.
        came: What came, ``[row]``.
        fractions: tau, ``[quantile]`` in (0, 1).
    """
    missed = came[:, None] - quantiles
    losses = np.maximum(fractions * missed, (fractions - 1) * missed)  # [row, quantile]
    return float((losses @ np.diff(edges_of(fractions))).mean())


def edges_of(fractions: Floats) -> Floats:
    """Return where the shares of probability begin and end whose middles the fractions are, ``[quantile + 1]``."""
    edges = [0.0]
    for fraction in fractions.tolist():
        edges.append(2 * fraction - edges[-1])
    return np.array(edges)


def pit(forecasts: Floats, came: Floats, fractions: Floats, rng: np.random.Generator) -> Floats:
    """Return where in its forecast each return fell, ``[row]`` in [0, 1]; between equal quantiles drawn evenly."""
    near = TIED * float(np.ptp(came))
    edges = edges_of(fractions)
    below = (forecasts < came[:, None] - near).sum(-1)  # [row], quantiles clearly below
    not_above = (forecasts <= came[:, None] + near).sum(-1)
    low, high = edges[below], edges[not_above]
    # Between two quantiles, beyond the last or before the first: the return shares the mass of its neighbours.
    apart = below == not_above
    low = np.where(apart, edges[np.maximum(below - 1, 0)], low)
    high = np.where(apart, edges[np.minimum(below + 1, len(fractions))], high)
    drawn: Floats = low + (high - low) * rng.random(len(came))
    return drawn


def distance_from_uniform(shares: Floats) -> float:
    """Return the largest distance between the distribution function of numbers in [0, 1] and the even one."""
    ordered, count = np.sort(shares), len(shares)
    above = np.arange(1, count + 1) / count - ordered
    below = ordered - np.arange(count) / count
    return float(max(above.max(), below.max()))
