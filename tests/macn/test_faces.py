from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

import macn
from macn.layout import CliffLayout

CASES = [
    {"layout": "4x12", "slip": 0.3},
    {"layout": "bridge", "slip": 0.1, "include_position": True},
    {"layout": "corridors", "n_agents": 3, "slip": 0.2, "show_agents": True, "max_steps": 30},
    {"layout": "0.1\nC.G", "slip": 0.5, "show_agents": True, "include_position": True, "max_steps": 7},
    {"layout": "4x7", "n_agents": 1},
]


def by_agent(values: dict[str, Any]) -> np.ndarray:
    return np.stack([np.asarray(value) for value in values.values()])


@pytest.mark.parametrize("case", CASES)
def test_every_face_gives_the_same_numbers_step_by_step(case: dict[str, Any]) -> None:
    parallel, aec = macn.parallel_env(**case), macn.env(**case)
    player, vector = gymnasium.make("macn:MACN-v0", **case), macn.vector_env(2, **case)
    names = parallel.possible_agents
    rng, episodes = np.random.default_rng(1), 0
    observations, infos = parallel.reset(seed=11)
    aec.reset(seed=11)
    player_obs, player_info = player.reset(seed=11)
    vector_obs, vector_info = vector.reset(seed=[11, 12])
    np.testing.assert_array_equal(by_agent(observations), vector_obs[0])
    np.testing.assert_array_equal(player_info["state"], vector_info["state"][0])
    for _ in range(400):
        actions = rng.integers(0, 4, (2, len(names)))
        if not parallel.agents:
            episodes += 1
            observations, infos = parallel.reset()
            player_obs, player_info = player.reset()
            for _ in names:
                aec.step(None)
            aec.reset()
            vector_obs, reward, terminated, truncated, vector_info = vector.step(actions)
            assert (reward[0], terminated[0], truncated[0], vector_info["success"][0]) == (0.0, False, False, False)
        else:
            named = {name: int(action) for name, action in zip(names, actions[0], strict=True)}
            observations, rewards, terminations, truncations, infos = parallel.step(named)
            player_obs, player_reward, player_terminated, player_truncated, player_info = player.step(actions[0])
            for name in names:
                assert aec.agent_selection == name
                aec.step(named[name])
            vector_obs, reward, terminated, truncated, vector_info = vector.step(actions)
            assert set(rewards.values()) == set(aec.rewards.values()) == {player_reward} == {float(reward[0])}
            assert set(terminations.values()) == set(aec.terminations.values()) == {player_terminated}
            assert set(truncations.values()) == set(aec.truncations.values()) == {player_truncated}
            assert (player_terminated, player_truncated) == (terminated[0], truncated[0])
            if not parallel.agents:
                success = bool(vector_info["success"][0])
                assert {info["success"] for info in infos.values()} == {success} == {player_info["success"]}
        np.testing.assert_array_equal(by_agent(observations), vector_obs[0])
        np.testing.assert_array_equal(by_agent({name: aec.observe(name) for name in names}), vector_obs[0])
        np.testing.assert_array_equal(player_obs, vector_obs[0])
        for key in ("action_mask", "fell"):
            expected = vector_info[key][0]
            np.testing.assert_array_equal(by_agent({name: infos[name][key] for name in names}), expected)
            np.testing.assert_array_equal(by_agent({name: aec.infos[name][key] for name in names}), expected)
            np.testing.assert_array_equal(player_info[key], expected)
        for state in (parallel.state(), aec.state(), player_info["state"]):
            np.testing.assert_array_equal(state, vector_info["state"][0])
    assert episodes > 3


def play(env: Any, moves: list[tuple[int, int]]) -> list[float]:
    env.reset(seed=0)
    return [env.step(dict(zip(env.possible_agents, move, strict=True)))[1]["agent_0"] for move in moves]


UP, DOWN, LEFT, RIGHT = range(4)


def test_together_along_the_edge_of_4x7_costs_seven() -> None:
    moves = [(UP, UP)] + [(RIGHT, RIGHT)] * 6 + [(DOWN, DOWN)]
    assert play(macn.parallel_env("4x7"), moves) == [-1.0] * 7 + [0.0]


