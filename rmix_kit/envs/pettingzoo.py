"""Any PettingZoo parallel environment with a fixed team behind the trainer's vector interface.

``pettingzoo:module.attribute?key=value`` calls ``module.attribute(key=value)`` once per copy. What is asked of it:
every agent acts at every step until all leave together; actions are Discrete; observations are Boxes (or Discrete,
one-hot) of one rank. Smaller action sets are padded and masked, smaller observations padded with zeros. The team
reward is the mean over the agents. The state is ``state()``, or the observations in a row where there is none.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

import numpy as np
from gymnasium.spaces import Discrete, Space

from rmix_kit.envs.importing import Factory, current_directory_importable, factory_of
from rmix_kit.envs.parallel_copy import CopyStep, ParallelCopy
from rmix_kit.envs.spaces import observation_coding
from rmix_kit.envs.text import EnvironmentText, Value
from rmix_kit.errors import EnvironmentContractError, EnvironmentTextError
from rmix_kit.spelling import suggestion
from rmix_kit.types import EnvSpec, IntArray, TimeStep

EPISODE_LIMIT = "episode_limit"
LIMIT_NAMES = (EPISODE_LIMIT, "max_cycles", "max_steps")


class ParallelEnvironment(Protocol):
    """The part of PettingZoo's parallel interface that is used here."""

    possible_agents: list[str]
    agents: list[str]

    def observation_space(self, agent: str) -> Space[Any]:
        """Give one agent's observation space."""
        ...

    def action_space(self, agent: str) -> Space[Any]:
        """Give one agent's action space."""
        ...

    def reset(self, seed: int | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Start an episode."""
        ...

    def step(self, actions: dict[str, int]) -> tuple[dict[str, Any], ...]:
        """Take one step."""
        ...

    def close(self) -> None:
        """Release what is held."""
        ...


def make(text: EnvironmentText, num_envs: int) -> PettingZooVector:
    """Make copies of a user's parallel environment.

    Args:
        text: ``pettingzoo:module.attribute``; its options are the arguments, `episode_limit` is the adapter's own.
        num_envs: Number of copies.

    Raises:
        EnvironmentTextError: There is no such function or class, or it does not take the options.
        EnvironmentContractError: What it makes cannot be trained on.
    """
    where = f"environment {str(text)!r}"
    options = dict(text.options)
    asked_limit = options.pop(EPISODE_LIMIT, None)
    with current_directory_importable():
        factory = factory_of(text.name)
        _check_arguments(factory, options, where)
        try:
            envs = [factory(**options) for _ in range(num_envs)]
        except Exception as error:
            raise EnvironmentTextError(
                f"{where}: {text.name}({_written(options)}) failed with {type(error).__name__}: {error}"
            ) from error
    _check_interface(envs[0], where)
    limit = _checked_limit(_limit(asked_limit, envs[0], factory, options), where, str(text))
    return PettingZooVector(cast("list[ParallelEnvironment]", envs), limit, where)


class PettingZooVector:
    """Copies of a parallel environment that wait for each other at the end of their episodes."""

    def __init__(self, envs: Sequence[ParallelEnvironment], episode_limit: int, where: str) -> None:
        """Wrap the copies.

        Args:
            envs: Copies of one environment.
            episode_limit: Steps after which an episode is truncated at the latest.
            where: The environment, for errors.

        Raises:
            EnvironmentContractError: Its agents or spaces are of a sort that cannot be trained on.
        """
        first = envs[0]
        agents = tuple(map(str, first.possible_agents))
        coding = observation_coding({agent: first.observation_space(agent) for agent in agents}, where)
        actions = {agent: _discrete(first.action_space(agent), agent, where) for agent in agents}
        n_actions = max(int(space.n) for space in actions.values())
        starts = {agent: int(space.start) for agent, space in actions.items()}
        sizes = {agent: int(space.n) for agent, space in actions.items()}
        self._copies = [
            ParallelCopy(env, coding, episode_limit=episode_limit, action_starts=starts, action_sizes=sizes)
            for env in envs
        ]
        self.num_envs = len(envs)
        self.spec = EnvSpec(
            n_agents=len(agents),
            n_actions=n_actions,
            obs_shape=coding.shape,
            obs_dtype=coding.dtype,
            obs_low=coding.low,
            obs_high=coding.high,
            state_size=self._copies[0].reset(0).state.size,
            episode_limit=episode_limit,
            agent_ids=agents,
            action_meanings=_action_meanings(first, n_actions),
        )

    @property
    def reports_success(self) -> bool:
        """Whether any info of any copy has ever said if its episode is solved."""
        return any(copy.reports_success for copy in self._copies)

    def reset(self, seeds: Sequence[int]) -> TimeStep:
        """Start an episode in every copy, each seeded by its own seed."""
        return _joined([copy.reset(seed) for copy, seed in zip(self._copies, seeds, strict=True)])

    def step(self, actions: IntArray) -> TimeStep:
        """Advance every copy that has not finished."""
        return _joined([copy.step(row) for copy, row in zip(self._copies, actions, strict=True)])

    def close(self) -> None:
        """Close the copies."""
        for copy in self._copies:
            copy.close()


def _joined(steps: Sequence[CopyStep]) -> TimeStep:
    """Put single steps, without the axis env, behind each other."""
    arrays: dict[str, Any] = {name: np.stack([getattr(step, name) for step in steps]) for name in CopyStep._fields}
    return TimeStep(**arrays)


def _check_arguments(factory: Factory, options: Mapping[str, Value], where: str) -> None:
    """Refuse options that the factory does not take, before it is called."""
    parameters = _parameters(factory)
    if not parameters or any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    for key in options:
        if key not in parameters:
            known = ", ".join([*parameters, EPISODE_LIMIT])
            raise EnvironmentTextError(f"{where} has no option {key!r}; it takes {known}{suggestion(key, parameters)}")


def _check_interface(env: object, where: str) -> None:
    """Refuse what is not a parallel environment with a fixed team."""
    if hasattr(env, "agent_iter"):
        raise EnvironmentContractError(
            f"{where}: {type(env).__name__} is a turn-based (AEC) environment; expected a parallel one: name the "
            "module's parallel_env, or wrap it with pettingzoo.utils.conversions.aec_to_parallel"
        )
    needed = ("possible_agents", "observation_space", "action_space", "reset", "step")
    if missing := [name for name in needed if not hasattr(env, name)]:
        raise EnvironmentContractError(
            f"{where}: {type(env).__name__} lacks {', '.join(missing)}; expected a PettingZoo parallel environment"
        )
    if not getattr(env, "possible_agents", None):
        raise EnvironmentContractError(f"{where}: possible_agents is empty; expected a fixed team of named agents")


def _discrete(space: Space[Any], agent: str, where: str) -> Discrete:
    if not isinstance(space, Discrete):
        raise EnvironmentContractError(f"{where}: the action space of {agent} is {space}; expected Discrete")
    return space


def _limit(asked: object, env: object, factory: Factory, options: Mapping[str, Value]) -> object:
    """Find the episode limit: the option, the environment's attribute, its argument, or that argument's default."""
    if asked is not None:
        return asked
    found: list[object] = []
    for holder in (env, getattr(env, "unwrapped", None)):
        found += [getattr(holder, name, None) for name in LIMIT_NAMES]
    found += [options.get(name) for name in LIMIT_NAMES]
    parameters = _parameters(factory)
    found += [parameters[name].default for name in LIMIT_NAMES if name in parameters]
    return next((value for value in found if isinstance(value, int | np.integer)), None)


def _parameters(factory: Factory) -> Mapping[str, inspect.Parameter]:
    """Give the factory's arguments; none where they cannot be known, such as those of a C function."""
    try:
        return inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return {}


def _checked_limit(limit: object, where: str, text: str) -> int:
    if limit is None:
        mark = "&" if "?" in text else "?"
        raise EnvironmentContractError(
            f"{where} does not say how long an episode may be (no episode_limit, max_cycles or max_steps); "
            f"append it: {text}{mark}{EPISODE_LIMIT}=100"
        )
    if isinstance(limit, bool) or not isinstance(limit, int | np.integer) or limit < 1:
        raise EnvironmentTextError(f"{where}: {EPISODE_LIMIT} is {limit!r}; it must be a whole number, at least 1")
    return int(limit)


def _action_meanings(env: object, n_actions: int) -> tuple[str, ...]:
    """Give the environment's own words, or numbered ones."""
    words = getattr(env, "action_meanings", None)
    if isinstance(words, Sequence) and len(words) == n_actions and all(isinstance(word, str) for word in words):
        return tuple(words)
    return tuple(f"action_{action}" for action in range(n_actions))


def _written(options: Mapping[str, Value]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in options.items())
