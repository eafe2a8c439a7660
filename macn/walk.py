"""One copy of the game in plain Python: what the single-environment faces share.

Numpy's cost per call is larger than a whole step of so small a game. So this class turns the tables of `macn.dynamics`
into lists once and looks them up. It adds no rule of its own; a test compares every number with the batched functions.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from macn import counter_hash, dynamics
from macn.errors import ActionError, NotResetError
from macn.settings import N_ACTIONS, OTHER_AGENT, WINDOW, Settings

_WHOLE_NUMBER = {action: action for action in range(N_ACTIONS)}  # refuses and converts in one look


class Walk:
    """The cells of one team, and the rules by which they change."""

    def __init__(self, settings: Settings) -> None:
        """Read the tables of the game."""
        self.settings = settings
        self.tables = tables = dynamics.build_tables(settings)
        self.names = settings.possible_agents
        self.cells: list[int] = []
        self.elapsed = 0
        self.reward = 0.0
        self.terminated = self.truncated = self.success = False
        self.is_running = False
        self._start_cells: list[int] = tables.start_cells.tolist()
        self._destination: list[int] = tables.destination.tolist()
        self._weight: list[int] = tables.outcome_weight.tolist()
        self._reward: list[float] = tables.reward.tolist()
        self._terminated: list[bool] = tables.terminated.tolist()
        self._success: list[bool] = tables.success.tolist()
        self._is_cliff: list[bool] = tables.is_cliff.tolist()
        self._mask = list(tables.avail_actions)
        self._observation = [row.reshape(settings.observation_shape) for row in tables.observation]
        self._max_steps = settings.max_steps
        self._can_slip = settings.slip > 0.0
        self._shows_agents = settings.show_agents and settings.n_agents > 1
        self._place_of = _places(settings, tables) if self._shows_agents else []
        self._seed: int | None = None
        self._episode = 0
        self._key = 0

    def reset(self, seed: int | None) -> None:
        """Put the team to its start.

        Args:
            seed: starts the stream of slips of this seed; None goes on with the next episode of the stream.
        """
        if seed is not None:
            self._seed, self._episode = counter_hash.checked_seed(seed), 0
        elif self._seed is None:
            self._seed = int(np.random.default_rng().integers(counter_hash.LARGEST_SEED))
        else:
            self._episode += 1
        if self._can_slip:
            self._key = counter_hash.stream_key(self._seed, 0, self._episode)
        self.cells = self._start_cells
        self.elapsed = 0
        self.reward = 0.0
        self.terminated = self.truncated = self.success = False
        self.is_running = True

    def step(self, actions: Mapping[str, int]) -> None:
        """Let the team take one step; the result is in the attributes.

        Args:
            actions: whole numbers 0..3, by agent name.

        Raises:
            NotResetError: no episode is running.
            ActionError: an action is missing, unknown or out of range.
        """
        if not self.is_running:
            raise NotResetError("step was called while no episode was running; call reset() first")
        chosen = checked_actions(actions, self.names)
        if self._can_slip:
            chosen = counter_hash.slip_one(chosen, self._key, self.elapsed, self.settings.slip)
        destination, weight = self._destination, self._weight
        moves, outcome = [], 0
        for cell, action in zip(self.cells, chosen, strict=True):
            next_cell = destination[cell * N_ACTIONS + action]
            moves.append(next_cell)
            outcome += weight[next_cell]
        self.cells = moves
        self.elapsed += 1
        self.reward = self._reward[outcome]
        self.terminated = self._terminated[outcome]
        self.truncated = self.elapsed >= self._max_steps and not self.terminated
        self.success = self._success[outcome]
        self.is_running = not (self.terminated or self.truncated)

    @property
    def has_ended(self) -> bool:
        """Whether the last episode is over and no other has begun."""
        return bool(self.cells) and not self.is_running

    def observation(self, agent: int) -> npt.NDArray[np.int8]:
        """Return what the agent with this index sees: int8 [3, 3] or [11], a fresh array."""
        cell = self.cells[agent]
        seen: npt.NDArray[np.int8] = self._observation[cell]
        if not self._shows_agents:
            return seen.copy()
        marked, place_of = seen.copy(), self._place_of[cell]
        for other, other_cell in enumerate(self.cells):
            if other != agent and other_cell in place_of:
                place = place_of[other_cell]
                marked[place] = seen[place] + OTHER_AGENT
        return marked

    def info(self, agent: int) -> dict[str, Any]:
        """Return the agent's info, with the same keys from the reset to the end: `action_mask`, `fell`, `success`."""
        cell = self.cells[agent]
        return {"action_mask": self._mask[cell].copy(), "fell": self._is_cliff[cell], "success": self.success}

    def state(self) -> npt.NDArray[np.float32]:
        """Return the global state, float32 [3 * n_agents + 1]."""
        if not self.cells:
            raise NotResetError("state was asked for before the first reset; call reset() first")
        whole: npt.NDArray[np.float32] = dynamics.state(
            self.tables, np.asarray([self.cells]), np.asarray([self.elapsed])
        )[0]
        return whole


def checked_actions(actions: Mapping[str, int], names: list[str]) -> list[int]:
    """Return one whole number 0..3 per agent, in the agents' order.

    Args:
        actions: by agent name.

    Raises:
        ActionError: an action is missing, unknown or out of range.
    """
    if not isinstance(actions, Mapping):
        raise ActionError(f"got actions {actions!r}; expected a dict with one action for each of {', '.join(names)}")
    try:
        chosen = [_WHOLE_NUMBER[actions[name]] for name in names]
        if len(actions) == len(names):
            return chosen
    except (KeyError, TypeError):  # the careful way says what is wrong, and takes unhashable numbers
        pass
    missing = [name for name in names if name not in actions]
    unknown = [name for name in actions if name not in names]
    if missing or unknown:
        what = f"no action for {missing[0]!r}" if missing else f"an action for unknown agent {unknown[0]!r}"
        raise ActionError(f"got {what}; give exactly one action for each of {', '.join(names)}")
    return [checked_action(actions[name], name) for name in names]


def checked_action(action: object, name: str) -> int:
    """Return one agent's action as an int, or raise ActionError."""
    try:
        value = operator.index(action)  # type: ignore[arg-type]
    except TypeError:
        value = -1
    if not 0 <= value < N_ACTIONS:
        raise ActionError(f"action of {name} is {action!r}; it must be 0 UP, 1 DOWN, 2 LEFT or 3 RIGHT")
    return value


def _places(settings: Settings, tables: dynamics.Tables) -> list[dict[int, tuple[int, ...]]]:
    """Return, per cell, where in the observation each visible cell lies."""
    shape = (WINDOW,) if settings.include_position else (3, 3)
    index = [tuple(int(part) for part in np.unravel_index(place, shape)) for place in range(WINDOW)]
    return [
        {seen: index[place] for place, seen in enumerate(window) if seen >= 0} for window in tables.neighbour.tolist()
    ]
