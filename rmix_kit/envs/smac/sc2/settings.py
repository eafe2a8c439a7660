"""What a user can say about the real StarCraft II, checked before anything is started."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmix_kit.envs.smac.options import SHARED, checked_options
from rmix_kit.envs.text import Value
from rmix_kit.errors import EnvironmentTextError
from rmix_kit.spelling import suggestion

PYTHON_VARIABLE = "RMIX_SMAC_PYTHON"
WORKER = Path(__file__).with_name("worker.py")
PACKAGES = ("smac", "smacv2")
WORKERS = ("local", "ray")
LONGEST_TIMEOUT = 1_000_000  # seconds; the operating system waits for some 2,000,000 at most

# SMACv2's three generated maps (Ellis et al. 2023): unit types with their weights.
_GENERATED: Mapping[str, tuple[tuple[str, float], ...]] = {
    "10gen_terran": (("marine", 0.45), ("marauder", 0.45), ("medivac", 0.1)),
    "10gen_protoss": (("stalker", 0.45), ("zealot", 0.45), ("colossus", 0.1)),
    "10gen_zerg": (("zergling", 0.45), ("baneling", 0.1), ("hydralisk", 0.45)),
}
_NEVER_ALONE = ("medivac", "baneling")  # units that do not make a team by themselves
_MAP_SIZE = 32  # cells a side, of all of them


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the game is started and supervised.

    Attributes:
        map_name: Map of SMAC or SMACv2.
        package: "smac" or "smacv2"; empty: what the map's name says.
        smac_python: Interpreter that has the package; empty: ``RMIX_SMAC_PYTHON``, else this one.
        launch_timeout: Seconds until the first observation of a newly started game.
        step_timeout: Seconds for a step, and for a new episode in a running game.
        max_restarts: Failures in a row after which a copy gives up.
        games: Most games that run side by side; an evaluation of more episodes plays them in turn.
        difficulty: Strength of the built-in opponent, "1" to "9" or "A".
        illegal_action: What a masked action does: "raise" an error, or "noop": the agent stands still.
        timeout_terminates: The time limit is a true end without bootstrap, as in PyMARL, instead of a truncation.
        replay_dir: Folder for StarCraft II's replays, one per game, written when the copies are closed; empty: none.
        workers: Where the worker processes run: "local", or "ray": on the nodes of a Ray cluster, a processor each.
        n_units: Own team of a generated map.
        n_enemies: Enemy team of a generated map.
        worker: The program of the worker process.
    """

    map_name: str
    package: str = ""
    smac_python: str = ""
    launch_timeout: float = 180.0
    step_timeout: float = 60.0
    max_restarts: int = 5
    games: int = 8
    difficulty: str = "7"
    illegal_action: str = "raise"
    timeout_terminates: bool = False
    replay_dir: str = ""
    workers: str = "local"
    n_units: int = 5
    n_enemies: int = 5
    worker: Path = WORKER

    @property
    def interpreter(self) -> str:
        """The Python that runs the worker."""
        return self.smac_python or os.environ.get(PYTHON_VARIABLE, "") or sys.executable

    @property
    def package_name(self) -> str:
        """The package in use."""
        return self.package or ("smacv2" if self.map_name in _GENERATED else "smac")

    def arguments(self) -> dict[str, Any]:
        """Return the constructor arguments of the package's environment."""
        # With continuing_episode the info tells the time limit from the end of a battle; nothing else follows from it.
        arguments: dict[str, Any] = {
            "map_name": self.map_name,
            "difficulty": self.difficulty,
            "continuing_episode": True,
        }
        if self.map_name in _GENERATED:
            arguments |= _generated(_GENERATED[self.map_name], self.n_units, self.n_enemies)
        return arguments


