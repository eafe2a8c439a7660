"""A frontier as a Markdown table."""

from __future__ import annotations

from collections.abc import Sequence

from rmix_kit.reports.frontier.measuring import SHARES, Estimate, Frontier

COLUMNS = {
    "return_mean": "mean return",
    "cvar_0.1": "CVaR 0.1",
    "cvar_0.25": "CVaR 0.25",
    "fall_rate": "falls, %",
    "success_rate": "success, %",
}


def shown(value: float | None, quantity: str) -> str:
    """Write a number with two decimals, a share in percent with one; without a minus before zero.

    Args:
        value: The number; None is written as a dash.
        quantity: What it is.
    """
    if value is None:
        return "-"
    return f"{100 * value:z.1f}" if quantity in SHARES else f"{value:z.2f}"


def markdown(frontier: Frontier) -> str:
    """Return three rows per level: measured with its 95 % interval, exact, and the difference.

    A quantity that was not measured, such as success where it is not reported, has no column.
    """
    columns = [name for name in COLUMNS if all(name in level.estimates for level in frontier.levels)]
    lines = [_row(["risk level", "", *(COLUMNS[name] for name in columns)]), _row(["---"] * (2 + len(columns)))]
    for level in frontier.levels:
        estimates = {name: level.estimates[name] for name in columns}
        lines.append(_row([str(level.name), "measured", *(_measured(one, name) for name, one in estimates.items())]))
        if any(one.exact is not None for one in estimates.values()):
            lines.append(_row(["", "exact", *(shown(one.exact, name) for name, one in estimates.items())]))
            lines.append(_row(["", "difference", *(shown(one.difference, name) for name, one in estimates.items())]))
    return "\n".join(lines) + "\n"


def _measured(estimate: Estimate, quantity: str) -> str:
    low, high = shown(estimate.low, quantity), shown(estimate.high, quantity)
    return f"{shown(estimate.measured, quantity)} ({low} to {high})"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
