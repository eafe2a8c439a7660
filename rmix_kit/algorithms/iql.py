"""IQL: independent Q-learners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rmix_kit.algorithms.value_decomposition import ValueDecomposition


@dataclass(frozen=True, kw_only=True)
class IQL(ValueDecomposition):
    """IQL (Tan 1993; recurrent and deep as in PyMARL): every agent learns Q_i of the team reward as if it were alone.

    L = mean over steps and agents of (r + gamma Q_i^-(tau_i', argmax Q_i) - Q_i(tau_i, u_i))^2, weights shared, the
    agent's number among its inputs. The trace of TD(lambda) is each agent's own.

    Attributes: those of `ValueDecomposition`.
    """

    name: ClassVar[str] = "iql"
