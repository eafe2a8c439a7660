"""The exact answer: joint dynamic programming over (time, cells of all agents).

Full information, finite horizon, undiscounted. Rewards are multiples of 0.5, so a return is a whole number of half
units lost, and exact return distributions live on a finite grid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from macn.errors import ParameterError
from macn.joint import (
    KIND_FELL,
    KIND_LENGTH,
    KIND_REWARD,
    KIND_SUCCESS,
    Floats,
    Integers,
    JointGame,
    at_the_end,
    cvar_of,
    joint_game,
    mix_slips,
    return_grid,
    shifted,
)
from macn.layout import CliffLayout
from macn.settings import DEFAULT_MAX_STEPS, N_ACTIONS, make_settings

MarkovPolicy: TypeAlias = Callable[[int, Integers], Integers]
"""(time, cells int64 [joint, agent]) -> actions int64 [joint, agent]."""

_CHUNK = 2**22  # numbers held at once while distributions are compared
_TIE = 1e-9  # CVaRs closer than this count as equal; then the better mean decides


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What a joint policy earns, exactly."""

    returns: Floats
    """Possible returns in rising order, [outcome]."""
    probabilities: Floats
    """Their probabilities, [outcome]."""
    return_mean: float
    """Mean return."""
    fall_probability: float
    """Probability that the episode ends on the cliff."""
    success_probability: float
    """Probability that all agents are at the goal before the time is up."""
    episode_length_mean: float
    """Mean number of steps."""

    @property
    def return_std(self) -> float:
        """Standard deviation of the return."""
        return float(np.sqrt(max(float(self.probabilities @ (self.returns - self.return_mean) ** 2), 0.0)))

    def cvar(self, risk_level: float) -> float:
        """Return the mean of the lowest `risk_level` share of the returns; level 1 gives the mean."""
        return float(cvar_of(self.probabilities, self.returns, _checked_level(risk_level)))


@dataclass(frozen=True, kw_only=True)
class JointPolicy:
    """A table policy of (time, cells)."""

    live_index: Integers
    """[cell]: position of the cell among those on which an agent can stand, -1 for cliff and wall."""
    joint_actions: npt.NDArray[np.int32]
    """[time, joint state]: the joint action, in base 4 with agent 0 in front."""

    def __call__(self, time: int, cells: Integers) -> Integers:
        """Return the actions int64 [joint, agent] at `time` for `cells` int64 [joint, agent]."""
        n_agents = cells.shape[-1]
        base = int((self.live_index >= 0).sum())
        places = base ** np.arange(n_agents - 1, -1, -1)
        joint = self.joint_actions[time, (self.live_index[cells] * places).sum(-1)]  # [joint]
        return _digits(joint.astype(np.int64), n_agents)


@dataclass(frozen=True, kw_only=True)
class Solution:
    """The policy that `solve` found, and what it earns."""

    risk_level: float
    """Level at which the policy is greedy; 1 is risk-neutral."""
    policy: JointPolicy
    """The policy; call it with (time, cells)."""
    evaluation: Evaluation
    """Its exact return distribution."""

    @property
    def optimal_return(self) -> float:
        """Mean return of the policy; at `risk_level` 1 no policy has a higher one."""
        return self.evaluation.return_mean

    @property
    def fall_probability(self) -> float:
        """Probability that the episode ends on the cliff."""
        return self.evaluation.fall_probability

    @property
    def success_probability(self) -> float:
        """Probability that all agents reach the goal in time."""
        return self.evaluation.success_probability

    def cvar(self, risk_level: float) -> float:
        """Return the mean of the lowest `risk_level` share of the returns."""
        return self.evaluation.cvar(risk_level)


def solve(
    layout: str | Path | CliffLayout = "4x12",
    n_agents: int = 2,
    slip: float = 0.0,
    max_steps: int = DEFAULT_MAX_STEPS,
    risk_level: float = 1.0,
) -> Solution:
    """Return the best joint policy with full information, and its exact return distribution.

    At `risk_level` 1 this is the optimum. Below 1 the policy is, at every step, greedy on the CVaR at that level of its
    own exact return-to-go: what `rmix-averse` approximates. It is not the optimum of the static CVaR of the whole
    return. Equal CVaRs are decided by the better mean.

    Args:
        slip: probability of a replaced action, in [0, 1].
        max_steps: horizon.
        risk_level: share of the lowest returns that counts, in (0, 1].

    Raises:
        ProblemTooLargeError: more than 5e7 joint state-actions, or a horizon that takes more than 1e12 numbers or
            more memory than there is.
        ParameterError: a value is out of range.
    """
    level = _checked_level(risk_level)
    game = joint_game(make_settings(layout, n_agents=n_agents, slip=slip, max_steps=max_steps))
    actions = _neutral_actions(game) if level == 1.0 else _averse_actions(game, level)
    policy = JointPolicy(live_index=game.live_index, joint_actions=actions)
    return Solution(risk_level=level, policy=policy, evaluation=_evaluate(game, actions))


