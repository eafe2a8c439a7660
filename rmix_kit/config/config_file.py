"""Configuration files: those that people write, and the whole ones that runs leave in their folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rmix_kit.algorithms import Algorithm
from rmix_kit.config.document import Document, read_document
from rmix_kit.config.schema import INIT_FROM, KEYS, with_newer_settings
from rmix_kit.errors import ConfigError
from rmix_kit.files.reading import LARGEST_TEXT, read_plain
from rmix_kit.spelling import shortened, suggestion

FILE_KEYS = (*KEYS, INIT_FROM)


def read_config_files(paths: Sequence[Path | None], *, algo: str | None, preset: str | None) -> list[Document]:
    """Read configuration files and refuse what contradicts the command line, or the file before.

    Args:
        paths: None for none.
        algo: The algorithm that was asked for, if one was.
        preset: The preset, likewise.

    Raises:
        ConfigError: A file cannot be read, has an unknown key, or is for another algorithm or preset.
    """
    files = []
    for path in paths:
        if path is None:
            continue
        files.append(document := read_config_file(path, algo=algo, preset=preset))
        algo, preset = algo or document.values.get("algo"), preset or document.values.get("preset")
    return files


def read_config_file(path: Path, *, algo: str | None, preset: str | None) -> Document:
    """Read a configuration file and refuse what contradicts the command line.

    Args:
        path: The file.
        algo: The algorithm that was asked for, if one was.
        preset: The preset, likewise.

    Raises:
        ConfigError: The file cannot be read, has an unknown key, or is for another algorithm or preset.
    """
    try:
        text = read_plain(path, LARGEST_TEXT).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    document = read_document(text, str(path))
    check_keys(document, (), FILE_KEYS)
    for key, given in (("algo", algo), ("preset", preset)):
        there = document.values.get(key)
        if not isinstance(there, str | None):
            raise ConfigError(f"{document.where((key,))}: {key} is {shortened(there)}; it must be a name")
        if given is not None and there not in (None, given):
            raise ConfigError(f"{document.where((key,))}: {key} is {there!r} in the file and {given!r} here")
    if not isinstance(there := document.values.get("env"), str | None):
        raise ConfigError(f"{document.where(('env',))}: env is {shortened(there)}; it must be a text such as macn:4x12")
    if not isinstance(there := document.values.get(INIT_FROM), Mapping | None):
        raise ConfigError(f"{document.where((INIT_FROM,))}: {INIT_FROM} is {shortened(there)}; it has keys of its own")
    return document


def is_record(file: Document) -> bool:
    """Return whether a file is what a run wrote of itself, and so says everything."""
    return set(KEYS) <= set(file.values)


def of_its_time(file: Document, cls: type[Algorithm[Any]]) -> Document:
    """Return a run's own record with the settings that it leaves out as runs were before them; another file as it is.

    Args:
        file: With keys that are known.
        cls: Its algorithm.
    """
    return replace(file, values=dict(with_newer_settings(file.values, cls))) if is_record(file) else file


def check_keys(document: Document, path: tuple[str, ...], known: Sequence[str]) -> None:
    """Refuse unknown keys of a mapping.

    Raises:
        ConfigError: With the nearest known key and all of them.
    """
    mapping: Any = document.values
    for key in path:
        mapping = mapping[key]
    for key in mapping:
        if key not in known:
            raise ConfigError(
                f"{document.where((*path, str(key)))}: there is no {key!r}{suggestion(str(key), known)}; "
                f"there are {', '.join(known)}"
            )
