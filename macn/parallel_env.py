"""The PettingZoo parallel face; its docstring is the environment's documentation page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Discrete, Space
from pettingzoo import ParallelEnv

from macn.layout import CliffLayout
from macn.rendering import RENDER_FPS, RENDER_MODES, Picture, Screen
from macn.settings import N_ACTIONS, make_settings
from macn.walk import Walk

Observation: TypeAlias = npt.NDArray[np.int8]
Info: TypeAlias = dict[str, Any]


class MACNParallelEnv(ParallelEnv[str, Any, Any]):
    """# Multi-Agent Cliff Navigation (MACN)

    | fact | value |
    |---|---|
    | Creation | `macn.parallel_env()`, `macn.env()`, `macn.vector_env(8)`, `gymnasium.make("macn:MACN-v0")` |
    | Version | v0 |
    | Agents | 2 |
    | Agent names | `agent_0`, `agent_1` |
    | Action space | `Discrete(4)` |
    | Observation shape | `(3, 3)` |
    | Observation values | 0 to 4 |
    | Observation dtype | `int8` |
    | Observation shape with `include_position` | `(11,)` |
    | Highest value with `show_agents` | 12 |
    | State shape | `(7,)` |
    | State values | 0.0 to 1.0 |
    | State dtype | `float32` |
    | Steps before truncation | 50 |
    | Render modes | `ansi`, `human`, `rgb_array` |
    | Frames per second | 4 |

    ## Description

    A team walks from a start to a goal along a cliff, on a grid, with one reward for all. Whoever steps on the
    cliff ends the episode for everyone, dearly. Each agent sees only the nine cells around it. Agents may share a
    cell; an agent that has reached the goal stays there and waits for the others.

    With `slip` above 0 the ground is slippery: each agent's action is replaced, with that probability, by one drawn
    uniformly from the four, independently per agent and step. Then the short way beside the cliff is the risky one,
    and what is best depends on how much risk one accepts.

    A layout is drawn with `.` safe, `C` cliff, `G` goal, `#` wall and `S` a shared start, or digits `0`, `1`, ...
    for a start per agent. Named layouts: `4x7`, `4x11`, `4x12`, `4x15` (the classic cliff walk: start bottom-left,
    goal bottom-right, cliff between), `bridge` (a short way past one cliff and a long way past none), `detours`
    (three ways: 4 steps between two cliffs, 8 past one, 16 past none; with `slip=0.05` each is best for some risk
    level), `6x20` (a toothed cliff below a plain and a walled gallery) and `corridors` (three ways: 12 steps past
    five cliffs, 16 past one, 20 past none).

    ## Action Space

    Per agent a whole number: 0 UP, 1 DOWN, 2 LEFT, 3 RIGHT. A move off the grid or into a wall leaves the agent
    where it is.

    ## Observation Space

    The codes of the nine cells around the agent, row by row, its own in the middle: 0 safe, 1 cliff, 2 goal, 3
    wall, 4 outside the grid. `show_agents` adds 8 to the code of a cell that holds another agent.
    `include_position` appends the agent's row and column, counted from 0 at the top left; the observation is then
    flat.

    ## State

    `state()` is for centralised training: for every agent its row and its column, each scaled to 0..1, and 1 if it
    is at the goal; then the elapsed share of the time limit. Its length is three times the number of agents, plus
    one.

    ## Rewards

    The same for every agent, decided at the end of the step, by the first line that applies:

    | what happened | reward |
    |---|---|
    | any agent is on the cliff | -100 |
    | all agents are at the goal | 0 |
    | at least one agent, but not all, is at the goal | -0.5 |
    | otherwise | -1 |

    The paper says this in prose; that the -0.5 is paid at every such step is our reading of it.

    ## Episode End

    Terminated when any agent is on the cliff or all agents are at the goal. Truncated after `max_steps` steps; an
    episode that terminates at its last step is not truncated as well.

    ## Information

    | key | value |
    |---|---|
    | `action_mask` | int8, one per action, 1 = allowed; every action is allowed everywhere |
    | `fell` | whether the agent is on the cliff |
    | `success` | whether all agents are at the goal, which ends the episode: False until then |

    The keys are the same from the reset to the last step. The gymnasium face gives `action_mask` and `fell` per agent
    in one array, and `state` besides; the vector face gives all of these as arrays over the copies.

    ## Arguments

    | argument | default | meaning |
    |---|---|---|
    | `layout` | `"4x12"` | a name, a drawn map or the path of a text file that holds one |
    | `n_agents` | `2` | number of agents, at least 1 |
    | `slip` | `0.0` | probability with which an action is replaced by a uniform draw from all four |
    | `max_steps` | `None` | steps before truncation; `None` means 50 |
    | `max_cycles` | `None` | PettingZoo's name for `max_steps`; giving both is an error |
    | `show_agents` | `False` | add 8 to the code of a seen cell that holds another agent |
    | `include_position` | `False` | append row and column to the observation |
    | `render_mode` | `None` | `ansi` text, `rgb_array` a picture, `human` a window, or printed frames without one |

    `reset(seed=s)` starts stream s of slips; a later `reset()` goes on with its next episode. The draws are a
    function of seed, copy, episode, step and agent, the same on every face. A seed is a whole number from 0 on, of any
    size. A limit may be a float that is whole, a `slip` any real number; a map file may carry a byte order mark.

    The vector face takes besides `num_envs`, `autoreset_mode` (gymnasium's `NEXT_STEP`, `SAME_STEP` or `DISABLED`) and
    gymnasium's name of the limit, `max_episode_steps`, which `gymnasium.make_vec` hands on; it renders one frame per
    copy. `gymnasium.make` keeps that name for a wrapper of its own, which can shorten an episode but not lengthen it.
    The gymnasium face has `action_masks()` for sb3-contrib's MaskablePPO and names its limit in `spec`. After
    `import macn`, `pettingzoo.make("parallel", "macn:MACN-v0")` and `("aec", ...)` work too.

    ## References

    The task is the multi-agent cliff navigation of W. Qiu, X. Wang, R. Yu, R. Wang, X. He, B. An, S. Obraztsova and
    Z. Rabinovich, "RMIX: Learning risk-sensitive policies for cooperative reinforcement learning agents", NeurIPS
    2021, appendix. It extends the cliff walk of R. Sutton and A. Barto, "Reinforcement Learning: An Introduction",
    example 6.6. `macn.oracle` gives its exact optimum.

    ## Version History

    - v0: first version.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "name": "macn_v0",
        "render_modes": list(RENDER_MODES),
        "render_fps": RENDER_FPS,
        "is_parallelizable": True,
    }

    def __init__(
        self,
        layout: str | Path | CliffLayout = "4x12",
        *,
        n_agents: int = 2,
        slip: float = 0.0,
        max_steps: int | None = None,
        max_cycles: int | None = None,
        show_agents: bool = False,
        include_position: bool = False,
        render_mode: str | None = None,
    ) -> None:
        """Make the environment; the class docstring explains the arguments.

        Raises:
            ParameterError: a value is out of range.
            LayoutError: the map is refused.
        """
        self.settings = make_settings(
            layout,
            n_agents=n_agents,
            slip=slip,
            max_steps=max_steps,
            max_cycles=max_cycles,
            show_agents=show_agents,
            include_position=include_position,
        )
        self.render_mode = render_mode
        self._screen = Screen(self.settings.layout, render_mode)
        self._walk = Walk(self.settings)
        self.max_steps = self.settings.max_steps
        self.possible_agents = self.settings.possible_agents
        self.agents: list[str] = []
        self.state_space = self.settings.state_box()
        self.observation_spaces = {name: self.settings.observation_box(of_team=False) for name in self.possible_agents}
        self.action_spaces = {name: Discrete(N_ACTIONS) for name in self.possible_agents}

    def observation_space(self, agent: str) -> Space[Any]:
        """Return the observation space of an agent, always the same object."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Space[Any]:
        """Return the action space of an agent, always the same object."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, Info]]:
        """Start an episode.

        Args:
            seed: starts this seed's stream of slips; None goes on with the next episode of the stream.
            options: not used.

        Returns:
            Observations int8 [3, 3] or [11] and infos, by agent.
        """
        self._walk.reset(seed)
        self.agents = self.possible_agents[:]
        self._screen.update(self._walk)
        return self._observations(), self._infos()

    def step(
        self, actions: Mapping[str, int]
    ) -> tuple[dict[str, Observation], dict[str, float], dict[str, bool], dict[str, bool], dict[str, Info]]:
        """Let every agent take one step.

        Args:
            actions: whole numbers 0..3, by agent; after the end of an episode, when no agent is left, an empty dict.

        Returns:
            Observations, rewards, terminations, truncations and infos, by agent; empty ones for no agents.

        Raises:
            NotResetError: no episode is running.
            ActionError: an action is missing, unknown or out of range.
        """
        walk, names = self._walk, self.possible_agents
        if walk.has_ended and len(actions) == 0:
            return {}, {}, {}, {}, {}  # no agents act, none are told: wrappers that keep the dead step on like this
        walk.step(actions)
        if not walk.is_running:
            self.agents = []
        if self.render_mode == "human":
            self._screen.update(walk)
        return (
            self._observations(),
            dict.fromkeys(names, walk.reward),
            dict.fromkeys(names, walk.terminated),
            dict.fromkeys(names, walk.truncated),
            self._infos(),
        )

    def state(self) -> npt.NDArray[np.float32]:
        """Return the global state, float32 [3 * n_agents + 1]."""
        return self._walk.state()

    def render(self) -> str | Picture | None:
        """Return the frame of the render mode: text for `ansi`, uint8 [height, width, 3] for `rgb_array`."""
        return self._screen.render(self._walk)

    def close(self) -> None:
        """Close the window, if there is one."""
        self._screen.close()

    def _observations(self) -> dict[str, Observation]:
        """Return every agent's observation."""
        return {name: self._walk.observation(agent) for agent, name in enumerate(self.possible_agents)}

    def _infos(self) -> dict[str, Info]:
        """Return every agent's info."""
        return {name: self._walk.info(agent) for agent, name in enumerate(self.possible_agents)}
