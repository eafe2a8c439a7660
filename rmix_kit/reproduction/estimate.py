"""How long the missing runs will take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rmix_kit.results import RunRecord
from rmix_kit.sweeps.engine import PlannedRun


def cpu_seconds(run: PlannedRun, records: Mapping[str, RunRecord], seconds_per_step: float) -> float:
    """Estimate the CPU seconds of a run: from runs of its algorithm on its environment, else of its algorithm.

    Args:
        run: To be made.
        records: Of other runs.
        seconds_per_step: Where no record tells.

    Returns:
        CPU seconds of one core.
    """
    timed = [record for record in records.values() if record.cpu_seconds is not None and record.algo == run.algo]
    same_place = [record for record in timed if record.env == run.env]
    rates = [record.cpu_seconds / record.steps for record in same_place or timed if record.cpu_seconds is not None]
    return run.steps * (sum(rates) / len(rates) if rates else seconds_per_step)


def total_hours(
    runs: Iterable[PlannedRun], records: Mapping[str, RunRecord], seconds_per_step: float, jobs: int
) -> float:
    """Estimate the wall hours of runs.

    Args:
        runs: To be made.
        records: Of other runs.
        seconds_per_step: Where no record tells.
        jobs: Runs side by side, each with a core of its own.
    """
    seconds = [cpu_seconds(run, records, seconds_per_step) for run in runs]
    return max(sum(seconds) / jobs, max(seconds, default=0.0)) / 3600.0  # no run is shared by two cores
