"""The algorithms by name, for those who only list them: the classes are in `rmix_kit.algorithms`, which loads torch."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

ROSTER: Mapping[str, str] = MappingProxyType(
    {
        "rmix": "RMIX (Qiu et al. 2021): agents act on CVaR at a predicted risk level, mixed monotonically",
        "rdn": "RDN (RMIX paper, section 4.1): RMIX with the sum for a mixer",
        "rmix-averse": "our extension of RMIX: one set of weights serves every risk level, and lower ones are safer",
        "iql": "IQL (Tan 1993): every agent learns as if it were alone",
        "vdn": "VDN (Sunehag et al. 2018): the joint value is the sum of the agents'",
        "qmix": "QMIX (Rashid et al. 2018): the joint value is a monotonic mixture of the agents'",
        "qtran": "QTRAN-base (Son et al. 2019): the agents' sum is bound to a joint value, equal where it is greedy",
        "cw-qmix": "CW-QMIX (Rashid et al. 2020): QMIX with less weight on joint actions that are not the best",
        "ow-qmix": "OW-QMIX (Rashid et al. 2020): QMIX with less weight on joint actions that are overestimated",
        "qplex": "QPLEX (Wang et al. 2021): duplex duelling, advantages mixed with positive weights",
        "coma": "COMA (Foerster et al. 2018): actors with a counterfactual baseline, on fresh episodes alone",
        "dop": "stochastic DOP (Wang et al. 2021): actors with a linearly decomposed critic",
        "lh-iqn": "LH-IQN (Lyu and Amato 2020): alone, on an implicit quantile network that is slow to sink",
        "dmix": "DMIX (DFAC, Sun et al. 2021): a mixture of means, and the sum of what distributions add to them",
        "ddn": "DDN (DFAC, Sun et al. 2021): the joint return distribution is the sum of the agents'",
        "riskq": "RiskQ (Shen et al. 2023): joint quantiles as weighted sums of the agents', greedy by a risk measure",
    }
)
"""What each algorithm is, in one line, by the name that ``--algo`` takes."""

GROUP = "rmix_kit.algorithms"
"""Entry points by which an installed package brings algorithms: ``mean-mix = "their_package.module:MeanMix"``."""


def installed_algorithms() -> dict[str, EntryPoint]:
    """Return what installed packages bring, by name; nothing of theirs is imported."""
    return {point.name: point for point in entry_points(group=GROUP)}


def names_code(text: str) -> bool:
    """Return whether a text names a class by its module, which would be imported because of it.

    An installed package's own name for its algorithm does not: whoever installed it let it run.
    """
    return ":" in text
