"""Reading ``--set a.b=c``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import yaml

from rmix_kit.algorithms import Algorithm
from rmix_kit.config.schema import TrainingSettings
from rmix_kit.errors import ConfigError
from rmix_kit.files.forms import hints_of
from rmix_kit.files.yaml_text import read_yaml
from rmix_kit.spelling import suggestion

Values = dict[tuple[str, ...], tuple[Any, str]]
"""A value and where it was given, by path."""


def parse_overrides(overrides: Sequence[str], cls: type[Algorithm[Any]]) -> Values:
    """Read ``a.b=c`` texts; values are YAML.

    Args:
        overrides: As given with ``--set``.
        cls: The algorithm, for names that stand alone.

    Raises:
        ConfigError: A text has another form, or names nothing, or more than one thing, or the same thing twice.
    """
    known = [*paths_of(cls, ("algorithm",)), *paths_of(TrainingSettings, ("training",))]
    found: Values = {}
    for text in overrides:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise ConfigError(f"--set {text}: it must have the form NAME=VALUE, such as training.batch_size=64")
        path = find_path(tuple(name.strip().split(".")), known, text)
        if path in found:
            raise ConfigError(f"--set {text}: {'.'.join(path)} is given twice; give it once")
        try:
            found[path] = (read_yaml(value), f"--set {text}")
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {text}: {value!r} is not a value") from error
    return found


def find_path(given: tuple[str, ...], known: Sequence[tuple[str, ...]], text: str) -> tuple[str, ...]:
    """Complete a path from its last parts.

    Args:
        given: Parts of the name.
        known: All complete paths.

    Raises:
        ConfigError: No path, or more than one, ends so.
    """
    if given in known:
        return given
    matches = [path for path in known if path[-len(given) :] == given]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise ConfigError(f"--set {text}: that may be {' or '.join('.'.join(path) for path in matches)}; say which")
    names = [".".join(path) for path in known] + [path[-1] for path in known]
    section = [".".join(path) for path in known if path[0] == given[0]]
    listed = ", ".join(section or [".".join(path) for path in known])
    raise ConfigError(
        f"--set {text}: there is no {'.'.join(given)}{suggestion('.'.join(given), names)} (there are {listed})"
    )


def paths_of(cls: type, prefix: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the paths of all single values of a dataclass."""
    hints = hints_of(cls)
    for entry in fields(cls):
        hint = hints[entry.name]
        if isinstance(hint, type) and is_dataclass(hint):
            yield from paths_of(hint, (*prefix, entry.name))
        else:
            yield (*prefix, entry.name)
