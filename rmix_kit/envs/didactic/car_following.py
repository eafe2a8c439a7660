"""Multi-agent car following of RiskQ: two cars drive to one place, together, fast, and at their own risk.

Rules and sizes are those of the paper and its released code (Shen et al., "RiskQ: Risk-sensitive Multi-Agent
Reinforcement Learning Value Factorization", NeurIPS 2023); docs/environments/didactic.md lists them with our readings.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rmix_kit.envs.didactic.car_motion import (
    ACCELERATIONS,
    SLACK,
    TARGET,
    crash_probability,
    driven,
    has_arrived,
)
from rmix_kit.envs.didactic.car_plan import Plan, Road, best_plan
from rmix_kit.envs.didactic.draws import draw, happens
from rmix_kit.envs.didactic.game import View
from rmix_kit.errors import ConfigError
from rmix_kit.spelling import suggestion
from rmix_kit.types import BoolArray, EnvSpec, FloatArray, IntArray

EPISODE_LIMIT = 200
SIGHT = 0.3
"""How far cars see, and how near they must be to follow each other."""
STEP_REWARD = -1.0
ARRIVAL_REWARD = 5.0
CRASH_REWARD = -1.0
FOLLOWING_REWARD = 1.0
END_REWARD = 10.0
MOST_AGENTS = 64
"""A limit of ours: every car sees all others, so that observations grow with the square."""
BOUND = 1000.0
"""Of positions and speeds. Backwards a car can come to -200 with a speed of -20, which is no scale for the 2.5 that it
should go: bounds as wide as these make networks code numbers by what was seen (`rmix_kit.networks.coding`)."""


class Traffic(NamedTuple):
    """Where the cars are. One that has arrived is told by its position: nothing else ever stops there."""

    position: NDArray[np.float64]
    """float64 ``[env, car]``."""
    speed: NDArray[np.float64]
    """float64 ``[env, car]``."""


@dataclass(frozen=True, kw_only=True)
class CarFollowing:
    """The game; situations are `Traffic`.

    Attributes:
        agents: Number of cars, from 2 on.
        crash: Probability of a crash, per step and car, for each unit of speed above the limit, in [0, 1].
        accelerations: "even" (21 from -1 to 1) or "released" (those of the paper's code: -1 + 2 k / 21).
    """

    agents: int = 2
    crash: float = 0.4
    accelerations: str = "even"

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        agents: object = self.agents
        crash: object = self.crash
        if isinstance(agents, bool) or not isinstance(agents, int) or not 2 <= agents <= MOST_AGENTS:
            raise ConfigError(f"agents is {agents!r}; it must be a whole number in 2..{MOST_AGENTS}")
        # A NaN fails every comparison.
        if isinstance(crash, bool) or not isinstance(crash, int | float) or not 0 <= crash <= 1:
            raise ConfigError(f"crash is {crash!r}; it must be a number in [0, 1]")
        if self.accelerations not in ACCELERATIONS:
            raise ConfigError(
                f"accelerations is {self.accelerations!r}; it must be one of {', '.join(ACCELERATIONS)}"
                f"{suggestion(str(self.accelerations), ACCELERATIONS)}"
            )

    @property
    def name(self) -> str:
        """Its name."""
        return "car-following"

    @property
    def action_counts(self) -> tuple[int, ...]:
        """Number of actions of each car."""
        return (len(self._accelerations),) * self.agents

    @cached_property
    def spec(self) -> EnvSpec:
        """Sizes and bounds."""
        size = 2 * self.agents
        return EnvSpec(
            n_agents=self.agents,
            n_actions=len(self._accelerations),
            obs_shape=(size,),
            obs_dtype="float32",
            obs_low=(-BOUND,) * size,
            obs_high=(BOUND,) * size,
            state_size=size,
            episode_limit=EPISODE_LIMIT,
            agent_ids=tuple(f"car_{agent}" for agent in range(self.agents)),
            action_meanings=tuple(f"{value:+.3g}" for value in self._accelerations),
            obs_meanings=tuple(f"{word} of car {car}" for car in range(self.agents) for word in ("position", "speed")),
            state_low=(-BOUND,) * size,
            state_high=(BOUND,) * size,
        )

    @cached_property
    def best_plan(self) -> Plan:
        """The cheapest way of one car to the target."""
        return best_plan(Road(accelerations=ACCELERATIONS[self.accelerations], crash=self.crash))

    @cached_property
    def best_return(self) -> float:
        """Highest expected return: every car drives by `best_plan`.

        Cars that do so are together in every step, which pays for the step itself, and no car could cost less alone.
        """
        step = STEP_REWARD + FOLLOWING_REWARD
        each = ARRIVAL_REWARD - self.best_plan.cost
        return len(self.best_plan.actions) * step + self.agents * each + END_REWARD

    def start(self, keys: IntArray) -> Traffic:
        """Put every car to the start, at rest."""
        return Traffic(np.zeros((len(keys), self.agents)), np.zeros((len(keys), self.agents)))

    def advance(
        self, state: Traffic, actions: IntArray, keys: IntArray, moment: IntArray
    ) -> tuple[Traffic, FloatArray, BoolArray]:
        """Let every car drive that has not arrived, then pay for where they are; see `Game.advance`."""
        is_parked = has_arrived(state.position)  # [env, car]
        position, speed = driven(state.position, state.speed, self._accelerations[actions])
        position, speed = np.where(is_parked, TARGET, position), np.where(is_parked, 0.0, speed)
        has_come = has_arrived(position)
        has_ended = _is_solved(position)
        has_crashed = happens(draw(keys, moment, self.agents), crash_probability(speed, self.crash))  # [env, car]
        of_cars = ARRIVAL_REWARD * (has_come & ~is_parked) + CRASH_REWARD * has_crashed - np.abs(position - TARGET)
        reward = STEP_REWARD + of_cars.sum(axis=1) + FOLLOWING_REWARD * _is_together(position) + END_REWARD * has_ended
        paid: FloatArray = reward.astype(np.float32)
        return Traffic(position, speed), paid, has_ended

    def view(self, state: Traffic) -> View:
        """Show every car those near it, itself included; success means that all have arrived."""
        copies = len(state.position)
        near = np.abs(state.position[:, :, None] - state.position[:, None]) <= SIGHT + SLACK  # [env, observer, car]
        whole = np.stack([state.position, state.speed], axis=-1).astype(np.float32)  # [env, car, 2]
        seen = np.where(near[..., None], whole[:, None], np.float32(0.0))  # [env, observer, car, 2]
        return View(
            obs=seen.reshape(copies, self.agents, -1),  # [env, agent, car * 2]
            avail_actions=np.ones((copies, self.agents, len(self._accelerations)), dtype=np.bool_),
            state=whole.reshape(copies, -1),  # [env, car * 2]
            success=_is_solved(state.position),
        )

    @cached_property
    def _accelerations(self) -> NDArray[np.float64]:
        """Of every action, float64 ``[action]``."""
        return ACCELERATIONS[self.accelerations].values


def _is_together(position: NDArray[np.float64]) -> BoolArray:
    """Return in which copies no two cars are too far apart, bool ``[env]``; positions are ``[env, car]``."""
    together: BoolArray = np.ptp(position, axis=1) <= SIGHT + SLACK
    return together


def _is_solved(position: NDArray[np.float64]) -> BoolArray:
    """Return in which copies all cars have arrived, bool ``[env]``; positions are ``[env, car]``."""
    solved: BoolArray = has_arrived(position).min(axis=1)
    return solved
