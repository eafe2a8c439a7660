"""DDN: the joint return distribution is the sum of the agents'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rmix_kit.algorithms.dmix import DMIX
from rmix_kit.algorithms.mixing import AdditiveMixing


@dataclass(frozen=True, kw_only=True)
class DDN(AdditiveMixing, DMIX):
    """DDN (DFAC, Sun et al. 2021): Z_tot = sum_i Z_i at equal fractions, everything else as in DMIX.

    Attributes: those of DMIX; the mixer's widths are unused.
    """

    name: ClassVar[str] = "ddn"
