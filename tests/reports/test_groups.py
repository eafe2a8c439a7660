"""Runs that do not belong together are not put together silently."""

from __future__ import annotations

from typing import Any

import pytest

from rmix_kit.errors import RecordError
from rmix_kit.reports.groups import Group, environments_of, group_runs
from rmix_kit.reports.run_tables import run_table, state_of
from tests.reports.records import record


def other_config(path: str, value: Any) -> dict[str, Any]:
    """The configuration of a second run with one setting changed."""
    config: dict[str, Any] = {**record(seed=1).config}
    head, _, name = path.rpartition(".")
    if head:
        config[head] = {**config[head], name: value}
    else:
        config[path] = value
    return {"config": config}


DIFFERENCES: list[tuple[dict[str, Any], str]] = [
    (other_config("training.batch_size", 64), "training.batch_size: 32 against 64"),
    (other_config("steps", 9000), "steps: 4000 against 9000"),
    ({"preset": "rmix-paper"}, "preset: rmix against rmix-paper"),
    ({"origins": ({"rmix_kit": "0.2.0"},)}, "version of rmix-kit: 0.1.0 against 0.2.0"),
    ({"env_spec": {"n_agents": 3}}, "n_agents: 2 against 3"),
]


@pytest.mark.parametrize(("changes", "words"), DIFFERENCES, ids=[words for _, words in DIFFERENCES])
def test_runs_that_differ_are_refused_by_name(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RecordError, match="allow-mixed") as error:
        group_runs([record(), record(seed=1, **changes)])
    assert words in str(error.value)
    assert "'rmix-0'" in str(error.value)
    assert "'rmix-1'" in str(error.value)


def test_runs_of_other_games_are_refused() -> None:
    runs = [record(seed=seed, environment={"starcraft": version}) for seed, version in enumerate(("4.10", "4.6.2"))]
    with pytest.raises(RecordError, match=r"starcraft: 4\.10 against 4\.6\.2"):
        group_runs(runs)


def test_two_runs_of_one_seed_are_refused() -> None:
    with pytest.raises(RecordError, match="'again' and 'rmix-0' have the same seed 0"):
        group_runs([record(), record(name="again")])


def test_runs_that_differ_are_labelled_where_that_is_allowed() -> None:
    (group,) = group_runs([record(), record(seed=1, preset="rmix-paper")], allow_mixed=True)
    assert group.label == "rmix (mixed)"
    assert "rmix-paper" in group.mixed[0]


@pytest.mark.parametrize(
    "changes",
    [
        other_config("device", "cuda"),
        other_config("training.threads", 2),
        {"origins": ({"rmix_kit": "0.1.0", "commit": "fedcba9876543210"},)},
        {"origins": ({"rmix_kit": "not installed"},)},
    ],
    ids=["device", "threads", "commit", "a version that is not known"],
)
def test_what_changes_no_result_does_not_part_runs(changes: dict[str, Any]) -> None:
    (group,) = group_runs([record(), record(seed=1, **changes)])
    assert group.mixed == ()


@pytest.mark.parametrize(("changes", "words"), DIFFERENCES, ids=[words for _, words in DIFFERENCES])
def test_an_unfinished_run_stops_no_finished_one(changes: dict[str, Any], words: str) -> None:
    begun = record(**{"name": "begun", "is_finished": False, **changes})
    (group,) = group_runs([begun, record(), record(seed=1)])
    assert (group.mixed, len(group.runs), group.unfinished) == ((), 2, (begun,))


def test_different_algorithms_and_environments_are_groups_of_their_own() -> None:
    groups = group_runs([record("qmix", "macn:4x11"), record("rmix", "macn:4x11"), record("rmix", "macn:4x7")])
    assert [(group.env, group.algo) for group in groups] == [
        ("macn:4x7", "rmix"),
        ("macn:4x11", "rmix"),
        ("macn:4x11", "qmix"),
    ]
    assert environments_of(groups) == ("macn:4x7", "macn:4x11")


def states(groups: tuple[Group, ...]) -> list[str]:
    return [state_of(group) for group in groups]


def test_a_planned_cell_without_a_run_is_shown_as_not_run() -> None:
    assert states(group_runs([], [("rmix", "macn:4x7", range(5))])) == ["not run"]


def test_a_cell_says_what_is_missing_and_what_has_not_ended() -> None:
    runs = [record(), record(seed=1, is_finished=False)]
    assert states(group_runs(runs, [("rmix", "macn:4x7", (0, 1, 2))])) == ["1 of 3, 1 unfinished, 1 not run"]


def test_a_complete_cell_is_a_number() -> None:
    assert states(group_runs([record(), record(seed=1)], [("rmix", "macn:4x7", (0, 1))])) == ["2"]


def test_a_commit_that_is_no_text_is_shown_as_it_is() -> None:
    assert run_table(group_runs([record(origins=({"commit": 5},))])).rows[0]["commit"] == "5"
