"""Tables of risk: the tail of the returns, their distribution, and how often it ends badly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rmix_kit.episodes import can_fall, tail_mean, wilson_interval
from rmix_kit.metrics import FALLS, RETURN, SUCCESS, TAIL_LEVELS, cvar_name
from rmix_kit.reports import statistics
from rmix_kit.reports.groups import Group, environments_of
from rmix_kit.reports.scores import Scores
from rmix_kit.reports.table import Table, make_table

BINS = 30
LEVELS = (*TAIL_LEVELS, 1.0)
"""CVaR at level 1 is the mean."""


def tail_table(scores: Scores, optima: Table, *, resamples: int, seed: int) -> Table:
    """Return CVaR of the returns and their mean, each the mean over runs with its bootstrap interval.

    Args:
        scores: Of the report; says which episodes count.
        optima: Of `rmix_kit.reports.optimum.optimum_table`; the mean's distance to it is a column.
    """
    columns = ("environment", "algorithm", "risk_level", "return", "low", "high", "distance", "runs")
    best = {row["environment"]: row["optimum"] for row in optima.rows}
    rows = []
    for group in scores.groups:
        ends = [scores.final(run) for run in group.runs]
        for level in LEVELS:
            name = RETURN if level == 1.0 else cvar_name(level)
            values = np.array([end[name] for end in ends], dtype=np.float64)
            rng = np.random.default_rng(seed)
            found = statistics.estimates([values], {"mean": statistics.mean}, rng=rng, resamples=resamples)["mean"]
            rows.append(
                {
                    "environment": group.env,
                    "algorithm": group.label,
                    "risk_level": level,
                    "return": found.value,
                    "low": found.low,
                    "high": found.high,
                    "distance": best[group.env] - found.value if level == 1.0 and group.env in best else None,
                    "runs": len(values),
                }
            )
    return make_table("returns_and_tails", columns, rows)


def histogram_table(scores: Scores) -> Table:
    """Return the returns of the last checkpoints' episodes in bins, pooled over runs; the bins are those of a task."""
    columns = ("environment", "algorithm", "bin_low", "bin_high", "episodes", "share")
    rows = []
    for env in environments_of(scores.groups):
        pooled = {group.label: _returns(group) for group in scores.groups if group.env == env}
        pooled = {label: returns for label, returns in pooled.items() if returns.size}
        if not pooled:
            continue
        edges = _edges(np.concatenate(list(pooled.values())))
        for label, returns in pooled.items():
            counts, _ = np.histogram(returns, edges)
            for low, high, count in zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True):
                row = {"environment": env, "algorithm": label, "bin_low": low, "bin_high": high}
                rows.append({**row, "episodes": count, "share": count / returns.size})
    return make_table("return_histograms", columns, rows)


def mark_table(scores: Scores) -> Table:
    """Return the mean and the CVaR of the pooled episodes that the histograms count."""
    columns = ("environment", "algorithm", "risk_level", "return", "episodes")
    rows = []
    for group in scores.groups:
        returns = _returns(group)
        for level in LEVELS if returns.size else ():
            row: dict[str, Any] = {"environment": group.env, "algorithm": group.label, "risk_level": level}
            rows.append({**row, "return": tail_mean(returns, level), "episodes": returns.size})
    return make_table("return_marks", columns, rows)


def catastrophe_table(scores: Scores) -> Table:
    """Return how often it ends badly, over the pooled episodes of all runs, with Wilson's interval.

    On StarCraft's maps nobody falls; there every battle that is not won counts, the clock's among them. Episodes of
    one run share its agents, so the interval is about these runs and not about new ones. Environments on which nobody
    can fall, as far as is known, have no rows.
    """
    columns = ("environment", "algorithm", "event", "times", "episodes", "rate", "low", "high")
    rows = []
    rates: dict[str, list[float]] = {}
    for group in scores.groups:
        rates.setdefault(group.env, []).extend(scores.final(run)[FALLS] for run in group.runs)
    for group in scores.groups:
        event = event_of(group.env)
        if event == "fall" and not can_fall(group.env, rates[group.env]):
            continue
        times = episodes = 0
        for run in group.runs:
            end = scores.final(run)
            rate = 1.0 - end[SUCCESS] if event == "defeat" else end[FALLS]
            episodes += end["episodes"]
            times += round(rate * end["episodes"])
        low, high = wilson_interval(times, episodes)
        row = {"environment": group.env, "algorithm": group.label, "event": event, "times": times}
        rows.append({**row, "episodes": episodes, "rate": times / episodes, "low": low, "high": high})
    return make_table("catastrophes", columns, rows)


def event_of(env: str) -> str:
    """Say what ends badly on an environment: a "fall" of any agent, or a "defeat"."""
    return "defeat" if env.startswith("smac:") else "fall"


def _returns(group: Group) -> statistics.Floats:
    found: Sequence[float] = [value for run in group.runs if run.last is not None for value in run.last.returns]
    return np.array(found, dtype=np.float64)


def _edges(returns: statistics.Floats) -> statistics.Floats:
    """Return borders of equal bins around all returns."""
    low, high = float(returns.min()), float(returns.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, BINS + 1)
