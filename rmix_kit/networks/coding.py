"""From an environment's raw numbers to numbers a network can use, all of it inside the graph."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rmix_kit.networks.images import image_shape, thumbnail_size, thumbnails
from rmix_kit.types import EnvSpec

MAX_ONE_HOT_VALUES = 32
"""An integer element with at most this many values is coded one-hot."""
WIDEST_BOUND = 256.0
"""Bounds that reach further than this (a byte's range) say nothing of where the numbers lie: what is seen could fill so
small a part of them that it would be lost. 16-bit and wider integers at their limits, the largest floats and infinity
are all beyond it."""
LARGEST_NORMALISED = 10.0
"""Normalised inputs are cut off at so many standard deviations."""


class ElementCoding(nn.Module):
    """Code each element of an array by what its bounds say of it.

    - an integer with few values: one-hot;
    - bounds within [-1, 1]: as it is;
    - informative bounds (`WIDEST_BOUND`): divided by the largest absolute bound, so that zero stays zero; where zero
      lies outside them, moved to their middle and divided by their half width;
    - no bounds, or none that inform: (x - mean) / deviation with the statistics of all that was collected so far, cut
      off at `LARGEST_NORMALISED`. Until something was collected: as it is, cut off likewise.

    The statistics are buffers: they travel with the weights, into the checkpoint and the exported graph. The learner
    sets them (`set_statistics`); nothing here remembers what it has coded.
    """

    one_hot_column: Tensor
    one_hot_value: Tensor
    number_column: Tensor
    offset: Tensor
    factor: Tensor
    limit: Tensor
    normalised: tuple[int, ...]
    """The elements that are coded by their statistics."""

    def __init__(self, low: Sequence[float], high: Sequence[float], dtype: str) -> None:
        """Read the coding of every element from its bounds.

        Args:
            low: Lower bound of every element; ``-inf`` where unbounded.
            high: Upper bound likewise.
            dtype: NumPy name of what the numbers are.
        """
        super().__init__()
        columns, values = [], []
        numbers, affine = [], []  # the other elements; (offset, factor) of each, None where statistics decide
        for index, (lowest, highest) in enumerate(zip(low, high, strict=True)):
            if is_one_hot(lowest, highest, dtype):
                span = range(int(lowest), int(highest) + 1)
                columns += [index] * len(span)
                values += [float(value) for value in span]
            else:
                numbers.append(index)
                affine.append(affine_of(lowest, highest))
        self.normalised = tuple(index for index, pair in zip(numbers, affine, strict=True) if pair is None)
        pairs = [pair or (0.0, 1.0) for pair in affine]
        limits = [LARGEST_NORMALISED if pair is None else math.inf for pair in affine]
        self.is_identity = not columns and all(pair == (0.0, 1.0) for pair in affine)
        # No weights: buffers that are rebuilt from the bounds, so that a checkpoint holds only what was learned; offset
        # and factor are learned as soon as statistics decide about one element.
        for name, buffer in {
            "one_hot_column": torch.tensor(columns, dtype=torch.int64),
            "one_hot_value": torch.tensor(values, dtype=torch.float32),
            "number_column": torch.tensor(numbers, dtype=torch.int64),
            "limit": torch.tensor(limits),
        }.items():
            self.register_buffer(name, buffer, persistent=False)
        self._bounded = ([pair[0] for pair in pairs], [pair[1] for pair in pairs])
        self._places = [place for place, pair in enumerate(affine) if pair is None]
        for name, of_bounds in zip(("offset", "factor"), self._bounded, strict=True):
            self.register_buffer(name, torch.tensor(of_bounds), persistent=bool(self.normalised))
        self.n_one_hot, self.n_numbers = len(columns), len(numbers)
        self.coded_size = self.n_one_hot + self.n_numbers

    def parts(self, flat: Tensor) -> list[Tensor]:
        """Code flattened arrays.

        Args:
            flat: float32 ``[..., element]``.

        Returns:
            One or two float32 parts ``[..., part]``, ``coded_size`` wide together.
        """
        if self.is_identity:
            return [flat]
        parts = []
        if self.n_one_hot:
            parts.append((flat.index_select(-1, self.one_hot_column) == self.one_hot_value).float())
        if self.n_numbers:
            scaled = (flat.index_select(-1, self.number_column) - self.offset) * self.factor
            parts.append(scaled.clamp(-self.limit, self.limit) if self.normalised else scaled)
        return parts

    def set_statistics(self, mean: Tensor, deviation: Tensor) -> None:
        """Code the `normalised` elements by new statistics from now on.

        Args:
            mean: ``[normalised]``, on the host.
            deviation: ``[normalised]``, above 0, on the host.
        """
        places = torch.tensor(self._places)
        for buffer, bounded, values in zip(
            (self.offset, self.factor), self._bounded, (mean, 1.0 / deviation), strict=True
        ):
            whole = torch.tensor(bounded)  # on the host: nothing is read back from the device
            whole[places] = values.float()
            buffer.copy_(whole)


class ObsCoding(ElementCoding):
    """Code raw observations; pictures become thumbnails."""

    def __init__(self, spec: EnvSpec) -> None:
        """Read the coding from the bounds of the observations."""
        self.image = image_shape(spec)
        if self.image is None:
            super().__init__(spec.obs_low, spec.obs_high, spec.obs_dtype)
        else:
            super().__init__((), (), spec.obs_dtype)
            self.coded_size = thumbnail_size(self.image)
        self.obs_rank = len(spec.obs_shape)

    def code(self, obs: Tensor) -> list[Tensor]:
        """Code observations.

        Args:
            obs: ``[..., *obs_shape]`` in the environment's dtype.

        Returns:
            One or two float32 parts ``[..., part]``, ``coded_size`` wide together.
        """
        if self.image is not None:
            rows = obs.reshape(-1, *obs.shape[obs.ndim - self.obs_rank :])  # [row, *obs_shape]
            return [torch.unflatten(thumbnails(rows, self.image), 0, obs.shape[: obs.ndim - self.obs_rank])]
        return self.parts(obs.flatten(obs.ndim - self.obs_rank).float())


class StateCoding(ElementCoding):
    """Code global states as observations are coded, whoever provides them: pictures in a row become thumbnails."""

    def __init__(self, spec: EnvSpec) -> None:
        """Read the coding from the bounds of the state.

        Args:
            spec: The environment's spec, with bounds of the state.
        """
        shape = image_shape(spec)
        is_stand_in = (spec.state_dtype, spec.state_high) == (spec.obs_dtype, spec.obs_high * spec.n_agents)
        self.image = shape if is_stand_in else None
        self._obs_shape = spec.obs_shape
        if self.image is None:
            super().__init__(spec.state_low, spec.state_high, spec.state_dtype)
        else:
            super().__init__((), (), spec.state_dtype)
            self.coded_size = thumbnail_size(self.image) * spec.n_agents

    def forward(self, state: Tensor) -> Tensor:
        """Code states: float32 ``[..., state]`` -> ``[..., coded]``."""
        if self.image is not None:
            small = thumbnails(state.reshape(-1, *self._obs_shape), self.image)  # [... * agent, thumbnail]
            return small.reshape(*state.shape[:-1], self.coded_size)
        parts = self.parts(state)
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)


def is_one_hot(low: float, high: float, dtype: str) -> bool:
    """Return whether an element is coded one-hot: a whole number with few values.

    Args:
        dtype: NumPy name of what the number is.
    """
    return dtype.startswith(("int", "uint", "bool")) and high - low < MAX_ONE_HOT_VALUES


def affine_of(low: float, high: float) -> tuple[float, float] | None:
    """Return the offset and the factor by which a bounded element is coded; None where its bounds do not inform."""
    if -1 <= low <= high <= 1:
        return 0.0, 1.0
    has_zero = low <= 0 <= high
    offset = 0.0 if has_zero else low / 2 + high / 2
    reach = max(-low, high) if has_zero else high / 2 - low / 2
    if not math.isfinite(offset) or not reach <= WIDEST_BOUND:
        return None
    return offset, 1.0 / reach if reach > 0 else 1.0
