"""Risk measures of a quantile distribution beside CVaR: value at risk, Wang's, and the mean, each turned by a level.

A distorted expectation with the distortion g of the unit interval is the sum over the sorted quantiles of
(g(e_j) - g(e_{j-1})) z_(j), e_j the edges of the shares of probability that they stand for (RiskQ, Shen et al. 2023,
section 3; Wang 2000, "A class of distortion operators for pricing financial and insurance risks").
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from rmix_kit.risk.operators import cvar_weights, level_weights

RiskMeasure = Literal["cvar", "var", "wang", "mean"]
"""What an agent takes of its return distribution: CVaR, the quantile at the level, Wang's measure, the mean."""
RISK_MEASURES: tuple[str, ...] = get_args(RiskMeasure)
ON_EDGE = 1e-6
"""Relative distance within which a level counts as lying on an edge: float32 levels are rounded."""


def risk_weights(measure: RiskMeasure, risk_level: Tensor, edges: Tensor) -> Tensor:
    """Weights of the sorted quantiles whose sum is the measure at a level.

    - "cvar": the mean of the lowest share ``risk_level``; 1 gives the mean.
    - "var": the quantile at ``risk_level``, the sorted quantile whose share of probability the level lies in; 1 gives
      the highest.
    - "wang": g(t) = Phi(Phi^-1(t) + eta) with eta = -ln(risk_level); 1 gives the mean, exp(-0.75) = 0.472 RiskQ's 0.75.
    - "mean": the mean, whatever the level.

    Args:
        measure: Which one.
        risk_level: ``[...]``, in (0, 1].
        edges: ``[quantile + 1]`` from `rmix_kit.risk.quantile_edges`, on the level's device.

    Returns:
        ``[..., quantile]`` in the level's dtype, none below zero; every row sums to one.
    """
    if measure == "cvar":
        return cvar_weights(risk_level, edges)
    edges = edges.to(risk_level.dtype)
    if measure == "var":
        place = (risk_level * (edges[-1] * (1.0 - ON_EDGE))).unsqueeze(-1)  # [..., 1]
        return ((place > edges[:-1]) & (place <= edges[1:])).to(risk_level.dtype)
    shares = (edges[1:] - edges[:-1]) / edges[-1]  # [quantile]
    if measure == "mean":
        return shares.expand(*risk_level.shape, -1)
    within = torch.special.ndtri(edges[1:-1] / edges[-1])  # [quantile - 1]; the ends stay 0 and 1
    shifted = (within - risk_level.log().unsqueeze(-1)) / 2**0.5  # [..., quantile - 1]
    below = (1.0 + torch.erf(shifted)) / 2  # g of the inner edges
    ends = torch.zeros_like(risk_level).unsqueeze(-1)
    distorted = torch.cat([ends, below, ends + 1.0], -1)  # [..., quantile + 1]
    return distorted[..., 1:] - distorted[..., :-1]


def weights_of_levels(measure: RiskMeasure, n_levels: int, edges: Tensor) -> Tensor:
    """Weights of every level k/K as one constant matrix.

    Args:
        measure: Which one.
        n_levels: The number of risk levels K.
        edges: ``[quantile + 1]`` of equal shares.

    Returns:
        float32 ``[level, quantile]`` on the CPU, row k - 1 belonging to level k/K.
    """
    if measure == "cvar":
        return level_weights(n_levels, len(edges) - 1)
    levels = torch.arange(1, n_levels + 1, dtype=torch.float64) / n_levels
    return risk_weights(measure, levels, edges.cpu()).float()
