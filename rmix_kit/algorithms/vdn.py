"""VDN: the joint value is the sum of the agents' values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rmix_kit.algorithms.mixing import AdditiveMixing
from rmix_kit.algorithms.value_decomposition import ValueDecomposition


@dataclass(frozen=True, kw_only=True)
class VDN(AdditiveMixing, ValueDecomposition):
    """VDN (Sunehag et al. 2018, Eqn 2): Q_tot = sum_i Q_i, trained on the squared TD error of Q_tot.

    Attributes: those of `ValueDecomposition`.
    """

    name: ClassVar[str] = "vdn"
