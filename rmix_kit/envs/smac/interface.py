"""What both backends tell of a battle besides the trainer's interface."""

from __future__ import annotations

from typing import Protocol

from rmix_kit.envs.interface import VectorEnv
from rmix_kit.types import IntArray


class BattleVector(VectorEnv, Protocol):
    """Copies of a SMAC map."""

    @property
    def dead_allies(self) -> IntArray:
        """Agents that have died, int64 ``[env]``."""
        ...

    @property
    def dead_enemies(self) -> IntArray:
        """Enemies that have died, int64 ``[env]``."""
        ...
