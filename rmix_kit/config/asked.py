"""A configuration as it is asked for from Python: a whole one, or an algorithm's name and a few values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rmix_kit.algorithms import Algorithm
from rmix_kit.config.load import resolve
from rmix_kit.config.schema import RunConfig
from rmix_kit.errors import ConfigError
from rmix_kit.files.writing import json_text


def named_folder(algo: str, seed: int | None) -> Path:
    """Return the folder of a run that nobody gave one.

    Args:
        algo: Its algorithm.
        seed: Its seed; None for the folder of several seeds' folders.
    """
    return Path("runs") / (algo if seed is None else f"{algo}-seed-{seed}")


def asked(
    what: str | type[Algorithm[Any]] | RunConfig,
    *,
    env: str | None,
    seed: int,
    steps: int | None,
    preset: str | None,
    overrides: Mapping[str, object] | None,
) -> RunConfig:
    """Return the configuration that `rmix_kit.train` was asked for.

    Args:
        what: An algorithm's name or class, or the configuration, beside which nothing else may be given.
        preset: Hyper-parameters; the algorithm's own if None.
        overrides: By name, values as JSON has them.

    Raises:
        ConfigError: Something is missing, unknown, contradictory or out of range.
    """
    if isinstance(what, RunConfig):
        given = {"env": env, "seed": seed or None, "steps": steps, "preset": preset, "overrides": overrides}
        if told := [name for name, value in given.items() if value is not None]:
            raise ConfigError(f"{', '.join(told)} given beside a whole configuration; put it into the configuration")
        return what
    if env is None or steps is None:
        lacks = "env" if env is None else "steps"
        name = what if isinstance(what, str) else getattr(what, "__name__", "rmix")
        raise ConfigError(f"{lacks} is missing; give it, such as train({name!r}, 'macn:4x12', steps=400_000)")
    return resolve(
        algo=what,
        env=env,
        seed=seed,
        steps=steps,
        preset=preset,
        overrides=[f"{name}={_written(name, value)}" for name, value in (overrides or {}).items()],
    )


def _written(name: str, value: object) -> str:
    """Write a value as it would be given with ``--set``."""
    try:
        return json_text(value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"overrides[{name!r}] is {value!r}; expected what JSON can hold") from error
