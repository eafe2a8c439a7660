"""The game, once: tables of a layout and pure batched functions over them.

Every face calls these functions or reads these tables. They use indexing and arithmetic only, so that the same code
runs on numpy arrays and on torch tensors of any device; this module never imports torch. `Tables.to` moves the tables:

    tables = build_tables(settings).to(lambda table: torch.as_tensor(table, device="cuda"))

Axis order is `[env, agent, ...]`. A cell is `row * width + column`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from macn.layout import CLIFF, GOAL, WALL, CliffLayout
from macn.settings import N_ACTIONS, OTHER_AGENT, WINDOW, Settings

Array: TypeAlias = Any
"""A numpy array or a torch tensor; all arrays of one call are of the same kind and device."""

REWARD_CLIFF = -100.0
REWARD_STEP = -1.0
REWARD_WAITING = -0.5  # at least one agent, but not all, at the goal
REWARD_ALL_AT_GOAL = 0.0

_MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))  # UP, DOWN, LEFT, RIGHT
_OUTSIDE = 4
_CODES = {CLIFF: 1, GOAL: 2, WALL: 3}  # everything else is safe: 0


class Tables(NamedTuple):
    """Everything the functions below look up."""

    destination: Array
    """int64 [cell * action]: where an action leads; walls and edges hold, and so does the goal."""
    is_cliff: Array
    """bool [cell]."""
    observation: Array
    """int8 [cell, 9], or [cell, 11] with row and column."""
    neighbour: Array
    """int64 [cell, 9]: the cells of the window, -1 outside."""
    outcome_weight: Array
    """int64 [cell]: 1 at the goal, n_agents + 1 on the cliff, 0 elsewhere; the sum over agents is the outcome."""
    reward: Array
    """float64 [outcome]."""
    terminated: Array
    """bool [outcome]."""
    success: Array
    """bool [outcome]: all agents at the goal."""
    agent_state: Array
    """float32 [cell, 3]: scaled row, scaled column, goal flag."""
    elapsed_fraction: Array
    """float32 [max_steps + 1]."""
    state_ones: Array
    """float32 [state]: ones."""
    start_cells: Array
    """int64 [agent]."""
    agent_index: Array
    """int64 [agent]."""
    avail_actions: Array
    """int8 [cell, action]: 1 = allowed; every action is allowed everywhere."""

    def to(self, asarray: Callable[[npt.NDArray[Any]], Array]) -> Tables:
        """Return the same tables as other arrays, for example as tensors of a device.

        Args:
            asarray: turns one numpy array into the array wanted, keeping its dtype.
        """
        return Tables(*(asarray(table) for table in self))


def build_tables(settings: Settings) -> Tables:
    """Return the numpy tables of one game."""
    layout, n_agents = settings.layout, settings.n_agents
    marks = np.asarray(list(layout.cells))
    is_cliff, is_goal = marks == CLIFF, marks == GOAL
    neighbour, window = _windows(layout)
    row, column = np.divmod(np.arange(layout.n_cells), layout.width)
    observation = window
    if settings.include_position:
        observation = np.column_stack([window, row, column])  # [cell, 11]
    scaled = (row / max(layout.height - 1, 1), column / max(layout.width - 1, 1), is_goal)
    outcome = np.arange(n_agents * (n_agents + 1) + 1)
    return Tables(
        destination=_destinations(layout).reshape(-1),
        is_cliff=is_cliff,
        observation=observation.astype(np.int8),
        neighbour=neighbour,
        outcome_weight=is_goal.astype(np.int64) + (n_agents + 1) * is_cliff,
        reward=np.select(
            [outcome > n_agents, outcome == n_agents, outcome > 0],
            [REWARD_CLIFF, REWARD_ALL_AT_GOAL, REWARD_WAITING],
            REWARD_STEP,
        ),
        terminated=outcome >= n_agents,
        success=outcome == n_agents,
        agent_state=np.stack(scaled, axis=-1).astype(np.float32),
        elapsed_fraction=(np.arange(settings.max_steps + 1) / settings.max_steps).astype(np.float32),
        state_ones=np.ones(settings.state_size, dtype=np.float32),
        start_cells=np.asarray(layout.start_cells(n_agents), dtype=np.int64),
        agent_index=np.arange(n_agents, dtype=np.int64),
        avail_actions=np.ones((layout.n_cells, N_ACTIONS), dtype=np.int8),
    )


def _destinations(layout: CliffLayout) -> npt.NDArray[np.int64]:
    """Return where each action leads, [cell, action]."""
    destination = np.empty((layout.n_cells, N_ACTIONS), dtype=np.int64)
    for cell, mark in enumerate(layout.cells):
        row, column = divmod(cell, layout.width)
        for action, (down, right) in enumerate(_MOVES):
            next_row, next_column = row + down, column + right
            inside = 0 <= next_row < layout.height and 0 <= next_column < layout.width
            is_free = inside and layout.rows[next_row][next_column] != WALL
            destination[cell, action] = next_row * layout.width + next_column if is_free and mark != GOAL else cell
    return destination


def _windows(layout: CliffLayout) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the cells of each cell's window (-1 outside) and their codes, both [cell, 9]."""
    padded = np.full((layout.height + 2, layout.width + 2), -1, dtype=np.int64)
    padded[1:-1, 1:-1] = np.arange(layout.n_cells).reshape(layout.height, layout.width)
    views = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))  # [row, column, 3, 3]
    neighbour = views.reshape(layout.n_cells, WINDOW).copy()  # [cell, 9]
    codes = np.asarray([_CODES.get(mark, 0) for mark in layout.cells] + [_OUTSIDE], dtype=np.int64)
    return neighbour, codes[neighbour]  # index -1 is the appended code of outside


