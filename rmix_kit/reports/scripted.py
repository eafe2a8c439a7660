"""What scripts win on SMAC's maps in the simulator, as `rmix-kit reproduce smac --part scripts` has measured it.

A learner's win rate says little without them: on some maps a team that walks up and shoots whoever is nearest wins most
battles.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from rmix_kit.episodes import wilson_interval
from rmix_kit.metrics import RETURN, SUCCESS
from rmix_kit.reports.table import Row, Table, make_table

DATA = "scripted.csv"
COLUMNS = ("environment", "script", "episodes", "won", "return")


@cache
def scripted_rows() -> tuple[Row, ...]:
    """Return the rows of `COLUMNS`, for every map and script."""
    text = (files("rmix_kit.reports") / DATA).read_text(encoding="utf-8")
    return tuple(
        {**row, "episodes": int(row["episodes"]), "won": int(row["won"]), "return": float(row["return"])}
        for row in csv.DictReader(text.splitlines())
    )


def line_table(envs: Iterable[str]) -> Table:
    """Return what scripts reach on environments, as the lines that curves are drawn beside.

    Args:
        envs: Environment texts; those that no script has played have no line.
    """
    columns = ("environment", "script", "metric", "value", "low", "high", "episodes")
    wanted = set(envs)
    rows: list[Row] = []
    for row in scripted_rows():
        if row["environment"] in wanted:
            own = {"environment": row["environment"], "script": row["script"], "episodes": row["episodes"]}
            low, high = wilson_interval(row["won"], row["episodes"])
            rows.append({**own, "metric": SUCCESS, "value": row["won"] / row["episodes"], "low": low, "high": high})
            rows.append({**own, "metric": RETURN, "value": row["return"], "low": None, "high": None})
    return make_table("scripts", columns, rows)
