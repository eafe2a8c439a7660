"""The PettingZoo face of SMAC, on the built-in simulator."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from pettingzoo.utils.conversions import parallel_to_aec

from rmix_kit.envs.smac import SMACParallelEnv, parallel_env
from rmix_kit.errors import ActionError, EnvironmentTextError

with warnings.catch_warnings():
    # PettingZoo's own tests load its example games by the way that PettingZoo itself has deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, seed_test
    from pettingzoo.test.state_test import state_test

MAPS = ("3m", "MMM2")


def random_step(env: SMACParallelEnv, rng: np.random.Generator, obs: dict[str, Any]) -> tuple[Any, ...]:
    actions = {agent: int(rng.choice(np.flatnonzero(seen["action_mask"]))) for agent, seen in obs.items()}
    return env.step(actions)


@pytest.mark.parametrize("name", MAPS)
def test_pettingzoos_parallel_suite_passes(name: str) -> None:
    parallel_api_test(parallel_env(name, backend="builtin"), num_cycles=400)


def test_pettingzoos_state_suite_passes() -> None:
    env = parallel_env("3m", backend="builtin", illegal_action="noop")
    state_test(parallel_to_aec(env), env)


# Observations are dicts with their masks; PettingZoo's suite knows them from its own games alone.
@pytest.mark.filterwarnings("ignore:Observation space for each agent probably should be:UserWarning")
@pytest.mark.filterwarnings("ignore:Observation is not a numpy array:UserWarning")
@pytest.mark.filterwarnings("ignore:Observation numpy array is all zeros:UserWarning")  # of the dead, as in SMAC
@pytest.mark.parametrize("name", MAPS)
def test_pettingzoos_turn_based_suite_passes(name: str) -> None:
    api_test(parallel_to_aec(parallel_env(name, backend="builtin")), num_cycles=400)


@pytest.mark.parametrize("name", MAPS)
def test_pettingzoos_seed_suites_pass_where_masked_actions_stand_still(name: str) -> None:
    def make() -> SMACParallelEnv:
        return parallel_env(name, backend="builtin", illegal_action="noop")

    parallel_seed_test(make, num_cycles=100)
    seed_test(lambda: parallel_to_aec(make()), num_cycles=100)


@pytest.mark.parametrize(("name", "steps"), [("3m", 1500), ("MMM2", 500)])
def test_two_thousand_steps_are_the_same_and_masks_are_never_empty(name: str, steps: int) -> None:
    envs = [parallel_env(name, backend="builtin") for _ in range(2)]
    generators = [np.random.default_rng(3) for _ in range(2)]
    now = [env.reset(seed=11) for env in envs]
    for _ in range(steps):
        seen = [observations for observations, *_ in now]
        for agent, first in seen[0].items():
            assert np.array_equal(first["observation"], seen[1][agent]["observation"])
            assert np.array_equal(first["action_mask"], seen[1][agent]["action_mask"])
            assert first["action_mask"].any()
        assert np.array_equal(envs[0].state(), envs[1].state())
        if envs[0].agents:
            now = [random_step(env, rng, obs) for env, rng, obs in zip(envs, generators, seen, strict=True)]
            assert now[0][1:4] == now[1][1:4]
        else:
            now = [env.reset() for env in envs]


def test_another_seed_is_another_battle() -> None:
    env = parallel_env("3m", backend="builtin")
    first = env.reset(seed=1)[0]["agent_0"]["observation"]
    assert not np.array_equal(first, env.reset(seed=2)[0]["agent_0"]["observation"])
    np.testing.assert_array_equal(first, env.reset(seed=1)[0]["agent_0"]["observation"])


def test_dead_agents_stay_with_a_zero_observation_and_the_no_op_alone() -> None:
    env, rng = parallel_env("3m", backend="builtin"), np.random.default_rng(0)
    obs, infos = env.reset(seed=0)
    was_dead = False
    while env.agents:
        assert env.agents == ["agent_0", "agent_1", "agent_2"]
        obs, _, _, _, infos = random_step(env, rng, obs)
        dead = [agent for agent, seen in obs.items() if seen["action_mask"][0]]
        assert infos["agent_0"]["dead_allies"] == len(dead)
        for agent in dead:
            was_dead = True
            assert obs[agent]["action_mask"].sum() == 1
            assert not obs[agent]["observation"].any()
    assert was_dead
    assert infos["agent_2"]["battle_won"] is False


def test_an_illegal_action_is_refused_with_agent_and_step() -> None:
    env = parallel_env("3m", backend="builtin")
    env.reset(seed=0)
    with pytest.raises(ActionError, match="agent_1 cannot take action 6 at step 0 .*allowed are"):
        env.step({"agent_0": 1, "agent_1": 6, "agent_2": 1})


def test_an_illegal_action_can_stand_for_standing_still() -> None:
    actions = {"agent_0": 0, "agent_1": 8, "agent_2": 1}
    env, other = parallel_env("3m", backend="builtin", illegal_action="noop"), parallel_env("3m", backend="builtin")
    env.reset(seed=0)
    other.reset(seed=0)
    found, expected = env.step(actions)[0], other.step(dict.fromkeys(actions, 1))[0]
    np.testing.assert_array_equal(found["agent_1"]["observation"], expected["agent_1"]["observation"])


def test_time_limits_truncate_unless_asked_otherwise() -> None:
    for terminates in (False, True):
        env = parallel_env("3m", backend="builtin", timeout_terminates=terminates, illegal_action="noop")
        env.reset(seed=0)
        flags: tuple[Any, ...] = ()
        for _ in range(60):
            flags = env.step(dict.fromkeys(env.agents, 5))[2:4]  # west, out of the enemy's way for long
        if not env.agents:
            assert (flags[0]["agent_0"], flags[1]["agent_0"]) in ((terminates, not terminates), (True, False))


def test_what_does_not_exist_is_refused() -> None:
    with pytest.raises(EnvironmentTextError, match="did you mean '3m'"):
        parallel_env("3n", backend="builtin")
    with pytest.raises(EnvironmentTextError, match="difficulty is 'B'"):
        parallel_env("3m", backend="builtin", difficulty="B")
    with pytest.raises(EnvironmentTextError, match="backend is 'sc3'"):
        parallel_env("3m", backend="sc3")
    with pytest.raises(EnvironmentTextError, match="no option 'dificulty'"):
        parallel_env("3m", backend="builtin", dificulty="7")
    with pytest.raises(ActionError, match="call reset first"):
        parallel_env("3m", backend="builtin").step({})


def test_infos_have_one_set_of_keys_and_nobody_may_act_when_all_is_over() -> None:
    env, rng = parallel_env("3m", backend="builtin"), np.random.default_rng(0)
    with pytest.raises(ActionError, match="call reset"):
        env.step({})
    obs, infos = env.reset(seed=0)
    told = [infos]
    while env.agents:
        obs, _, _, _, infos = random_step(env, rng, obs)
        told.append(infos)
    keys = {"battle_won", "success", "dead_allies", "dead_enemies"}
    assert {frozenset(info) for infos in told for info in infos.values()} == {frozenset(keys)}
    assert env.step({}) == ({}, {}, {}, {}, {})
