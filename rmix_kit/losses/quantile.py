"""Quantile regression."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from rmix_kit.compiling.finding import compiled_module
from rmix_kit.errors import ShapeError
from rmix_kit.stacked import is_stacked, with_seeds_in_front


def quantile_fractions(edges: Tensor) -> Tensor:
    """Midpoints of the shares; tau_j = (2 j - 1) / (2 M) for equal ones (QR-DQN, Dabney et al. 2018, Lemma 2).

    Args:
        edges: ``[quantile + 1]`` from `rmix_kit.risk.quantile_edges`.

    Returns:
        ``[quantile]`` in (0, 1).
    """
    return (edges[:-1] + edges[1:]) / (2 * edges[-1])


def quantile_spread(quantiles: Tensor) -> Tensor:
    """Return the standard deviation of quantiles that count alike, ``[..., quantile]`` -> ``[...]``.

    torch's own takes ten times as long on a CPU.
    """
    return (quantiles - quantiles.mean(-1, keepdim=True)).square().mean(-1).sqrt()


def quantile_huber_loss(
    quantiles: Tensor, targets: Tensor, tau: Tensor, *, kappa: float = 1.0, edges: Tensor | None = None
) -> Tensor:
    """Quantile Huber loss: sum over predictions, mean over targets (QR-DQN, Eqn 10; RMIX appendix, algorithm 1).

    Each pair costs |tau_j - 1{u < 0}| Huber_kappa(u) / kappa with u = target - prediction.

    tau_j belongs to prediction j, and the penalised side is that of u = target - prediction < 0. The released RMIX
    code pairs tau with the targets, which collapses the distribution to a point (docs/fidelity.md).

    The pairwise tensor [prediction, target] is never built. Float32 on the CPU is gone through pair by pair where numba
    is installed (`rmix_kit.compiling.quantile_pairs`), and rounds like any sum of so many float32. Otherwise the
    targets are sorted, and running sums give the linear and the quadratic part of every prediction's loss exactly.

    Args:
        quantiles: Predictions ``[..., quantile]`` in head order.
        targets: ``[..., target]``, detached, same leading axes.
        tau: ``[quantile]`` or ``[..., quantile]``, fractions in (0, 1) of the predictions.
        kappa: Huber threshold in reward units, above 0.
        edges: Shares of probability of the sorted targets ``[target + 1]``, as `rmix_kit.risk.quantile_edges` gives
            them; equal ones if None.

    Returns:
        ``[...]``, non-negative.

    Raises:
        ShapeError: The leading axes differ.
    """
    if quantiles.shape[:-1] != targets.shape[:-1]:
        raise ShapeError(
            f"quantiles {tuple(quantiles.shape)} and targets {tuple(targets.shape)} differ before the last axis"
        )
    if is_stacked():  # leading axes are free: the seeds are one more

        def of_all_seeds(quantiles: Tensor, targets: Tensor, tau: Tensor) -> tuple[Tensor]:
            return (quantile_huber_loss(quantiles, targets, tau, kappa=kappa, edges=edges),)

        return with_seeds_in_front(of_all_seeds, quantiles, targets, tau.expand(quantiles.shape))[0]
    return _QuantileHuber.apply(quantiles, targets.detach(), tau.detach(), kappa, edges)  # type: ignore[no-any-return,no-untyped-call]


class _QuantileHuber(torch.autograd.Function):
    """Loss and gradient together, since both come from the same pass."""

    @staticmethod
    def forward(  # torch leaves its context untyped
        ctx: Any,  # noqa: ANN401
        quantiles: Tensor,
        targets: Tensor,
        tau: Tensor,
        kappa: float,
        edges: Tensor | None,
    ) -> Tensor:
        loss, slope = _loss_and_slope(quantiles, targets, tau, kappa, edges)
        # The derivative is all that the backward pass needs: one product, and none of the targets is kept.
        ctx.save_for_backward(slope)
        return loss

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None, None, None]:  # noqa: ANN401
        (slope,) = ctx.saved_tensors
        return grad_outputs[0].unsqueeze(-1) * slope, None, None, None, None


def _loss_and_slope(
    quantiles: Tensor, targets: Tensor, tau: Tensor, kappa: float, edges: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return the loss ``[...]`` and its derivative ``[..., quantile]`` in the dtype of the quantiles."""
    if all(tensor.device.type == "cpu" and tensor.dtype == torch.float32 for tensor in (quantiles, targets, tau)):
        compiled = compiled_module("rmix_kit.compiling.quantile_pairs")
        if not isinstance(compiled, str):
            return _paired(compiled, quantiles, targets, tau, kappa, edges)
    if edges is None:
        edges = torch.arange(targets.shape[-1] + 1, device=targets.device)
    loss, slope = _sorted(quantiles.double(), targets.double(), tau.double(), kappa, edges.double())
    return loss.to(quantiles.dtype), slope.to(quantiles.dtype)


