"""Pictures among the observations: a small convolutional encoder, and thumbnails where no weights are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from rmix_kit.types import EnvSpec

IMAGE_CHANNELS = (16, 32, 32)
"""Channels after each convolution, where nothing else is asked for."""
BRIGHTEST = 255.0
SMALLEST_SIDE = 8
"""A picture has at least so many rows and columns; what is smaller is a table of numbers."""
MOST_CHANNELS = 16
THUMBNAIL_SIDE = 12


class ImageShape(NamedTuple):
    """How a picture lies in an array.

    Attributes:
        channels: Number of channels.
        height: Rows.
        width: Columns.
        channels_last: The channels are the last axis, not the first.
    """

    channels: int
    height: int
    width: int
    channels_last: bool


def image_shape(spec: EnvSpec) -> ImageShape | None:
    """Return how a spec's pictures lie; None where observations are none (three axes of bytes, 0 to 255)."""
    if len(spec.obs_shape) != 3 or spec.obs_dtype != "uint8" or min(spec.obs_low) < 0 or max(spec.obs_high) < 32:
        return None
    first, middle, last = spec.obs_shape
    if last <= MOST_CHANNELS and min(first, middle) >= SMALLEST_SIDE:
        return ImageShape(last, first, middle, channels_last=True)
    if first <= MOST_CHANNELS and min(middle, last) >= SMALLEST_SIDE:
        return ImageShape(first, middle, last, channels_last=False)
    return None


class ImageEncoder(nn.Module):
    """Convolutions of 3 x 3 with stride 2, each halving the sides, then one layer: picture -> embedding."""

    def __init__(self, shape: ImageShape, channels: Sequence[int], embed_size: int) -> None:
        """Build the layers.

        Args:
            shape: How pictures lie.
            channels: Channels after each convolution, at least one.
        """
        super().__init__()
        self.shape, self.embed_size = shape, embed_size
        widths = (shape.channels, *channels)
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths))
        height, width = shape.height, shape.width
        for _ in channels:
            height, width = -(-height // 2), -(-width // 2)
        self.last = nn.Linear(channels[-1] * height * width, embed_size)

    def forward(self, pictures: Tensor) -> Tensor:
        """Encode pictures: ``[row, *obs_shape]`` of bytes -> float32 ``[row, embed]``."""
        hidden = planes(pictures, self.shape)  # [row, channel, height, width]
        for convolution in self.convolutions:
            hidden = torch.relu(convolution(hidden))
        return torch.relu(self.last(hidden.flatten(1)))


def planes(pictures: Tensor, shape: ImageShape) -> Tensor:
    """Return pictures channel by channel in [0, 1]: ``[row, *obs_shape]`` -> ``[row, channel, height, width]``."""
    scaled = pictures.float() * (1.0 / BRIGHTEST)
    return scaled.permute(0, 3, 1, 2) if shape.channels_last else scaled


def thumbnails(pictures: Tensor, shape: ImageShape) -> Tensor:
    """Average pictures down to at most 12 x 12: ``[row, *obs_shape]`` -> float32 ``[row, thumbnail]`` in [0, 1]."""
    side = (min(THUMBNAIL_SIDE, shape.height), min(THUMBNAIL_SIDE, shape.width))
    return functional.adaptive_avg_pool2d(planes(pictures, shape), side).flatten(1)


def thumbnail_size(shape: ImageShape) -> int:
    """Return the width of what `thumbnails` gives."""
    return shape.channels * min(THUMBNAIL_SIDE, shape.height) * min(THUMBNAIL_SIDE, shape.width)
