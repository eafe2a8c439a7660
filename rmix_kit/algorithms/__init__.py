"""The roster: every algorithm of this package, one class each."""

from __future__ import annotations

from rmix_kit.algorithms.algorithm import Algorithm, Networks, OptimizerSettings
from rmix_kit.algorithms.rdn import RDN
from rmix_kit.algorithms.rmix import RMIX

ALGORITHMS: tuple[type[Algorithm], ...] = (RMIX, RDN)

__all__ = ["ALGORITHMS", "Algorithm", "Networks", "OptimizerSettings"]
