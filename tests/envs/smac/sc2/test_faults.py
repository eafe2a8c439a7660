"""Every way in which a game can fail, and the right answer to it."""

from __future__ import annotations

import logging
import re

import numpy as np
import pytest

from rmix_kit.envs.smac.sc2.process import WorkerFailure, finite
from rmix_kit.errors import StarCraftError
from tests.envs.smac.sc2.theatre import Theatre, ended, fault, first_allowed, is_running, pids_in, play

FAULTS_IN_A_STEP = ["crash", "killed", "error", "empty info", "garbage", "nan reward", "hang", "stopped"]
SILENT = ("hang", "stopped")  # only the deadline tells


def settings_for(kind: str) -> dict[str, float]:
    return {"step_timeout": 0.5} if kind in SILENT else {}


def test_a_failure_in_a_step_damages_the_episode_of_that_copy_alone(theatre: Theatre) -> None:
    vector = theatre.make(fault("step", "killed", worker=1, at=1))
    step = play(vector)
    assert step.damaged is not None
    assert step.damaged.tolist() == [False, True]
    assert step.terminated.tolist() == [True, False]
    assert step.reward[1] == 0
    assert vector.restarts == 1


@pytest.mark.parametrize("kind", ["error", "hang"])  # the worker lives on, or its game does
def test_after_a_failure_in_a_step_the_whole_process_group_is_gone_at_once(theatre: Theatre, kind: str) -> None:
    vector = theatre.make(fault("step", kind, at=0), num_envs=1, **settings_for(kind))
    step = vector.reset([0])
    before = pids_in(theatre.folder)
    assert len(before) == 2  # the worker and the game
    assert all(map(is_running, before))
    assert vector.step(first_allowed(step)).damaged == [True]
    assert theatre.is_empty()


@pytest.mark.parametrize("kind", FAULTS_IN_A_STEP)
def test_the_next_reset_after_a_failure_plays_in_a_new_game(theatre: Theatre, kind: str) -> None:
    vector = theatre.make(fault("step", kind, at=1), num_envs=1, **settings_for(kind))
    damaged, restarts = play(vector).damaged, vector.restarts
    assert (damaged, restarts, theatre.is_empty()) == ([True], 1, True)
    assert (play(vector).damaged, theatre.workers()) == ([False], 2)


@pytest.mark.parametrize(
    ("on", "kind"), [("launch", "crash"), ("launch", "error"), ("reset", "crash"), ("reset", "hang")]
)
def test_a_failure_before_the_first_step_costs_no_episode(theatre: Theatre, on: str, kind: str) -> None:
    vector = theatre.make(fault(on, kind), num_envs=1, **settings_for(kind))
    assert [play(vector, seed=number).damaged for number in range(2)] == [[False], [False]]
    assert (vector.restarts, theatre.workers()) == (1, 2)


def test_a_slow_start_within_the_deadline_is_no_failure(theatre: Theatre) -> None:
    vector = theatre.make(fault("launch", "slow"))
    assert not ended(vector.reset([0, 1])).any()
    assert vector.restarts == 0


def test_a_start_beyond_the_deadline_is_tried_again(theatre: Theatre) -> None:
    vector = theatre.make(fault("launch", "hang"), num_envs=1, launch_timeout=2.0)
    assert not ended(vector.reset([0])).any()
    assert vector.restarts == 1


def test_a_restarted_game_with_another_reward_scale_is_not_played(theatre: Theatre) -> None:
    vector = theatre.make(fault("step", "crash"), fault("launch", "wrong scale", worker=1), num_envs=1)
    play(vector)
    assert play(vector).damaged == [False]
    assert (theatre.workers(), vector.restarts, vector.max_reward) == (3, 2, 365.0)


def test_another_copy_with_another_reward_scale_is_not_played(theatre: Theatre) -> None:
    vector = theatre.make(fault("launch", "wrong scale", worker=1))
    vector.reset([0, 1])
    assert (theatre.workers(), vector.restarts, vector.max_reward) == (3, 1, 365.0)


def test_a_game_that_always_fails_is_given_up_with_a_diagnosis(theatre: Theatre) -> None:
    vector = theatre.make(fault("launch", "crash", worker=None, at=None), num_envs=1, max_restarts=2)
    with pytest.raises(StarCraftError) as caught:
        vector.reset([0])
    text = str(caught.value)
    assert "copy 0 of 3m, failed 3 times in a row" in text
    assert "launch: the worker process ended with exit code 139 (3x)" in text
    assert "Segmentation fault in the game" in text
    assert "rmix-kit doctor" in text
    assert "\n" not in text
    assert theatre.workers() == 3
    assert theatre.is_empty()


def test_giving_up_leaves_no_game_of_any_copy(theatre: Theatre) -> None:
    vector = theatre.make(fault("launch", "crash", worker=1, at=0), max_restarts=0)
    with pytest.raises(StarCraftError):
        vector.reset([0, 1])
    assert theatre.is_empty()


def test_finished_episodes_between_failures_forget_them(theatre: Theatre) -> None:
    faults = [fault("step", "crash", worker=number, at=6) for number in range(4)]  # the second episode of each game
    vector = theatre.make(*faults, num_envs=1, max_restarts=1)
    damaged = [bool(play(vector).damaged[0]) for _ in range(8)]  # type: ignore[index]
    assert sum(damaged) >= 3
    assert vector.restarts == sum(damaged)


