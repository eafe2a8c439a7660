"""The floor of an update: its matrix products alone, with the same shapes and strides, as often, into given tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

Form = tuple[tuple[int, ...], tuple[int, ...]]
"""Sizes and strides of a tensor."""
Product = tuple[Callable[..., Tensor], Form, Form]

FACTORS_FROM = {torch.ops.aten.mm: 0, torch.ops.aten.bmm: 0, torch.ops.aten.addmm: 1, torch.ops.aten.baddbmm: 1}
BATCHED = (torch.ops.aten.bmm, torch.ops.aten.baddbmm)


class ProductLog(TorchDispatchMode):
    """Notes every matrix product that is made while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.products: list[Product] = []

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401 - torch's interface
        types: Any,  # noqa: ANN401
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        packet = func.overloadpacket
        if packet in FACTORS_FROM:
            first = FACTORS_FROM[packet]
            left, right = args[first : first + 2]
            self.products.append((torch.bmm if packet in BATCHED else torch.mm, _form(left), _form(right)))
        return func(*args, **(kwargs or {}))


def products_of(work: Callable[[], object]) -> list[Product]:
    """Do a piece of work and return the matrix products it made, in their order."""
    with ProductLog() as log:
        work()
    return log.products


def floor_of(work: Callable[[], object]) -> Callable[[], None]:
    """Return a call that makes a piece of work's matrix products and nothing else.

    Operands of one form are shared, so that the floor has its data in the cache more often than the work.
    """
    operands: dict[Form, Tensor] = {}
    results: dict[tuple[int, ...], Tensor] = {}
    calls = []
    for multiply, left, right in products_of(work):
        for form in (left, right):
            operands.setdefault(form, _random(form))
        shape = (*left[0][:-1], right[0][-1])
        out = results.setdefault(shape, torch.empty(shape))
        calls.append((multiply, operands[left], operands[right], out))

    def multiply_all() -> None:
        with torch.no_grad():
            for multiply, left, right, out in calls:
                multiply(left, right, out=out)

    return multiply_all


def _form(tensor: Tensor) -> Form:
    return tuple(tensor.shape), tuple(tensor.stride())


def _random(form: Form) -> Tensor:
    sizes, strides = form
    reach = 1 + sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True))
    return torch.randn(max(reach, 1)).as_strided(sizes, strides)
