"""Who is best, by how much, and whether that is told apart from chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from rmix_kit.metrics import RETURN
from rmix_kit.reports import statistics
from rmix_kit.reports.groups import Group, environments_of
from rmix_kit.reports.scores import AVERAGED, Comparison, Scores
from rmix_kit.reports.statistics import Floats
from rmix_kit.reports.table import Row, Table, make_table
from rmix_kit.spelling import listed

MEAN_RETURN, MEAN_SCORE = "mean return", "mean score"
COLUMNS = (
    "scope", "measure", "algorithm", "value", "low", "high", "behind", "behind_low", "behind_high", "optimum", "runs",
    "tasks",
)  # fmt: skip
LEVEL = 1e-9
"""Values that differ by less are one."""
AT_OPTIMUM = 0.005
"""Returns are sums of float32."""


def verdict_table(
    scores: Scores, comparisons: Iterable[Comparison], optima: Table, *, resamples: int, seed: int
) -> Table:
    """Return every algorithm's mean and how far it is behind the best one's, the best first, with intervals.

    Environments count in their own units: the success rate where that is the score, else the return. Over several tasks
    the score counts.

    Args:
        scores: Of the report.
        comparisons: Those over one task are its environment's.
        optima: Of `rmix_kit.reports.optimum.optimum_table`.
        resamples: Of the bootstrap.
    """
    rows: list[Row] = []
    known = {row["environment"]: row["optimum"] for row in optima.rows}
    for comparison in comparisons:
        if len(comparison.tasks) > 1:
            rows += _ranked(comparison.name, MEAN_SCORE, comparison.algorithms, None, resamples=resamples, seed=seed)
    for env in environments_of(scores.groups):
        groups = [group for group in scores.groups if group.env == env]
        is_return = env in scores.anchors and not env.startswith(AVERAGED)
        measure = MEAN_RETURN if is_return else scores.describe(env)
        values = {group.label: [_returns(scores, group) if is_return else scores.of(group)] for group in groups}
        optimum = known.get(env) if is_return else None
        rows += _ranked(env, measure, values, optimum, resamples=resamples, seed=seed)
    return make_table("verdicts", COLUMNS, rows)


def verdicts(table: Table) -> tuple[str, ...]:
    """Say who is best, a sentence or two for each scope of the table."""
    return tuple(_verdict(table.where(scope=scope)) for scope in table.values("scope"))


def _ranked(
    scope: str,
    measure: str,
    values: Mapping[str, Sequence[Floats]],
    optimum: float | None,
    *,
    resamples: int,
    seed: int,
) -> list[Row]:
    """Return the rows of one scope; ``values`` are ``[run]`` per task, by algorithm."""
    means = {name: float(statistics.mean(tasks)) for name, tasks in values.items()}
    order = sorted(values, key=lambda name: -means[name])  # stable: those that are level stay in the report's order
    rows: list[Row] = []
    for name in order:
        rng = np.random.default_rng(seed)
        own = statistics.estimates(values[name], {"mean": statistics.mean}, rng=rng, resamples=resamples)["mean"]
        rng = np.random.default_rng(seed)
        behind = statistics.difference(values[order[0]], values[name], rng=rng, resamples=resamples)
        is_first = name == order[0]  # it is not behind itself, however runs are drawn
        rows.append(
            {
                "scope": scope,
                "measure": measure,
                "algorithm": name,
                "value": own.value,
                "low": own.low,
                "high": own.high,
                "behind": behind.value,
                "behind_low": 0.0 if is_first else behind.low,
                "behind_high": 0.0 if is_first else behind.high,
                "optimum": optimum,
                "runs": sum(map(len, values[name])),
                "tasks": len(values[name]),
            }
        )
    return rows


def _returns(scores: Scores, group: Group) -> Floats:
    return np.array([scores.final(run)[RETURN] for run in group.runs], dtype=np.float64)


def _verdict(rows: Sequence[Row]) -> str:
    best, others = rows[0], rows[1:]
    level = [row for row in others if row["behind"] <= LEVEL]
    near = [row for row in others if row not in level and row["behind_low"] <= LEVEL]
    far = [row for row in others if row not in level and row not in near]
    where = f"{best['scope'][0].upper()}{best['scope'][1:]}" if best["measure"] == MEAN_SCORE else best["scope"]
    value = f"{best['measure']} {shown(best)} {interval(best)}{_from_optimum(best)}"
    if not others:
        return f"{where}: {best['algorithm']} alone, {value}."
    if len(level) == len(others):
        return f"{where}: all {len(rows)} algorithms are level, {value}."
    names, are = listed([row["algorithm"] for row in (best, *level)]), "are" if level else "is"
    text = f"{where}: {names} {are} {'ahead' if near or is_alone(best) else 'best'}, {value}."
    if near:
        text += " Not told apart: " + "; ".join(f"{row['algorithm']}, {behind(row)} behind" for row in near) + "."
    if far:
        text += f" {far[0]['algorithm']} is {'' if near else 'next, '}{behind(far[0])} behind"
        text += f"; {listed([row['algorithm'] for row in far[1:]])} by more." if far[1:] else "."
    return text


def shown(row: Row) -> str:
    """Write a row's value: a rate in percent, a return or a score as it is."""
    return _number(row["value"], row)


def interval(row: Row) -> str:
    """Write the interval of a row's value; one run has none."""
    if is_alone(row):
        return "(one run)" if row["tasks"] == 1 else "(one run a task)"
    return f"({_number(row['low'], row)} to {_number(row['high'], row)})"


def behind(row: Row) -> str:
    """Write how far a row is behind the best, with the interval; rates by points of a hundred."""
    text = _number(row["behind"], row)
    if not is_alone(row):
        text += f" ({_number(row['behind_low'], row)} to {_number(row['behind_high'], row)})"
    return text if row["measure"] in (MEAN_RETURN, MEAN_SCORE) else f"{text.replace(' %', '')} points"


def is_alone(row: Row) -> bool:
    """Return whether a row has one run a task, of which there is no interval."""
    return bool(row["runs"] == row["tasks"])


def _number(value: float, row: Row) -> str:
    if row["measure"] == MEAN_RETURN:
        return f"{value:.4g}"
    return f"{value:.3f}" if row["measure"] == MEAN_SCORE else f"{100 * value:.1f} %"


def _from_optimum(row: Row) -> str:
    if row["optimum"] is None:
        return ""
    distance = row["optimum"] - row["value"]
    if abs(distance) <= AT_OPTIMUM:
        return ", the exact optimum"
    side = "below" if distance > 0 else "above"
    return f", {abs(distance):.3g} {side} the exact optimum of {row['optimum']:.4g}"
