"""Whether recorded tensors fit those that they are to be copied into."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor


def misfits(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> list[str]:
    """Return, for every tensor whose shape or dtype differs or that only one side has, what is wrong, by name.

    Args:
        own: What is to be filled.
        given: What was recorded.
    """
    expected, found = (
        {name: (tuple(value.shape), value.dtype) for name, value in tensors.items()} for tensors in (own, given)
    )
    return [
        f"{name} is {found.get(name)}, expected {expected.get(name)}"
        for name in sorted(expected.keys() | found.keys())
        if expected.get(name) != found.get(name)
    ]
