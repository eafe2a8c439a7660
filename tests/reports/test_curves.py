"""Curves over seeds, on one grid."""

from __future__ import annotations

import pytest

from rmix_kit.errors import RecordError
from rmix_kit.reports.curves import curve_table, evaluation_interval
from rmix_kit.reports.groups import group_runs
from rmix_kit.results import RunRecord
from tests.reports.records import evaluation, record


def rows(*runs: RunRecord, metric: str = "success_rate") -> dict[int, dict[str, float]]:
    return {row["env_steps"]: dict(row) for row in curve_table(group_runs(runs)).where(metric=metric)}


def test_evaluations_that_are_a_few_steps_apart_are_one_point() -> None:
    found = rows(record(seed=0), record(seed=1))
    assert list(found) == [0, 1000, 2000, 3000, 4000]
    assert {row["runs"] for row in found.values()} == {2}


def test_a_point_has_mean_deviation_median_and_quartiles() -> None:
    runs = [record(seed=seed, successes=(value,)) for seed, value in enumerate((0.0, 0.25, 0.5, 1.0))]
    (row,) = rows(*runs).values()
    assert row["mean"] == pytest.approx(0.4375)
    assert row["std"] == pytest.approx(0.3697550540)
    assert (row["quartile_low"], row["median"], row["quartile_high"]) == pytest.approx((0.1875, 0.375, 0.625))


def test_an_interval_without_an_evaluation_keeps_the_one_before() -> None:
    late = record(seed=1, evaluations=(evaluation(0, 0.0), evaluation(1007, 0.4), evaluation(4001, 1.0)))
    found = rows(record(seed=0), late)
    assert found[2000]["mean"] == pytest.approx((0.5 + 0.4) / 2)


def test_a_curve_ends_where_its_shortest_run_ends() -> None:
    assert max(rows(record(seed=0), record(seed=1, successes=(0.0, 0.5, 0.5)))) == 2000


@pytest.mark.parametrize("unknown", [None, float("nan")])
def test_an_evaluation_without_the_number_is_none(unknown: float | None) -> None:
    gap = evaluation(1007, 0.9) | {"success_rate": unknown}
    found = rows(record(evaluations=(evaluation(0, 0.0), gap, evaluation(2007, 0.8))))
    assert [row["mean"] for row in found.values()] == [0.0, 0.0, 0.8]


def test_unfinished_runs_are_left_out() -> None:
    found = rows(record(seed=0), record(seed=1, successes=(1.0,) * 5, is_finished=False))
    assert found[0]["mean"] == 0.0
    assert found[0]["runs"] == 1


@pytest.mark.parametrize("interval", ["nan", 0, -5, 1.5, None, [10], True])
def test_an_interval_that_is_none_is_refused(interval: object) -> None:
    config = {**record().config, "training": {"evaluation_interval": interval}}
    with pytest.raises(RecordError, match="evaluation_interval"):
        evaluation_interval(record(config=config))
