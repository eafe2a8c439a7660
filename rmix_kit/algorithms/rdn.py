"""RDN: RMIX with the additive mixer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rmix_kit.algorithms.mixing import AdditiveMixing
from rmix_kit.algorithms.rmix import RMIX


@dataclass(frozen=True, kw_only=True)
class RDN(AdditiveMixing, RMIX):
    """RDN (RMIX paper, section 4.1): C_tot = sum_i C_i, everything else as in RMIX.

    Attributes: those of RMIX; the mixer's widths are unused.
    """

    name: ClassVar[str] = "rdn"
