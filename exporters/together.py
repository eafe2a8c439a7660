"""Agents of one file that act in one call: each agent's rows lie in a row of the whole team's arrays. numpy only."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from exporters.agent import Agent, run_graph
from exporters.sharing import SharedSpec
from exporters.tensors import Tensors


class Together:
    """The whole team's arrays, `[agent * batch, ...]`: an agent's own are a part of them, and so act alone or in them.

    An agent that acted alone with another batch size has left them; the team then acts agent by agent, until all begin
    an episode.

    Args:
        spec: what the file takes and gives.
        agents: whom it serves, in order.
    """

    def __init__(self, spec: SharedSpec, agents: Mapping[str, Agent]) -> None:
        self._spec, self._agents = spec, agents
        self._parts: dict[str, Tensors] = {}
        self._lay(1)

    def is_ready(self, batch: int) -> bool:
        """Return whether all can act in one call with so many rows each; lays their arrays together where it can."""
        has_left = any(agent.tensors is not self._parts[name] for name, agent in self._agents.items())
        if not has_left and self._batch == batch:
            return True
        if any(agent.in_episode for agent in self._agents.values()):
            return False
        self._lay(batch)
        return True

    def step(self, acting: Collection[str]) -> None:
        """Compute and commit a step of what these agents filled in; the memory of the others stays as it is.

        Raises:
            InvalidObservationError: as `Agent.check_valid`; no memory has moved.
        """
        now = self._whole.now
        for name, part in self._parts.items():
            if part.now != now:  # it acted alone meanwhile
                for target, source in zip(part.carry[now], part.carry[1 - now], strict=True):
                    target[...] = source
                part.now = now
            if name not in acting:
                part.avail_actions[...] = False  # a row without an allowed action is refused, its memory handed on
        run_graph(self._steps[now], " and ".join(acting))
        for name in acting if not self._whole.valid.all() else ():
            self._agents[name].check_valid()
        for part in self._parts.values():
            part.now = 1 - now
        self._whole.now = 1 - now
        for name in acting:
            self._agents[name].in_episode = True

    def _lay(self, batch: int) -> None:
        """Give all agents their part of new arrays, in which an episode begins; memory that fits is taken over."""
        self._batch = batch
        self._whole = Tensors(self._spec, batch * len(self._agents))
        for place, (name, agent) in enumerate(self._agents.items()):
            self._parts[name] = self._whole.rows(place * batch, batch)
            before = agent.tensors
            if before.batch == batch:  # what it was told before its first step stays
                for target, source in zip(self._parts[name].carry[0], before.carry[before.now], strict=True):
                    target[...] = source
            agent.adopt(self._parts[name])
        self._steps = next(iter(self._agents.values())).compile(self._whole)
