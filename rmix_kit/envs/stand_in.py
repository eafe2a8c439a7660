"""The state that stands in where an environment has none: the observations in a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rmix_kit.envs.interface import Array
from rmix_kit.types import EnvSpec


class StandInCodec:
    """Keeps observations and masks, and makes the state of them again: a `rmix_kit.envs.interface.StepCodec`."""

    def __init__(self, spec: EnvSpec) -> None:
        """Read the sizes.

        Args:
            spec: Of an environment whose state is its observations.
        """
        self._rank = 1 + len(spec.obs_shape)
        self.template: Mapping[str, NDArray[np.generic]] = {
            "obs": np.zeros((spec.n_agents, *spec.obs_shape), dtype=spec.obs_dtype),
            "avail_actions": np.zeros((spec.n_agents, spec.n_actions), dtype=np.bool_),
        }

    def rebuild(self, fields: Mapping[str, Array]) -> tuple[Array, Array, Array]:
        """See `rmix_kit.envs.interface.StepCodec.rebuild`."""
        obs = fields["obs"]
        flat = obs.reshape(*obs.shape[: len(obs.shape) - self._rank], -1)  # [..., agent * element]
        numbers: Any = flat  # of either library
        state: Array = numbers.astype(np.float32) if hasattr(numbers, "astype") else numbers.float()
        return obs, state, fields["avail_actions"]
