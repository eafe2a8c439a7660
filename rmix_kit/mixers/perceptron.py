"""The plain layers that mixers are made of."""

from __future__ import annotations

from itertools import pairwise

from torch import nn


def perceptron(*sizes: int) -> nn.Sequential:
    """Linear layers with a ReLU between each two.

    Args:
        sizes: Widths of the input, of the hidden layers and of the output.

    Returns:
        ``[..., input]`` -> ``[..., output]``.
    """
    linears = [nn.Linear(width, next_width) for width, next_width in pairwise(sizes)]
    return nn.Sequential(*[layer for linear in linears[:-1] for layer in (linear, nn.ReLU())], linears[-1])
