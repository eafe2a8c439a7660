"""Runs on environments that do not report success are scored by return, and nobody is told of a rate of 0 %."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rmix_kit.errors import RecordError
from rmix_kit.reports.groups import group_runs
from rmix_kit.reports.marl_eval import marl_eval
from rmix_kit.reports.optimum import optimum_table
from rmix_kit.reports.report import write_report
from rmix_kit.reports.risk_tables import catastrophe_table
from rmix_kit.reports.run_tables import final_table, threshold_table
from rmix_kit.reports.scores import ScoreName, Scores
from rmix_kit.reports.single import plot_runs
from rmix_kit.reports.success import silent_environments, with_agreed_success
from rmix_kit.reports.views import final_view
from rmix_kit.results import RunRecord, find_records
from tests.architecture.sources import ROOT
from tests.reports.records import record

SPREAD = "pettingzoo:mpe2.simple_spread_v3"


NONE = optimum_table([])


def silent(algo: str = "rmix", env: str = SPREAD, seed: int = 0, **changes: Any) -> RunRecord:
    """A record without a word of success."""
    told = record(algo, env, seed, **changes)
    rows = tuple({**row, "success_rate": None} for row in told.evaluations)
    ends = {name: end and replace(end, success=None) for name, end in (("best", told.best), ("last", told.last))}
    return replace(told, evaluations=rows, **ends)


@pytest.mark.parametrize("score", ["success_rate", "normalized_return"])
def test_the_return_is_the_score_from_the_lowest_evaluation_to_the_highest(score: ScoreName) -> None:
    groups = group_runs([silent(won=36), silent("vdn", won=20)])  # means: -20, -60; evaluations: -50 to -10
    scores = Scores(groups, score)
    assert [scores.of(group).tolist() for group in groups] == [pytest.approx([0.8]), pytest.approx([0.0])]
    assert scores.describe(SPREAD) == (
        "normalised return: 0 at -60, the lowest mean return of any evaluation here, 1 at -10, the highest; success is "
        "not reported"
    )


def test_runs_that_never_differed_all_have_the_highest_score() -> None:
    (group,) = group_runs([silent(won=None, successes=(0.5, 0.5))])
    assert Scores([group]).of(group).tolist() == [1.0]


def test_there_is_no_threshold_column_or_number_of_success() -> None:
    groups = group_runs([silent(), record()])
    assert {row["environment"] for row in threshold_table(groups).rows} == {"macn:4x7"}
    table = final_table(Scores(groups), NONE)
    assert "success" not in final_view(table, SPREAD).head
    assert "success" in final_view(table, "macn:4x7").head
    told = marl_eval(groups)["pettingzoo"]["mpe2.simple_spread_v3"]["rmix"]["seed_0"]
    assert "success_rate" not in told["absolute_metrics"] | told["step_0"]
    assert told["absolute_metrics"]["return"]


def test_the_page_says_that_the_return_counts(tmp_path: Path) -> None:
    page = write_report([silent(), silent("vdn", won=20), record()], tmp_path / "report", resamples=20)
    text = page.read_text(encoding="utf-8")
    assert f"{SPREAD}: success is not reported, so the return counts." in text
    names = sorted(path.name for path in (tmp_path / "report" / "figures").glob("*success_rate*.png"))
    assert names == ["macn-4x7-success_rate-quartiles.png", "macn-4x7-success_rate-std.png"]


def test_falls_are_shown_where_somebody_can_fall() -> None:
    upright = silent(won=40, successes=(1.0, 1.0))  # records fall as often as they fail
    tables = [catastrophe_table(Scores(group_runs([run]))).rows for run in (upright, silent(won=20), record(won=40))]
    assert [len(rows) for rows in tables] == [0, 1, 1]
    assert "falls" not in final_view(final_table(Scores(group_runs([upright])), NONE), SPREAD).head
    assert "falls" in final_view(final_table(Scores(group_runs([record()])), NONE), "macn:4x7").head


def test_one_word_of_any_run_settles_it_for_all_on_the_environment() -> None:
    told, never = record(env=SPREAD, successes=(0.0, 0.5)), silent(seed=1)
    late = silent(seed=2)
    late = replace(late, evaluations=(*late.evaluations[:-1], {**late.evaluations[-1], "success_rate": 0.25}))
    assert silent_environments([told, never]) == ()
    assert silent_environments([never]) == (SPREAD,)
    settled = with_agreed_success([told, never, late])
    assert settled[0] == told
    assert [row["success_rate"] for row in settled[1].evaluations] == [0.0] * 5
    assert [row["success_rate"] for row in settled[2].evaluations] == [0.0] * 4 + [0.25]
    assert settled[1].last is not None
    assert settled[1].last.success == (False,) * 40


def test_a_plot_of_success_names_environments_without_it(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=f"{SPREAD} did not report success .* ask for return_mean"):
        plot_runs([silent()], tmp_path / "a.png", metric="success_rate")
    assert plot_runs([silent(), record()], tmp_path / "b.png", metric="success_rate") == (SPREAD,)
    assert plot_runs([silent()], tmp_path / "c.png", metric="return_mean") == ()


def test_the_committed_records_say_what_they_said() -> None:
    records = find_records([ROOT / "docs" / "results" / name for name in ("didactic", "macn", "smac-builtin")])
    assert len(records) > 200
    assert silent_environments(records) == ()
    assert with_agreed_success(records) == list(records)


@pytest.mark.usefixtures("undrawn")
def test_a_page_of_games_without_success_speaks_of_none(tmp_path: Path) -> None:
    page = write_report([silent(), silent("vdn", won=20)], tmp_path / "report", resamples=20)
    text = re.sub(r"<style>.*?</style>|<[^>]+>|success_rate", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert "success rate" not in text
    assert f"{SPREAD}: rmix is ahead, mean return " in text
