"""Tables of statistics over runs: aggregates with intervals, profiles, probabilities of improvement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from rmix_kit.reports import statistics
from rmix_kit.reports.scores import Comparison, Scores
from rmix_kit.reports.statistics import AGGREGATES, Estimate
from rmix_kit.reports.table import Row, Table, make_table

STATISTICS = {"iqm": "IQM", "median": "median", "mean": "mean", "optimality_gap": "optimality gap"}
THRESHOLDS = 51  # of a profile, from the lowest possible score to the highest
# On one task the median over tasks of the mean over runs is the mean; the median over runs says something else.
_ON_ONE_TASK = {**AGGREGATES, "median": statistics.median_of_runs}


def statistics_table(scores: Scores, comparisons: Iterable[Comparison], *, resamples: int, seed: int) -> Table:
    """Return every statistic with its interval, per environment and per comparison over tasks.

    Args:
        scores: Of the report.
        comparisons: Over several tasks.
    """
    columns = ("scope", "algorithm", "statistic", "value", "low", "high", "runs", "tasks")
    rows: list[Row] = []
    for group in scores.groups:
        rng = np.random.default_rng(seed)
        values = [scores.of(group)]
        found = statistics.estimates(values, _ON_ONE_TASK, rng=rng, resamples=resamples)
        rows += _rows_of(found, scope=group.env, algorithm=group.label, runs=len(values[0]), tasks=1)
    for comparison in comparisons:
        for algorithm, tasks in comparison.algorithms.items():
            known = AGGREGATES if len(tasks) > 1 else _ON_ONE_TASK
            found = statistics.estimates(tasks, known, rng=np.random.default_rng(seed), resamples=resamples)
            runs = sum(map(len, tasks))
            rows += _rows_of(found, scope=comparison.name, algorithm=algorithm, runs=runs, tasks=len(tasks))
    return make_table("statistics", columns, rows)


def _rows_of(found: dict[str, Estimate], *, scope: str, algorithm: str, runs: int, tasks: int) -> Iterator[Row]:
    for name, estimate in found.items():
        yield {
            "scope": scope,
            "algorithm": algorithm,
            "statistic": name,
            "value": estimate.value,
            "low": estimate.low,
            "high": estimate.high,
            "runs": runs,
            "tasks": tasks,
        }


def profile_table(comparisons: Iterable[Comparison], *, resamples: int, seed: int) -> Table:
    """Return performance profiles: the share of runs, and of tasks by their mean, above each score.

    Args:
        comparisons: Over several tasks.
    """
    columns = ("scope", "algorithm", "counted", "threshold", "share", "low", "high")
    rows = []
    for comparison in comparisons:
        highest = max(1.0, *(float(task.max()) for tasks in comparison.algorithms.values() for task in tasks))
        levels = np.linspace(0.0, highest, THRESHOLDS)
        for algorithm, tasks in comparison.algorithms.items():
            for counted in ("runs", "tasks"):
                profile = statistics.performance_profile(
                    tasks, levels, of_means=counted == "tasks", rng=np.random.default_rng(seed), resamples=resamples
                )
                bands = (profile.thresholds, profile.share, profile.low, profile.high)
                for threshold, share, low, high in zip(*(band.tolist() for band in bands), strict=True):
                    rows.append(
                        {
                            "scope": comparison.name,
                            "algorithm": algorithm,
                            "counted": counted,
                            "threshold": threshold,
                            "share": share,
                            "low": low,
                            "high": high,
                        }
                    )
    return make_table("profiles", columns, rows)


def improvement_table(comparisons: Iterable[Comparison], *, resamples: int, seed: int) -> Table:
    """Return for every ordered pair how probably a run of the first beats one of the second.

    Args:
        comparisons: Over several tasks.
    """
    columns = ("scope", "algorithm", "against", "probability", "low", "high")
    rows = []
    for comparison in comparisons:
        for algorithm, ours in comparison.algorithms.items():
            for against, theirs in comparison.algorithms.items():
                if algorithm == against:
                    continue
                found = statistics.probability_of_improvement(
                    ours, theirs, rng=np.random.default_rng(seed), resamples=resamples
                )
                rows.append(
                    {
                        "scope": comparison.name,
                        "algorithm": algorithm,
                        "against": against,
                        "probability": found.value,
                        "low": found.low,
                        "high": found.high,
                    }
                )
    return make_table("improvement", columns, rows)
