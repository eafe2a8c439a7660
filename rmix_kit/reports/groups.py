"""Runs in groups: one algorithm on one environment. What does not belong together is refused by name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from rmix_kit.errors import RecordError
from rmix_kit.origin import NOT_INSTALLED, release_of
from rmix_kit.plotting.style import rank_of
from rmix_kit.reports.success import with_agreed_success
from rmix_kit.results import RunRecord
from rmix_kit.spelling import dotted

Cell: TypeAlias = tuple[str, str, Sequence[int]]
"""A planned cell: algorithm, environment text, seeds."""

# They change nothing that is reported, or are shown where they matter.
FREE_SETTINGS = frozenset(
    {
        "seed",
        "device",
        "training.threads",
        "training.evaluation_copies",
        "training.checkpoint_interval",
        "training.keep_checkpoints",
        "training.log_interval",
    }
)
MIXED = " (mixed)"
INIT_FROM = "init_from"
_ADVICE = "give --variants for a row per setting, report them apart, or give --allow-mixed to have the mixture labelled"


@dataclass(frozen=True, kw_only=True)
class Group:
    """One algorithm on one environment.

    Attributes:
        algo: Its name.
        env: Environment text.
        runs: Finished runs by seed; the only ones that figures and statistics count.
        unfinished: Runs that have not come to their end.
        missing: Seeds that were planned and of which there is no run.
        mixed: How its finished runs differ, where that was allowed; otherwise empty.
    """

    algo: str
    env: str
    runs: tuple[RunRecord, ...]
    unfinished: tuple[RunRecord, ...] = ()
    missing: tuple[int, ...] = ()
    mixed: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The algorithm's name, marked where different runs are mixed."""
        return self.algo + MIXED if self.mixed else self.algo

    @property
    def all_runs(self) -> tuple[RunRecord, ...]:
        """Finished runs, then the others."""
        return self.runs + self.unfinished


def group_runs(
    records: Iterable[RunRecord], expected: Sequence[Cell] = (), *, allow_mixed: bool = False
) -> tuple[Group, ...]:
    """Put runs into groups, by environment and then by algorithm.

    Args:
        records: In any order.
        expected: Planned cells; what of them is not among the records is listed as missing.
        allow_mixed: Label runs of one group that differ instead of refusing them.

    Returns:
        One group per algorithm and environment.

    Raises:
        RecordError: Two finished runs of a group differ in more than their seed, or have the same one.
    """
    by_cell: dict[tuple[str, str], list[RunRecord]] = defaultdict(list)
    for record in with_agreed_success(records):
        by_cell[record.algo, record.env].append(record)
    planned: dict[tuple[str, str], set[int]] = defaultdict(set)
    for algo, env, seeds in expected:
        planned[algo, env] |= set(seeds)
    groups = []
    for algo, env in sorted(by_cell.keys() | planned.keys(), key=_order):
        runs = sorted(by_cell[algo, env], key=lambda run: (run.seed, run.name))
        finished = tuple(run for run in runs if run.is_finished)
        mixed = _mixed(finished)
        if mixed and not allow_mixed:
            raise RecordError(f"{algo} on {env}: {mixed[0]}; {_ADVICE}")
        groups.append(
            Group(
                algo=algo,
                env=env,
                runs=finished,
                unfinished=tuple(run for run in runs if not run.is_finished),
                missing=tuple(sorted(planned[algo, env] - {run.seed for run in runs})),
                mixed=mixed,
            )
        )
    return tuple(groups)


def environments_of(groups: Iterable[Group]) -> tuple[str, ...]:
    """Name the environments, each once, in order."""
    return tuple(dict.fromkeys(group.env for group in groups))


def algorithm_of(label: str) -> str:
    """Return the algorithm that a label names, for its colour."""
    return label.removesuffix(MIXED)


def _order(cell: tuple[str, str]) -> tuple[list[tuple[int, int, str]], tuple[int, str]]:
    """Sort environments as people count (4x7 before 4x11), then algorithms as they are drawn."""
    algo, env = cell
    parts = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"\d+|\D+", env)]
    return parts, rank_of(algo)


def _mixed(runs: Sequence[RunRecord]) -> tuple[str, ...]:
    """Return how runs differ from the first one, a line for each difference."""
    found: dict[str, str] = {}
    seen: dict[int, RunRecord] = {}
    for run in runs:
        if run.seed in seen:
            found.setdefault("seed", f"the runs {seen[run.seed].name!r} and {run.name!r} have the same seed {run.seed}")
        seen.setdefault(run.seed, run)
        for what, (ours, theirs) in _differences(runs[0], run).items():
            found.setdefault(
                what, f"the runs {runs[0].name!r} and {run.name!r} differ in {what}: {ours} against {theirs}"
            )
    return tuple(found.values())


def _differences(first: RunRecord, other: RunRecord) -> dict[str, tuple[str, str]]:
    """Name what two runs do not share, besides the seed."""
    ours, theirs = facts_of(first), facts_of(other)
    found = {name: (ours[name], theirs[name]) for name in ours.keys() & theirs.keys() if ours[name] != theirs[name]}
    ours, theirs = settings_of(first), settings_of(other)
    found |= {
        name: (ours.get(name), theirs.get(name)) for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)
    }
    return {name: (_shown(value), _shown(other_value)) for name, (value, other_value) in sorted(found.items())}


def settings_of(run: RunRecord) -> dict[str, Any]:
    """Return the settings in which the runs of a group must agree, by dotted name."""
    return {name: value for name, value in all_settings_of(run).items() if name not in FREE_SETTINGS}


def all_settings_of(run: RunRecord) -> dict[str, Any]:
    """Return every setting of a run, by dotted name; whose weights it began with is none, that it did so is one."""
    others = {name: value for name, value in run.config.items() if name != INIT_FROM}
    return {**dict(dotted(others)), **beginning_of(run)}


def beginning_of(run: RunRecord) -> dict[str, Any]:
    """Return whether a run began with weights of another, as a setting; none where it did not."""
    return {INIT_FROM: True} if run.config.get(INIT_FROM) is not None else {}


def facts_of(run: RunRecord) -> dict[str, Any]:
    """Return what is known of a run's code and environment, in which the runs of a group must agree.

    The commit is not among it (a run per day would have another one while its code is the same), nor is the version of
    a source tree that is not installed and has none; the page shows both.
    """
    facts: dict[str, Any] = {"preset": run.preset}
    details = {**run.environment, **run.env_spec}
    facts["whether its plan was changed on the way"] = details.pop("extended_inexactly", "no")
    facts |= {f"the environment's {name}": value for name, value in details.items()}
    if (releases := releases_of(run)) and NOT_INSTALLED not in releases:
        facts["the version of rmix-kit"] = releases
    return facts


def versions_of(run: RunRecord) -> str:
    """Name the versions of rmix-kit that worked on a run; empty where they are not known."""
    return ", ".join(sorted(_versions(run)))


def releases_of(run: RunRecord) -> str:
    """Name the releases that these versions are, or lead to."""
    return ", ".join(sorted({release_of(version) for version in _versions(run)}))


def _versions(run: RunRecord) -> set[str]:
    return {str(row["rmix_kit"]) for row in run.origins if row.get("rmix_kit")}


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)