def _paired(
    compiled: ModuleType, quantiles: Tensor, targets: Tensor, tau: Tensor, kappa: float, edges: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return loss and derivative, pair by pair (`rmix_kit.compiling.quantile_pairs`)."""
    n_quantiles, n_targets = quantiles.shape[-1], targets.shape[-1]
    if edges is None:
        shares = torch.full((n_targets,), 1 / n_targets)
    else:
        shares = ((edges[1:] - edges[:-1]) / edges[-1]).float()
        targets = torch.sort(targets, dim=-1).values  # shares are those of the sorted targets
    loss, slope = torch.empty(quantiles.shape[:-1]), torch.empty(quantiles.shape)
    if tau.dim() > 1:
        tau = tau.expand(quantiles.shape)
    compiled.loss_and_slope(
        quantiles.reshape(-1, n_quantiles).contiguous().numpy(),
        targets.reshape(-1, n_targets).contiguous().numpy(),
        tau.reshape(-1, n_quantiles).contiguous().numpy(),
        shares.numpy(),
        kappa,
        loss.view(-1).numpy(),
        slope.view(-1, n_quantiles).numpy(),
    )
    return loss, slope


def _sorted(theta: Tensor, targets: Tensor, tau: Tensor, kappa: float, edges: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss ``[...]`` and its derivative ``[..., quantile]`` of float64 inputs (float32 sums cancel).

    For one prediction theta, u = t - theta, and Huber_kappa(u) / kappa is u^2 / (2 kappa) up to |u| = kappa and
    |u| - kappa / 2 beyond. Over targets t of mass m in ascending order the cost falls into four stretches:

    u < -kappa:       sum m (theta - t - kappa / 2)     = M theta - M kappa / 2 - sum m t
    -kappa <= u < 0:  sum m (t - theta)^2 / (2 kappa)   = (sum m t^2 - 2 theta sum m t + M theta^2) / (2 kappa)
    0 <= u <= kappa:  the same
    kappa < u:        sum m (t - theta - kappa / 2)     = sum m t - M theta - M kappa / 2

    with M a stretch's mass, the first two weighted by 1 - tau and the others by tau. Every sum over a stretch is the
    difference of two running sums: of m, which is ``edges``, of m t (``first``) and of m t^2 (``second``).
    """
    ordered = torch.sort(targets, dim=-1).values  # [..., target]
    weighted = ordered * (edges[1:] - edges[:-1])  # m t
    first = torch.nn.functional.pad(weighted.cumsum(-1), (1, 0))  # [..., target + 1], sums of the k lowest
    second = torch.nn.functional.pad((weighted * ordered).cumsum(-1), (1, 0))
    theta = theta.contiguous()  # `searchsorted` warns of anything else
    # Where a target lies exactly on an end, both stretches give the same cost and slope: either side would do.
    ends = [
        torch.searchsorted(ordered, theta - kappa),  # [..., quantile], targets with u < -kappa
        torch.searchsorted(ordered, theta),  # u < 0
        torch.searchsorted(ordered, theta + kappa, right=True),  # u <= kappa
    ]
    far_below, below, near = (edges[end] for end in ends)  # their mass
    first_far, first_below, first_near = (first.gather(-1, end) for end in ends)
    second_far, second_below, second_near = (second.gather(-1, end) for end in ends)
    total = edges[-1]
    m_low, m_high = below - far_below, near - below
    sum_low, sum_high = first_below - first_far, first_near - first_below
    square_low, square_high = second_below - second_far, second_near - second_below

    low = far_below * (theta - kappa / 2) - first_far
    low = low + (square_low - 2 * theta * sum_low + m_low * theta.square()) / (2 * kappa)
    high = first[..., -1:] - first_near - (total - near) * (theta + kappa / 2)
    high = high + (square_high - 2 * theta * sum_high + m_high * theta.square()) / (2 * kappa)
    loss = ((1 - tau) * low + tau * high).sum(-1) / total

    # d loss / d theta, stretch by stretch; the ends move with theta, but cost and slope are continuous across them.
    slope_low = far_below + (m_low * theta - sum_low) / kappa
    slope_high = (sum_high - m_high * theta) / kappa + (total - near)
    return loss, ((1 - tau) * slope_low - tau * slope_high) / total
