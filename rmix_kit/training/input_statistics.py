"""Running means and deviations of what networks see where bounds say nothing of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rmix_kit.errors import CheckpointError
from rmix_kit.networks.coding import ElementCoding, ObsCoding, StateCoding
from rmix_kit.replay.episode import OBSERVED, EpisodeBlock
from rmix_kit.types import EnvSpec

if TYPE_CHECKING:
    from rmix_kit.envs.interface import StepCodec

SMALLEST_SHARE = 1e-6
"""A deviation below this share of the mean is rounding: such an element has not varied yet."""


class RunningMoments:
    """Mean and deviation of all rows so far, element by element, in float64 (Chan et al. 1983, updating formulae)."""

    def __init__(self, size: int) -> None:
        """Start with no rows of ``size`` elements."""
        self.count = 0.0
        self.mean: NDArray[np.float64] = np.zeros(size)
        self.squares: NDArray[np.float64] = np.zeros(size)  # sum of squared distances from the mean

    def add(self, rows: NDArray[np.float64]) -> None:
        """Add rows ``[row, element]``."""
        if not len(rows) or not rows.shape[1]:
            return
        own_mean = rows.mean(0)
        own_squares = np.square(rows - own_mean).sum(0)
        total = self.count + len(rows)
        distance = own_mean - self.mean
        self.squares += own_squares + np.square(distance) * (self.count * len(rows) / total)
        self.mean += distance * (len(rows) / total)
        self.count = total

    @property
    def deviation(self) -> NDArray[np.float64]:
        """The standard deviation ``[element]``; 1 where nothing has varied yet."""
        deviation = np.sqrt(self.squares / max(self.count, 1.0))
        is_still = deviation <= SMALLEST_SHARE * np.maximum(np.abs(self.mean), SMALLEST_SHARE)
        return np.where(is_still, 1.0, deviation)


class InputStatistics:
    """The statistics of observations (over all agents) and of states, and the one who writes them into networks."""

    def __init__(self, spec: EnvSpec, codec: StepCodec | None = None) -> None:
        """Find the elements whose bounds do not inform."""
        self._codec, self._obs_size = codec, int(np.prod(spec.obs_shape))
        codings: dict[str, ElementCoding] = {"obs": ObsCoding(spec), "state": StateCoding(spec)}
        self._elements = {name: list(coding.normalised) for name, coding in codings.items()}
        self._moments = {name: RunningMoments(len(elements)) for name, elements in self._elements.items()}

    @property
    def is_needed(self) -> bool:
        """Whether any element is coded by statistics."""
        return any(self._elements.values())

    def add(self, block: EpisodeBlock) -> None:
        """Add all real observations and states of finished episodes."""
        if not self.is_needed:
            return
        rows = block.rows()
        kept = {name: rows[OBSERVED + name] for name in block.observed}
        if self._codec is None:
            obs, state = kept["obs"], kept["state"]
        else:
            obs, state, _ = self._codec.rebuild(kept)
        flat = {"obs": obs.reshape(-1, self._obs_size), "state": state.reshape(len(state), -1)}
        for name, moments in self._moments.items():
            moments.add(flat[name][:, self._elements[name]].astype(np.float64))

    def write_into(self, *networks: nn.Module) -> None:
        """Let networks code by the present statistics."""
        if not self.is_needed:
            return
        for network in networks:
            for module in network.modules():
                if isinstance(module, ElementCoding) and module.normalised:
                    moments = self._moments["state" if isinstance(module, StateCoding) else "obs"]
                    module.set_statistics(torch.from_numpy(moments.mean), torch.from_numpy(moments.deviation))

    def tensors(self) -> dict[str, Tensor]:
        """Return what a checkpoint keeps, float64 by name."""
        found: dict[str, Tensor] = {}
        for name, moments in self._moments.items():
            found |= {
                f"{name}/count": torch.tensor([moments.count], dtype=torch.float64),
                f"{name}/mean": torch.from_numpy(moments.mean.copy()),
                f"{name}/squares": torch.from_numpy(moments.squares.copy()),
            }
        return found

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Read back what `tensors` gave.

        Raises:
            CheckpointError: They are those of another environment.
        """
        expected = {name: (tuple(value.shape), value.dtype) for name, value in self.tensors().items()}
        found = {name: (tuple(value.shape), value.dtype) for name, value in tensors.items()}
        if expected != found:
            raise CheckpointError(f"the input statistics are {found}; this environment's are {expected}")
        for name, moments in self._moments.items():
            moments.count = float(tensors[f"{name}/count"])
            moments.mean = tensors[f"{name}/mean"].double().numpy().copy()
            moments.squares = tensors[f"{name}/squares"].double().numpy().copy()
