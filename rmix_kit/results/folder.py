"""The record of a run, read from its folder."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from rmix_kit.errors import RecordError
from rmix_kit.files.reading import (
    LARGEST_LOG,
    LARGEST_TABLE,
    foreign_member,
    parsed_json,
    read_plain,
)
from rmix_kit.files.writing import Prefix, is_sealed
from rmix_kit.files.yaml_text import read_yaml
from rmix_kit.results.episodes import ADVICE, Episodes, read_episodes
from rmix_kit.results.paths import MANIFEST_NAME, RunPaths
from rmix_kit.results.record import RunRecord, is_row
from rmix_kit.results.seal import check_seal, facts_of
from rmix_kit.spelling import dotted

Rows = list[dict[str, Any]]
_RESUMING = "restore it, or train on from the checkpoint before (--resume sets a damaged one aside)"
_KINDS = {"algo": str, "preset": str, "env": str, "seed": int, "steps": int}
_SECTIONS = ("algorithm", "training")
METRIC_KINDS = ("training", "evaluation")
"""Of the rows that hold numbers."""


def record_of(folder: Path) -> RunRecord:
    """Read a run's folder, finished or not.

    Args:
        folder: With ``config.yaml``.

    Returns:
        Its record. Overrides are the differences from the preset as the version that began the run had it.

    Raises:
        RecordError: It is no run's folder, or a file in it cannot be read.
    """
    paths = RunPaths(folder)
    if found := foreign_member(folder):
        raise RecordError(f"{folder} cannot be used: {found}")
    written = facts_of(paths)
    config = _config(paths, written[paths.config.name])
    manifest = _newest_manifest(paths)
    _check_checkpoint(manifest, paths, config, written[paths.metrics.name])
    sealed = check_seal(paths, written)
    metrics = _rows_in(written, paths.metrics, "kind", "env_steps")
    timing = _rows_in(written, paths.timing, "env_steps", "total")
    evaluations = tuple(row for row in metrics if row["kind"] == "evaluation")
    facts = [row for row in metrics if row["kind"] == "environment"]
    replay = _known(metrics, "replay_mebibytes")
    origins = _rows_in(written, paths.origin)
    overrides = _overrides(paths, config, origins)
    return RunRecord(
        name=folder.name,
        **{name: config[name] for name in ("algo", "preset", "env", "seed", "steps")},
        overrides=overrides,
        config=config,
        command=_command(paths, config, overrides),
        is_finished=manifest.get("is_finished") is True,
        is_sealed=sealed,
        origins=tuple({name: row[name] for name in row if name != "overrides"} for row in origins),
        environment={k: v for row in facts for k, v in row.items() if k not in ("kind", "env_steps")},
        env_spec=_env_spec(manifest),
        evaluations=evaluations,
        seconds_at=_seconds_at([row["env_steps"] for row in evaluations], timing),
        wall_seconds=_spent(timing, "total"),
        cpu_seconds=_spent(timing, "cpu"),
        peak_mebibytes=max(_known(timing, "peak_mebibytes"), default=None),
        replay_mebibytes=max(replay, default=None),
        best=_episodes(paths, "best"),
        last=_episodes(paths, "last"),
    )


def metric_columns(folder: Path, kind: str) -> dict[str, npt.NDArray[np.float64]]:
    """Return the rows of one kind of a run's ``metrics.jsonl`` as columns.

    Args:
        folder: The run's.
        kind: One of `METRIC_KINDS`.

    Returns:
        By name ``[row]``, ``env_steps`` first; NaN where a row has no such number, or had none that is finite.

    Raises:
        RecordError: There is no such kind, or the file cannot be read.
    """
    if kind not in METRIC_KINDS:
        raise RecordError(f"there are no metrics of the kind {kind!r}; there are {' and '.join(METRIC_KINDS)}")
    path = RunPaths(folder).metrics
    try:
        written = {path.name: read_plain(path, LARGEST_LOG)}
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror or error}; {_RESUMING}") from error
    rows = [row for row in _rows_in(written, path, "kind", "env_steps") if row["kind"] == kind]
    names = dict.fromkeys(["env_steps", *(name for row in rows for name in row if name != "kind")])
    numbers = {name: [math.nan if row.get(name) is None else row[name] for row in rows] for name in names}
    return {name: np.array(column, dtype=np.float64) for name, column in numbers.items()}


def _config(paths: RunPaths, written: bytes) -> dict[str, Any]:
    try:
        values = read_yaml(written.decode())
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecordError(f"{paths.path} is no run: {paths.config.name} cannot be read ({error})") from error
    is_whole = isinstance(values, dict) and all(isinstance(values.get(name), kind) for name, kind in _KINDS.items())
    if not is_whole:
        raise RecordError(f"{paths.path} is no run: {paths.config.name} does not describe one")
    return dict(values)


def _check_checkpoint(manifest: Mapping[str, Any], paths: RunPaths, config: Mapping[str, Any], written: bytes) -> None:
    """Refuse a run whose numbers or configuration are not those that its newest checkpoint was saved with."""
    trained = manifest.get("config")
    if isinstance(trained, Mapping) and {**trained, "steps": config["steps"]} != config:
        raise RecordError(f"{paths.config} is not what the run was trained with; restore it (its checkpoints hold it)")
    if "metrics" not in manifest:
        return  # a checkpoint of format 5, which has no seal
    try:
        problem = Prefix.from_json(manifest["metrics"]).problem(written)
    except ValueError as error:
        raise RecordError(f"the newest checkpoint of {paths.path} is foreign: {error}") from error
    if problem:
        raise RecordError(f"{paths.metrics} {problem}: its rows cannot be counted; restore the file, or train again")


def _newest_manifest(paths: RunPaths) -> dict[str, Any]:
    """Return the manifest of the newest checkpoint; empty before the first.

    Raises:
        RecordError: It is not what was written.
    """
    for step in reversed(paths.steps()):
        file = paths.checkpoint(step) / MANIFEST_NAME
        try:
            data = read_plain(file, LARGEST_TABLE)
            values = parsed_json(data)
        except FileNotFoundError as error:
            if not file.parent.exists():
                continue  # a training beside us has just dropped it
            raise RecordError(f"{file} is missing; {_RESUMING}") from error
        except (OSError, ValueError) as error:
            raise RecordError(f"{file} cannot be read: {error}; {_RESUMING}") from error
        if not isinstance(values, dict) or not is_sealed(data, values):
            raise RecordError(f"{file} is not what was written; {_RESUMING}")
        return values
    return {}


def _rows_in(written: Mapping[str, bytes], path: Path, *needed: str) -> Rows:
    """Read JSON lines; a run that goes on may be in the middle of its last one."""
    try:
        rows = [parsed_json(line) for line in written[path.name].split(b"\n")[:-1]]
    except ValueError as error:
        raise RecordError(f"{path} cannot be read: {error}") from error
    for number, row in enumerate(rows, 1):
        is_told = isinstance(row, dict) and (not needed or row.get("kind") == "environment")  # versions and the like
        if not is_told and not is_row(row, *needed):
            raise RecordError(f"{path}:{number} cannot be read: it lacks {' or '.join(needed)}, or a number is none")
    return rows


def _overrides(paths: RunPaths, config: Mapping[str, Any], origins: Rows) -> dict[str, Any] | None:
    """Return what the run's first process that knew it said is laid over the preset; None where none has."""
    overrides = next((row["overrides"] for row in origins if row.get("overrides") is not None), None)
    if overrides is None:
        return None
    settings = dict(dotted({name: config.get(name) for name in _SECTIONS}))
    is_so = isinstance(overrides, dict) and all(
        name in settings and settings[name] == value for name, value in overrides.items()
    )
    if not is_so:
        raise RecordError(f"{paths.origin} cannot be read: its overrides are not what {paths.config.name} has")
    return dict(overrides)


