"""Exported agents in this process."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np

from exporters.agent import ActResult, Agent
from exporters.contract import PolicySpec
from exporters.team import Team
from rmix_kit.errors import MissingExtraError
from rmix_kit.playing.episodes import Choice
from rmix_kit.types import BoolArray, FloatArray

# Format -> module, agent class, team class, and the extra that installs what the module needs.
_RUNTIMES = {
    "onnx": ("exporters.runtime", "OnnxAgent", "OnnxTeam", "runtime"),
    "torchscript": ("exporters.torchscript_runtime", "TorchScriptAgent", "TorchScriptTeam", "train"),
}
FORMATS = tuple(_RUNTIMES)


def load_agent(path: Path, format_name: str, agent_id: str) -> Agent:
    """Load one exported agent.

    Args:
        format_name: One of `FORMATS`.
        agent_id: Who acts by the file.

    Raises:
        MissingExtraError: The library that runs the format is not installed.
    """
    return cast(Agent, _runtime(format_name, 1)(path, agent=agent_id))


def load_team(directory: Path, format_name: str) -> Team[Agent]:
    """Load all agents of an exported folder.

    Args:
        format_name: One of `FORMATS`.

    Raises:
        MissingExtraError: The library that runs the format is not installed.
    """
    return cast("Team[Agent]", _runtime(format_name, 2)(directory))


def _runtime(format_name: str, entry: int) -> type:
    module, extra = _RUNTIMES[format_name][0], _RUNTIMES[format_name][3]
    try:
        return cast(type, getattr(importlib.import_module(module), _RUNTIMES[format_name][entry]))
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"running {format_name} files needs {error.name}; install it with: pip install 'rmix-kit[{extra}]'"
        ) from error


class LocalTeam:
    """All agents of a folder in this process; satisfies `rmix_kit.playing.episodes.ExportedTeam`."""

    def __init__(self, team: Team[Agent]) -> None:
        """Wrap a team of `load_team`."""
        self._team = team

    @property
    def specs(self) -> Mapping[str, PolicySpec]:
        """Agent id -> specification."""
        return self._team.specs

    def reset(self) -> None:
        """Start new episodes."""
        self._team.reset()

    def act(self, obs: np.ndarray, avail_actions: BoolArray, risk_level: float) -> Choice:
        """Choose greedily; see `ExportedTeam`."""
        names = list(self.specs)
        results = self._team.act_batch(
            {name: obs[:, agent] for agent, name in enumerate(names)},
            {name: avail_actions[:, agent] for agent, name in enumerate(names)},
            risk_level,
        )
        return Choice(
            np.stack([results[name].action for name in names], axis=1),  # [env, agent]
            np.stack([levels_of(results[name]) for name in names], axis=1),  # [env, agent]
        )


def levels_of(result: ActResult) -> FloatArray:
    """Return the levels that an agent used ``[env]``; 1, risk-neutral, where it has no dial."""
    return np.ones(len(result.action), dtype=np.float32) if result.risk_level_used is None else result.risk_level_used
