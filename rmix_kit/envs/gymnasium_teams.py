"""Gymnasium environments of several agents, as lbforaging and rware are: tuples and lists, one entry per agent.

``gymnasium:ID?key=value`` or ``gymnasium:MODULE:ID?key=value``, the module registering the id, as in
``gymnasium:lbforaging:Foraging-8x8-2p-2f-coop-v3``. Options go to `gymnasium.make`; the adapter's own are
`rmix_kit.envs.agreement.TeamOptions` and ``episode_limit``.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space, Tuple

from rmix_kit.envs.agreement import team_options
from rmix_kit.envs.importing import importable_directory, refuse_standard_library
from rmix_kit.envs.limits import ARGUMENTS, EPISODE_LIMIT, checked_limit
from rmix_kit.envs.masks import METHODS
from rmix_kit.envs.pettingzoo import close_all, make_copies, parameters_of
from rmix_kit.envs.spaces import MisfitError
from rmix_kit.envs.team_vector import ParallelEnvironment, TeamVector
from rmix_kit.envs.text import EnvironmentText
from rmix_kit.errors import EnvironmentContractError, EnvironmentTextError

REWARD = "sum"
CLOCK = "max_episode_steps"
"""The name of the limit that `gymnasium.make` keeps."""


def make(text: EnvironmentText, num_envs: int) -> TeamVector:
    """Make copies of a user's Gymnasium team.

    Args:
        text: ``gymnasium:ID``; its options are the arguments of `gymnasium.make`, and the adapter's own.

    Raises:
        EnvironmentTextError: There is no such id, or it does not take the options.
        EnvironmentContractError: What it makes cannot be trained on.
    """
    where = f"environment {str(text)!r}"
    team, rest = team_options(dict(text.options), (), reward=REWARD, where=where)
    limit_text = {rest.pop(name) for name in (EPISODE_LIMIT, CLOCK) if name in rest}
    if len(limit_text) > 1:
        raise EnvironmentTextError(f"{where} gives two limits, {EPISODE_LIMIT} and {CLOCK}; give one of them")
    asked = checked_limit(limit_text.pop(), None, where, str(text)) if limit_text else None

    def factory(**arguments: Any) -> GymnasiumTeam:  # noqa: ANN401 - whatever the environment takes
        return GymnasiumTeam(_made(text.name, arguments, asked, where), where)

    release = importable_directory()
    envs: list[Any] = []
    try:
        envs, own = make_copies(factory, rest, asked, num_envs, team=team, name=text.name, where=where)
        limit = checked_limit(asked, own, where, str(text))
        teams = cast("list[ParallelEnvironment]", envs)
        return TeamVector(teams, limit, where, team, asked_limit=asked, release=release)
    except BaseException:
        close_all(envs)
        release()
        raise


def _made(name: str, arguments: Mapping[str, Any], asked: int | None, where: str) -> Any:  # noqa: ANN401 - the user's
    """Make one environment; a limit goes to gymnasium's clock, and to the environment if it takes one itself.

    The environment's own argument may have the name of the clock's (lbforaging's has), which hides it from
    `gymnasium.make`: so it goes into the spec.
    """
    clock = {} if asked is None else {CLOCK: asked}
    if ":" in name:  # gymnasium imports what stands before it
        refuse_standard_library(name.partition(":")[0], where)
    made = gymnasium.make(name, disable_env_checker=True, **clock, **arguments)
    if asked is None:
        return made
    spec = made.unwrapped.spec
    assert spec is not None, "gymnasium.make sets it"
    known = set(spec.kwargs) | set(parameters_of(type(made.unwrapped)))
    own = next((argument for argument in ARGUMENTS if argument in known), None)
    if own is None or arguments.get(own) == asked:
        return made
    if own in arguments:
        made.close()
        raise EnvironmentTextError(
            f"{where} gives {EPISODE_LIMIT}={asked} and {own}={arguments[own]}; give one of them"
        )
    made.close()
    changed = copy.deepcopy(spec)
    changed.kwargs[own] = asked
    return gymnasium.make(changed, disable_env_checker=True, **clock)


class GymnasiumTeam:
    """A Gymnasium environment of several agents with the methods of a PettingZoo parallel one."""

    def __init__(self, env: Any, where: str) -> None:  # noqa: ANN401 - the user's
        """Find the agents and their spaces.

        Raises:
            EnvironmentContractError: It is not one of several agents.
        """
        self._env, self._where = env, where
        actions = _per_agent(env.action_space)
        n_agents = getattr(env.unwrapped, "n_agents", None)
        if actions is None or (isinstance(n_agents, int | np.integer) and n_agents != len(actions)):
            raise EnvironmentContractError(
                f"{where}: the action space is {env.action_space}"
                + (f" and n_agents {n_agents}" if n_agents is not None else "")
                + "; expected a Tuple, a list or a MultiDiscrete of one Discrete per agent"
            )
        observations = _per_agent(env.observation_space, len(actions))
        if observations is None or len(observations) != len(actions):
            raise EnvironmentContractError(
                f"{where}: the observation space is {env.observation_space}; expected a Tuple, a list or an array of "
                f"one observation for each of the {len(actions)} agents"
            )
        self.possible_agents = [f"agent_{number}" for number in range(len(actions))]
        self.agents: list[str] = []
        self._spaces = dict(zip(self.possible_agents, zip(observations, actions, strict=True), strict=True))
        for name in (
            *METHODS,
            "state",
            "state_space",
            "action_meanings",
            "obs_meanings",
        ):  # what the adapter asks of any team
            if hasattr(env.unwrapped, name):
                setattr(self, name, getattr(env.unwrapped, name))

    @property
    def unwrapped(self) -> Any:  # noqa: ANN401 - the user's
        """The user's environment without wrappers."""
        return self._env.unwrapped

    @property
    def spec(self) -> Any:  # noqa: ANN401 - gymnasium's
        """Gymnasium's spec of the environment."""
        return self._env.spec

    @property
    def metadata(self) -> Any:  # noqa: ANN401 - the user's
        """What the user's environment says of itself, its render modes among it."""
        return self._env.metadata

    @property
    def render_mode(self) -> Any:  # noqa: ANN401 - the user's
        """The one that it was made with; None for none."""
        return self._env.render_mode

    def render(self) -> Any:  # noqa: ANN401 - the user's
        """Draw, as the render mode says."""
        return self._env.render()

    def observation_space(self, agent: str) -> Space[Any]:
        """Return one agent's observation space."""
        return self._spaces[agent][0]

    def action_space(self, agent: str) -> Space[Any]:
        """Return one agent's action space."""
        return self._spaces[agent][1]

    def reset(self, seed: int | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Start an episode."""
        observations, info = self._env.reset(seed=seed)
        self.agents = list(self.possible_agents)
        return self._by_agent(observations, "observation"), self._infos(info)

    def step(self, actions: dict[str, int]) -> tuple[Any, ...]:
        """Take one step; agents that have left do nothing (action 0)."""
        joint = [actions.get(agent, 0) for agent in self.possible_agents]
        taken = np.asarray(joint) if isinstance(self._env.action_space, MultiDiscrete | MultiBinary) else tuple(joint)
        observations, reward, terminated, truncated, info = self._env.step(taken)
        flags = [self._flags(terminated), self._flags(truncated)]
        rewards = reward if _is_one(reward) else self._by_agent(reward, "reward")
        self.agents = [a for a in self.agents if not (bool(flags[0][a]) or bool(flags[1][a]))]
        return self._by_agent(observations, "observation"), rewards, *flags, self._infos(info)

    def close(self) -> None:
        """Close the environment."""
        self._env.close()

    def _flags(self, flags: object) -> dict[str, bool]:
        if _is_one(flags):
            return dict.fromkeys(self.possible_agents, bool(np.asarray(flags).reshape(())))
        return self._by_agent(flags, "end")

    def _infos(self, info: object) -> dict[str, Any]:
        """Return every agent what an info says of all, and its own entry where there is a list of one per agent."""
        count = len(self.possible_agents)
        if isinstance(info, Sequence) and len(info) == count:
            return dict(zip(self.possible_agents, info, strict=True))
        known = info if isinstance(info, Mapping) else {}
        shared = {}
        for key, value in known.items():
            is_listed = isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)
            shared[key] = (is_listed and len(value) == count, value)
        return {
            agent: {key: value[number] if is_split else value for key, (is_split, value) in shared.items()}
            for number, agent in enumerate(self.possible_agents)
        }

    def _by_agent(self, given: Any, what: str) -> dict[str, Any]:  # noqa: ANN401 - the user's
        try:
            parts = [given[agent] for agent in self.possible_agents] if isinstance(given, Mapping) else list(given)
        except (TypeError, KeyError) as error:
            raise MisfitError(f"there is no {what} per agent in {type(given).__name__}") from error
        if len(parts) != len(self.possible_agents):
            raise MisfitError(f"there are {len(parts)} entries of {what} for {len(self.possible_agents)} agents")
        return dict(zip(self.possible_agents, parts, strict=True))


def _is_one(value: Any) -> bool:  # noqa: ANN401 - the user's
    """Return whether a value is one for the team: a number, or an array of one."""
    return not isinstance(value, Mapping) and (np.ndim(value) == 0 or np.shape(value) == (1,))


def _per_agent(space: Any, count: int | None = None) -> list[Space[Any]] | None:  # noqa: ANN401 - the user's
    """Take a space of a team apart; None where it is not one of several agents."""
    if isinstance(space, Tuple | list | tuple):
        return list(space)
    if isinstance(space, Dict) and count is None:
        return None
    if isinstance(space, MultiDiscrete) and space.nvec.ndim == 1:
        return [Discrete(int(size), start=int(start)) for size, start in zip(space.nvec, space.start, strict=True)]
    if isinstance(space, MultiBinary) and len(space.shape) == 1 and (count is None or space.shape == (count,)):
        return [Discrete(2) for _ in range(space.shape[0])]
    if isinstance(space, MultiBinary) and count is not None and space.shape[:1] == (count,):
        return [MultiBinary(space.shape[1:]) for _ in range(count)]
    if isinstance(space, MultiDiscrete) and count is not None and space.nvec.shape[:1] == (count,):
        return [MultiDiscrete(sizes, start=starts) for sizes, starts in zip(space.nvec, space.start, strict=True)]
    if isinstance(space, Box) and count is not None and space.shape[:1] == (count,):
        dtype = cast(Any, space.dtype).type
        return [Box(low, high, dtype=dtype) for low, high in zip(space.low, space.high, strict=True)]
    return None
