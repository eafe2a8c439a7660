"""A finite game written down as tables: payoffs and successors of every joint action in every state."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from string import ascii_uppercase
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rmix_kit.envs.didactic.draws import draw, index_below
from rmix_kit.envs.didactic.game import View
from rmix_kit.types import BoolArray, EnvSpec, FloatArray, IntArray

END = -1
"""In the place of a successor: the joint action ends the episode."""
_RELATIVE_TOLERANCE = 1e-6  # the expected payoffs of an episode are summed in another order than the best return


class TableState(NamedTuple):
    """Where the copies of a table game stand."""

    place: IntArray
    """Index of the state, int64 ``[env]``; after the end the last one stays."""
    expected: NDArray[np.float64]
    """Sum of the expected payoffs of the joint actions so far, float64 ``[env]``."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TableGame:
    """A finite game; every episode begins in state 0, and every agent sees the state, one-hot.

    Attributes:
        name: Its name.
        payoffs: Team rewards, float64 ``[state, outcome, *action]`` with one axis of actions per agent; a step draws
            one outcome, all alike likely.
        successors: int64 ``[state, *action]``: the next state, or `END`.
        episode_limit: Steps after which an episode is truncated.
    """

    name: str
    payoffs: NDArray[np.float64]
    successors: IntArray
    episode_limit: int

    @property
    def action_counts(self) -> tuple[int, ...]:
        """Number of actions of each agent."""
        return tuple(self.successors.shape[1:])

    @cached_property
    def spec(self) -> EnvSpec:
        """Sizes and bounds."""
        n_states, n_agents, n_actions = len(self.successors), len(self.action_counts), max(self.action_counts)
        has_letters = n_actions <= len(ascii_uppercase)
        return EnvSpec(
            n_agents=n_agents,
            n_actions=n_actions,
            obs_shape=(n_states,),
            obs_dtype="int8",
            obs_low=(0.0,) * n_states,
            obs_high=(1.0,) * n_states,
            state_size=n_states,
            episode_limit=self.episode_limit,
            agent_ids=tuple(f"agent_{agent}" for agent in range(n_agents)),
            obs_meanings=tuple(f"the game is in state {state}" for state in range(n_states)),
            action_meanings=tuple(ascii_uppercase[:n_actions] if has_letters else map(str, range(n_actions))),
        )

    @cached_property
    def expected_payoffs(self) -> NDArray[np.float64]:
        """Mean payoff over the outcomes, float64 ``[state, *action]``."""
        means: NDArray[np.float64] = self.payoffs.mean(axis=1)
        return means

    @cached_property
    def best_return(self) -> float:
        """Highest expected undiscounted return of an episode, by backward induction over its steps."""
        n_states = len(self.successors)
        means = self.expected_payoffs.reshape(n_states, -1)  # [state, joint action]
        successors = self.successors.reshape(n_states, -1)  # [state, joint action]
        values = np.zeros(n_states + 1)  # the last one is the value of the end: END is -1
        for _ in range(self.episode_limit):
            values[:n_states] = (means + values[successors]).max(axis=1)
        return float(values[0])

    def start(self, keys: IntArray) -> TableState:
        """Put every copy into state 0."""
        return TableState(np.zeros(len(keys), dtype=np.int64), np.zeros(len(keys), dtype=np.float64))

    def advance(
        self, state: TableState, actions: IntArray, keys: IntArray, moment: IntArray
    ) -> tuple[TableState, FloatArray, BoolArray]:
        """Look up what one joint action pays and where it leads; see `Game.advance`."""
        here = (state.place, *actions.T)
        outcome = index_below(draw(keys, moment, 1)[:, 0], self.payoffs.shape[1])  # [env]
        reward = self.payoffs[state.place, outcome, *actions.T].astype(np.float32)  # [env]
        successor = self.successors[here]  # [env]
        has_ended = successor == END
        place = np.where(has_ended, state.place, successor)
        return TableState(place, state.expected + self.expected_payoffs[here]), reward, has_ended

    def view(self, state: TableState) -> View:
        """Show every agent the state; success means that the joint actions so far were worth the best return."""
        n_states, n_agents = self.spec.state_size, self.spec.n_agents
        rows = np.eye(n_states, dtype=np.int8)[state.place]  # [env, state]
        mask = np.arange(self.spec.n_actions) < np.asarray(self.action_counts)[:, None]  # [agent, action]
        slack = _RELATIVE_TOLERANCE * max(1.0, abs(self.best_return))
        return View(
            obs=np.repeat(rows[:, None], n_agents, axis=1),  # [env, agent, state]
            avail_actions=np.repeat(mask[None], len(rows), axis=0),  # [env, agent, action]
            state=rows.astype(np.float32),
            success=state.expected >= self.best_return - slack,
        )
