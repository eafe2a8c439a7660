"""VDN: the joint value is the sum of the agents' values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from rmix_kit.algorithms.algorithm import Networks
from rmix_kit.algorithms.value_decomposition import ValueDecomposition
from rmix_kit.mixers import mix_sum


@dataclass(frozen=True, kw_only=True)
class VDN(ValueDecomposition):
    """VDN (Sunehag et al. 2018, Eqn 2): Q_tot = sum_i Q_i, trained on the squared TD error of Q_tot.

    Attributes: those of `ValueDecomposition`.
    """

    name: ClassVar[str] = "vdn"

    def mix(self, networks: Networks, values: Tensor, state: Tensor) -> Tensor:
        """Q_tot = sum_i Q_i: ``[batch, time, agent]`` -> ``[batch, time]``."""
        del networks, state
        return mix_sum(values)
