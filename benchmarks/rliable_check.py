"""Our statistics beside rliable's, on ten runs of six tasks: points, profiles, and ends of intervals.

    python benchmarks/rliable_check.py

Differences of ends are shares of the interval's width. A profile's ends are multiples of one run's share: where
a quantile falls on the edge between two of them, two bootstraps may end on neighbours. Takes some minutes, mostly
rliable's.
"""

from __future__ import annotations

import csv
import warnings
from pathlib import Path

import numpy as np
from rliable import library, metrics

from rmix_kit.reports import statistics
from rmix_kit.reports.statistics import AGGREGATES

RUNS, TASKS, RESAMPLES = 10, 6, 50_000
THRESHOLDS = np.linspace(0.0, 1.2, 25)
RESULTS = Path(__file__).parent / "results"
THEIRS = (
    metrics.aggregate_iqm,
    metrics.aggregate_median,
    metrics.aggregate_mean,
    metrics.aggregate_optimality_gap,
)


def matrix(seed: int) -> np.ndarray:
    """Return scores ``[run, task]``, some above 1."""
    rng = np.random.default_rng(seed)
    return rng.beta(2.0, 1.5, size=(RUNS, TASKS)) * np.linspace(0.6, 1.2, TASKS)


def row(name: str, ours: statistics.Estimate, value: float, low: float, high: float) -> dict[str, object]:
    """Compare one estimate."""
    width = high - low
    return {
        "statistic": name,
        "ours": round(ours.value, 6),
        "rliable": round(value, 6),
        "point_difference": f"{abs(ours.value - value):.1e}",
        "low_difference": round(abs(ours.low - low) / width, 4),
        "high_difference": round(abs(ours.high - high) / width, 4),
    }


def rows() -> list[dict[str, object]]:
    """Compare aggregates, the probability of improvement, and profiles."""
    x, y = matrix(1), matrix(2)
    rng = np.random.default_rng(0)
    ours = statistics.estimates(list(x.T), rng=rng, resamples=RESAMPLES)
    points, ends = library.get_interval_estimates(
        {"x": x}, lambda scores: np.array([theirs(scores) for theirs in THEIRS]), reps=RESAMPLES
    )
    table = [row(name, ours[name], points["x"][i], *ends["x"][:, i]) for i, name in enumerate(AGGREGATES)]
    better = statistics.probability_of_improvement(list(x.T), list(y.T), rng=rng, resamples=RESAMPLES)
    point, end = library.get_interval_estimates({"xy": (x, y)}, metrics.probability_of_improvement, reps=RESAMPLES)
    table.append(row("probability of improvement", better, float(point["xy"]), *end["xy"].ravel()))
    for of_means in (False, True):
        profile = statistics.performance_profile(list(x.T), THRESHOLDS, of_means=of_means, rng=rng, resamples=RESAMPLES)
        shares, bands = library.create_performance_profile(
            {"x": x}, THRESHOLDS, use_score_distribution=not of_means, reps=RESAMPLES
        )
        low, high = bands["x"]
        width = np.maximum(high - low, 1.0 / (RUNS * TASKS))  # a band may have no width
        table.append(
            {
                "statistic": f"profile of {'tasks' if of_means else 'runs'}, largest difference",
                "ours": "",
                "rliable": "",
                "point_difference": f"{np.abs(profile.share - shares['x']).max():.1e}",
                "low_difference": round(float((np.abs(profile.low - low) / width).max()), 4),
                "high_difference": round(float((np.abs(profile.high - high) / width).max()), 4),
            }
        )
    return table


def main() -> None:
    """Measure, print, write ``results/rliable_check.csv``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of arch, about how rliable calls it
        table = rows()
    for entry in table:
        print("  ".join(f"{key}={value}" for key, value in entry.items()))
    with (RESULTS / "rliable_check.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(table[0]))
        writer.writeheader()
        writer.writerows(table)


if __name__ == "__main__":
    main()
