"""Quantile regression."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rmix_kit.errors import ShapeError


def quantile_fractions(n_quantiles: int, device: torch.device) -> Tensor:
    """Midpoints tau_j = (2 j - 1) / (2 M) (QR-DQN, Dabney et al. 2018, Lemma 2).

    Args:
        n_quantiles: The number of quantiles M.
        device: Where the result lives.

    Returns:
        float32 ``[quantile]`` in (0, 1).
    """
    return (2 * torch.arange(n_quantiles, device=device, dtype=torch.float32) + 1) / (2 * n_quantiles)


def quantile_huber_loss(quantiles: Tensor, targets: Tensor, tau: Tensor, *, kappa: float = 1.0) -> Tensor:
    """Quantile Huber loss: sum over predictions, mean over targets (QR-DQN, Eqn 10; RMIX appendix, algorithm 1).

    Each pair costs |tau_j - 1{u < 0}| Huber_kappa(u) / kappa with u = target - prediction.

    tau_j belongs to prediction j, and the penalised side is that of u = target - prediction < 0. The released RMIX
    code pairs tau with the targets, which collapses the distribution to a point (docs/fidelity.md).

    The pairwise tensor [prediction, target] is never built: with the targets sorted, running sums give the linear and
    the quadratic part of every prediction's loss exactly, in O(M log M) time and O(M) memory.

    Args:
        quantiles: Predictions ``[..., quantile]`` in head order.
        targets: ``[..., target]``, detached, same leading axes.
        tau: ``[quantile]`` or ``[..., quantile]``, fractions in (0, 1) of the predictions.
        kappa: Huber threshold in reward units, above 0.

    Returns:
        ``[...]``, non-negative.

    Raises:
        ShapeError: The leading axes differ.
    """
    if quantiles.shape[:-1] != targets.shape[:-1]:
        raise ShapeError(
            f"quantiles {tuple(quantiles.shape)} and targets {tuple(targets.shape)} differ before the last axis"
        )
    return _QuantileHuber.apply(quantiles, targets.detach(), tau.detach(), kappa)  # type: ignore[no-any-return,no-untyped-call]


class _QuantileHuber(torch.autograd.Function):
    """Loss and gradient together, since both come from the same sorted targets and running sums."""

    @staticmethod
    def forward(  # torch leaves its context untyped
        ctx: Any,  # noqa: ANN401
        quantiles: Tensor,
        targets: Tensor,
        tau: Tensor,
        kappa: float,
    ) -> Tensor:
        loss, slope = _loss_and_slope(quantiles.double(), targets.double(), tau.double(), kappa)
        ctx.save_for_backward(slope.to(quantiles.dtype))
        return loss.to(quantiles.dtype)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None, None]:  # noqa: ANN401
        (slope,) = ctx.saved_tensors
        return grad_outputs[0].unsqueeze(-1) * slope, None, None, None


def _loss_and_slope(theta: Tensor, targets: Tensor, tau: Tensor, kappa: float) -> tuple[Tensor, Tensor]:
    """Give the loss ``[...]`` and its derivative ``[..., quantile]`` for float64 inputs (float32 sums would cancel)."""
    n_targets = targets.shape[-1]
    ordered = torch.sort(targets, dim=-1).values  # [..., target]
    first = torch.nn.functional.pad(ordered.cumsum(-1), (1, 0))  # [..., target + 1], sums of the k lowest
    second = torch.nn.functional.pad(ordered.square().cumsum(-1), (1, 0))
    theta = theta.contiguous()
    far_below = torch.searchsorted(ordered, theta - kappa)  # [..., quantile], targets with u < -kappa
    below = torch.searchsorted(ordered, theta)  # u < 0
    near = torch.searchsorted(ordered, theta + kappa, right=True)  # u <= kappa

    first_far, first_below, first_near = first.gather(-1, far_below), first.gather(-1, below), first.gather(-1, near)
    n_low, n_high = below - far_below, near - below
    sum_low, sum_high = first_below - first_far, first_near - first_below
    square_low = second.gather(-1, below) - second.gather(-1, far_below)
    square_high = second.gather(-1, near) - second.gather(-1, below)

    low = far_below * (theta - kappa / 2) - first_far
    low = low + (square_low - 2 * theta * sum_low + n_low * theta.square()) / (2 * kappa)
    high = first[..., -1:] - first_near - (n_targets - near) * (theta + kappa / 2)
    high = high + (square_high - 2 * theta * sum_high + n_high * theta.square()) / (2 * kappa)
    loss = ((1 - tau) * low + tau * high).sum(-1) / n_targets

    slope_low = far_below + (n_low * theta - sum_low) / kappa
    slope_high = (sum_high - n_high * theta) / kappa + (n_targets - near)
    return loss, ((1 - tau) * slope_low - tau * slope_high) / n_targets
