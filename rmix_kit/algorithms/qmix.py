"""QMIX: the joint value is a monotonic function of the agents' values, its weights made from the state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rmix_kit.algorithms.mixing import MonotonicMixing
from rmix_kit.algorithms.value_decomposition import ValueDecomposition


@dataclass(frozen=True, kw_only=True)
class QMIX(MonotonicMixing, ValueDecomposition):
    """QMIX (Rashid et al. 2018, Eqn 4-6): Q_tot = mixer(Q_1..Q_n; s) with dQ_tot / dQ_i >= 0.

    Attributes: those of `MonotonicMixing` and `ValueDecomposition`.
    """

    name: ClassVar[str] = "qmix"
