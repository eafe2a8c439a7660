"""Conditional value at risk of a quantile distribution, with a fractional tail atom.

All functions work on the last axis and any leading axes. RMIX (Qiu et al., NeurIPS 2021), Eqn 4-5; the released
code divides by one atom too few, which this module does not reproduce (docs/fidelity.md).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from rmix_kit.compiling.finding import compiled_module
from rmix_kit.errors import ShapeError
from rmix_kit.stacked import is_of_host, is_stacked


def _check_quantiles(quantiles: Tensor) -> None:
    if quantiles.ndim == 0 or quantiles.shape[-1] == 0:
        raise ShapeError(
            f"quantiles have shape {tuple(quantiles.shape)}; the last axis must hold at least one quantile"
        )
    if not quantiles.is_floating_point():
        raise ShapeError(f"quantiles have dtype {quantiles.dtype}; they must be floating point")


def sort_quantiles(quantiles: Tensor) -> Tensor:
    """Sort quantiles in ascending order along the last axis, differentiably.

    On the CPU NumPy's vectorised sort does the work (about ten times faster than ``torch.sort`` on rows of a hundred);
    elsewhere ``torch.sort`` does. Both give the same values and, up to the order of equal values, the same gradient.

    Args:
        quantiles: ``[..., quantile]``.

    Returns:
        ``[..., quantile]``, ascending.
    """
    _check_quantiles(quantiles)
    is_traced = torch.compiler.is_exporting() or torch.jit.is_tracing()  # type: ignore[attr-defined,no-untyped-call]
    if is_traced or not is_of_host(quantiles):
        return torch.sort(quantiles, dim=-1).values
    if not (quantiles.requires_grad and torch.is_grad_enabled()):
        return torch.from_numpy(np.sort(quantiles.detach().numpy(), axis=-1))
    order = torch.from_numpy(np.argsort(quantiles.detach().numpy(), axis=-1))
    return quantiles.gather(-1, order)


class RankedSum(NamedTuple):
    """Quantiles weighted by their rank.

    Attributes:
        values: Sum over j of w_j z_(j), ``[...]``, differentiable in the quantiles and the weights.
        ordered: The sorted quantiles z_(j), ascending and detached, ``[..., quantile]``.
    """

    values: Tensor
    ordered: Tensor


def ranked_sum(quantiles: Tensor, weights: Tensor) -> RankedSum:
    """Weight quantiles by their rank and add them up: the CVaR, if the weights are those of a level.

    Instead of sorting differentiably, each quantile is given its rank's weight; the backward pass is one product.

    Args:
        quantiles: ``[..., quantile]``, in any order.
        weights: Of the sorted quantiles, the same shape.

    Returns:
        The sum ``[...]`` and the sorted quantiles.
    """
    _check_quantiles(quantiles)
    values = quantiles.detach()
    # Whether a gradient is asked for, no tensor of several seeds can say.
    is_asked_for = quantiles.requires_grad or weights.requires_grad or is_stacked()
    if not (torch.is_grad_enabled() and is_asked_for):
        ordered = sort_quantiles(values)
        return RankedSum((ordered * weights).sum(-1), ordered)
    own, ordered = _by_rank(values, weights)
    return RankedSum((quantiles * own).sum(-1), ordered)


def _by_rank(values: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return each quantile's own weight ``[..., quantile]``, in the quantiles' order, and the sorted quantiles."""
    if is_of_host(values):
        compiled = compiled_module("rmix_kit.compiling.ranking")
        is_single = values.dtype == weights.dtype == torch.float32 and not weights.requires_grad
        if is_single and not isinstance(compiled, str):
            rows = (tensor.reshape(-1, tensor.shape[-1]).contiguous().numpy() for tensor in (values, weights))
            own, ordered = (torch.from_numpy(array).view(values.shape) for array in compiled.ranked(*rows))
            return own, ordered
        ranking = torch.from_numpy(np.argsort(values.numpy(), axis=-1))  # [..., quantile]
    else:
        ranking = torch.argsort(values, dim=-1)
    return torch.zeros_like(values).scatter(-1, ranking, weights), values.gather(-1, ranking)


