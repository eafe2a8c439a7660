"""How long an episode may be, under the names that people use."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from rmix_kit.envs.text import Value
from rmix_kit.errors import EnvironmentContractError, EnvironmentTextError

EPISODE_LIMIT = "episode_limit"
NAMES = (
    EPISODE_LIMIT,
    "max_cycles",
    "max_steps",
    "max_episode_steps",
    "horizon",
    "episode_length",
    "ep_length",
    "time_limit",
)


def argument_of(parameters: Mapping[str, inspect.Parameter]) -> str | None:
    """Give the name under which a factory takes the limit; None if it takes none by name."""
    return next((name for name in NAMES if name in parameters), None)


def own_limit(env: object, options: Mapping[str, Value], parameters: Mapping[str, inspect.Parameter]) -> int | None:
    """Find the limit that an environment keeps by itself: its attribute, its spec, its argument, or that one's default.

    Args:
        env: The environment.
        options: The arguments that it was made with.
        parameters: Those that its factory takes.
    """
    found: list[object] = []
    for holder in (env, getattr(env, "unwrapped", None), getattr(env, "aec_env", None)):
        found += [_attribute(holder, name) for name in NAMES]
        found.append(getattr(getattr(holder, "spec", None), "max_episode_steps", None))
        found += [_attribute(holder, f"_{name}") for name in NAMES]
    found += [options.get(name) for name in NAMES]
    found += [parameters[name].default for name in NAMES if name in parameters]
    return next((limit for value in found if (limit := _whole(value)) is not None), None)


def checked_limit(asked: Value | None, own: int | None, where: str, text: str) -> int:
    """Give the limit of an episode.

    Args:
        asked: The option ``episode_limit``, if it was given.
        own: What the environment keeps by itself, if that is known.
        where: The environment, for errors.
        text: Its text.

    Raises:
        EnvironmentTextError: What is asked for is no limit, or more than the environment's own.
        EnvironmentContractError: There is none.
    """
    if asked is None and own is None:
        mark = "&" if "?" in text else "?"
        raise EnvironmentContractError(
            f"{where} does not say how long an episode may be (none of {', '.join(NAMES)}); append it: "
            f"{text}{mark}{EPISODE_LIMIT}=100"
        )
    limit = own if asked is None else _whole(asked)
    if limit is None or limit < 1:
        raise EnvironmentTextError(
            f"{where}: {EPISODE_LIMIT} is {asked or own!r}; it must be a whole number, at least 1"
        )
    if own is not None and limit > own >= 1:
        raise EnvironmentTextError(
            f"{where}: {EPISODE_LIMIT} is {limit}, and the environment ends its episodes after {own} steps whatever is "
            f"asked; ask for at most {own}, or give it the argument that it takes"
        )
    return limit


def _attribute(holder: object, name: str) -> Any:  # noqa: ANN401 - a stranger's attribute
    value = getattr(holder, name, None)
    return None if callable(value) else value


def _whole(value: object) -> int | None:
    """Give a whole number, given as one or as 25.0; None for anything else."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        return None
    return int(value) if np.isfinite(value) and int(value) == value else None