def _command(paths: RunPaths, config: Mapping[str, Any], overrides: Mapping[str, Any] | None) -> str:
    """Return the command that makes the run again, from beside its folder where its settings are known from there."""
    words = ["rmix-kit", "train", "--algo", config["algo"]]
    if config["preset"] != config["algo"]:
        words += ["--preset", config["preset"]]
    words += ["--env", config["env"], "--seed", str(config["seed"]), "--steps", str(config["steps"])]
    if config.get("device", "auto") != "auto":
        words += ["--device", config["device"]]
    if isinstance(initial := config.get("init_from"), Mapping):
        words += ["--init-from", f"{initial.get('run')}/checkpoints/step_{initial.get('step')}"]
    if overrides is None:
        words += ["--config", f"{paths.path.name}/{paths.config.name}"]
    for name, value in (overrides or {}).items():
        words += ["--set", f"{name}={json.dumps(value)}"]
    return shlex.join(words)


def _env_spec(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the environment's sizes from a checkpoint's manifest; empty where it has none."""
    try:
        spec = manifest["env_spec"]
        return {name: spec[name] for name in ("n_agents", "n_actions", "obs_shape", "state_size", "episode_limit")}
    except (KeyError, TypeError):
        return {}


def _processes(timing: Rows) -> list[Rows]:
    """Split rows of time by process."""
    found: list[Rows] = []
    for row in timing:
        if not found or _is_another_process(found[-1][-1], row):
            found.append([])
        found[-1].append(row)
    return found


def _is_another_process(before: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Return whether the clock of a row's process was started after the row before it was written."""
    if "process" in before or "process" in row:
        return before.get("process") != row.get("process")
    # Rows that name no process are older ones; all that they tell is the date, which may have been set meanwhile.
    if row["total"] < before["total"]:
        return True
    then, now = before.get("unix_time"), row.get("unix_time")
    return then is not None and now is not None and now - row["total"] > then


def _known(rows: Rows, name: str) -> list[float]:
    return [row[name] for row in rows if row.get(name) is not None]


def _spent(timing: Rows, name: str) -> float | None:
    ends = [rows[-1].get(name) for rows in _processes(timing)]
    known = [end for end in ends if end is not None]
    return round(sum(known), 3) if known and len(known) == len(ends) else None


def _seconds_at(steps: Sequence[int], timing: Rows) -> tuple[float, ...]:
    """Return the wall seconds until each evaluation: those of the first row of time at or after it, as last reached."""
    reached: list[tuple[int, float]] = []
    before = 0.0
    for rows in _processes(timing):
        reached = [(step, seconds) for step, seconds in reached if step < rows[0]["env_steps"]]
        reached += [(row["env_steps"], before + row["total"]) for row in rows]
        before += rows[-1]["total"]
    found: list[float] = []
    for step in steps:
        seconds = next((time for at, time in reached if at >= step), None) if step else 0.0
        if seconds is None:
            return ()
        found.append(round(seconds, 3))
    return tuple(found)


def _episodes(paths: RunPaths, checkpoint: str) -> Episodes | None:
    path = paths.evaluation(checkpoint)
    if not path.exists():
        return None
    try:
        return read_episodes(path)
    except (OSError, ValueError) as error:
        raise RecordError(f"{path} cannot be read: {error}; {ADVICE}") from error