def quantile_edges(n_quantiles: int, tail_level: float = 0.5, *, device: torch.device | None = None) -> Tensor:
    """Where the shares of probability that M quantiles stand for begin and end, half of the quantiles in the low tail.

    Args:
        n_quantiles: The number of quantiles M, at least 1.
        tail_level: The lowest ``M // 2`` quantiles share this much probability equally, the others the rest; in (0, 1).
            0.5 (or a single quantile) makes all equal and the edges whole numbers, free of rounding.

    Returns:
        float32 ``[quantile + 1]``, ascending from 0 to the total: M where all are equal, otherwise 1.
    """
    if tail_level == 0.5 or n_quantiles == 1:
        return torch.arange(n_quantiles + 1, device=device, dtype=torch.float32)
    low = n_quantiles // 2
    tail = torch.linspace(0.0, tail_level, low + 1, device=device)
    rest = torch.linspace(tail_level, 1.0, n_quantiles - low + 1, device=device)
    return torch.cat([tail[:-1], rest])


def cvar_weights(risk_level: Tensor, edges: Tensor) -> Tensor:
    """Weights of the sorted quantiles whose sum is the CVaR at a level: each one's share below it, over the level.

    With equal shares that is clamp(a M - (j - 1), 0, 1) / (a M).

    Args:
        risk_level: ``[...]``, in (0, 1]; any real number, a partly covered quantile counts in proportion.
        edges: ``[quantile + 1]`` from `quantile_edges`, on the level's device.

    Returns:
        ``[..., quantile]`` in the level's dtype; every row sums to one.
    """
    edges = edges.to(risk_level.dtype)
    mass = (risk_level * edges[-1]).unsqueeze(-1)  # [..., 1]
    return (mass - edges[:-1]).clamp(min=0.0).minimum(edges[1:] - edges[:-1]) / mass  # [..., quantile]


def level_weights(n_levels: int, n_quantiles: int) -> Tensor:
    """Weights of every level k/K as one constant matrix, computed with integers so that no rounding moves an atom.

    Args:
        n_levels: The number of risk levels K.

    Returns:
        float32 ``[level, quantile]`` on the CPU, row k - 1 belonging to level k/K.
    """
    rows = [
        [max(0, min(n_levels, k * n_quantiles - j * n_levels)) / (k * n_quantiles) for j in range(n_quantiles)]
        for k in range(1, n_levels + 1)
    ]
    return torch.tensor(rows, dtype=torch.float32)


def cvar(quantiles: Tensor, risk_level: Tensor) -> Tensor:
    """Mean of the lowest ``risk_level`` share of the distribution (RMIX, Eqn 4-5, fractional tail atom).

    Args:
        quantiles: ``[..., quantile]`` in reward units, equally likely, need not be sorted.
        risk_level: ``[...]`` in (0, 1], broadcastable to the leading axes; 1 gives the mean.

    Returns:
        ``[...]`` in reward units.

    Raises:
        ShapeError: The quantile axis is empty or the dtype is not floating point.
    """
    ordered = sort_quantiles(quantiles)
    edges = quantile_edges(quantiles.shape[-1], device=quantiles.device)
    return (ordered * cvar_weights(risk_level, edges)).sum(-1)


def cvar_levels(sorted_quantiles: Tensor, weights: Tensor) -> Tensor:
    """CVaR at every level at once.

    Args:
        sorted_quantiles: ``[..., quantile]``, ascending.
        weights: ``[level, quantile]`` from `level_weights`.

    Returns:
        ``[..., level]``.
    """
    return sorted_quantiles @ weights.T


def straight_through(probabilities: Tensor, values: Tensor) -> Tensor:
    """Zero in value, the expected CVaR's gradient in the level's probabilities: sum_k (p_k - sg p_k) sg C_k.

    Args:
        probabilities: ``[..., level]``.
        values: ``[..., level]``; detached here.

    Returns:
        Zeros ``[...]`` that carry the gradient.
    """
    expected = (probabilities * values.detach()).sum(-1)  # [...]
    return expected - expected.detach()


def level_probabilities(scores: Tensor) -> Tensor:
    """Softmax over the levels.

    Args:
        scores: ``[row, level]``.

    Returns:
        ``[row, level]``.
    """
    return scores.t().softmax(0).t()  # torch's softmax over a short last axis is several times slower
