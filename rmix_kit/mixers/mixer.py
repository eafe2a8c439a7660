"""What a mixer is, the two that have no weights, and the plain layers that the others are made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise

from torch import Tensor, nn


class Mixer(nn.Module, ABC):
    """From the agents' values and the global state to a joint value."""

    def __call__(self, values: Tensor, state: Tensor) -> Tensor:
        """Mix as `forward` does; torch's own call says nothing of types."""
        mixed: Tensor = super().__call__(values, state)
        return mixed

    @abstractmethod
    def forward(self, values: Tensor, state: Tensor) -> Tensor:
        """Mix.

        Args:
            values: ``[..., agent]``.
            state: ``[..., state]``, the same leading axes.

        Returns:
            ``[...]``; ``[..., agent]`` where agents learn alone.
        """


class SumMixer(Mixer):
    """The additive mixer of VDN and RDN: Q_tot = sum_i Q_i (VDN, Sunehag et al. 2018, Eqn 2)."""

    def forward(self, values: Tensor, state: Tensor) -> Tensor:
        """Add: ``[..., agent]`` -> ``[...]``."""
        del state
        return values.sum(-1)


class IndependentMixer(Mixer):
    """What stands where every agent learns alone: the values stay as they are."""

    def forward(self, values: Tensor, state: Tensor) -> Tensor:
        """Return the values: ``[..., agent]`` -> ``[..., agent]``."""
        del state
        return values


def perceptron(*sizes: int) -> nn.Sequential:
    """Linear layers with a ReLU between each two.

    Args:
        sizes: Widths of the input, of the hidden layers and of the output.

    Returns:
        ``[..., input]`` -> ``[..., output]``.
    """
    linears = [nn.Linear(width, next_width) for width, next_width in pairwise(sizes)]
    return nn.Sequential(*[layer for linear in linears[:-1] for layer in (linear, nn.ReLU())], linears[-1])
