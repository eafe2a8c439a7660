"""Reading a YAML mapping together with the line of every key, and the presets that come with the package."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from rmix_kit.errors import ConfigError
from rmix_kit.files.yaml_text import compose_yaml
from rmix_kit.spelling import suggestion


@dataclass(frozen=True, kw_only=True)
class Document:
    """A mapping from a file or from the command line.

    Attributes:
        source: What to call it in an error, such as a file's name.
        values: The mapping, plain values.
        lines: Line of each key, counted from 1, by its path; empty where there are no lines.
    """

    source: str
    values: dict[str, Any]
    lines: dict[tuple[str, ...], int] = field(default_factory=dict)

    def where(self, path: tuple[str, ...]) -> str:
        """Say where a key stands: ``FILE:LINE`` where it is known."""
        return f"{self.source}:{self.lines[path]}" if path in self.lines else self.source


def read_document(text: str, source: str) -> Document:
    """Read a YAML mapping.

    Args:
        source: The file's name.

    Returns:
        Values and lines.

    Raises:
        ConfigError: It is not YAML, not a mapping, or names a key twice.
    """
    try:
        node, values = compose_yaml(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        raise ConfigError(f"{source}{line}: this is not YAML ({getattr(error, 'problem', None) or error})") from error
    if node is None:
        return Document(source=source, values={})
    if not isinstance(values, dict):
        raise ConfigError(f"{source}: expected keys with values, such as training: with batch_size: 32 under it")
    lines: dict[tuple[str, ...], int] = {}
    _collect_lines(node, (), lines, source)
    return Document(source=source, values=values, lines=lines)


def _collect_lines(node: yaml.Node, path: tuple[str, ...], lines: dict[tuple[str, ...], int], source: str) -> None:
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        inner = (*path, str(key.value))
        line = key.start_mark.line + 1
        if inner in lines:
            raise ConfigError(f"{source}:{line}: {'.'.join(inner)} is already given in line {lines[inner]}")
        lines[inner] = line
        _collect_lines(value, inner, lines, source)


KEYS = ("algo", "algorithm", "training", "maps")


def preset_names() -> list[str]:
    """Return the names of all presets, in alphabetical order."""
    folder = files("rmix_kit.config") / "presets"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


@cache
def read_preset(name: str) -> Document:
    """Read a preset.

    Args:
        name: A name of `preset_names`.

    Returns:
        Its keys: ``algo``, ``algorithm``, ``training``, and ``maps`` with the same two for single maps, or for all of a
        kind (``smac:*``).

    Raises:
        ConfigError: There is no such preset.
    """
    if name not in preset_names():
        raise ConfigError(f"there is no preset {name!r}{suggestion(name, preset_names())}; there are {_listed()}")
    file = files("rmix_kit.config") / "presets" / f"{name}.yaml"
    return read_document(file.read_text(encoding="utf-8"), f"presets/{name}.yaml")


def _listed() -> str:
    return ", ".join(preset_names())
