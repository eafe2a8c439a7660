"""What the score of a run is."""

from __future__ import annotations

import pytest

from rmix_kit.envs.text import parse
from rmix_kit.errors import RecordError
from rmix_kit.reports.groups import group_runs
from rmix_kit.reports.run_tables import threshold_table
from rmix_kit.reports.scores import Scores, anchors_of, last_third
from tests.reports.records import BRIDGE, MMM2, evaluation, record, small_set


def test_the_score_is_the_success_rate_of_the_last_checkpoint() -> None:
    (group,) = group_runs([record(won=30)])
    assert Scores([group]).of(group).tolist() == [0.75]


def test_without_every_run_s_episodes_the_score_is_the_last_evaluation() -> None:
    (group,) = group_runs([record(won=30), record(seed=1, won=None)])
    scores = Scores([group])
    assert scores.of(group).tolist() == [0.9, 0.9]
    assert "last evaluation" in scores.source()


def test_returns_are_normalised_between_the_worst_and_the_exact_optimum() -> None:
    anchors = anchors_of(parse(BRIDGE))
    assert anchors is not None
    assert anchors.worst == -149.0
    assert anchors.optimum == pytest.approx(-8.66, abs=0.005)
    (group,) = group_runs([record(env=BRIDGE, won=40)])
    (score,) = Scores([group], "normalized_return").of(group).tolist()
    assert score == pytest.approx((-10.0 + 149.0) / (anchors.optimum + 149.0))


def test_without_an_exact_optimum_the_score_stays_the_win_rate() -> None:
    (group,) = group_runs([record(env=MMM2, won=10, successes=(0.0, 0.5, 0.75))])
    scores = Scores([group], "normalized_return")
    assert scores.of(group).tolist() == [0.75]
    assert scores.describe(MMM2) == "win rate"


def test_on_smac_the_score_is_the_mean_over_the_last_third_of_the_evaluations() -> None:
    swinging = record(env=MMM2, won=1, successes=(0.0, 0.1, 0.2, 0.3, 0.9, 0.0))
    (group,) = group_runs([swinging])
    scores = Scores([group])
    assert scores.of(group).tolist() == [pytest.approx(0.45)]
    assert scores.source() == "the mean over the last third of a run's evaluations during training"
    both = Scores(group_runs([swinging, record(won=30)]))
    assert "(smac:* from the mean over the last third" in both.source()
    assert "the last checkpoint's 40 greedy episodes" in both.source()


@pytest.mark.parametrize(
    ("values", "expected"), [([4.0], 4.0), ([1.0, 3.0], 3.0), ([1.0, 2.0, 6.0], 6.0), ([0.0] * 5 + [3.0, 5.0], 4.0)]
)
def test_the_last_third_is_at_least_one_value(values: list[float], expected: float) -> None:
    assert last_third(values) == expected


def test_a_smac_run_without_its_win_rates_is_refused_by_name() -> None:
    run = record(env=MMM2, evaluations=(evaluation(0, 0.5), evaluation(9, 0.5) | {"success_rate": None}))
    with pytest.raises(RecordError, match="'rmix-0' has evaluations without success_rate"):
        Scores(group_runs([run])).of(group_runs([run])[0])


def test_what_an_agent_sees_does_not_change_the_optimum() -> None:
    assert anchors_of(parse("macn:4x7?include_position=true")) == anchors_of(parse("macn:4x7"))


def test_everyone_is_compared_on_shared_tasks_and_the_complete_ones_on_all() -> None:
    comparisons = Scores(group_runs(small_set())).comparisons()
    assert [(c.name, c.tasks, list(c.algorithms)) for c in comparisons] == [
        ("all algorithms", (BRIDGE,), ["rmix", "qmix", "vdn"]),
        ("all tasks", (BRIDGE, MMM2), ["rmix", "qmix"]),
    ]


@pytest.mark.parametrize("unknown", [{"return_mean": None}, {"fall_rate": float("nan")}])
def test_a_run_whose_score_is_unknown_is_refused_by_name(unknown: dict[str, float | None]) -> None:
    run = record(won=None, evaluations=(evaluation(0, 0.5) | unknown,))
    with pytest.raises(RecordError, match=f"'rmix-0' ends without {next(iter(unknown))}"):
        Scores(group_runs([run])).final(run)


def test_a_threshold_ignores_evaluations_without_a_success_rate() -> None:
    run = record(evaluations=(evaluation(0, 0.0) | {"success_rate": None}, evaluation(2007, 0.8)))
    assert [row["env_steps_min"] for row in threshold_table(group_runs([run])).rows] == [2007, None]


def test_a_threshold_is_reached_at_the_first_evaluation_that_has_it() -> None:
    runs = [record(seed=0), record(seed=1, successes=(0.0, 0.1, 0.2, 0.3, 0.6))]
    half, most = threshold_table(group_runs(runs)).rows
    assert (half["reached"], half["env_steps_min"], half["env_steps_max"]) == (2, 2007, 4008)
    assert half["wall_seconds_median"] == 30.0
    assert (most["reached"], most["env_steps_median"]) == (1, 3007)