def test_a_late_partner_costs_half_a_point_a_step() -> None:
    moves = [(UP, UP)] + [(RIGHT, RIGHT)] * 5 + [(RIGHT, UP), (DOWN, RIGHT), (LEFT, DOWN), (UP, DOWN)]
    env = macn.parallel_env("4x7")
    assert play(env, moves) == [-1.0] * 7 + [-0.5, -0.5, 0.0]
    assert env.agents == []


def test_one_fall_ends_the_episode_for_everyone() -> None:
    env = macn.parallel_env("4x7")
    env.reset(seed=0)
    _, rewards, terminations, truncations, infos = env.step({"agent_0": RIGHT, "agent_1": UP})
    assert rewards == {"agent_0": -100.0, "agent_1": -100.0}
    assert all(terminations.values())
    assert not any(truncations.values())
    assert [infos[name]["fell"] for name in env.possible_agents] == [True, False]
    assert infos["agent_0"]["success"] is False


def test_the_clock_truncates_4x12_after_fifty_steps() -> None:
    env = macn.parallel_env("4x12")
    assert play(env, [(LEFT, LEFT)] * 49) == [-1.0] * 49
    assert env.agents == env.possible_agents
    _, _, terminations, truncations, infos = env.step({"agent_0": LEFT, "agent_1": LEFT})
    assert all(truncations.values())
    assert not any(terminations.values())
    assert infos["agent_1"]["success"] is False


def test_terminated_wins_over_truncated_on_the_last_step() -> None:
    env = macn.parallel_env("4x7", max_steps=8)
    play(env, [(UP, UP)] + [(RIGHT, RIGHT)] * 6)
    _, _, terminations, truncations, infos = env.step({"agent_0": DOWN, "agent_1": DOWN})
    assert all(terminations.values())
    assert not any(truncations.values())
    assert infos["agent_0"]["success"] is True


def test_a_thousand_steps_repeat_exactly_for_the_same_seed() -> None:
    def record() -> list[Any]:
        env, rng = macn.parallel_env("4x12", slip=0.2), np.random.default_rng(5)
        numbers: list[Any] = [by_agent(env.reset(seed=9)[0]).tolist()]
        for _ in range(1500):
            if not env.agents:
                numbers.append(by_agent(env.reset()[0]).tolist())
            actions = dict(zip(env.possible_agents, rng.integers(0, 4, 2).tolist(), strict=True))
            observations, *rest, _ = env.step(actions)
            numbers.append((by_agent(observations).tolist(), rest))
        return numbers

    assert record() == record()


def test_other_seeds_and_later_episodes_slip_otherwise() -> None:
    def paths(seed: int) -> list[list[float]]:
        env = macn.parallel_env("....\n....\n....\nS..G", slip=1.0)
        result = []
        for episode in range(3):
            env.reset(seed=seed if episode == 0 else None)
            states = []
            for _ in range(10):
                env.step({"agent_0": 0, "agent_1": 0})
                states += env.state().tolist()
            result.append(states)
        return result

    assert paths(1) == paths(1)
    assert len({str(path) for path in paths(1) + paths(2)}) == 6


def test_changing_a_returned_array_does_not_change_the_game() -> None:
    env = macn.parallel_env("4x12", include_position=True)
    observations, infos = env.reset(seed=0)
    before = observations["agent_0"].copy()
    observations["agent_0"][:] = 77
    infos["agent_0"]["action_mask"][:] = 0
    again, infos = env.reset(seed=0)
    np.testing.assert_array_equal(again["agent_0"], before)
    assert infos["agent_0"]["action_mask"].tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("layout", macn.NAMED_LAYOUTS)
def test_observation_bounds_are_tight_per_element(layout: str) -> None:
    space = macn.parallel_env(layout, include_position=True).observation_space("agent_0")
    grid = CliffLayout.parse(layout)
    assert space.high.tolist() == [4] * 9 + [grid.height - 1, grid.width - 1]
    assert (space.low == 0).all()
    assert int(macn.parallel_env(layout, show_agents=True).observation_space("agent_0").high.max()) == 12