def _rows(table: Array, index: Array) -> Array:
    """Return `table[index]`, a new array: the rows of a table [row, ...] at int64 [...], as [..., ...]."""
    if isinstance(table, np.ndarray):
        return table.take(index, axis=0)  # the same numbers as indexing, four times faster
    return table[index]


def reset(tables: Tables, cells: Array, reset_mask: Array) -> Array:
    """Return the agents' cells after putting the masked copies back to their starts.

    Args:
        cells: int64 [env, agent].
        reset_mask: bool [env], True = put back.

    Returns:
        int64 [env, agent].
    """
    chosen = reset_mask[:, None]  # [env, 1]
    return cells * ~chosen + tables.start_cells * chosen


def transition(tables: Tables, cells: Array, actions: Array) -> Array:
    """Return where the executed actions lead.

    Args:
        cells: int64 [env, agent].
        actions: int64 [env, agent], already slipped (`macn.counter_hash`).

    Returns:
        int64 [env, agent].
    """
    return _rows(tables.destination, cells * N_ACTIONS + actions)


def outcome(tables: Tables, cells: Array) -> Array:
    """Return the outcome of a step, the index into `reward`, `terminated` and `success`.

    Args:
        cells: int64 [env, agent], at the end of the step.

    Returns:
        int64 [env]: agents at the goal (0..n_agents), or more than n_agents once any agent is on the cliff.
    """
    weights = _rows(tables.outcome_weight, cells)  # [env, agent]
    total = weights[:, 0]  # [env]
    for agent in range(1, weights.shape[1]):  # numpy is slow at sums over a short last axis
        total = total + weights[:, agent]
    return total


def reward(tables: Tables, cells: Array) -> Array:
    """Return the team reward of a step that ended in `cells` int64 [env, agent]: float64 [env]."""
    return _rows(tables.reward, outcome(tables, cells))


def terminated(tables: Tables, cells: Array) -> Array:
    """Return whether the game is over in `cells` int64 [env, agent]: bool [env]."""
    return _rows(tables.terminated, outcome(tables, cells))


def success(tables: Tables, cells: Array) -> Array:
    """Return whether all agents are at the goal in `cells` int64 [env, agent]: bool [env]."""
    return _rows(tables.success, outcome(tables, cells))


def fell(tables: Tables, cells: Array) -> Array:
    """Return which agents are on the cliff in `cells` int64 [env, agent]: bool [env, agent]."""
    return _rows(tables.is_cliff, cells)


def avail_actions(tables: Tables, cells: Array) -> Array:
    """Return the action mask in `cells` int64 [env, agent]: int8 [env, agent, action], 1 = allowed."""
    return _rows(tables.avail_actions, cells)


def observe(settings: Settings, tables: Tables, cells: Array) -> Array:
    """Return what the agents see.

    Args:
        cells: int64 [env, agent].

    Returns:
        int8 [env, agent, 3, 3], or [env, agent, 11] with `include_position`.
    """
    seen = _rows(tables.observation, cells)  # [env, agent, 9 or 11]
    if settings.show_agents and settings.n_agents > 1:
        seen[..., :WINDOW] += OTHER_AGENT * _holds_other(settings, tables, cells)
    return seen.reshape(tuple(cells.shape) + settings.observation_shape)


def _holds_other(settings: Settings, tables: Tables, cells: Array) -> Array:
    """Return which cells of each window hold another agent, bool [env, agent, 9]."""
    window = _rows(tables.neighbour, cells)  # [env, agent, 9]
    occupied = window != window
    for other in range(settings.n_agents):
        is_other = (tables.agent_index != other)[:, None]  # [agent, 1]
        occupied = occupied | ((window == cells[:, other, None, None]) & is_other)
    return occupied


def state(tables: Tables, cells: Array, elapsed: Array) -> Array:
    """Return the global state for centralised training.

    Args:
        cells: int64 [env, agent].
        elapsed: int64 [env], steps since the reset.

    Returns:
        float32 [env, 3 * n_agents + 1]: per agent scaled row, scaled column and goal flag; then elapsed / max_steps.
    """
    whole = _rows(tables.elapsed_fraction, elapsed)[:, None] * tables.state_ones  # [env, state]
    whole[:, :-1] = _rows(tables.agent_state, cells).reshape(cells.shape[0], -1)  # [env, 3 * agent]
    return whole
