"""Reading a sweep's file: every key known, every value of its type and in its range."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import StringConstraints

from rmix_kit.config.document import Document, read_document
from rmix_kit.config.schema import Device
from rmix_kit.config.validation import build
from rmix_kit.errors import ConfigError
from rmix_kit.files.reading import LARGEST_TEXT, read_plain
from rmix_kit.seeding import check_seed
from rmix_kit.spelling import suggestion
from rmix_kit.types import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.=-]*$")]
"""A name that is a part of a folder's name."""

_RANGE = re.compile(r"(\d{1,39})-(\d{1,39})")
MOST_SEEDS = 10_000
_Entry = TypeVar("_Entry")


@dataclass(frozen=True, kw_only=True)
class AlgorithmEntry:
    """One algorithm of a sweep.

    Attributes:
        algo: Roster name.
        preset: Its preset; None for the algorithm's own.
        name: What its runs are called; None for the preset's or the algorithm's name.
        set: Values laid over the preset, by (dotted) name; a list of values is a grid.
    """

    algo: str
    preset: str | None = None
    name: Label | None = None
    set: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class EnvironmentEntry:
    """One environment of a sweep.

    Attributes:
        env: Environment text.
        name: What its runs are called; None for a name made from the text.
        steps: Environment steps of its runs; None for the sweep's.
        set: Values laid over the sweep's, by (dotted) name; a list of values is a grid.
    """

    env: str
    name: Label | None = None
    steps: PositiveInt | None = None
    set: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What one run takes of a cluster.

    Attributes:
        cpus: Processors.
        gpus: Graphics processors; a fraction lets several runs share one.
    """

    cpus: PositiveFloat = 1.0
    gpus: NonNegativeFloat = 0.0


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What holds for all runs of a sweep.

    Attributes:
        steps: Environment steps of each run; None where every environment gives its own.
        set: Values laid over every preset, by (dotted) name; a list of values is a grid.
        device: Where training happens.
        evaluation: Whether each finished run's best and last checkpoint are played, for reports.
        jobs: Runs side by side; None for as many as there are processors, or as a cluster has room for.
        retries: Times that a failed run is tried again.
        threads: Threads of one run.
        resources: What one run takes of a cluster.
        storage: URL (of fsspec) under which every run is mirrored at each checkpoint; None for none.
    """

    steps: PositiveInt | None = None
    set: dict[str, Any] = field(default_factory=dict)
    device: Device = "auto"
    evaluation: bool = True
    jobs: PositiveInt | None = None
    retries: NonNegativeInt = 2
    threads: PositiveInt = 1
    resources: Resources = field(default_factory=Resources)
    storage: str | None = None


@dataclass(frozen=True, kw_only=True)
class SweepFile:
    """A sweep as its file says it.

    Attributes:
        source: The file, for errors.
        algorithms: At least one.
        environments: At least one.
        seeds: At least one.
        frame: What holds for all runs.
    """

    source: str
    algorithms: tuple[AlgorithmEntry, ...]
    environments: tuple[EnvironmentEntry, ...]
    seeds: tuple[int, ...]
    frame: Frame


def read_sweep_file(path: Path) -> SweepFile:
    """Read and check a sweep's file.

    Raises:
        ConfigError: It cannot be read, lacks a key, has an unknown one, or a value of the wrong type or out of range.
    """
    try:
        text = read_plain(path, LARGEST_TEXT).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    document = read_document(text, str(path))
    where = _places(document)
    values = dict(document.values)
    lists = {key: values.pop(key, None) for key in ("algorithms", "environments", "seeds")}
    check_names(values, [*lists, *(entry.name for entry in fields(Frame))], where)  # one may be another misspelt
    for key, given in lists.items():
        if given is None or given == []:
            raise ConfigError(f"{where((key,))}: {key} is missing; give at least one, such as {_EXAMPLES[key]}")
    return SweepFile(
        source=str(path),
        algorithms=_entries(AlgorithmEntry, "algo", lists["algorithms"], "algorithms", where),
        environments=_entries(EnvironmentEntry, "env", lists["environments"], "environments", where),
        seeds=_seeds(lists["seeds"], where(("seeds",))),
        frame=_built(Frame, values, "sweep", where),
    )


_EXAMPLES = {
    "algorithms": "algorithms: [vdn, rmix]",
    "environments": "environments: ['macn:4x7']",
    "seeds": "seeds: 0-4",
}


def check_names(values: Mapping[str, Any], known: list[str], where: Callable[[tuple[str, ...]], str]) -> None:
    """Refuse an unknown key.

    Raises:
        ConfigError: With the nearest known key and all of them.
    """
    for key in values:
        if key not in known:
            raise ConfigError(
                f"{where((str(key),))}: there is no {key!r}{suggestion(str(key), known)}; there are {', '.join(known)}"
            )


def _places(document: Document) -> Callable[[tuple[str, ...]], str]:
    """Say where a value stands: the line of its key, or of the nearest key around it."""

    def where(path: tuple[str, ...]) -> str:
        inner = path[1:] if path[:1] == ("sweep",) else path
        while inner and inner not in document.lines:
            inner = inner[:-1]
        return document.where(inner)

    return where


def _built(cls: type[_Entry], values: Mapping[str, Any], name: str, where: Callable[[tuple[str, ...]], str]) -> _Entry:
    built: _Entry = build(cls, values, (name,), where)
    return built


def _entries(
    cls: type[_Entry],
    main: str,
    given: Any,  # noqa: ANN401 - YAML
    name: str,
    where: Callable[[tuple[str, ...]], str],
) -> tuple[_Entry, ...]:
    """Read a list of entries, each a text or a mapping."""
    found = []
    for entry in given if isinstance(given, list) else [given]:
        values = entry if isinstance(entry, Mapping) else {main: entry}
        missing = [
            needed.name
            for needed in fields(cls)  # type: ignore[arg-type]
            if needed.default is MISSING and needed.default_factory is MISSING and needed.name not in values
        ]
        if missing:
            raise ConfigError(f"{where((name,))}: {dict(values)} in {name} lacks {', '.join(missing)}")
        found.append(_built(cls, {str(key): value for key, value in values.items()}, name, where))
    return tuple(found)


def _seeds(given: Any, where: str) -> tuple[int, ...]:  # noqa: ANN401 - YAML
    """Read numbers, and ranges such as ``0-4``."""
    found: list[int] = []
    for entry in given if isinstance(given, list) else [given]:
        match = _RANGE.fullmatch(entry) if isinstance(entry, str) else None
        if match and int(match[1]) <= int(match[2]):
            if int(match[2]) - int(match[1]) >= MOST_SEEDS:
                raise ConfigError(f"{where}: seeds has {entry!r}; give a range of at most {MOST_SEEDS} seeds")
            found.extend(range(int(match[1]), int(match[2]) + 1))
        elif isinstance(entry, int) and not isinstance(entry, bool) and entry >= 0:
            found.append(entry)
        else:
            raise ConfigError(f"{where}: seeds has {entry!r}; it must be a number from 0 on or a range such as 0-4")
    try:
        check_seed(max(found, default=0))
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error
    if twice := sorted(seed for seed, count in Counter(found).items() if count > 1):
        raise ConfigError(f"{where}: seeds names {', '.join(map(str, twice))} twice; give each once")
    return tuple(found)
