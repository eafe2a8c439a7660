"""A module that holds `parallel_env` and `env`, as PettingZoo's do."""

from __future__ import annotations

from tests.envs.corpus.team import Team as parallel_env  # noqa: N813
from tests.envs.corpus.turn_based import OneAfterTheOther as env  # noqa: N813

__all__ = ["env", "parallel_env"]
