"""A frontier's tables: its numbers and the agents' visits for CSV, and a summary in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rmix_kit.metrics import FALLS, RETURN, SUCCESS, TAIL_LEVELS, cvar_name, is_share, percent_label_of
from rmix_kit.reports.frontier.measuring import Estimate, Frontier, Level
from rmix_kit.reports.table import Cell, Table, make_table

TEAM = "mean"
_SUMMARISED = (RETURN, *map(cvar_name, TAIL_LEVELS), FALLS, SUCCESS)
_DECIMALS = 6
_VISITS = ("risk_level", "agent", "row", "column", "mark", "share_of_episodes", "steps_per_episode")


def level_table(frontier: Frontier) -> Table:
    """Return one row per level and quantity."""
    rows = frontier.rows()
    return make_table("frontier", tuple(rows[0]), map(_rounded, rows))


def visit_table(frontier: Frontier) -> Table:
    """Return one row per level, agent (and their mean) and cell that is no wall."""
    return make_table("visits", _VISITS, (_rounded(row) for level in frontier.levels for row in _visits_at(level)))


def shown(value: float | None, quantity: str) -> str:
    """Write a number with two decimals, a share in percent with one; without a minus before zero.

    Args:
        value: The number; None is written as a dash.
        quantity: What it is.
    """
    if value is None:
        return "-"
    return f"{100 * value:z.1f}" if is_share(quantity) else f"{value:z.2f}"


def markdown(frontier: Frontier) -> str:
    """Return three rows per level: measured with its 95 % interval, exact, and the difference.

    A quantity that was not measured, such as success where it is not reported, has no column.
    """
    columns = [name for name in _SUMMARISED if all(name in level.estimates for level in frontier.levels)]
    lines = [_row(["risk level", "", *map(percent_label_of, columns)]), _row(["---"] * (2 + len(columns)))]
    for level in frontier.levels:
        estimates = {name: level.estimates[name] for name in columns}
        lines.append(_row([str(level.name), "measured", *(_measured(one, name) for name, one in estimates.items())]))
        if any(one.exact is not None for one in estimates.values()):
            lines.append(_row(["", "exact", *(shown(one.exact, name) for name, one in estimates.items())]))
            lines.append(_row(["", "difference", *(shown(one.difference, name) for name, one in estimates.items())]))
    return "\n".join(lines) + "\n"


def _visits_at(level: Level) -> list[dict[str, Cell]]:
    if level.visits is None:
        return []
    layout, share, steps = level.visits.layout, level.visits.share, level.visits.steps
    names = [f"agent_{agent}" for agent in range(len(share))] + [TEAM]
    tables = zip(names, [*share, share.mean(0)], [*steps, steps.mean(0)], strict=True)
    return [
        {
            "risk_level": level.name,
            "agent": name,
            "row": cell // layout.width,
            "column": cell % layout.width,
            "mark": mark,
            "share_of_episodes": float(shares[cell]),
            "steps_per_episode": float(means[cell]),
        }
        for name, shares, means in tables
        for cell, mark in enumerate(layout.cells)
        if mark != "#"
    ]


def _rounded(row: Mapping[str, Cell]) -> dict[str, Cell]:
    """Return a row without the digits that no measurement gives."""
    return {name: round(value, _DECIMALS) if isinstance(value, float) else value for name, value in row.items()}


def _measured(estimate: Estimate, quantity: str) -> str:
    low, high = shown(estimate.low, quantity), shown(estimate.high, quantity)
    return f"{shown(estimate.measured, quantity)} ({low} to {high})"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
