"""SMAC: StarCraft battles, in the game itself or in a simulator with the same layout.

``smac:MAP[?backend=builtin|sc2&...]``. Without the option the game is played where it is installed, and the simulator
elsewhere. The simulator is SMAC-like: observations, state, actions, masks, rewards and ends are SMAC's, the combat is
our own, so that no win rate from it compares with a published one.
"""

from __future__ import annotations

from typing import cast

from rmix_kit.doctor.starcraft import starcraft_folder
from rmix_kit.envs.interface import VectorEnv
from rmix_kit.envs.smac import sc2
from rmix_kit.envs.smac.builtin import LABEL, BuiltinVector
from rmix_kit.envs.smac.interface import BattleVector
from rmix_kit.envs.smac.parallel_env import SMACParallelEnv
from rmix_kit.envs.text import EnvironmentText
from rmix_kit.errors import EnvironmentTextError, StarCraftError

__all__ = ["SMACParallelEnv", "make", "parallel_env", "remark", "resolve"]

BACKENDS = ("builtin", "sc2")


def make(text: EnvironmentText, num_envs: int) -> VectorEnv:
    """Make copies of a SMAC map.

    Args:
        text: ``smac:MAP``; the options are ``backend`` and those of `BuiltinVector` or
            `rmix_kit.envs.smac.sc2.settings.Settings`.

    Raises:
        EnvironmentTextError: The map, the backend or an option is unknown or out of range.
        StarCraftError: The game is asked for and is not there.
    """
    options = dict(resolve(text).options)
    backend = options.pop("backend")
    try:
        if backend == "builtin":
            return BuiltinVector(text.name, num_envs, **options)
        return sc2.make(text.name, num_envs, options)
    except StarCraftError as error:
        if "backend" in dict(text.options):
            raise
        raise StarCraftError(f"{error}; to play in the simulator instead append backend=builtin") from error


def resolve(text: EnvironmentText) -> EnvironmentText:
    """Write the backend into a text that leaves it open, so that a record says who fought.

    Raises:
        EnvironmentTextError: The backend is unknown.
    """
    asked = dict(text.options).get("backend")
    if asked is None:
        chosen = "builtin" if starcraft_folder() is None else "sc2"
        return EnvironmentText(kind=text.kind, name=text.name, options=(("backend", chosen), *text.options))
    if asked not in BACKENDS:
        raise EnvironmentTextError(
            f"environment {str(text)!r}: backend is {asked!r}; it must be {' or '.join(BACKENDS)}"
        )
    return text


def remark(text: EnvironmentText) -> str:
    """Say beside results that they are the simulator's, if they are."""
    return LABEL if dict(resolve(text).options)["backend"] == "builtin" else ""


def parallel_env(map_name: str = "3m", **options: str | float | bool) -> SMACParallelEnv:
    """Make a PettingZoo parallel environment of one battle.

    Args:
        map_name: A SMAC map, such as "3m" or "MMM2".
        **options: As in the text, such as ``backend="builtin"``, ``difficulty="7"``, ``illegal_action="noop"``.

    Raises:
        EnvironmentTextError: The map or an option is unknown or out of range.
    """
    text = EnvironmentText(kind="smac", name=map_name, options=tuple(options.items()))
    return SMACParallelEnv(cast(BattleVector, make(text, 1)), map_name)
