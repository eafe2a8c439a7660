"""Learning curves: evaluations of several seeds on one grid of environment steps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from rmix_kit.errors import RecordError
from rmix_kit.metrics import METRICS, RETURN, SUCCESS
from rmix_kit.reports.groups import Group
from rmix_kit.reports.table import Row, Table, make_table
from rmix_kit.results import RunRecord

CURVES = (SUCCESS, RETURN)
"""What the page shows; `rmix-kit plot` takes the others of ``DRAWN`` too."""
DRAWN = (*CURVES, *(name for name, metric in METRICS.items() if metric.axis and name not in CURVES))
COLUMNS = (
    "environment", "algorithm", "metric", "env_steps", "runs",
    "mean", "std", "median", "quartile_low", "quartile_high",
)  # fmt: skip
_WIDEST_GAP = 1  # without a known interval every step stands for itself


def curve_table(groups: Iterable[Group], metrics: Sequence[str] = CURVES) -> Table:
    """Return mean, standard deviation, median and quartiles over finished runs, at every evaluation.

    An evaluation counts for the multiple of the evaluation interval that it follows (training evaluates after the first
    round past it); where a run has none in between, its last one before stands. The standard deviation is divided by
    the number of runs.

    Args:
        metrics: Names in evaluation rows.
    """
    return make_table("curves", COLUMNS, (row for group in groups if group.runs for row in _rows(group, metrics)))


def evaluation_interval(run: RunRecord) -> int:
    """Return the environment steps between evaluations.

    Raises:
        RecordError: The run's configuration has something else there.
    """
    training = run.config.get("training", {})
    interval = training.get("evaluation_interval", _WIDEST_GAP) if isinstance(training, Mapping) else None
    if type(interval) is not int or interval < 1:
        raise RecordError(f"the record of {run.name} says training.evaluation_interval is {interval!r}; restore it")
    return interval


def is_known(row: Mapping[str, Any], metric: str) -> bool:
    """Return whether an evaluation has a number; training writes nothing in place of what is not finite."""
    return row.get(metric) is not None and math.isfinite(row[metric])


def _rows(group: Group, metrics: Sequence[str]) -> Iterator[Row]:
    on_grid = [_by_step(run) for run in group.runs]
    # A run's curve ends with its last evaluation; the group's, where the first run's ends.
    end = min((max(rows) for rows in on_grid if rows), default=-1)
    steps = sorted({step for rows in on_grid for step in rows if step <= end})
    for metric in metrics:
        for step in steps:
            values = [value for rows in on_grid if (value := _value(rows, step, metric)) is not None]
            if values:
                low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
                yield {
                    "environment": group.env,
                    "algorithm": group.label,
                    "metric": metric,
                    "env_steps": step,
                    "runs": len(values),
                    "mean": float(np.mean(values)),
                    "std": float(np.std(values)),
                    "median": float(middle),
                    "quartile_low": float(low),
                    "quartile_high": float(high),
                }


def _by_step(run: RunRecord) -> dict[int, dict[str, Any]]:
    """Return a run's evaluations by step of the grid; of several in one interval, the last."""
    interval = evaluation_interval(run)
    return {row["env_steps"] // interval * interval: dict(row) for row in run.evaluations}


def _value(rows: dict[int, dict[str, Any]], step: int, metric: str) -> float | None:
    before = [at for at in rows if at <= step and is_known(rows[at], metric)]
    return float(rows[max(before)][metric]) if before else None
