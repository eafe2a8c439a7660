"""Which runs were planned, read from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from rmix_kit.envs.make import resolved_text
from rmix_kit.errors import ConfigError
from rmix_kit.files.reading import LARGEST_TEXT, read_plain
from rmix_kit.files.yaml_text import read_yaml
from rmix_kit.reports.groups import Cell

FORM = "a list of {algo: NAME, env: TEXT, seeds: [0, 1, ...]}"


def read_expected(path: Path) -> list[Cell]:
    """Read planned cells from YAML or JSON.

    Returns:
        Algorithm, environment text as runs record it, and seeds.

    Raises:
        ConfigError: The file cannot be read or has another form.
        EnvironmentTextError: An environment text has another form.
    """
    try:
        values = read_yaml(read_plain(path, LARGEST_TEXT).decode())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read: {error}; it must be {FORM}") from error
    if not isinstance(values, list):
        raise ConfigError(f"{path} holds {type(values).__name__}; it must be {FORM}")
    return [_cell(value, path) for value in values]


def _cell(value: Any, path: Path) -> Cell:  # noqa: ANN401 - read from a file
    is_cell = isinstance(value, dict) and value.keys() == {"algo", "env", "seeds"}
    if not is_cell or not isinstance(value["seeds"], list) or not all(isinstance(seed, int) for seed in value["seeds"]):
        raise ConfigError(f"{path}: {value!r} is no planned cell; the file must be {FORM}")
    return str(value["algo"]), resolved_text(str(value["env"])), tuple(value["seeds"])
