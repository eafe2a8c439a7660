"""What the RMIX paper reports and this report sets beside its own numbers."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

FIGURE_15_ALGORITHMS = ("rmix", "rdn", "vdn", "qmix")
"""The paper's Figure 15: the test return of these four on three scenarios."""


@dataclass(frozen=True, kw_only=True)
class ReplaySize:
    """The replay of one StarCraft map at 5,000 episodes.

    Attributes:
        paper: Gigabytes (10^9 bytes) in the paper's Table 3.
        as_received: Gigabytes of ours at most, every episode at its limit, observations as the game sends them.
        unit_states: Likewise in the simulator's smaller form.
    """

    paper: float
    as_received: float
    unit_states: float


# Ours by `python benchmarks/replay_memory.py`; a test holds them to the replay's own arithmetic.
TABLE_3 = MappingProxyType(
    {
        "5m_vs_6m": ReplaySize(paper=3.0, as_received=0.56, unit_states=0.08),
        "8m_vs_9m": ReplaySize(paper=4.9, as_received=2.18, unit_states=0.22),
        "10m_vs_11m": ReplaySize(paper=7.1, as_received=4.09, unit_states=0.34),
        "1c3s5z": ReplaySize(paper=8.6, as_received=6.45, unit_states=0.36),
        "MMM2": ReplaySize(paper=10.8, as_received=7.78, unit_states=0.43),
        "corridor": ReplaySize(paper=14.4, as_received=10.24, unit_states=1.12),
    }
)
