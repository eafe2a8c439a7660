"""A team of exported agents behind one face: dictionaries in, dictionaries out. numpy only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Generic, NoReturn, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from exporters.agent import ActResult, Agent
from exporters.bundle import Manifest
from exporters.contract import PolicySpec
from exporters.errors import InvalidInputError, refuse_copy
from exporters.sharing import SharedSpec
from exporters.tensors import Array
from exporters.together import Together

AnyAgent = TypeVar("AnyAgent", bound=Agent)


ACTION_MASK = "action_mask"
"""The entry of an agent's info that PettingZoo's environments put the allowed actions in."""

AllowedActions: TypeAlias = Mapping[str, Array] | Mapping[str, Mapping[str, Any]]
"""Agent id -> mask, or agent id -> info with the mask in its entry "action_mask"."""


class Team(Generic[AnyAgent]):
    """The agents of one team. A step is all or nothing: if one agent refuses, no memory moves.

    A team belongs to one thread, and can neither be pickled nor copied; see `Agent`.

    Attributes:
        agents: agent id -> agent, in the order of agent_index.
        manifest: what the manifest of an exported folder says; None for a team of none.

    Args:
        agents: agent id -> agent.
        manifest: of the folder.
        shared: what their one file takes and gives, where they have one; they then act in one call.
    """

    def __init__(
        self, agents: Mapping[str, AnyAgent], manifest: Manifest | None = None, shared: SharedSpec | None = None
    ) -> None:
        self.agents = dict(agents)
        self.manifest = manifest
        self._together = None if shared is None else Together(shared, self.agents)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied; see `refuse_copy`."""
        refuse_copy(self)

    def __repr__(self) -> str:
        """Say who is in it."""
        return f"{type(self).__name__}({', '.join(map(repr, self.agents.values()))})"

    @property
    def specs(self) -> dict[str, PolicySpec]:
        """Agent id -> specification."""
        return {name: agent.spec for name, agent in self.agents.items()}

    def act(
        self,
        observations: Mapping[str, Array],
        avail_actions: AllowedActions,
        risk_level: float | Mapping[str, float] = 0.0,
    ) -> dict[str, int]:
        """Return each named agent's action for one environment.

        Args:
            observations: agent id -> `[...]`; agents that are gone may be left out.
            avail_actions: agent id -> bool or int8 `[action]`, for the same agents; or the infos of a PettingZoo
                environment, agent id -> {"action_mask": ...}.
            risk_level: one level for all, or agent id -> level; 0 = the policies' own choice.
        """
        masks = self._masks(observations, avail_actions)
        together = self._ready(1)
        for name, obs in observations.items():
            level = _level_of(risk_level, name) if isinstance(risk_level, Mapping) else risk_level
            self.agents[name].fill(obs, masks[name], level)
        self._step(observations, together)
        return {name: self.agents[name].action() for name in observations}

    def act_batch(
        self,
        observations: Mapping[str, Array],
        avail_actions: AllowedActions,
        risk_level: float | Array | Mapping[str, float | Array] = 0.0,
    ) -> dict[str, ActResult]:
        """Return each named agent's actions for many environments at once.

        Args:
            observations: agent id -> `[batch, ...]`.
            avail_actions: agent id -> bool or int8 `[batch, action]`, for the same agents, or infos as for `act`.
            risk_level: one level, `[batch]`, or agent id -> either.
        """
        masks = self._masks(observations, avail_actions)
        together = self._ready(_batch_of(observations))
        for name, obs in observations.items():
            level = _level_of(risk_level, name) if isinstance(risk_level, Mapping) else risk_level
            self.agents[name].fill_batch(obs, masks[name], level)
        self._step(observations, together)
        return {name: self.agents[name].result() for name in observations}

    def executed(self, actions: Mapping[str, int | Array]) -> None:
        """Tells which actions were really done: agent id -> action, or int `[batch]` with -1 = as proposed."""
        self._check_known(actions)
        checked = {name: self.agents[name].check_executed(action) for name, action in actions.items()}
        for name, (executed, place) in checked.items():
            self.agents[name].remember(executed, place)

    def reset(self, mask: NDArray[np.bool_] | None = None) -> None:
        """Start an episode for every agent, or in the rows where `mask` (bool `[batch]`) is True."""
        for agent in self.agents.values():
            agent.check_reset(mask)
        for agent in self.agents.values():
            agent.reset(mask)

    def _ready(self, batch: int) -> Together | None:
        """Return what acts for all in one call with so many rows each, if it can."""
        return self._together if self._together is not None and batch and self._together.is_ready(batch) else None

    def _step(self, acting: Collection[str], together: Together | None) -> None:
        """Compute and commit a step of what these agents filled in."""
        if together is not None:
            together.step(acting)
            return
        for name in acting:
            self.agents[name].run()
        for name in acting:
            self.agents[name].commit()

    def _masks(self, observations: Mapping[str, Array], avail_actions: AllowedActions) -> dict[str, Any]:
        """Return the mask of every agent that acts."""
        self._check_known(observations)
        if missing := sorted(observations.keys() - avail_actions.keys()):
            raise InvalidInputError(f"avail_actions lacks the agents {missing}")
        return {name: _mask_of(avail_actions[name], name) for name in observations}

    def _check_known(self, named: Mapping[str, object]) -> None:
        if unknown := sorted(str(name) for name in named.keys() - self.agents.keys()):
            raise InvalidInputError(f"unknown agents {unknown}; this team has {list(self.agents)}")


def _batch_of(observations: Mapping[str, Array]) -> int:
    """Return how many rows all have; 0 where that is not one number: agents say what is wrong."""
    sizes = {len(obs) if getattr(obs, "ndim", 0) else 0 for obs in observations.values()}
    return sizes.pop() if len(sizes) == 1 else 0


def _mask_of(allowed: object, name: str) -> object:
    """Return a mask, which may stand in an info."""
    if not isinstance(allowed, Mapping):
        return allowed
    if ACTION_MASK not in allowed:
        raise InvalidInputError(
            f"{name}'s info has no {ACTION_MASK!r}, which says what is allowed; give a bool array of ones where all is"
        )
    return allowed[ACTION_MASK]


LevelT = TypeVar("LevelT")


def _level_of(levels: Mapping[str, LevelT], name: str) -> LevelT:
    if name not in levels:
        raise InvalidInputError(f"risk_level lacks the agent {name!r}")
    return levels[name]
