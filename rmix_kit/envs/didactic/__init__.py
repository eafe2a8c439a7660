"""Small cooperative games whose best returns are known, as PettingZoo environments and for the trainer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from rmix_kit.envs.didactic import games
from rmix_kit.envs.didactic.car_following import CarFollowing
from rmix_kit.envs.didactic.game import Game
from rmix_kit.envs.didactic.parallel_env import GameParallelEnv
from rmix_kit.envs.didactic.predator_prey import PredatorPrey
from rmix_kit.envs.didactic.vector import GameVector
from rmix_kit.envs.text import EnvironmentText, Value, known_options
from rmix_kit.errors import ConfigError, EnvironmentTextError
from rmix_kit.spelling import suggestion

__all__ = ["GAMES", "GameParallelEnv", "GameVector", "make", "make_game", "parallel_env"]


def predator_prey(punishment: float = 0.0) -> PredatorPrey:
    """Make predator-prey.

    Args:
        punishment: Reward for each prey that a single predator tries to catch, at most 0.

    Raises:
        ConfigError: It is no such number.
    """
    return PredatorPrey(punishment=games.checked_penalty("punishment", punishment))


GAMES: Mapping[str, Callable[..., Game[Any]]] = MappingProxyType(
    {
        "two-step": games.two_step,
        "mmdp": games.mmdp,
        "climbing": games.climbing,
        "penalty": games.penalty,
        "qtran": games.qtran,
        "qtran-harder": games.qtran_harder,
        "monotone": games.monotone,
        "predator-prey": predator_prey,
        "car-following": CarFollowing,
    }
)
"""The games by name; the arguments are the options."""


def make_game(name: str, options: Mapping[str, Value]) -> Game[Any]:
    """Make the rules of a named game.

    Args:
        name: One of `GAMES`.

    Raises:
        ConfigError: There is no such game or option, or a value is out of range.
    """
    if name not in GAMES:
        raise ConfigError(f"there is no game {name!r}; known are {', '.join(GAMES)}{suggestion(name, GAMES)}")
    known = inspect.signature(GAMES[name]).parameters
    for key in options:
        if key not in known:
            raise ConfigError(f"{name} has no option {key!r}; it takes {', '.join(known) or 'none'}")
    return GAMES[name](**options)


def parallel_env(name: str, **options: Value) -> GameParallelEnv:
    """Make a PettingZoo parallel environment: ``parallel_env("climbing", noise="partial")``.

    Args:
        name: One of `GAMES`.
        **options: The game's options.

    Raises:
        ConfigError: There is no such game or option, or a value is out of range.
    """
    return GameParallelEnv(make_game(name, options))


def make(text: EnvironmentText, num_envs: int) -> GameVector[Any]:
    """Make copies of the game that a text names.

    Args:
        text: ``didactic:NAME`` with the game's options.

    Raises:
        EnvironmentTextError: There is no such game or option, or a value is out of range.
    """
    if text.name in GAMES:
        known_options(text, inspect.signature(GAMES[text.name]).parameters)
    try:
        return GameVector(make_game(text.name, dict(text.options)), num_envs)
    except ConfigError as error:
        raise EnvironmentTextError(f"environment {str(text)!r}: {error}") from error
