"""Where the agents of a MACN game go, counted while they play."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from macn.layout import CliffLayout
from rmix_kit.envs.interface import VectorEnv
from rmix_kit.types import BoolArray, FloatArray, IntArray, TimeStep

_STATE_PER_AGENT = 3  # scaled row, scaled column, goal flag


@dataclass(frozen=True, kw_only=True, eq=False)
class Visits:
    """How often each agent was where, over whole episodes.

    Attributes:
        layout: The map.
        share: Share of the episodes in which the agent entered the cell or began on it, float64 ``[agent, cell]``.
        steps: Mean number of time steps of an episode at which it was there, float64 ``[agent, cell]``; an agent that
            waits at the goal goes on counting, an episode that is over does not.
    """

    layout: CliffLayout
    share: NDArray[np.float64]
    steps: NDArray[np.float64]


class VisitCounter:
    """Copies of MACN that count where their agents are; otherwise the copies themselves."""

    def __init__(self, inner: VectorEnv, layout: CliffLayout, episodes: int) -> None:
        """Wrap the copies.

        Args:
            inner: Copies of MACN on this map.
            episodes: How many are counted; what a last round plays beyond them is not.
        """
        self._inner, self._layout, self._episodes = inner, layout, episodes
        self.spec, self.num_envs = inner.spec, inner.num_envs
        n_agents = inner.spec.n_agents
        self._agents = np.arange(n_agents)
        self._started = 0
        self._steps = np.zeros((n_agents, layout.n_cells), dtype=np.int64)
        self._entered = np.zeros((n_agents, layout.n_cells), dtype=np.int64)
        self._seen = np.zeros((inner.num_envs, n_agents, layout.n_cells), dtype=np.bool_)
        self._is_counted = np.zeros(inner.num_envs, dtype=np.bool_)

    def reset(self, seeds: Sequence[int]) -> TimeStep:
        """Start an episode in every copy."""
        return self._begun(self._inner.reset(seeds), np.ones(self.num_envs, dtype=np.bool_))

    def restart(self, copies: BoolArray, seeds: Sequence[int]) -> TimeStep:
        """Start an episode in some copies."""
        return self._begun(self._inner.restart(copies, seeds), copies)

    def step(self, actions: IntArray) -> TimeStep:
        """Advance every copy that has not finished."""
        return self._counted(self._inner.step(actions))

    def close(self) -> None:
        """Release what the copies hold."""
        self._inner.close()

    def visits(self) -> Visits:
        """Return what was counted so far; with whole rounds played, of whole episodes."""
        episodes = min(self._episodes, self._started)
        return Visits(layout=self._layout, share=self._entered / episodes, steps=self._steps / episodes)

    def _begun(self, step: TimeStep, starts: BoolArray) -> TimeStep:
        """Count from now on the episodes that have begun, as far as they are wanted.

        Args:
            step: After the reset.
            starts: bool ``[env]``, the copies whose episodes they are.
        """
        numbers = self._started + np.cumsum(starts) - 1  # [env]
        self._is_counted = np.where(starts, numbers < self._episodes, self._is_counted)
        self._started += int(starts.sum())
        self._seen[starts] = False
        return self._counted(step, starts)

    def _counted(self, step: TimeStep, is_new: BoolArray | None = None) -> TimeStep:
        """Count where the agents of unfinished copies are, and give the step as it came.

        Args:
            step: What the copies gave.
            is_new: Copies whose agents have not been counted where they are, bool ``[env]``; all if None.
        """
        copies = np.flatnonzero(self._is_counted if is_new is None else self._is_counted & is_new)
        cells = cells_of(step.state, self._layout)[copies]  # [env, agent]
        agents = np.broadcast_to(self._agents, cells.shape)
        is_first: BoolArray = ~self._seen[copies[:, None], agents, cells]
        np.add.at(self._steps, (agents, cells), 1)
        np.add.at(self._entered, (agents, cells), is_first.astype(np.int64))
        self._seen[copies[:, None], agents, cells] = True
        self._is_counted = self._is_counted & ~step.has_ended
        return step


def cells_of(state: FloatArray, layout: CliffLayout) -> IntArray:
    """Read the agents' cells from MACN's global state.

    Args:
        state: float32 ``[env, 3 * n_agents + 1]``: per agent scaled row, scaled column and goal flag; then the clock.

    Returns:
        int64 ``[env, agent]``: ``row * width + column``.
    """
    places = state[:, :-1].reshape(len(state), -1, _STATE_PER_AGENT)  # [env, agent, 3]
    rows, columns = places[..., 0] * (layout.height - 1), places[..., 1] * (layout.width - 1)
    return (np.rint(rows) * layout.width + np.rint(columns)).astype(np.int64)
