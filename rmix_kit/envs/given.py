"""Environments that are given as Python objects in place of a text: a function that makes one, or one itself."""

from __future__ import annotations

import copy
import re
import sys
from dataclasses import replace
from typing import Any, cast

import gymnasium

from rmix_kit.envs.agreement import team_options
from rmix_kit.envs.border import Border
from rmix_kit.envs.gymnasium_teams import REWARD as GYMNASIUM_REWARD
from rmix_kit.envs.gymnasium_teams import GymnasiumTeam
from rmix_kit.envs.importing import Factory, factory_of
from rmix_kit.envs.interface import VectorEnv
from rmix_kit.envs.limits import NAMES, checked_limit
from rmix_kit.envs.make import OBJECT, MakeEnv, make_vector_env
from rmix_kit.envs.pettingzoo import REWARD, check_interface, close_all, make_copies, parameters_of
from rmix_kit.envs.team_vector import ParallelEnvironment, TeamVector
from rmix_kit.errors import ConfigError, EnvironmentContractError, EnvironmentTextError
from rmix_kit.spelling import shortened

_METHODS = "reset", "step"


def given_environment(env: object) -> tuple[str, MakeEnv | None]:
    """Return the text that a run records for an environment, and what makes its copies where no text can.

    Args:
        env: A text; a function or class that makes a PettingZoo environment or a Gymnasium team; or such an
            environment, whose copies are deep ones.

    Returns:
        The text as it is, with None; ``pettingzoo:module.name`` for what can be imported by its name, with None; and
        ``object:NAME`` for all else.

    Raises:
        ConfigError: It is none of these, or cannot be copied.
    """
    if isinstance(env, str):
        return env, None
    if _is_environment(env):
        factory, name = _copier(env), type(getattr(env, "unwrapped", env)).__qualname__
    elif callable(env):
        factory, name = env, str(getattr(env, "__qualname__", type(env).__qualname__))
        if _is_importable(env) and not _makes_gymnasium(env):
            return f"pettingzoo:{env.__module__}.{name}", None
    else:
        raise ConfigError(
            f"env is {shortened(env)}; expected a text such as 'macn:4x12', a PettingZoo environment or a Gymnasium "
            "team, or a function that makes one"
        )
    own = f"{OBJECT}:{re.sub(r'[^A-Za-z0-9_.]+', '-', name).strip('-')}"

    def make(text: str, num_envs: int) -> VectorEnv:
        return _copies(factory, own, num_envs) if text == own else make_vector_env(text, num_envs)

    return own, make


def _copies(factory: Factory, text: str, num_envs: int) -> TeamVector:
    """Make copies of what a function gives.

    Raises:
        EnvironmentTextError: A call failed.
        EnvironmentContractError: What it makes cannot be trained on.
    """
    where = f"environment {text!r}"

    def made() -> Any:  # noqa: ANN401 - the user's
        env = factory()
        return GymnasiumTeam(env, where) if isinstance(env, gymnasium.Env) else env

    team, _ = team_options({}, parameters_of(factory), reward=REWARD, where=where)
    envs: list[Any] = []
    try:
        envs, own = make_copies(made, {}, None, num_envs, team=team, name=text, where=where)
        with Border(where, 0).calling("possible_agents"):
            for env in envs:
                check_interface(env, where)
        if isinstance(envs[0], GymnasiumTeam):
            team = replace(team, reward=GYMNASIUM_REWARD)
        if own is None:
            raise EnvironmentContractError(
                f"{where} does not say how long an episode may be; give it one of the attributes {', '.join(NAMES)}"
            )
        limit = checked_limit(None, own, where, text)
        return TeamVector(cast("list[ParallelEnvironment]", envs), limit, where, team)
    except BaseException:
        close_all(envs)
        raise


def _is_environment(env: object) -> bool:
    return not isinstance(env, type) and all(callable(getattr(env, name, None)) for name in _METHODS)


def _copier(env: object) -> Factory:
    """Return what makes deep copies of an environment.

    Raises:
        ConfigError: It cannot be copied.
    """
    try:
        first = copy.deepcopy(env)
    except Exception as error:
        raise ConfigError(
            f"env is {shortened(env)}, which cannot be copied ({type(error).__name__}: {error}); give a function that "
            "makes one"
        ) from error
    return lambda: copy.deepcopy(first)


def _is_importable(made: Any) -> bool:  # noqa: ANN401 - a function or class
    """Return whether a name leads back to a function or class, in another program too."""
    module, path = getattr(made, "__module__", None), getattr(made, "__qualname__", "")
    if not isinstance(module, str) or module == "__main__" or module not in sys.modules:
        return False
    try:
        return factory_of(f"{module}.{path}") is made  # an attribute of the package may hide the module
    except EnvironmentTextError:
        return False


def _makes_gymnasium(made: Any) -> bool:  # noqa: ANN401 - a function or class
    """Return whether what is made is Gymnasium's, which no text names by a function."""
    if isinstance(made, type):
        return issubclass(made, gymnasium.Env)
    try:
        env = made()
    except Exception:  # noqa: BLE001 - told where copies are made
        return False
    close_all([env])
    return isinstance(env, gymnasium.Env)
