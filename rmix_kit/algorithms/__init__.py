"""The roster: every algorithm of this package, one class each."""

from __future__ import annotations

from rmix_kit.algorithms.algorithm import Algorithm, Networks, OptimizerSettings
from rmix_kit.algorithms.rdn import RDN
from rmix_kit.algorithms.rmix import RMIX
from rmix_kit.algorithms.rmix_averse import RMIXAverse

ALGORITHMS: tuple[type[Algorithm], ...] = (RMIX, RDN, RMIXAverse)

__all__ = ["ALGORITHMS", "Algorithm", "Networks", "OptimizerSettings"]
