from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

import macn
from macn.errors import ActionError, MACNError, NotResetError, ParameterError
from macn.walk import checked_actions

ROOT = Path(__file__).parents[2]
NAMES = ["agent_0", "agent_1"]


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ({"agent_0": 0}, "no action for 'agent_1'"),
        ({"agent_0": 0, "agent_1": 0, "agent_2": 0}, "unknown agent 'agent_2'"),
        ({"agent_0": 0, "agent_1": 4}, "action of agent_1 is 4"),
        ({"agent_0": -1, "agent_1": 0}, "action of agent_0 is -1"),
        ({"agent_0": None, "agent_1": 0}, "action of agent_0 is None"),
        ({"agent_0": 0.5, "agent_1": 0}, "action of agent_0 is 0.5"),
        ({"agent_0": np.asarray([0, 1]), "agent_1": 0}, "action of agent_0 is"),
        ([0, 1], "expected a dict"),
    ],
)
def test_bad_actions_are_refused_by_the_parallel_face(actions: Any, message: str) -> None:
    env = macn.parallel_env()
    env.reset(seed=0)
    before = env.state()
    with pytest.raises(ActionError, match=message) as caught:
        env.step(actions)
    assert isinstance(caught.value, (MACNError, ValueError))
    np.testing.assert_array_equal(env.state(), before)


@pytest.mark.parametrize("one", [1, np.int64(1), np.int8(1), np.asarray(1)])
def test_whole_numbers_of_any_kind_are_actions(one: Any) -> None:
    assert checked_actions({"agent_0": one, "agent_1": one}, NAMES) == [1, 1]


@pytest.mark.parametrize("action", [[0], [0, 4], [0.0, 1.0], "01", 3, [[0, 1]]])
def test_bad_actions_are_refused_by_the_gymnasium_face(action: Any) -> None:
    env = gymnasium.make("macn:MACN-v0").unwrapped
    env.reset(seed=0)
    with pytest.raises(ActionError, match="0..3|it must be 0 UP"):
        env.step(action)


def test_bad_actions_are_refused_by_the_aec_face() -> None:
    env = macn.env()
    env.reset(seed=0)
    with pytest.raises(ActionError, match="action of agent_0 is 9"):
        env.step(9)


def test_a_step_outside_an_episode_is_refused_by_every_face() -> None:
    parallel, player = macn.parallel_env(max_steps=1), gymnasium.make("macn:MACN-v0").unwrapped
    with pytest.raises(NotResetError, match="call reset"):
        parallel.step({"agent_0": 0, "agent_1": 0})
    parallel.reset(seed=0)
    parallel.step({"agent_0": 0, "agent_1": 0})
    with pytest.raises(NotResetError, match="call reset"):
        parallel.step({"agent_0": 0, "agent_1": 0})
    with pytest.raises(NotResetError, match="call reset"):
        player.step([0, 0])
    with pytest.raises(NotResetError, match="call reset"):
        macn.env().unwrapped.step(0)
    with pytest.raises(NotResetError, match="call reset"):
        macn.parallel_env().state()


@pytest.mark.parametrize("seed", [-1, "one", 1.5, np.True_, True])
def test_bad_seeds_are_refused(seed: Any) -> None:
    with pytest.raises(ParameterError, match="seed is"):
        macn.parallel_env().reset(seed=seed)


@pytest.mark.parametrize("make", [macn.parallel_env, macn.env])
@pytest.mark.parametrize("arguments", [{"slip": -0.1}, {"slip": "0.1"}, {"slip": True}, {"n_agents": 2.0}])
def test_bad_parameters_are_refused(make: Any, arguments: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match="it must be"):
        make(**arguments)


def test_both_names_of_the_time_limit_at_once_are_an_error() -> None:
    with pytest.raises(ParameterError, match="max_steps is 5 and max_cycles is 6"):
        macn.parallel_env(max_steps=5, max_cycles=6)
    assert macn.parallel_env(max_cycles=6).settings.max_steps == 6


def test_the_example_walks_the_optimum(capsys: pytest.CaptureFixture[str]) -> None:
    example = runpy.run_path(str(ROOT / "examples" / "register_macn.py"))
    assert example["main"]() == -12.0
    assert "the exact optimum is -12" in capsys.readouterr().out
