from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import macn
from macn.errors import ActionError, NotResetError, ParameterError

RNG_ACTIONS = np.random.default_rng(3).integers(0, 4, (120, 5, 2))


def run(env: Any, actions: np.ndarray) -> list[Any]:
    return [env.step(action) for action in actions]


def test_shapes_and_dtypes_are_those_of_the_contract() -> None:
    env = macn.vector_env(5, n_agents=3, include_position=True)
    obs, infos = env.reset(seed=0)
    assert (obs.shape, obs.dtype) == ((5, 3, 11), np.int8)
    assert env.observation_space.contains(obs)
    obs, reward, terminated, truncated, infos = env.step(env.action_space.sample())
    assert (reward.shape, reward.dtype) == ((5,), np.float64)
    assert terminated.dtype == truncated.dtype == np.bool_
    shapes = {key: (value.shape, value.dtype) for key, value in infos.items()}
    assert shapes == {
        "action_mask": ((5, 3, 4), np.int8),
        "success": ((5,), np.bool_),
        "fell": ((5, 3), np.bool_),
        "state": ((5, 10), np.float32),
    }


def test_a_list_of_seeds_gives_each_copy_the_stream_of_a_single_environment() -> None:
    many = macn.vector_env(5, slip=0.3, autoreset_mode=AutoresetMode.DISABLED)
    many.reset(seed=[4, 5, 6, 7, 8])
    together = run(many, RNG_ACTIONS[:30])
    for copy in range(5):
        alone = macn.vector_env(1, slip=0.3, autoreset_mode="Disabled")
        alone.reset(seed=4 + copy)
        for step, (obs, reward, terminated, _, _) in enumerate(run(alone, RNG_ACTIONS[:30, copy : copy + 1])):
            np.testing.assert_array_equal(obs[0], together[step][0][copy])
            assert (reward[0], terminated[0]) == (together[step][1][copy], together[step][2][copy])


def test_one_seed_gives_the_copies_streams_of_their_own() -> None:
    env = macn.vector_env(64, "....\n....\n....\nS..G", slip=1.0)
    env.reset(seed=1)
    env.step(np.zeros((64, 2), dtype=np.int64))
    env.step(np.zeros((64, 2), dtype=np.int64))
    assert len(np.unique(env.state(), axis=0)) > 5


def test_the_stream_of_copy_zero_is_that_of_a_single_environment() -> None:
    many, alone = macn.vector_env(5, slip=0.5), macn.vector_env(1, slip=0.5)
    many.reset(seed=3)
    alone.reset(seed=3)
    for ours, single in zip(run(many, RNG_ACTIONS), run(alone, RNG_ACTIONS[:, :1]), strict=True):
        np.testing.assert_array_equal(ours[0][0], single[0][0])


def test_a_finished_copy_stands_still_when_autoreset_is_disabled() -> None:
    env = macn.vector_env(5, "4x7", slip=0.2, autoreset_mode=AutoresetMode.DISABLED)
    env.reset(seed=0)
    previous, checked = None, 0
    for action in RNG_ACTIONS[:60]:
        obs, reward, terminated, truncated, infos = env.step(action)
        if previous is not None:
            done = previous[2] | previous[3]
            checked += int(done.sum())
            np.testing.assert_array_equal(obs[done], previous[0][done])
            np.testing.assert_array_equal(infos["state"][done], previous[4]["state"][done])
            assert (reward[done] == 0).all()
            np.testing.assert_array_equal(terminated[done], previous[2][done])
            np.testing.assert_array_equal(truncated[done], previous[3][done])
        previous = (obs, reward, terminated, truncated, infos)
    assert checked > 50
    assert (terminated | truncated).all()
    obs, _ = env.reset(seed=[1, 2, 3, 4, 5])
    _, reward, *_ = env.step(np.zeros((5, 2), dtype=np.int64))
    assert (reward != 0).all()


