"""Any PettingZoo environment with a fixed team behind the trainer's vector interface.

``pettingzoo:module.attribute?key=value`` calls ``module.attribute(key=value)`` once per copy; a module stands for its
``parallel_env`` or ``env``. Turn-based (AEC) environments are converted where they say that this is valid. Actions are
Discrete; observations are Boxes of one rank, or numbers, which are coded one-hot. Smaller action sets are padded and
masked, smaller observations padded with zeros. The adapter's own options are `rmix_kit.envs.agreement.TeamOptions` and
``episode_limit``.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, cast

from pettingzoo import AECEnv
from pettingzoo.utils.conversions import aec_to_parallel

from rmix_kit.envs.agreement import OPTION_NAMES, TeamOptions, team_options
from rmix_kit.envs.border import Border, named
from rmix_kit.envs.importing import Factory, factory_of, importable_directory
from rmix_kit.envs.limits import ARGUMENTS, EPISODE_LIMIT, NAMES, argument_of, checked_limit, own_limit
from rmix_kit.envs.team_vector import ParallelEnvironment, TeamVector
from rmix_kit.envs.text import EnvironmentText, Value
from rmix_kit.errors import EnvironmentContractError, EnvironmentTextError, RmixKitError
from rmix_kit.spelling import suggestion

REWARD = "mean"


def make(text: EnvironmentText, num_envs: int) -> TeamVector:
    """Make copies of a user's environment.

    Args:
        text: ``pettingzoo:module.attribute``; its options are the arguments, and the adapter's own.

    Raises:
        EnvironmentTextError: There is no such function or class, or it does not take the options.
        EnvironmentContractError: What it makes cannot be trained on.
    """
    where = f"environment {str(text)!r}"
    release = importable_directory()
    envs: list[Any] = []
    try:
        factory = factory_of(text.name)
        parameters = parameters_of(factory)
        team, rest = team_options(dict(text.options), parameters, reward=REWARD, where=where)
        arguments, asked = _arguments(factory, rest, where)
        envs, own = make_copies(factory, arguments, asked, num_envs, team=team, name=text.name, where=where)
        with Border(where, 0).calling("possible_agents"):
            for env in envs:
                check_interface(env, where)
        limit = checked_limit(asked, own, where, str(text))
        return TeamVector(
            cast("list[ParallelEnvironment]", envs),
            limit,
            where,
            team,
            asked_limit=None if asked is None else limit,
            release=release,
        )
    except BaseException:
        close_all(envs)
        release()
        raise


def parameters_of(factory: Factory) -> Mapping[str, inspect.Parameter]:
    """Return the factory's arguments; none where they cannot be known, such as those of a C function."""
    try:
        return inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return {}


def make_copies(
    factory: Factory,
    arguments: dict[str, Value],
    asked: Value | None,
    num_envs: int,
    *,
    team: TeamOptions,
    name: str,
    where: str,
) -> tuple[list[Any], int | None]:
    """Call a factory, giving it the limit that is asked for under the name under which it takes one.

    Args:
        factory: Makes one environment.
        arguments: What it is called with.
        asked: The limit, if one was asked for and the arguments do not hold it yet.
        team: The adapter's options; at most ``copies`` are made.

    Returns:
        The copies, and the limit that they keep by themselves if it is known.

    Raises:
        EnvironmentTextError: A call failed.
        EnvironmentContractError: Two calls gave the same object.
    """
    parameters = parameters_of(factory)
    first = parallel(_called(factory, arguments, name, where), where)
    own = own_limit(first, arguments, parameters)
    takes_any = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())
    if asked is not None and own is not None and own != asked and takes_any and not set(ARGUMENTS) & arguments.keys():
        # Arguments passed on to a class that we do not see: the environment's attribute tells the name.
        found = next((n for n in NAMES if getattr(getattr(first, "unwrapped", first), n, None) == own), None)
        if found is not None:
            close_all([first])
            arguments = {**arguments, found: asked}
            first = parallel(_called(factory, arguments, name, where), where)
            own = own_limit(first, arguments, parameters)
    envs = [first]
    for number in range(1, min(num_envs, team.copies or num_envs)):
        try:
            envs.append(parallel(_called(factory, arguments, name, where), where))
        except (EnvironmentTextError, EnvironmentContractError) as error:
            close_all(envs)
            raise EnvironmentTextError(
                f"{error}; copy {number} of {num_envs} failed where the ones before it stand. If the environment can "
                "exist only once (a port, a licence), append copies=1 to its text and train with --num-envs 1"
            ) from error
    played = [id(getattr(env, "unwrapped", env)) for env in envs if hasattr(env, "reset")]
    if len(set(played)) < len(played):
        close_all(envs)
        raise EnvironmentContractError(
            f"{where}: {name} gave the same environment twice; let every call make a new one"
        )
    return envs, own


