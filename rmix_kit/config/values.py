"""A configuration's values by path, each with the place it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rmix_kit.config.document import Document
from rmix_kit.config.overrides import Values
from rmix_kit.errors import ConfigError
from rmix_kit.spelling import shortened

SECTIONS = ("algorithm", "training")


def flatten(document: Document, sections: Sequence[str], within: tuple[str, ...] = ()) -> Values:
    """Return a document's single values by path, each with its file and line."""
    mapping: Any = document.values
    for key in within:
        mapping = mapping[key]
    found: Values = {}
    for section in sections:
        inner = mapping.get(section)
        if inner is None:
            continue
        if not isinstance(inner, Mapping):
            place = document.where((*within, section))
            raise ConfigError(f"{place}: {section} is {shortened(inner)}; it has keys of its own")
        for path, value in _leaves(inner, (section,)):
            found[path] = (value, document.where((*within, *path)))
    return found


def _leaves(mapping: Mapping[Any, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in mapping.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, str(key)))
        else:
            yield (*path, str(key)), value


def nest(values: Values) -> dict[str, Any]:
    """Turn values by path into mappings of mappings."""
    nested: dict[str, Any] = {}
    for path, (value, source) in values.items():
        inner = nested
        for key in path[:-1]:
            inner = inner.setdefault(key, {})
            if not isinstance(inner, dict):
                raise ConfigError(f"{source}: {key} has no keys of its own")
        inner[path[-1]] = value
    return nested
