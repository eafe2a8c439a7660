"""Predator-prey of DCG and WQMIX: two predators catch what one cannot, and one alone pays for trying.

Rules and sizes are those of the two papers' released configurations (Böhmer et al., "Deep Coordination Graphs", ICML
2020; Rashid et al., "Weighted QMIX", NeurIPS 2020); docs/environments/didactic.md lists each with our readings.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rmix_kit.envs.didactic.draws import draw, index_below
from rmix_kit.envs.didactic.game import View
from rmix_kit.types import BoolArray, EnvSpec, FloatArray, IntArray

GRID = 10
N_PREDATORS = 8
N_PREY = 8
RADIUS = 2
CATCHERS = 2
CAPTURE_REWARD = 10.0
EPISODE_LIMIT = 200
MOST_CAPTURES = min(N_PREY, N_PREDATORS // CATCHERS)
ACTION_MEANINGS = ("RIGHT", "DOWN", "LEFT", "UP", "STAY", "CATCH")
STAY, CATCH = 4, 5

# The grid lies inside a border as wide as a predator sees, so that no window and no move leaves the array.
WIDTH = GRID + 2 * RADIUS
FREE, PREDATOR, PREY, OUTSIDE = range(4)
_MOVES = np.asarray([1, WIDTH, -1, -WIDTH])
_OFFSETS = np.append(_MOVES, [0, 0])  # of every action
_SPAN = np.arange(-RADIUS, RADIUS + 1)
_WINDOW = _SPAN[:, None] * WIDTH + _SPAN  # [row, column]
_INSIDE = ((np.arange(GRID) + RADIUS)[:, None] * WIDTH + np.arange(GRID) + RADIUS).reshape(-1)  # [cell]


class Hunt(NamedTuple):
    """Where everyone stands; a cell is ``row * WIDTH + column`` of the bordered grid."""

    cells: NDArray[np.int8]
    """What is on each cell, int8 ``[env, WIDTH * WIDTH]``: FREE, PREDATOR, PREY or OUTSIDE."""
    predators: IntArray
    """Their cells, int64 ``[env, predator]``; the last one of those that were removed."""
    prey: IntArray
    """Their cells, int64 ``[env, prey]``."""
    is_hunting: BoolArray
    """bool ``[env, predator]``: not removed."""
    is_alive: BoolArray
    """bool ``[env, prey]``: not caught."""


@dataclass(frozen=True, kw_only=True)
class PredatorPrey:
    """The game; situations are `Hunt`.

    Attributes:
        punishment: Reward for each prey that a single predator tries to catch, at most 0.
        name: Its name.
    """

    punishment: float = 0.0
    name: str = "predator-prey"

    @property
    def action_counts(self) -> tuple[int, ...]:
        """Number of actions of each predator."""
        return (len(ACTION_MEANINGS),) * N_PREDATORS

    @cached_property
    def spec(self) -> EnvSpec:
        """Sizes and bounds."""
        shape = (*_WINDOW.shape, 2)
        return EnvSpec(
            n_agents=N_PREDATORS,
            n_actions=len(ACTION_MEANINGS),
            obs_shape=shape,
            obs_dtype="int8",
            obs_low=(0.0,) * int(np.prod(shape)),
            obs_high=(1.0,) * int(np.prod(shape)),
            state_size=2 * GRID * GRID,
            episode_limit=EPISODE_LIMIT,
            agent_ids=tuple(f"predator_{agent}" for agent in range(N_PREDATORS)),
            action_meanings=ACTION_MEANINGS,
            obs_meanings=tuple(
                f"{who} {down:+d} down, {right:+d} right"
                for down in _SPAN
                for right in _SPAN
                for who in ("predator", "prey")
            ),
        )

    @property
    def best_return(self) -> float:
        """Highest return: every predator used in a capture by exactly two."""
        return CAPTURE_REWARD * MOST_CAPTURES

    def start(self, keys: IntArray) -> Hunt:
        """Put everyone on cells of their own, all placements alike likely."""
        raw = draw(keys, np.zeros_like(keys), GRID * GRID)  # [env, cell]
        chosen = _INSIDE[np.argsort(raw, axis=1, kind="stable")[:, : N_PREDATORS + N_PREY]]
        return hunt(chosen[:, :N_PREDATORS], chosen[:, N_PREDATORS:])

    def advance(
        self, state: Hunt, actions: IntArray, keys: IntArray, moment: IntArray
    ) -> tuple[Hunt, FloatArray, BoolArray]:
        """Let the predators move in random order, then the prey be caught or move in random order."""
        raw = draw(keys, moment, N_PREDATORS + 2 * N_PREY)
        predator_order = np.argsort(raw[:, :N_PREDATORS], axis=1, kind="stable")
        prey_order = np.argsort(raw[:, N_PREDATORS : N_PREDATORS + N_PREY], axis=1, kind="stable")
        turn = _Turn(state)
        for who in predator_order.T:
            turn.move_predator(who, actions)
        is_catching = turn.is_hunting & (actions == CATCH)  # [env, predator]
        reward = np.zeros(len(keys))
        for number, who in enumerate(prey_order.T):
            catchers = turn.catchers(who, is_catching)  # [env, predator]
            count = catchers.sum(axis=1)  # [env]
            reward += CAPTURE_REWARD * (count >= CATCHERS) + self.punishment * ((count > 0) & (count < CATCHERS))
            turn.remove(who, catchers & (count >= CATCHERS)[:, None])
            turn.move_prey(who, raw[:, N_PREDATORS + N_PREY + number])
        goes_on = np.asarray(turn.is_hunting.any(axis=1) & turn.is_alive.any(axis=1))  # [env]
        return turn.hunt(), reward.astype(np.float32), ~goes_on

    def view(self, state: Hunt) -> View:
        """Show each predator the window around it; success means the most captures that are possible."""
        window = _at(state.cells, state.predators[:, :, None, None] + _WINDOW)  # [env, predator, row, column]
        seen = np.stack([window == PREDATOR, window == PREY], axis=-1) & state.is_hunting[:, :, None, None, None]
        around = _at(state.cells, state.predators[:, :, None] + _MOVES)  # [env, predator, move]
        is_hunting = state.is_hunting[:, :, None]
        stays = np.ones_like(is_hunting)
        can_catch = (around == PREY).any(axis=-1, keepdims=True)
        grid = state.cells[:, _INSIDE]  # [env, cell]
        whole = np.stack([grid == PREDATOR, grid == PREY], axis=-1).reshape(len(grid), -1)  # [env, cell * channel]
        return View(
            obs=seen.astype(np.int8),
            avail_actions=np.concatenate([(around != OUTSIDE) & is_hunting, stays, can_catch & is_hunting], axis=-1),
            state=whole.astype(np.float32),
            success=(~state.is_alive).sum(axis=1) >= MOST_CAPTURES,
        )


def hunt(predators: IntArray, prey: IntArray) -> Hunt:
    """Return the situation in which everyone is there.

    Args:
        predators: Their cells, int64 ``[env, predator]``.
        prey: Their cells, int64 ``[env, prey]``.
    """
    cells = np.full((len(predators), WIDTH * WIDTH), OUTSIDE, dtype=np.int8)
    cells[:, _INSIDE] = FREE
    rows = np.arange(len(predators))[:, None]
    cells[rows, predators] = PREDATOR
    cells[rows, prey] = PREY
    return Hunt(cells, predators, prey, np.ones(predators.shape, dtype=np.bool_), np.ones(prey.shape, dtype=np.bool_))


def cell(row: int, column: int) -> int:
    """Return the number of a cell of the grid, rows and columns counted from 0 at the top left."""
    return (row + RADIUS) * WIDTH + column + RADIUS


def _at(cells: NDArray[np.int8], places: IntArray) -> NDArray[np.int8]:
    """Return what is on the places ``[env, ...]``."""
    rows = np.arange(len(cells)).reshape(-1, *[1] * (places.ndim - 1))
    return cells[rows, places]


class _Turn:
    """One step in the making: owns copies of the arrays of a `Hunt` and changes them move by move.

    ``who`` is always the one predator or prey of each copy whose move it is, int64 ``[env]``.
    """

    def __init__(self, before: Hunt) -> None:
        self.cells, self.predators, self.prey = before.cells.copy(), before.predators.copy(), before.prey.copy()
        self.is_hunting, self.is_alive = before.is_hunting.copy(), before.is_alive.copy()
        self._copies = np.arange(len(self.cells))

    def hunt(self) -> Hunt:
        """Return the situation as it now is."""
        return Hunt(self.cells, self.predators, self.prey, self.is_hunting, self.is_alive)

    def move_predator(self, who: IntArray, actions: IntArray) -> None:
        """Let a predator move, unless its way is blocked; ``actions`` is int64 ``[env, predator]``."""
        here = self.predators[self._copies, who]  # [env]
        there = here + _OFFSETS[actions[self._copies, who]]
        is_free = self.cells[self._copies, there] == FREE
        goes = np.flatnonzero(self.is_hunting[self._copies, who] & is_free)
        self.cells[goes, here[goes]] = FREE
        self.cells[goes, there[goes]] = PREDATOR
        self.predators[goes, who[goes]] = there[goes]

    def catchers(self, who: IntArray, is_catching: BoolArray) -> BoolArray:
        """Return which predators try to catch a prey at this moment, bool ``[env, predator]``."""
        distance = np.abs(self.predators - self.prey[self._copies, who][:, None])  # [env, predator]
        is_beside = (distance == 1) | (distance == WIDTH)
        trying: BoolArray = is_beside & is_catching & self.is_hunting & self.is_alive[self._copies, who][:, None]
        return trying

    def remove(self, who: IntArray, catchers: BoolArray) -> None:
        """Take catchers, bool ``[env, predator]``, off the grid, and the prey in the copies where there are any."""
        copies, predators = np.nonzero(catchers)
        self.cells[copies, self.predators[copies, predators]] = FREE
        self.is_hunting[copies, predators] = False
        self.cells[copies, self.prey[copies, who[copies]]] = FREE
        self.is_alive[copies, who[copies]] = False

    def move_prey(self, who: IntArray, raw: IntArray) -> None:
        """Let a prey that is alive move to a free cell beside it, chosen by the draws ``raw``, int64 ``[env]``."""
        here = self.prey[self._copies, who]  # [env]
        is_free = _at(self.cells, here[:, None] + _MOVES) == FREE  # [env, move]
        chosen = index_below(raw, is_free.sum(axis=1))  # [env], counted among the free cells
        move = (is_free.cumsum(axis=1) > chosen[:, None]).argmax(axis=1)  # the free one with `chosen` before it
        there = here + _MOVES[move]
        goes = np.flatnonzero(self.is_alive[self._copies, who] & is_free.any(axis=1))
        self.cells[goes, here[goes]] = FREE
        self.cells[goes, there[goes]] = PREY
        self.prey[goes, who[goes]] = there[goes]
