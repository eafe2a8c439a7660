"""docs/risk.md and the figures it shows say what docs/results/risk holds."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from pathlib import Path

import pytest

from rmix_kit.reports.frontier.measuring import DYNAMIC, Estimate, Frontier, Level
from rmix_kit.reports.frontier.table import markdown

DOCS = Path(__file__).resolve().parents[3] / "docs"
RESULTS = DOCS / "results" / "risk"


@pytest.fixture(scope="module")
def recorded() -> Frontier:
    """The recorded frontier, read from its CSV file."""
    levels: dict[str, dict[str, Estimate]] = defaultdict(dict)
    with (RESULTS / "frontier.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            exact = float(row["exact"]) if row["exact"] else None
            low, high = float(row["low"]), float(row["high"])
            measured = float(row["measured"])
            levels[row["risk_level"]][row["quantity"]] = Estimate(measured=measured, low=low, high=high, exact=exact)
    return Frontier(
        who="", env="", checkpoint_step=0, episodes=1000, seed=0, remarks=(),
        levels=tuple(
            Level(risk_level=None if name == DYNAMIC else float(name), estimates=estimates, visits=None)
            for name, estimates in levels.items()
        ),
    )  # fmt: skip


def test_the_page_shows_the_table_of_the_recorded_numbers(recorded: Frontier) -> None:
    page = (DOCS / "risk.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"<!-- frontier -->\n\n(.+?)\n<!-- end -->", page, flags=re.DOTALL)
    assert shown == markdown(recorded) == (RESULTS / "frontier.md").read_text(encoding="utf-8")


def test_the_neutral_level_is_within_sampling_error_of_the_optimum(recorded: Frontier) -> None:
    mean = next(level for level in recorded.levels if level.risk_level == 1.0).estimates["return_mean"]
    assert mean.exact is not None
    assert mean.low < mean.exact < mean.high


def test_the_recorded_dial_is_safer_at_its_lower_end(recorded: Frontier) -> None:
    falls = {level.risk_level: level.estimates["fall_rate"] for level in recorded.levels}
    assert falls[0.1].high < falls[1.0].low
