"""What is measured of episodes: every metric's name in files, what tables and axes call it, and whether it is a share.

Names stand in evaluation rows, in the JSON of ``rmix-kit evaluate`` and ``run``, in tables and in records.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

RETURN, RETURN_STD = "return_mean", "return_std"
SUCCESS: Final = "success_rate"  # also the name of a score, which is a type of its own
FALLS = "fall_rate"
LENGTH, RISK_LEVEL = "episode_length_mean", "risk_level_mean"
TAIL_LEVELS = (0.1, 0.25)


def cvar_name(risk_level: float) -> str:
    """Return the name of the CVaR of returns at a level in (0, 1]."""
    return f"cvar_{risk_level}"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric.

    Attributes:
        name: In files.
        label: In tables and lists.
        axis: Beside a learning curve; empty where none is drawn.
        is_share: A share of episodes: tables show it in percent.
        is_bounded: It lies in [0, 1], and so does its axis.
    """

    name: str
    label: str
    axis: str = ""
    is_share: bool = False
    is_bounded: bool = False


def tail_metric(risk_level: float) -> Metric:
    """Return the CVaR of returns at a level in (0, 1]."""
    name = cvar_name(risk_level)
    return Metric(name=name, label=f"CVaR {risk_level}", axis=f"test CVaR at {risk_level}")


METRICS = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric(name=RETURN, label="mean return", axis="test return"),
            Metric(name=RETURN_STD, label="standard deviation"),
            Metric(name=SUCCESS, label="success", axis="test success rate", is_share=True, is_bounded=True),
            Metric(name=FALLS, label="falls", axis="test fall rate", is_share=True, is_bounded=True),
            Metric(name=LENGTH, label="mean length", axis="test episode length"),
            *map(tail_metric, TAIL_LEVELS),
            Metric(name=RISK_LEVEL, label="mean risk level", axis="mean risk level", is_bounded=True),
        )
    }
)
"""All of them by name, in the order in which evaluations write them."""


def label_of(name: str) -> str:
    """Return what tables call a metric; other names, such as a CVaR at a level of its own, are written out."""
    return METRICS[name].label if name in METRICS else name.replace("cvar_", "CVaR ")


def is_share(name: str) -> bool:
    """Return whether a metric is a share of episodes."""
    return name in METRICS and METRICS[name].is_share


def percent_label_of(name: str) -> str:
    """Return what a table calls a metric whose shares it writes in percent, without the sign in every cell."""
    return f"{label_of(name)}, %" if is_share(name) else label_of(name)
