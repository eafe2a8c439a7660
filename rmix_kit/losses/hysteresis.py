"""Hysteresis: a learner that sinks slower than it rises forgives its teammates' exploration."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from rmix_kit.errors import ShapeError

LikelihoodWindow = Literal["spread", "absolute"]


def hysteretic_weights(
    quantiles: Tensor, targets: Tensor, tau: Tensor, *, beta: float | Tensor, window: LikelihoodWindow = "spread"
) -> Tensor:
    """Weigh an update: 1 where the target's mean is not below the prediction's, else max(beta, likelihood).

    The author's code has the comparison the other way round, which turns optimism into pessimism; this is the paper's.
    The likelihood looks h to either side of a target sample. The author's h = 0.5 / n in reward units gives next to
    nothing where returns are large; "spread" multiplies it by the distance between the lowest and the highest
    prediction, so that a change of the rewards' unit or origin changes no weight.

    The quantile Huber loss is multiplied by it (Lyu and Amato, "Likelihood Quantile Networks", 2020). With a single
    quantile at tau 1/2 and a wide kappa the gradient of the product is w (q - y) / (2 kappa): stepped by SGD with
    2 kappa alpha, a table of such quantiles is hysteretic Q-learning (Matignon et al. 2007), whose step is alpha on
    the way up and beta alpha on the way down.

    Args:
        quantiles: Predictions ``[..., quantile]``.
        targets: ``[..., target]``, same leading axes.
        tau: ``[quantile]`` or ``[..., quantile]``, the predictions' fractions in (0, 1).
        beta: Least weight, in [0, 1]; a tensor broadcasts to ``[...]``.
        window: "spread", h = 0.5 / n times the predictions' range; or "absolute", h = 0.5 / n.

    Returns:
        Detached ``[...]`` in [0, 1].

    Raises:
        ShapeError: The leading axes differ, or there are not as many fractions as predictions.
    """
    quantiles, targets = quantiles.detach(), targets.detach()
    half_width = torch.full_like(quantiles[..., 0], 0.5 / quantiles.shape[-1])  # [...]
    if window == "spread":
        half_width = half_width * (quantiles.amax(-1) - quantiles.amin(-1))
    likelihood = time_difference_likelihood(quantiles, targets, tau, half_width)
    least = torch.maximum(likelihood, torch.zeros_like(likelihood) + beta)  # [...]
    return torch.where(targets.mean(-1) >= quantiles.mean(-1), torch.ones_like(least), least)


def time_difference_likelihood(quantiles: Tensor, targets: Tensor, tau: Tensor, half_width: Tensor) -> Tensor:
    """Return how likely the target samples are under the predictions (TDL): mean over t of P(t - h <= X <= t + h).

    X has mass tau_{j+1} - tau_j spread evenly between the sorted predictions j and j + 1, and nothing beyond the
    outermost ones, as in the author's code. Predictions that coincide hold their mass as a point (there: lose it).

    Args:
        quantiles: Predictions ``[..., quantile]``.
        targets: ``[..., target]``, same leading axes.
        tau: ``[quantile]`` or ``[..., quantile]``, fractions in (0, 1); sorted apart from the predictions, which may
            cross.
        half_width: h in reward units, ``[...]``, not negative.

    Returns:
        ``[...]`` in [0, 1]; 0 where there is a single prediction.

    Raises:
        ShapeError: The leading axes differ, or there are not as many fractions as predictions.
    """
    if quantiles.shape[:-1] != targets.shape[:-1] or quantiles.shape[-1] != tau.shape[-1]:
        raise ShapeError(
            f"quantiles {tuple(quantiles.shape)}, targets {tuple(targets.shape)} and tau {tuple(tau.shape)} do not "
            "fit; expected the same axes before the last one, and one fraction per prediction"
        )
    mass = tau.sort(-1).values.diff(dim=-1).unsqueeze(-2)  # [..., 1, interval]
    ordered = quantiles.sort(-1).values.unsqueeze(-2)  # [..., 1, quantile]
    low, high = ordered[..., :-1], ordered[..., 1:]  # [..., 1, interval]
    centre, reach = targets.unsqueeze(-1), half_width[..., None, None]  # [..., target, 1], [..., 1, 1]
    overlap = torch.minimum(high, centre + reach) - torch.maximum(low, centre - reach)  # [..., target, interval]
    width = high - low
    is_point = width <= 0
    share = torch.where(is_point, (overlap >= 0).to(width.dtype), overlap.clamp(min=0) / width.masked_fill(is_point, 1))
    return (share * mass).sum(-1).mean(-1)