def test_a_truncated_copy_stays_truncated_when_autoreset_is_disabled() -> None:
    env = macn.vector_env(2, max_steps=2, autoreset_mode=AutoresetMode.DISABLED)
    env.reset(seed=0)
    stay = np.full((2, 2), 2)
    for step in range(5):
        _, _, terminated, truncated, infos = env.step(stay)
        assert truncated.tolist() == [step >= 1] * 2
        assert not terminated.any()
        assert infos["state"][0, -1] == min(step + 1, 2) / 2


def test_a_reset_mask_restarts_only_those_copies() -> None:
    env = macn.vector_env(3, "4x12")
    env.reset(seed=0)
    env.step(np.zeros((3, 2), dtype=np.int64))
    before = env.state()
    env.reset(options={"reset_mask": np.asarray([False, True, False])})
    after = env.state()
    np.testing.assert_array_equal(after[[0, 2]], before[[0, 2]])
    assert after[1, -1] == 0.0


def test_returned_arrays_are_the_callers_own() -> None:
    env, other = macn.vector_env(4, slip=0.1), macn.vector_env(4, slip=0.1)
    for one in (env, other):
        one.reset(seed=0)
    for action in RNG_ACTIONS[:40, :4]:
        for array in (*env.step(action)[:4], *env.step(action)[4].values()):
            array[...] = 1
        other.step(action)
        np.testing.assert_array_equal(env.state(), other.step(action)[4]["state"])


def test_the_cells_that_are_given_are_the_callers_own() -> None:
    envs = macn.vector_env(2)
    envs.reset(seed=0)
    given = envs.cells
    given += 1
    assert (envs.cells == given - 1).all()


def test_gymnasium_makes_the_vector_face() -> None:
    env = gymnasium.make_vec("macn:MACN-v0", num_envs=3, layout="bridge")
    assert isinstance(env.unwrapped, macn.MACNVectorEnv)
    assert env.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_envs": 0}, "num_envs is 0"),
        ({"slip": 1.5}, "slip is 1.5"),
        ({"n_agents": 0}, "n_agents is 0"),
        ({"max_steps": 0}, "max_steps is 0"),
        ({"max_steps": 5, "max_cycles": 5}, "two names of one limit"),
        ({"show_agents": 1}, "show_agents is 1"),
        ({"autoreset_mode": "sometimes"}, "autoreset_mode is 'sometimes'"),
        ({"render_mode": "human"}, "a window shows one copy alone"),
        ({"max_steps": 5, "max_episode_steps": 6}, "max_steps is 5 and max_episode_steps is 6; they are two names"),
        ({"max_episode_steps": -1}, "max_episode_steps is -1"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        macn.vector_env(**arguments)


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (np.zeros((3, 2), dtype=np.int64), "expected \\(2, 2\\)"),
        (np.zeros((2, 2)), "dtype float64"),
        (np.asarray([[0, 1], [4, 0]]), "action of copy 1, agent 0 is 4"),
        (np.asarray([[0, -1], [0, 0]]), "action of copy 0, agent 1 is -1"),
    ],
)
def test_bad_actions_are_refused(actions: np.ndarray, message: str) -> None:
    env = macn.vector_env(2)
    env.reset(seed=0)
    with pytest.raises(ActionError, match=message):
        env.step(actions)


def test_a_step_before_the_reset_is_refused() -> None:
    with pytest.raises(NotResetError, match="call reset"):
        macn.vector_env(2).step(np.zeros((2, 2), dtype=np.int64))


@pytest.mark.parametrize("seed", [-1, -(2**64), 1.5, [1], [1, 2, 3], ["a", 2], True])
def test_bad_seeds_are_refused(seed: Any) -> None:
    with pytest.raises(ParameterError, match="seed"):
        macn.vector_env(2).reset(seed=seed)


def test_a_bad_reset_mask_is_refused() -> None:
    with pytest.raises(ParameterError, match="reset_mask"):
        macn.vector_env(2).reset(options={"reset_mask": np.asarray([1, 0])})
