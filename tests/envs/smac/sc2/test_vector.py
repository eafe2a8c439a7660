from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from rmix_kit.errors import ActionError, EnvironmentContractError
from tests.envs.smac.sc2.theatre import Theatre, ended, fault, first_allowed, play


def test_the_spec_is_what_the_worker_says(theatre: Theatre) -> None:
    spec = theatre.make().spec
    assert (spec.n_agents, spec.n_actions, spec.obs_shape, spec.state_size, spec.episode_limit) == (2, 8, (5,), 4, 12)
    assert spec.action_meanings == ("no_op", "stop", "north", "south", "east", "west", "attack_0", "attack_1")
    assert spec.agent_ids == ("agent_0", "agent_1")


def test_nothing_but_the_sizes_is_asked_before_the_first_reset(theatre: Theatre) -> None:
    theatre.make(num_envs=4)
    assert theatre.workers() == 1
    assert theatre.requests(0) == ["describe"]


def test_every_copy_has_a_process_of_its_own(theatre: Theatre) -> None:
    vector = theatre.make(num_envs=3)
    vector.reset([0, 1, 2])
    assert len(set(vector.pids)) == 3
    assert None not in vector.pids


def test_copies_step_until_the_last_has_ended(theatre: Theatre) -> None:
    vector = theatre.make()
    step = vector.reset([0, 3])  # 3 and 6 steps
    lengths = np.zeros(2, dtype=int)
    while not ended(step).all():
        lengths += ~ended(step)
        step = vector.step(first_allowed(step))
    assert lengths.tolist() == [3, 6]
    assert step.success.tolist() == [False, True]
    assert vector.dead_allies.tolist() == [1, 1]
    assert vector.dead_enemies.tolist() == [3, 6]
    assert theatre.requests(0).count("step") == 3  # a finished copy's game is left alone


def test_a_second_reset_does_not_reach_the_game(theatre: Theatre) -> None:
    vector = theatre.make(num_envs=1)
    first = vector.reset([0])
    again = vector.reset([1])
    np.testing.assert_array_equal(first.obs, again.obs)
    play(vector)
    vector.reset([2])
    vector.reset([3])
    assert Counter(theatre.requests(0)) == {"describe": 1, "launch": 1, "step": 3, "reset": 1}


def test_a_reset_in_the_midst_of_a_games_first_episode_takes_a_new_game(theatre: Theatre) -> None:
    vector = theatre.make(num_envs=1)  # smac would start a second game beside the first, and double max_reward
    vector.step(first_allowed(vector.reset([0])))
    vector.reset([1])
    assert theatre.workers() == 2
    assert vector.restarts == 0
    assert theatre.running() == 2


def test_a_reset_in_the_midst_of_a_later_episode_keeps_the_game(theatre: Theatre) -> None:
    vector = theatre.make(num_envs=1)
    play(vector)
    vector.step(first_allowed(vector.reset([1])))
    vector.reset([2])
    assert theatre.workers() == 1


def test_an_illegal_action_is_refused_before_any_game_sees_it(theatre: Theatre) -> None:
    vector = theatre.make()
    step = vector.step(first_allowed(vector.reset([0, 0])))
    actions = first_allowed(step)
    actions[1, 0] = 6
    with pytest.raises(ActionError, match=r"agent_0 cannot take action 6 at step 1 of copy 1; allowed are \[0\]$"):
        vector.step(actions)
    assert [theatre.requests(worker).count("step") for worker in range(2)] == [1, 1]
    assert not ended(vector.step(first_allowed(step))).any()  # and the episode goes on


def test_the_time_limit_truncates(theatre: Theatre) -> None:
    step = play(theatre.make(fault("step", "time limit", at=1), num_envs=1))
    assert (step.terminated, step.truncated) == ([False], [True])


def test_the_time_limit_terminates_where_that_is_asked_for(theatre: Theatre) -> None:
    step = play(theatre.make(fault("step", "time limit", at=1), num_envs=1, timeout_terminates=True))
    assert (step.terminated, step.truncated) == ([True], [False])


def test_versions_of_package_and_game_are_known_after_the_first_reset(theatre: Theatre) -> None:
    vector = theatre.make(num_envs=1)
    assert vector.facts == {"smac": "1.0.0"}
    vector.reset([0])
    assert vector.facts == {"smac": "1.0.0", "game_version": "4.10.fake"}


def test_no_more_games_are_started_than_allowed(theatre: Theatre) -> None:
    vector = theatre.make(num_envs=32, games=2)
    assert vector.num_envs == 2
    with pytest.raises(EnvironmentContractError, match="append games=3"):
        vector.reset([0, 1, 2])


def test_a_step_without_a_reset_is_refused(theatre: Theatre) -> None:
    with pytest.raises(ActionError, match="call reset first"):
        theatre.make().step(np.zeros((2, 2), dtype=np.int64))


def test_replays_are_saved_when_the_copies_are_closed(theatre: Theatre, tmp_path: Path) -> None:
    vector = theatre.make(num_envs=1, replay_dir=str(tmp_path / "replays"))
    play(vector)
    vector.close()
    assert theatre.requests(0)[-2:] == ["save_replay", "close"]
    assert (tmp_path / "replays").is_dir()


def test_closing_asks_the_game_to_quit(theatre: Theatre) -> None:
    vector = theatre.make()
    vector.reset([0, 1])
    vector.close()
    assert theatre.is_empty()
    assert all(theatre.requests(worker)[-1] == "close" for worker in range(2))


def test_a_restart_reaches_the_copies_that_are_named_and_no_others(theatre: Theatre) -> None:
    vector = theatre.make(num_envs=2)
    vector.reset([3, 3])
    before = vector.step(first_allowed(vector.step(first_allowed(vector.reset([3, 3])))))
    asked = theatre.requests(1)
    seen = vector.restart(np.array([True, False]), [5])
    assert theatre.requests(1) == asked
    assert not seen.reward.any()
    np.testing.assert_array_equal(seen.state[1], before.state[1])
    assert not seen.state[0].any()