def evaluate(
    policy: MarkovPolicy,
    layout: str | Path | CliffLayout = "4x12",
    n_agents: int = 2,
    slip: float = 0.0,
    max_steps: int = DEFAULT_MAX_STEPS,
) -> Evaluation:
    """Return the exact return distribution of a Markov joint policy.

    Args:
        policy: called once per time with all joint states: (time, cells int64 [joint, agent]) -> actions int64
            [joint, agent]. It must depend on nothing else; sample recurrent policies instead.
        slip: probability of a replaced action, in [0, 1].
        max_steps: horizon.

    Raises:
        ProblemTooLargeError: more than 5e7 joint state-actions, or a horizon that takes more than 1e12 numbers or
            more memory than there is.
        ParameterError: the policy gives actions of a wrong shape or range.
    """
    game = joint_game(make_settings(layout, n_agents=n_agents, slip=slip, max_steps=max_steps))
    cells = game.cells()
    actions = np.empty((game.settings.max_steps, game.n_states), dtype=np.int32)
    places = N_ACTIONS ** np.arange(n_agents - 1, -1, -1)
    for time in range(game.settings.max_steps):
        chosen = np.asarray(policy(time, cells))
        if chosen.shape != cells.shape or chosen.min() < 0 or chosen.max() >= N_ACTIONS:
            raise ParameterError(
                f"the policy gave actions of shape {chosen.shape} at time {time}; expected whole numbers 0..3 of shape "
                f"{cells.shape}, one row per joint state"
            )
        actions[time] = (chosen * places).sum(-1)
    return _evaluate(game, actions)


def _neutral_actions(game: JointGame) -> npt.NDArray[np.int32]:
    """Return the joint actions [time, joint state] with the highest mean return."""
    max_steps = game.settings.max_steps
    actions = np.empty((max_steps, game.n_states), dtype=np.int32)
    value = np.zeros(game.n_states + 1)
    for time in range(max_steps - 1, -1, -1):
        executed = (KIND_REWARD[:, None] + value).reshape(-1)[game.entry]  # [joint state, joint action]
        action_values = mix_slips(executed[..., None], game.settings)[..., 0]
        actions[time] = action_values.argmax(axis=-1)
        value[:-1] = action_values.max(axis=-1)
    return actions


def _averse_actions(game: JointGame, risk_level: float) -> npt.NDArray[np.int32]:
    """Return the joint actions [time, joint state] that are greedy on the CVaR of the return-to-go."""
    max_steps, (n_states, n_joint) = game.settings.max_steps, game.entry.shape
    actions = np.empty((max_steps, n_states), dtype=np.int32)
    grid = return_grid(max_steps)
    spread = at_the_end(n_states, len(grid))
    rows = max(1, _CHUNK // (n_joint * len(grid)))
    for time in range(max_steps - 1, -1, -1):
        lookup, next_spread = shifted(spread), np.empty_like(spread)
        next_spread[-1] = spread[-1]
        for first in range(0, n_states, rows):
            chunk = slice(first, min(first + rows, n_states))
            mixed = mix_slips(lookup[game.entry[chunk]], game.settings)  # [joint state, joint action, return]
            level_values = cvar_of(mixed, grid, risk_level)  # [joint state, joint action]
            is_best = level_values >= level_values.max(axis=-1, keepdims=True) - _TIE
            best = np.where(is_best, mixed @ grid, -np.inf).argmax(axis=-1)  # [joint state]
            actions[time, chunk] = best
            next_spread[chunk] = mixed[np.arange(len(best)), best]
        spread = next_spread
    return actions


def _evaluate(game: JointGame, actions: npt.NDArray[np.int32]) -> Evaluation:
    """Return the exact evaluation of joint actions [time, joint state]."""
    max_steps, (n_states, n_joint) = game.settings.max_steps, game.entry.shape
    grid = return_grid(max_steps)
    spread = at_the_end(n_states, len(grid))
    gains = np.stack([KIND_REWARD, KIND_FELL, KIND_SUCCESS, KIND_LENGTH], axis=-1)  # [kind, fact]
    facts = np.zeros((n_states + 1, 4))
    weights = mix_slips(np.eye(n_joint)[..., None], game.settings)[..., 0].T  # [chosen, executed]; symmetric
    reached = _reached(game, actions, weights)
    for time in range(max_steps - 1, -1, -1):
        lookup, fact_lookup = shifted(spread), (gains[:, None] + facts).reshape(-1, 4)
        here = np.flatnonzero(reached[time])
        spread, facts = at_the_end(n_states, len(grid)), np.zeros((n_states + 1, 4))
        chosen = weights[actions[time, here]]  # [joint state, executed]
        spread[here] = 0.0
        for executed in np.flatnonzero(chosen.any(axis=0)):
            weight, entry = chosen[:, executed, None], game.entry[here, executed]
            facts[here] += weight * fact_lookup[entry]
            spread[here] += weight * lookup[entry]
    mean, fall, success, length = (float(fact) for fact in facts[game.start])
    is_possible = spread[game.start] > 0.0
    return Evaluation(
        returns=grid[is_possible],
        probabilities=spread[game.start][is_possible],
        return_mean=mean,
        fall_probability=fall,
        success_probability=success,
        episode_length_mean=length,
    )


def _reached(game: JointGame, actions: npt.NDArray[np.int32], weights: Floats) -> npt.NDArray[np.bool_]:
    """Return which joint states the policy can be in at each time, bool [time, joint state]."""
    reached = np.zeros((game.settings.max_steps, game.n_states + 1), dtype=np.bool_)
    reached[0, game.start] = True
    for time in range(game.settings.max_steps - 1):
        here = np.flatnonzero(reached[time, :-1])
        is_executed = weights[actions[time, here]] > 0.0  # [joint state, executed]
        reached[time + 1, game.entry[here][is_executed] % (game.n_states + 1)] = True
    return reached[:, :-1]


def _digits(joint: Integers, n_agents: int) -> Integers:
    """Return the agents' actions [..., agent] of joint actions [...]."""
    return np.stack(np.unravel_index(joint, (N_ACTIONS,) * n_agents), axis=-1)


def _checked_level(risk_level: float) -> float:
    """Return the risk level, or refuse it."""
    if not 0.0 < risk_level <= 1.0:
        raise ParameterError(f"risk_level is {risk_level!r}; it must be in (0, 1] (1 = risk-neutral)")
    return float(risk_level)
