"""The joint game as a lookup table, and distributions over its returns: what the oracle computes with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from macn.dynamics import REWARD_ALL_AT_GOAL, REWARD_CLIFF, REWARD_STEP, REWARD_WAITING, build_tables
from macn.errors import ProblemTooLargeError
from macn.limits import require_horizon_fits
from macn.settings import N_ACTIONS, Settings

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]

LARGEST_PROBLEM = 5 * 10**7  # joint state-actions
_HALF = 0.5  # the unit of the return grid

# A step ends in one of four ways; this is their order in the tables below.
KIND_REWARD = np.asarray([REWARD_STEP, REWARD_WAITING, REWARD_ALL_AT_GOAL, REWARD_CLIFF])
KIND_FELL = np.asarray([0.0, 0.0, 0.0, 1.0])
KIND_SUCCESS = np.asarray([0.0, 0.0, 1.0, 0.0])
KIND_LENGTH = np.ones(4)


@dataclass(frozen=True, kw_only=True)
class JointGame:
    """The joint transition table: everything is looked up by `entry = kind * (n_states + 1) + next state`."""

    settings: Settings
    live_cells: Integers
    """[live]: cells on which an agent can stand."""
    live_index: Integers
    """[cell]."""
    entry: npt.NDArray[np.int32]
    """[joint state, executed joint action]; the state numbered n_states is the end."""
    start: int
    """Joint state in which an episode begins."""

    @property
    def n_states(self) -> int:
        """Number of joint states."""
        return int(self.entry.shape[0])

    def cells(self) -> Integers:
        """Return the cells of every joint state, [joint state, agent]."""
        shape = (len(self.live_cells),) * self.settings.n_agents
        return self.live_cells[np.stack(np.unravel_index(np.arange(self.n_states), shape), axis=-1)]


def joint_game(settings: Settings) -> JointGame:
    """Return the joint transition table of a game, or refuse it for its size or its horizon."""
    tables, n_agents = build_tables(settings), settings.n_agents
    is_live = np.asarray([mark not in "C#" for mark in settings.layout.cells])
    live_cells = np.flatnonzero(is_live)
    size = (len(live_cells) * N_ACTIONS) ** n_agents
    if size > LARGEST_PROBLEM:
        raise ProblemTooLargeError(
            f"{n_agents} agents on {len(live_cells)} cells make {size:,} joint state-actions; the exact solution takes "
            f"at most {LARGEST_PROBLEM:,}; use fewer agents or a smaller map"
        )
    require_horizon_fits(settings.max_steps, len(live_cells) ** n_agents, N_ACTIONS**n_agents)
    live_index = np.where(is_live, np.cumsum(is_live) - 1, -1)
    next_cell = tables.destination.reshape(-1, N_ACTIONS)[live_cells]  # [live, action]
    next_state = outcome = np.zeros((1, 1), dtype=np.int32)
    for _ in range(n_agents):
        next_state = _pair(next_state * len(live_cells), live_index[next_cell])
        outcome = _pair(outcome, tables.outcome_weight[next_cell])
    kind = np.select([outcome > n_agents, outcome == n_agents, outcome > 0], [3, 2, 1], 0).astype(np.int32)
    n_states = next_state.shape[0]
    next_state[kind >= 2] = n_states  # the episode is over
    start = live_index[tables.start_cells] @ (len(live_cells) ** np.arange(n_agents - 1, -1, -1))
    entry = (kind * np.int32(n_states + 1) + next_state).astype(np.int32)
    return JointGame(settings=settings, live_cells=live_cells, live_index=live_index, entry=entry, start=int(start))


def _pair(joint: npt.NDArray[np.int32], one: Integers) -> npt.NDArray[np.int32]:
    """Return the joint table that adds one more agent's [live, action] to a table [joint state, joint action]."""
    sums = joint[:, None, :, None] + one.astype(np.int32)[None, :, None, :]  # [joint, live, joint action, action]
    return sums.reshape(joint.shape[0] * one.shape[0], -1)


def mix_slips(executed: Floats, settings: Settings) -> Floats:
    """Return what is to be expected of the chosen joint actions, given what the executed ones lead to.

    Args:
        executed: [joint state, executed joint action, ...].
        settings: the game; its slip is applied to each agent independently.

    Returns:
        [joint state, chosen joint action, ...].
    """
    by_agent = executed.reshape(executed.shape[0], *[N_ACTIONS] * settings.n_agents, *executed.shape[2:])
    if settings.slip > 0.0:
        for agent in range(settings.n_agents):
            uniform = by_agent.mean(axis=agent + 1, keepdims=True)
            by_agent = (1.0 - settings.slip) * by_agent + settings.slip * uniform
    return by_agent.reshape(executed.shape)


def return_grid(max_steps: int) -> Floats:
    """Return all returns that an episode can have, in rising order, [return]."""
    worst = REWARD_CLIFF + REWARD_STEP * (max_steps - 1)
    return np.arange(worst, _HALF, _HALF)


def at_the_end(n_states: int, n_returns: int) -> Floats:
    """Return the return-to-go distributions of a game that is over: all mass on 0, [joint state + 1, return]."""
    spread = np.zeros((n_states + 1, n_returns))
    spread[:, -1] = 1.0
    return spread


def shifted(spread: Floats) -> Floats:
    """Return the distributions [state, return] after each kind of reward was added: [kind * state, return]."""
    moved = np.zeros((len(KIND_REWARD), *spread.shape))
    for kind, gain in enumerate(KIND_REWARD):
        bins = min(round(-gain / _HALF), spread.shape[-1])
        moved[kind, :, : spread.shape[-1] - bins] = spread[:, bins:]
    return moved.reshape(-1, spread.shape[-1])


def cvar_of(probabilities: Floats, returns: Floats, risk_level: float) -> Floats:
    """Return the mean of the lowest `risk_level` share of distributions [..., return] over rising `returns`: [...]."""
    covered = np.minimum(np.cumsum(probabilities, axis=-1), risk_level)  # [..., return]
    share = np.diff(covered, axis=-1, prepend=0.0)
    whole: Floats = (share @ returns) / covered[..., -1]
    return whole
