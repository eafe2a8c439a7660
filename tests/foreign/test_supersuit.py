"""SuperSuit's wrappers of PettingZoo environments on every parallel face with box observations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import macn
from rmix_kit.envs import didactic

pytestmark = [pytest.mark.foreign, pytest.mark.filterwarnings("default")]

TEAMS: dict[str, Callable[[], Any]] = {
    "macn": lambda: macn.parallel_env("bridge", slip=0.2, max_steps=9),
    "macn flat": lambda: macn.parallel_env(include_position=True, show_agents=True, max_steps=9),
    "climbing": lambda: didactic.parallel_env("climbing"),
    "predator-prey": lambda: didactic.parallel_env("predator-prey"),
    "car-following": lambda: didactic.parallel_env("car-following"),
}
LONG = ("predator-prey", "car-following")
"""Episodes of up to 200 steps."""
WRAPPERS: dict[str, tuple[Any, ...]] = {
    "black_death_v3": (),
    "flatten_v0": (),
    "agent_indicator_v0": (),
    "pad_observations_v0": (),
    "pad_action_space_v0": (),
    "dtype_v0": (np.float32,),
    "frame_stack_v2": (3,),
    "clip_reward_v0": (),
    "delay_observations_v0": (2,),
    "sticky_actions_v0": (0.2,),
    "max_observation_v0": (2,),
}
# SuperSuit bounds its indicator by the lowest of all highest values and sets it to the highest.
BOUNDS_OF_ITS_OWN = ("agent_indicator_v0", "macn flat")


def wrapped(wrapper: str, team: str) -> Any:
    import supersuit

    return getattr(supersuit, wrapper)(TEAMS[team](), *WRAPPERS[wrapper])


@pytest.mark.parametrize("team", TEAMS)
@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrapped_teams_play_many_episodes(wrapper: str, team: str) -> None:
    env = wrapped(wrapper, team)
    rng, episodes = np.random.default_rng(0), 0
    _, infos = env.reset(seed=0)
    for _ in range(300):
        if not env.agents:
            episodes += 1
            _, infos = env.reset(seed=episodes)
        actions = {}
        for agent in env.agents:
            mask = infos.get(agent, {}).get("action_mask", np.zeros(0))
            actions[agent] = int(rng.choice(np.flatnonzero(mask))) if mask.any() else 0
        observations, _, _, _, infos = env.step(actions)
        if (wrapper, team) != BOUNDS_OF_ITS_OWN:
            assert all(env.observation_space(agent).contains(observations[agent]) for agent in env.agents)
    assert episodes >= (1 if team in LONG else 10)


@pytest.mark.parametrize("wrapper", ["black_death_v3", "flatten_v0", "agent_indicator_v0", "dtype_v0"])
def test_wrapped_macn_passes_pettingzoos_suite(wrapper: str) -> None:
    from pettingzoo.test import parallel_api_test

    parallel_api_test(wrapped(wrapper, "macn"), num_cycles=300)
