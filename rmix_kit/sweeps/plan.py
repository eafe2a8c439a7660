"""From a sweep's file to its runs, each with a name, a checked configuration and a command line."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rmix_kit.config.load import resolve
from rmix_kit.config.overrides import Values, parse_overrides
from rmix_kit.envs.make import make_vector_env, parse_known, resolved_text
from rmix_kit.errors import ConfigError, RmixKitError
from rmix_kit.spelling import dotted
from rmix_kit.sweeps.engine import Plan, PlannedRun, folder_of
from rmix_kit.sweeps.grid import combinations
from rmix_kit.sweeps.sweep_file import AlgorithmEntry, EnvironmentEntry, SweepFile
from rmix_kit.training.algorithm_names import algorithm_class
from rmix_kit.training.progress_bar import SilentReporter
from rmix_kit.training.run_folder import RunFolder
from rmix_kit.training.trainer import resolved_config

LONGEST_NAME = 60
THREADS = ("training", "threads")


@dataclass(frozen=True, kw_only=True)
class _Place:
    """An environment as the runs use it."""

    entry: EnvironmentEntry
    label: str
    env: str
    steps: int


def plan(file: SweepFile, out: Path, *, makes_environments: bool = True) -> Plan:
    """Plan every run and check it, so that nothing starts before everything is known to be right.

    Args:
        file: The sweep.
        out: Its folder.
        makes_environments: Make each environment once, to know that it is there; without it a sweep can be planned,
            and what is recorded of it read, where its environments are not installed.

    Returns:
        The runs, seeds varying slowest: a sweep that is stopped early has all algorithms on all environments.

    Raises:
        ConfigError: A configuration is wrong, two runs would have one name, or steps are missing.
        EnvironmentTextError: An environment does not exist.
        RunFolderError: A folder holds a run with another configuration.
    """
    if file.frame.storage is not None:
        _refuse_unknown_storage(file.frame.storage, file.source)
    places = tuple(_places(file, makes_environments))
    labels = [entry.name or label_of(entry.preset or entry.algo) for entry in file.algorithms]
    _refuse_twins("algorithms", labels, file.source)
    _refuse_twins("environments", [place.label for place in places], file.source)
    runs = tuple(
        run
        for seed in file.seeds
        for place in places
        for entry, label in zip(file.algorithms, labels, strict=True)
        for run in _variants(file, entry, label, place, seed, out)
    )
    _refuse_twins("runs", [run.name for run in runs], file.source)
    frame = file.frame
    return Plan(
        source=file.source,
        out=str(out.absolute()),
        runs=runs,
        jobs=frame.jobs,
        retries=frame.retries,
        storage=frame.storage,
    )


def _refuse_unknown_storage(storage: str, source: str) -> None:
    """Refuse a URL that fsspec cannot open here; nothing is asked of whoever serves it."""
    from fsspec.core import get_filesystem_class, split_protocol

    try:
        get_filesystem_class(split_protocol(storage.rpartition("::")[2])[0])
    except (ValueError, ImportError) as error:
        raise ConfigError(f"{source}: storage is {storage!r}, which cannot be opened: {error}") from error


def _places(file: SweepFile, makes_environments: bool) -> Iterator[_Place]:
    for entry in file.environments:
        steps = entry.steps or file.frame.steps
        if steps is None:
            raise ConfigError(f"{file.source}: {entry.env} has no steps; give steps for the sweep or for it")
        try:
            text = resolved_text(entry.env)
            if makes_environments and ("backend", "sc2") not in parse_known(text).options:  # runs alone start a game
                make_vector_env(text, 1).close()
        except RmixKitError as error:
            raise type(error)(f"{file.source}: {error}") from error
        yield _Place(entry=entry, label=entry.name or label_of(text), env=text, steps=steps)


def label_of(text: str) -> str:
    """Make a part of a folder's name from an environment text; a long one is cut and told apart by a digest."""
    label = re.sub(r"[^A-Za-z0-9.=]+", "-", text).strip("-")
    if len(label) <= LONGEST_NAME:
        return label
    return f"{label[: LONGEST_NAME - 9]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _refuse_twins(what: str, labels: list[str], source: str) -> None:
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        raise ConfigError(f"{source}: two of {what} are called {twice[0]}; give each a name: of its own")


def _variants(
    file: SweepFile, entry: AlgorithmEntry, label: str, place: _Place, seed: int, out: Path
) -> Iterator[PlannedRun]:
    """Plan the runs of one algorithm on one environment with one seed: one for each combination of values."""
    try:
        variants = list(combinations(_merged(file, entry, place), entry.algo))
    except RmixKitError as error:
        raise type(error)(f"{file.source}: {label} on {place.label}: {error}") from error
    for ending, values in variants:
        own = f"{label}-{ending}" if ending else label
        yield _planned(file, entry, own if len(own) <= LONGEST_NAME else label_of(own), values, place, seed, out)


def _planned(
    file: SweepFile, entry: AlgorithmEntry, label: str, values: Values, place: _Place, seed: int, out: Path
) -> PlannedRun:
    frame = file.frame
    name = f"{label}_{place.label}_seed-{seed}"
    overrides = [f"{'.'.join(path)}={json.dumps(value)}" for path, (value, _) in values.items()]
    try:
        config = resolve(
            algo=entry.algo,
            env=place.env,
            seed=seed,
            steps=place.steps,
            preset=entry.preset,
            overrides=overrides,
            device=frame.device,
            report=lambda text: None,
        )
        folder = RunFolder(folder_of(out, name), algorithm=type(config.algorithm))
        folder.check(resolved_config(config, folder, SilentReporter(), resume=True), resume=True)
    except RmixKitError as error:
        raise type(error)(f"{file.source}: {name}: {error}") from error
    options = ["--algo", entry.algo, *(["--preset", entry.preset] if entry.preset else []), "--env", place.env]
    options += ["--seed", str(seed), "--steps", str(place.steps), "--device", frame.device]
    return PlannedRun(
        name=name,
        algo=label,
        env=place.env,
        seed=seed,
        steps=place.steps,
        options=(*options, *(word for text in overrides for word in ("--set", text))),
        threads=frame.threads,
        evaluation=frame.evaluation,
        cpus=frame.resources.cpus,
        gpus=frame.resources.gpus,
    )


def _merged(file: SweepFile, entry: AlgorithmEntry, place: _Place) -> Values:
    """Lay the algorithm's values over the environment's, those over the sweep's, by their full names."""
    cls = algorithm_class(entry.algo)
    merged: Values = {}
    for layer in (file.frame.set, place.entry.set, entry.set):
        texts = [f"{name}={json.dumps(value, default=str)}" for name, value in dotted(layer)]  # str: YAML's dates
        merged.update(parse_overrides(texts, cls))
    if THREADS in merged:
        raise ConfigError("set names training.threads; give threads: for the whole sweep instead")
    merged[THREADS] = (file.frame.threads, "threads")
    return merged


def with_jobs(planned: Plan, jobs: int | None) -> Plan:
    """Return the plan with so many runs side by side; None leaves it."""
    return planned if jobs is None else replace(planned, jobs=jobs)
