"""Any payoff matrix, written in the environment text: ``matrix:[[8,-12,-12],[-12,0,0],[-12,0,0]]``.

One list per action of the first agent, in it one per action of the second, and so on down to numbers: the lists are as
deep as there are agents. One step, the team is paid the entry, the episode is over.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rmix_kit.envs.didactic.games import one_step
from rmix_kit.envs.didactic.parallel_env import GameParallelEnv
from rmix_kit.envs.didactic.table import TableState
from rmix_kit.envs.didactic.vector import GameVector
from rmix_kit.envs.text import EnvironmentText, known_options
from rmix_kit.errors import ConfigError, EnvironmentTextError

Payoffs: TypeAlias = "Sequence[float | Payoffs]"

MOST_AGENTS = 16
"""Lists deeper than this are refused; two actions each make 65,536 joint actions by then."""
_FORM = "expected nested lists of numbers, as deep as there are agents, such as [[8,-12],[-12,0]]"
_LARGEST = float(np.finfo(np.float32).max)  # rewards are float32


def make(text: EnvironmentText, num_envs: int) -> GameVector[TableState]:
    """Make copies of the matrix game that a text holds.

    Args:
        text: ``matrix:PAYOFFS``, without options.

    Raises:
        EnvironmentTextError: The payoffs cannot be read.
    """
    known_options(text, ())
    try:
        return GameVector(one_step("matrix", read_payoffs(text.name)[None]), num_envs)
    except ConfigError as error:
        raise EnvironmentTextError(f"environment {str(text)!r}: {error}") from error


def parallel_env(payoffs: str | Payoffs) -> GameParallelEnv:
    """Make a PettingZoo parallel environment: ``parallel_env([[8, -12], [-12, 0]])``.

    Args:
        payoffs: Nested lists, or their text.

    Raises:
        ConfigError: They cannot be read.
    """
    table = read_payoffs(payoffs) if isinstance(payoffs, str) else checked_payoffs(payoffs)
    return GameParallelEnv(one_step("matrix", table[None]))


def read_payoffs(text: str) -> NDArray[np.float64]:
    """Read payoffs from JSON.

    Args:
        text: Nested lists of numbers.

    Returns:
        float64 ``[*action]``, one axis per agent.

    Raises:
        ConfigError: The text is something else.
    """
    try:
        return checked_payoffs(json.loads(text, parse_constant=_refuse_constant))
    except (ValueError, RecursionError) as error:
        if isinstance(error, ConfigError):
            raise
        what = getattr(error, "msg", "it cannot be read")
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise ConfigError(f"the payoffs are not JSON ({what}{where}); {_FORM}") from error


def checked_payoffs(payoffs: object) -> NDArray[np.float64]:
    """Turn nested lists into an array.

    Args:
        payoffs: Nested lists of numbers.

    Returns:
        float64 ``[*action]``, one axis per agent.

    Raises:
        ConfigError: They are ragged, empty, too deep, or hold something else than finite numbers.
    """
    if not isinstance(payoffs, list | tuple):
        raise ConfigError(f"the payoffs are {_shown(payoffs)}; {_FORM}")
    shape = _shape(payoffs, "payoffs", 0)
    return np.asarray(payoffs, dtype=np.float64).reshape(shape)


def _shape(value: object, where: str, depth: int) -> tuple[int, ...]:
    """Return the shape below one entry, having checked it."""
    if not isinstance(value, list | tuple):
        _check_number(value, where)
        return ()
    if depth == MOST_AGENTS:
        raise ConfigError(f"the payoffs are nested more than {MOST_AGENTS} deep; at most {MOST_AGENTS} agents can play")
    if not value:
        raise ConfigError(f"{where} is an empty list; every agent needs at least one action")
    shapes = [_shape(entry, f"{where}[{index}]", depth + 1) for index, entry in enumerate(value)]
    for index, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise ConfigError(
                f"{where}[{index}] is {_sizes(shape)} where {where}[0] is {_sizes(shapes[0])}; "
                "lists of the same depth must be equally long"
            )
    return (len(value), *shapes[0])


def _check_number(value: object, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        raise ConfigError(f"{where} is {_shown(value)}; expected a finite number that float32 can hold")


def _sizes(shape: tuple[int, ...]) -> str:
    return f"a list of {' x '.join(map(str, shape))}" if shape else "a number"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _refuse_constant(name: str) -> NoReturn:
    raise ConfigError(f"the payoffs hold {name}; expected finite numbers")