_OPTIONS: Mapping[str, tuple[type, ...]] = {
    "package": (str,),
    "smac_python": (str,),
    "launch_timeout": (int, float),
    "step_timeout": (int, float),
    "max_restarts": (int,),
    "games": (int,),
    **SHARED,
    "replay_dir": (str,),
    "workers": (str,),
    "n_units": (int,),
    "n_enemies": (int,),
}
OPTIONS = tuple(_OPTIONS)
"""The options of the backend, by the names that an environment text gives them."""


def read_settings(map_name: str, options: Mapping[str, Value]) -> Settings:
    """Check a map's options.

    Args:
        map_name: Map of SMAC or SMACv2; whether it exists is for the package to say.
        options: By name; those left out have their defaults.

    Returns:
        The settings.

    Raises:
        EnvironmentTextError: An option does not exist, has another type, is out of range or contradicts the map.
    """
    where = f"environment 'smac:{map_name}'"
    given = checked_options(options, _OPTIONS, where=where, backend="sc2")
    settings = Settings(map_name=map_name, **given)
    _check_ranges(settings, where)
    _check_package(settings, options, where)
    _check_workers(settings, where)
    return settings


def _check_ranges(settings: Settings, where: str) -> None:
    for name in ("launch_timeout", "step_timeout"):
        seconds = getattr(settings, name)
        if not 0 < seconds <= LONGEST_TIMEOUT:
            raise EnvironmentTextError(
                f"{where}: {name} is {seconds}; it must be above 0 and at most {LONGEST_TIMEOUT:,} (seconds)"
            )
    for name, least in (("max_restarts", 0), ("games", 1), ("n_units", 1), ("n_enemies", 1)):
        if getattr(settings, name) < least:
            raise EnvironmentTextError(f"{where}: {name} is {getattr(settings, name)}; it must be at least {least}")


def _check_workers(settings: Settings, where: str) -> None:
    if settings.workers not in WORKERS:
        raise EnvironmentTextError(
            f"{where}: workers is {settings.workers!r}; it must be {' or '.join(WORKERS)}"
            f"{suggestion(settings.workers, WORKERS)}"
        )


def _check_package(settings: Settings, options: Mapping[str, Value], where: str) -> None:
    if settings.package_name not in PACKAGES:
        raise EnvironmentTextError(
            f"{where}: package is {settings.package!r}; it must be {' or '.join(PACKAGES)}"
            f"{suggestion(settings.package, PACKAGES)}"
        )
    is_generated = settings.map_name in _GENERATED
    if (settings.package_name == "smacv2") != is_generated:
        raise EnvironmentTextError(
            f"{where}: package is {settings.package_name!r}; {', '.join(_GENERATED)} belong to smacv2, all other maps "
            f"to smac{suggestion(settings.map_name, _GENERATED)}"
        )
    for name in ("n_units", "n_enemies"):
        if name in options and not is_generated:
            raise EnvironmentTextError(f"{where}: {name} is for {', '.join(_GENERATED)}; other maps fix their teams")


def _generated(types: tuple[tuple[str, float], ...], n_units: int, n_enemies: int) -> dict[str, Any]:
    """Return SMACv2's arguments: teams and starting positions drawn anew for every episode."""
    names = [name for name, _ in types]
    team = {
        "dist_type": "weighted_teams",
        "unit_types": names,
        "weights": [weight for _, weight in types],
        "exception_unit_types": [name for name in names if name in _NEVER_ALONE],
        "observe": True,
    }
    start = {"dist_type": "surrounded_and_reflect", "p": 0.5, "map_x": _MAP_SIZE, "map_y": _MAP_SIZE}
    return {
        "capability_config": {"n_units": n_units, "n_enemies": n_enemies, "team_gen": team, "start_positions": start},
        "conic_fov": False,
        "use_unit_ranges": True,
        "min_attack_range": 2,
        "obs_own_pos": True,
        "num_fov_actions": 12,
        "fully_observable": False,
        "prob_obs_enemy": 1.0,
        "action_mask": True,
    }
