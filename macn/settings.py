"""The arguments of every face, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from pathlib import Path

import numpy as np
from gymnasium.spaces import Box

from macn.errors import ParameterError
from macn.layout import CliffLayout

DEFAULT_MAX_STEPS = 50
LARGEST_MAX_STEPS = 1_000_000  # the elapsed fraction is a table
LARGEST_TEAM = 64
CELL_CODES = ("safe", "cliff", "goal", "wall", "outside")
OTHER_AGENT = 8  # added to the code of a cell that holds another agent (show_agents)
ACTION_MEANINGS = ("UP", "DOWN", "LEFT", "RIGHT")
N_ACTIONS = len(ACTION_MEANINGS)
SEEN_CELLS = ("up-left", "up", "up-right", "left", "own", "right", "down-left", "down", "down-right")
WINDOW = len(SEEN_CELLS)  # cells that an agent sees: its own and the eight around it


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What distinguishes one MACN game from another."""

    layout: CliffLayout
    """The grid."""
    n_agents: int = 2
    """Number of agents, at least 1."""
    slip: float = 0.0
    """Probability with which an action is replaced by a uniform draw from all four, in [0, 1]."""
    max_steps: int = DEFAULT_MAX_STEPS
    """Steps after which an unfinished episode is truncated, at least 1."""
    show_agents: bool = False
    """Whether 8 is added to the code of a seen cell that holds another agent."""
    include_position: bool = False
    """Whether the agent's row and column are appended to its nine cell codes."""

    def __post_init__(self) -> None:
        """Check every value, and keep it as a plain number of Python."""
        slip: object = self.slip
        if isinstance(slip, bool) or not isinstance(slip, Real) or not 0.0 <= float(slip) <= 1.0:
            raise ParameterError(f"slip is {slip!r}; it must be a probability in [0, 1] (0 = never slip)")
        plain = {
            "n_agents": checked_count("n_agents", self.n_agents, LARGEST_TEAM),
            "max_steps": checked_limit("max_steps", self.max_steps),
            "slip": float(slip),
        }
        for name in ("show_agents", "include_position"):
            if not isinstance(getattr(self, name), (bool, np.bool_)):
                raise ParameterError(f"{name} is {getattr(self, name)!r}; it must be True or False")
            plain[name] = bool(getattr(self, name))
        for name, value in plain.items():  # numpy's numbers become Python's: what is stored and printed is the same
            object.__setattr__(self, name, value)
        self.layout.start_cells(self.n_agents)

    @property
    def possible_agents(self) -> list[str]:
        """Names of the agents, `agent_0` first."""
        return [f"agent_{agent}" for agent in range(self.n_agents)]

    @property
    def observation_shape(self) -> tuple[int, ...]:
        """Shape of one agent's observation."""
        return (WINDOW + 2,) if self.include_position else (3, 3)

    @property
    def observation_meanings(self) -> tuple[str, ...]:
        """What each element of an observation is, row by row."""
        cells = tuple(f"code of the {cell} cell" for cell in SEEN_CELLS)
        return (*cells, "row", "column") if self.include_position else cells

    @property
    def state_size(self) -> int:
        """Length of the global state: three numbers per agent and the elapsed fraction."""
        return 3 * self.n_agents + 1

    def observation_box(self, *, of_team: bool) -> Box:
        """Return the observation space with tight bounds per element, of one agent or `[agent, ...]`."""
        highest_code = len(CELL_CODES) - 1 + (OTHER_AGENT if self.show_agents and self.n_agents > 1 else 0)
        high = np.full(WINDOW, highest_code, dtype=np.int8)
        if self.include_position:
            high = np.append(high, np.asarray([self.layout.height - 1, self.layout.width - 1], dtype=np.int8))
        high = high.reshape(self.observation_shape)
        if of_team:
            high = np.repeat(high[None], self.n_agents, axis=0)  # [agent, ...]
        return Box(low=np.zeros_like(high), high=high, dtype=np.int8)

    def state_box(self) -> Box:
        """Return the space of the global state, `[state]`."""
        return Box(low=0.0, high=1.0, shape=(self.state_size,), dtype=np.float32)


def make_settings(
    layout: str | Path | CliffLayout = "4x12",
    *,
    n_agents: int = 2,
    slip: float = 0.0,
    max_steps: int | None = None,
    max_cycles: int | None = None,
    max_episode_steps: int | None = None,
    show_agents: bool = False,
    include_position: bool = False,
) -> Settings:
    """Return checked settings from the arguments that every face takes.

    Args:
        slip: probability of a replaced action.
        max_steps: steps before truncation; 50 when it is given under none of its names.
        max_cycles: PettingZoo's name for `max_steps`; giving both is an error.
        max_episode_steps: gymnasium's name for it; giving it beside another is an error.
        show_agents: see `Settings`.
        include_position: see `Settings`.

    Raises:
        ParameterError: a value is out of range, or the time limit was given under two names.
        LayoutError: the map is refused.
    """
    names = {"max_steps": max_steps, "max_cycles": max_cycles, "max_episode_steps": max_episode_steps}
    given = {name: limit for name, limit in names.items() if limit is not None}
    if len(given) > 1:
        values = " and ".join(f"{name} is {limit}" for name, limit in given.items())
        raise ParameterError(f"{values}; they are {'two' if len(given) == 2 else 'three'} names of one limit, give one")
    limits = [checked_limit(name, limit) for name, limit in given.items()]
    return Settings(
        layout=CliffLayout.parse(layout),
        n_agents=n_agents,
        slip=slip,
        max_steps=limits[0] if limits else DEFAULT_MAX_STEPS,
        show_agents=show_agents,
        include_position=include_position,
    )


def checked_count(name: str, value: object, largest: int) -> int:
    """Return a whole number in 1..largest, or refuse anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 1 <= value <= largest:
        raise ParameterError(f"{name} is {value!r}; it must be a whole number from 1 to {largest}")
    return int(value)


def checked_limit(name: str, value: object) -> int:
    """Return a time limit; settings files of other tools write it as 1e3 or 25.0, which is whole all the same."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    return checked_count(name, value, LARGEST_MAX_STEPS)