def test_what_a_restart_cannot_mend_is_said_at_once(theatre: Theatre) -> None:
    vector = theatre.make(fault("launch", "missing", worker=None), num_envs=1)
    with pytest.raises(StarCraftError, match=r"FileNotFoundError: Versions.*rmix-kit doctor"):
        vector.reset([0])
    assert theatre.workers() == 1


def test_an_unknown_map_is_answered_with_those_there_are(theatre: Theatre) -> None:
    with pytest.raises(
        StarCraftError, match=r"smac has no map '3m'; it has 3m, 8m; did you mean '3m'\?; rmix-kit doctor"
    ):
        theatre.make(fault("describe", "unknown map"))
    assert theatre.is_empty()


def test_a_missing_interpreter_is_named(theatre: Theatre) -> None:
    with pytest.raises(StarCraftError, match=r"'/nonexistent/python' cannot be started .*RMIX_SMAC_PYTHON"):
        theatre.make(smac_python="/nonexistent/python")


def test_a_failure_is_logged_with_copy_place_and_reason(theatre: Theatre, caplog: pytest.LogCaptureFixture) -> None:
    vector = theatre.make(fault("step", "empty info", worker=1, at=2))
    with caplog.at_level(logging.WARNING):
        play(vector)
    (record,) = caplog.records
    assert re.search(r"copy 1 \(process group \d+\), step 2: the game died in the step.*failure 1 in", record.message)


def test_a_damaged_copy_stands_still(theatre: Theatre) -> None:
    vector = theatre.make(fault("step", "crash", worker=1, at=1))
    step = vector.reset([3, 3])
    seen = [step := vector.step(first_allowed(step)) for _ in range(4)]
    np.testing.assert_array_equal(seen[1].obs[1], seen[0].obs[1])
    np.testing.assert_array_equal(seen[3].obs[1], seen[0].obs[1])
    assert [one.reward[1] for one in seen] == [1, 0, 0, 0]
    assert (seen[3].obs[0] != seen[0].obs[0]).any()


INFO = '"info": {"battle_won": true, "dead_allies": 1, "dead_enemies": 1}, "terminated": false'
MALFORMED = {
    "65 axes": '{"fields": {}, "arrays": [["obs", "float32", [' + ", ".join("0" * 65) + "]]]}",
    "an empty shape beyond all numbers": f'{{"fields": {{}}, "arrays": [["obs", "float32", [0, {10**30}]]]}}',
    "a side that is a fraction": '{"fields": {}, "arrays": [["obs", "float32", [1.5]]]}',
    "a side that is true": '{"fields": {}, "arrays": [["obs", "float32", [true, true]]]}',
    "too many arrays": '{"fields": {}, "arrays": [' + ", ".join(['["obs", "float32", [0]]'] * 65) + "]}",
    "an array twice": '{"fields": {}, "arrays": [["obs", "float32", [0]], ["obs", "float32", [0]]]}',
    "more than two gigabytes": '{"fields": {}, "arrays": [["a", "int8", [2147483648]], ["b", "int8", [1]]]}',
    "a reward of 400 digits": f'{{"fields": {{"reward": {10**400}, {INFO}}}, "arrays": []}}',
    "an infinite reward": f'{{"fields": {{"reward": 1e400, {INFO}}}, "arrays": []}}',
    "a reward beyond float32": f'{{"fields": {{"reward": 1e39, {INFO}}}, "arrays": []}}',
    "a reward that is true": f'{{"fields": {{"reward": true, {INFO}}}, "arrays": []}}',
    "a reward in words": f'{{"fields": {{"reward": "much", {INFO}}}, "arrays": []}}',
    "no reward": f'{{"fields": {{{INFO}}}, "arrays": []}}',
    "a billion dead": f'{{"fields": {{"reward": 0, {INFO.replace("1}", "1000000000}")}}}, "arrays": []}}',
    "no fields": '{"arrays": []}',
    "a list": "[]",
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_answer_costs_one_episode(what: str, theatre: Theatre) -> None:
    vector = theatre.make(fault("step", f"raw {MALFORMED[what]}", at=1), num_envs=1)
    assert play(vector).damaged == [True]
    assert play(vector).damaged == [False]
    assert vector.restarts == 1


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ("{}", "n_agents='None'"),
        ("[]", "sizes"),
        (
            '{"n_agents": 1000000000, "n_actions": 8, "obs_shape": 5, "state_shape": 4, "episode_limit": 12}',
            "n_agents 10",
        ),
        ('{"n_agents": 2, "n_actions": 8, "obs_shape": 1e9, "state_shape": 4, "episode_limit": 12}', "obs_shape"),
        ('{"n_agents": 2, "n_actions": 8, "obs_shape": 5, "state_shape": 4, "episode_limit": 0}', "episode_limit 0"),
    ],
)
def test_sizes_that_no_map_has_are_refused_at_once(sizes: str, words: str, theatre: Theatre) -> None:
    with pytest.raises(StarCraftError, match=words):
        theatre.make(fault("describe", f"sizes {sizes}"), num_envs=1)


def test_a_line_without_end_on_standard_error_is_read_in_pieces(theatre: Theatre) -> None:
    vector = theatre.make(fault("step", "endless line", at=0), num_envs=1)
    assert play(vector).damaged == [False]


@pytest.mark.parametrize("reward", [1e39, -1e39, 10**400, float("nan"), True, "1", None])
def test_what_no_float32_holds_is_no_reward(reward: object) -> None:
    with pytest.raises(WorkerFailure, match="reward"):
        finite({"reward": reward}, "reward")
