"""A suite's runs, and which of them are recorded already."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rmix_kit.config.differences import differences_from_preset
from rmix_kit.config.schema import RunConfig
from rmix_kit.envs.make import make_vector_env
from rmix_kit.errors import ConfigError, EnvironmentTextError, MissingExtraError, RecordError
from rmix_kit.origin import NOT_INSTALLED, kit_version, release_of
from rmix_kit.reports.groups import all_settings_of, group_runs, releases_of
from rmix_kit.reproduction.suites import Suite
from rmix_kit.results import RunRecord, read_record, record_of, write_record
from rmix_kit.sweeps.engine import Plan, PlannedRun, folder_of
from rmix_kit.sweeps.plan import plan
from rmix_kit.sweeps.progress import state_of

ADVICE = "move it away, or give another folder"


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """A suite in a folder: ``records`` (kept), ``runs`` and ``logs`` (the sweep's), ``report``.

    Attributes:
        suite: What is reproduced.
        out: The folder.
        parts: The sweep of each part, by name.
        records: What is recorded, by the run's name.
    """

    suite: Suite
    out: Path
    parts: Mapping[str, Plan]
    records: Mapping[str, RunRecord]

    @property
    def runs(self) -> tuple[PlannedRun, ...]:
        """All runs of all parts, in their order."""
        return tuple(run for part in self.parts.values() for run in part.runs)

    def missing(self, chosen: Sequence[str] = ()) -> Plan:
        """Return the sweep of all runs that have no record.

        Args:
            chosen: Names of parts; all where none is given.
        """
        parts = [part for name, part in self.parts.items() if not chosen or name in chosen]
        runs = tuple(run for part in parts for run in part.runs if run.name not in self.records)
        any_part = next(iter(self.parts.values()))
        return replace(any_part, source=f"reproduce {self.suite.name}", runs=runs)

    def expected(self) -> list[tuple[str, str, tuple[int, ...]]]:
        """Return every planned cell: algorithm, environment text, seeds."""
        cells: dict[tuple[str, str], list[int]] = {}
        for run in self.runs:
            cells.setdefault((run.algo, run.env), []).append(run.seed)
        return [(algo, env, tuple(seeds)) for (algo, env), seeds in cells.items()]


def open_reproduction(suite: Suite, out: Path) -> Reproduction:
    """Plan a suite in a folder, and record the runs in it that are finished and not yet recorded.

    Args:
        suite: What is reproduced.
        out: Its folder; it need not exist.

    Raises:
        RecordError: A record is not the planned run's or cannot be read, or two do not belong together.
    """
    parts = {part.name: plan(part.sweep, out, makes_environments=not suite.extra) for part in suite.parts}
    records = {}
    for part in parts.values():
        for run in part.runs:
            if (record := _record_of(run, out)) is not None:
                records[run.name] = record
    for group in group_runs(records.values(), allow_mixed=True):
        if group.mixed:  # refused by the report, which comes after days of training
            raise RecordError(
                f"{out / 'records'}: {group.algo} on {group.env}: {group.mixed[0]}; move one of them away"
            )
    return Reproduction(suite=suite, out=out, parts=parts, records=records)


def check_environments(suite: Suite, missing: Plan) -> None:
    """Make each environment that is to be trained on once, where that needs an extra.

    Args:
        suite: What is reproduced.
        missing: What is to be trained.

    Raises:
        MissingExtraError: One is not installed.
    """
    if not suite.extra:
        return  # planning has made them
    for env in dict.fromkeys(run.env for run in missing.runs):
        try:
            make_vector_env(env, 1).close()
        except EnvironmentTextError as error:
            raise MissingExtraError(
                f"{error}; {suite.name} needs environments: pip install 'rmix-kit[{suite.extra}]'"
            ) from error


def check_can_join(reproduction: Reproduction, missing: Plan) -> None:
    """Refuse to train runs that no report would take together with those that are recorded.

    Args:
        reproduction: What is recorded.
        missing: What is to be trained.

    Raises:
        RecordError: Another version of rmix-kit recorded runs of one of its cells.
    """
    ours, cells = release_of(kit_version()), {(run.algo, run.env) for run in missing.runs}
    for name, record in reproduction.records.items():
        theirs = releases_of(record)
        if (record.algo, record.env) in cells and theirs and NOT_INSTALLED not in (ours, theirs) and theirs != ours:
            raise RecordError(
                f"{record_path(reproduction.out, name)} is of rmix-kit {theirs}, and this is {ours}: other seeds would "
                f"be of two versions; go on with {theirs}, {ADVICE}"
            )


def record_path(out: Path, name: str) -> Path:
    """Return the file that keeps a run's record."""
    return out / "records" / f"{name}.json"


def _record_of(run: PlannedRun, out: Path) -> RunRecord | None:
    """Read a run's record, or make it from the run's finished folder."""
    path, folder = record_path(out, run.name), folder_of(out, run.name)
    if path.exists():
        record = read_record(path)
        _check(record, run, path)
        return record
    if state_of(folder, evaluation=run.evaluation) != "finished":
        return None
    record = _with_overrides(record_of(folder), folder)
    _check(record, run, folder)
    write_record(path, record)
    return record


def _with_overrides(record: RunRecord, where: Path) -> RunRecord:
    """Return a record whose run did not write its overrides, as older versions did not, with those of this version."""
    if record.overrides is not None:
        return record
    try:
        overrides = differences_from_preset(RunConfig.from_dict(record.config))
    except ConfigError as error:
        raise RecordError(f"{where} is no run of this version: {error}") from error
    return replace(record, overrides=overrides)


def _check(record: RunRecord, run: PlannedRun, where: Path) -> None:
    """Refuse a record of another run than the planned one.

    Raises:
        RecordError: With the difference.
    """
    settings = all_settings_of(record)
    found = (record.algo, record.env, record.seed, record.steps)
    if found != (run.algo, run.env, run.seed, run.steps):
        raise RecordError(
            f"{where} is of {' '.join(map(str, found))}; planned is {run.algo} {run.env} {run.seed} {run.steps}; "
            f"{ADVICE}"
        )
    texts = [text.partition("=") for text in run.options[run.options.index("--set") + 1 :: 2]]
    planned = {name: json.loads(text) for name, _, text in texts}
    # A planned value that is the preset's own is among the settings, and not among the overrides.
    trained = dict(record.overrides or {}) | {name: settings.get(name) for name in planned}
    for name, value in trained.items():
        if name not in planned or value != planned[name]:
            raise RecordError(f"{where} has {name} {value}, which is not the planned run's; {ADVICE}")
    if not record.is_finished or record.preset != run.algo:
        state = "finished" if record.is_finished else "unfinished"
        raise RecordError(f"{where} is {state} and of preset {record.preset}; planned is {run.algo}'s own; {ADVICE}")
    if run.evaluation and (record.best is None or record.last is None):
        raise RecordError(f"{where} lacks the episodes of its best or its last checkpoint; {ADVICE}")
