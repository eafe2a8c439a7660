"""The gymnasium face as gymnasium's wrappers and sb3-contrib use it."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.wrappers import FlattenObservation, RecordEpisodeStatistics, TimeAwareObservation, TransformReward

import macn
from macn.errors import NotResetError


def test_the_masks_lie_flat_agent_by_agent() -> None:
    env: Any = gymnasium.make("macn:MACN-v0", n_agents=3)
    with pytest.raises(NotResetError, match="call reset"):
        env.unwrapped.action_masks()
    env.reset(seed=0)
    masks = env.get_wrapper_attr("action_masks")()
    assert (masks.shape, masks.dtype) == ((12,), np.bool_)
    assert masks.shape == (env.action_space.nvec.sum(),)
    assert masks.all()


@pytest.mark.parametrize("arguments", [{}, {"max_steps": 80}, {"max_cycles": 7}])
def test_the_spec_names_the_limit_and_no_wrapper_cuts_it(arguments: dict[str, int]) -> None:
    env = gymnasium.make("macn:MACN-v0", **arguments)
    limit = macn.parallel_env(**arguments).settings.max_steps
    assert env.spec is not None
    assert env.spec.max_episode_steps == limit
    assert gymnasium.spec("MACN-v0").max_episode_steps is None
    env.reset(seed=0)
    steps = 0
    while True:
        steps += 1
        _, _, terminated, truncated, _ = env.step(np.asarray([2, 2]))
        if terminated or truncated:
            break
    assert (steps, terminated, truncated) == (limit, False, True)


def test_gymnasiums_own_limit_shortens_the_game() -> None:
    env = gymnasium.make("macn:MACN-v0", max_episode_steps=3)
    assert env.spec is not None
    assert env.spec.max_episode_steps == 3
    env.reset(seed=0)
    assert [env.step(np.asarray([2, 2]))[3] for _ in range(3)] == [False, False, True]


def test_an_environment_that_was_not_made_by_gymnasium_has_no_spec() -> None:
    from macn.gym_env import MACNGymEnv

    assert MACNGymEnv().spec is None


def test_the_time_can_be_added_to_the_observation() -> None:
    env = TimeAwareObservation(gymnasium.make("macn:MACN-v0", max_steps=20, include_position=True), normalize_time=True)
    obs, _ = env.reset(seed=0)
    later, *_ = env.step(np.asarray([2, 2]))
    assert env.observation_space.contains(later)
    assert (obs[-1], later[-1], len(later)) == (0.0, pytest.approx(0.05), 23)


def test_gymnasiums_wrappers_go_on_top_of_each_other() -> None:
    env: Any = gymnasium.make("macn:MACN-v0", max_steps=5)
    env = TransformReward(FlattenObservation(RecordEpisodeStatistics(env)), lambda reward: reward / 10)
    env.reset(seed=0)
    for _ in range(5):
        obs, reward, _, _, info = env.step(np.asarray([2, 2]))
    assert (obs.shape, reward, info["episode"]["r"], info["episode"]["l"]) == ((18,), -0.1, -5.0, 5)


@pytest.mark.skipif(not hasattr(__import__("pettingzoo"), "make"), reason="PettingZoo has a registry since 1.27")
@pytest.mark.parametrize("name", ["MACN-v0", "macn:MACN-v0", "macn:MACN"])
@pytest.mark.parametrize("kind", ["parallel", "aec"])
def test_pettingzoo_knows_the_game_with_and_without_its_package(kind: str, name: str) -> None:
    import pettingzoo

    env = pettingzoo.make(kind, name, max_cycles=9, layout="bridge")
    assert env.unwrapped.settings.max_steps == 9
