"""Seeds that are computed together by `torch.vmap`: one operation for all, its tensors ``[seed, ...]``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor


def is_stacked() -> bool:
    """Return whether what runs now is computed for several seeds together: no tensor's own memory is one seed's."""
    is_active: bool = torch._C._are_functorch_transforms_active()  # torch.vmap has no public name for it
    return is_active


def is_of_host(tensor: Tensor) -> bool:
    """Return whether NumPy and numba may compute with a tensor: it is the CPU's, and one seed's."""
    return tensor.device.type == "cpu" and not is_stacked()


@torch.no_grad()
def laid_together(tensors: Sequence[Tensor]) -> Tensor:
    """Return what holds one tensor of every seed, ``[seed, ...]``; from now on each of them is its part of it.

    Args:
        tensors: Of one shape ``[...]``; their numbers stay, and their memory becomes that of the result.
    """
    stack = torch.stack([tensor.detach() for tensor in tensors])
    for tensor, part in zip(tensors, stack.unbind(), strict=True):
        tensor.data = part
    return stack


def with_seeds_in_front(function: Callable[..., tuple[Tensor, ...]], *tensors: Tensor) -> tuple[Tensor, ...]:
    """Call, out of a computation for several seeds together, a function that has a way of its own for them.

    Args:
        function: Takes and gives tensors ``[seed, ...]``.
        tensors: As one seed sees them, ``[...]``.

    Returns:
        What the function gives, as one seed sees it.
    """
    found: tuple[Tensor, ...] = _InFront.apply(function, *tensors)  # type: ignore[no-untyped-call]
    return found


class _InFront(torch.autograd.Function):
    """What it calls is differentiated as ever; the class is torch's way of being asked for all seeds at once."""

    @staticmethod
    def forward(function: Callable[..., tuple[Tensor, ...]], *tensors: Tensor) -> tuple[Tensor, ...]:
        raise AssertionError("outside of torch.vmap nothing is stacked")

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:  # noqa: ANN401 - torch leaves its context untyped
        """Nothing is kept: `forward` is never run."""

    @staticmethod
    def vmap(
        info: Any,  # noqa: ANN401
        in_dims: tuple[int | None, ...],
        function: Callable[..., tuple[Tensor, ...]],
        *tensors: Tensor,
    ) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        moved = [
            tensor.expand(info.batch_size, *tensor.shape) if place is None else tensor.movedim(place, 0)
            for tensor, place in zip(tensors, in_dims[1:], strict=True)
        ]
        found = function(*moved)
        return found, (0,) * len(found)
