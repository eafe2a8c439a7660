"""The roster: every algorithm of this package, one class each."""

from __future__ import annotations

from typing import Any

from rmix_kit.algorithms.algorithm import Algorithm, Networks, OptimizerSettings
from rmix_kit.algorithms.coma import COMA
from rmix_kit.algorithms.ddn import DDN
from rmix_kit.algorithms.dmix import DMIX
from rmix_kit.algorithms.dop import DOP
from rmix_kit.algorithms.iql import IQL
from rmix_kit.algorithms.lh_iqn import LHIQN
from rmix_kit.algorithms.qmix import QMIX
from rmix_kit.algorithms.qplex import QPLEX
from rmix_kit.algorithms.qtran import QTRAN
from rmix_kit.algorithms.rdn import RDN
from rmix_kit.algorithms.riskq import RiskQ
from rmix_kit.algorithms.rmix import RMIX
from rmix_kit.algorithms.rmix_averse import RMIXAverse
from rmix_kit.algorithms.vdn import VDN
from rmix_kit.algorithms.wqmix import CWQMIX, OWQMIX

ALGORITHMS: tuple[type[Algorithm[Any]], ...] = (
    RMIX,
    RDN,
    RMIXAverse,
    IQL,
    VDN,
    QMIX,
    QTRAN,
    CWQMIX,
    OWQMIX,
    QPLEX,
    COMA,
    DOP,
    LHIQN,
    DMIX,
    DDN,
    RiskQ,
)

__all__ = ["ALGORITHMS", "Algorithm", "Networks", "OptimizerSettings"]