def close_all(envs: Iterable[object]) -> None:
    """Close environments that will not be used, since another error is on its way; their own are left out."""
    for env in envs:
        if callable(close := getattr(env, "close", None)):
            with suppress(Exception):
                close()


def parallel(env: Any, where: str) -> Any:  # noqa: ANN401 - the user's
    """Return a parallel environment as it is, and a turn-based one converted where it says that this is valid.

    Raises:
        EnvironmentContractError: It says that it is not.
    """
    if not isinstance(env, AECEnv) and not hasattr(env, "agent_iter"):
        return env
    metadata = getattr(env, "metadata", None) or {}
    if not metadata.get("is_parallelizable", False):
        raise EnvironmentContractError(
            f"{where}: {type(getattr(env, 'unwrapped', env)).__name__} is a turn-based (AEC) environment whose "
            "metadata does not say is_parallelizable: its agents must act one after the other; expected one whose "
            "agents act together, or that can be converted"
        )
    return aec_to_parallel(env)


def written(options: Mapping[str, Value]) -> str:
    """Write arguments as a call has them."""
    return ", ".join(f"{key}={value!r}" for key, value in options.items())


def _called(factory: Factory, arguments: Mapping[str, Value], name: str, where: str) -> Any:  # noqa: ANN401
    try:
        return factory(**arguments)
    except RmixKitError:
        raise
    except (Exception, SystemExit) as error:
        raise EnvironmentTextError(f"{where}: {name}({written(arguments)}) failed with {named(error)}") from error


def _arguments(factory: Factory, options: dict[str, Value], where: str) -> tuple[dict[str, Value], Value | None]:
    """Return the factory's arguments, and the limit that was asked for; it goes by the factory's own name for it.

    Raises:
        EnvironmentTextError: An option is not taken, or two of them give different limits.
    """
    parameters = parameters_of(factory)
    asked = options.get(EPISODE_LIMIT)
    name = argument_of(parameters)
    arguments = {key: value for key, value in options.items() if key != EPISODE_LIMIT}
    for other in ARGUMENTS:
        if asked is not None and other in arguments and arguments[other] != asked:
            raise EnvironmentTextError(
                f"{where} gives {EPISODE_LIMIT}={asked} and {other}={arguments[other]}; give one of them"
            )
    if asked is not None and name is not None:
        arguments[name] = asked
    if parameters and not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        for key in arguments:
            if key not in parameters:
                known = ", ".join(dict.fromkeys([*parameters, EPISODE_LIMIT, *OPTION_NAMES]))
                raise EnvironmentTextError(
                    f"{where} has no option {key!r}; it takes {known}{suggestion(key, [*parameters, *OPTION_NAMES])}"
                )
    return arguments, asked


def check_interface(env: object, where: str) -> None:
    """Refuse what is not a parallel environment with a fixed team."""
    needed = ("possible_agents", "observation_space", "action_space", "reset", "step")
    if missing := [name for name in needed if not hasattr(env, name)]:
        raise EnvironmentContractError(
            f"{where}: {type(env).__name__} lacks {', '.join(missing)}; expected a PettingZoo environment"
            + ("; a Gymnasium team is named gymnasium:ID" if {"step", "reset"}.isdisjoint(missing) else "")
        )
    if not getattr(env, "possible_agents", None):
        raise EnvironmentContractError(f"{where}: possible_agents is empty; expected a fixed team of named agents")
