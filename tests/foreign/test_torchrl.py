"""TorchRL's wrappers take every face of MACN, the games and SMAC, and its own checker finds nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import pytest

import macn
from rmix_kit.envs import didactic, smac

pytestmark = [pytest.mark.foreign, pytest.mark.filterwarnings("default")]

TEAMS: dict[str, Callable[[], Any]] = {
    "macn": macn.parallel_env,
    "macn bridge": lambda: macn.parallel_env("bridge", slip=0.2, n_agents=3, include_position=True, max_steps=10),
    "macn in turns": lambda: macn.env(slip=0.1, max_steps=12),
    "climbing": lambda: didactic.parallel_env("climbing"),
    "predator-prey": lambda: didactic.parallel_env("predator-prey"),
    "car-following": lambda: didactic.parallel_env("car-following"),
    "smac 3m": lambda: smac.parallel_env("3m", backend="builtin"),
    "smac 2s3z": lambda: smac.parallel_env("2s3z", backend="builtin"),
}
LONG = ("predator-prey", "car-following")
"""Ninety steps are no episode of theirs."""
PLAYERS: dict[str, Callable[[], Any]] = {
    "made": lambda: gymnasium.make("macn:MACN-v0", max_steps=7),
    "vector, disabled": lambda: macn.vector_env(4, max_steps=7, autoreset_mode="Disabled"),
    "vector, same step": lambda: macn.vector_env(4, max_steps=7, autoreset_mode="SameStep"),
    "made vector": lambda: gymnasium.make_vec("macn:MACN-v0", num_envs=3, max_steps=7, autoreset_mode="SameStep"),
}


@pytest.mark.parametrize("team", TEAMS)
def test_teams_pass_check_env_specs_and_play_on(team: str) -> None:
    from torchrl.envs import PettingZooWrapper, check_env_specs

    env = PettingZooWrapper(TEAMS[team](), use_mask=True, return_state=True)
    check_env_specs(env)
    played = env.rollout(90, break_when_any_done=False)
    assert played.batch_size == (90,)
    assert played["next", "done"].any() or team in LONG


def test_the_infos_of_macn_arrive_in_the_data() -> None:
    from torchrl.envs import PettingZooWrapper

    env = PettingZooWrapper(macn.parallel_env(max_steps=5))
    played = env.rollout(20, break_when_any_done=False)
    assert {"success", "fell"} <= set(played["agent", "info"].keys())
    assert not played["agent", "info", "success"].any()


@pytest.mark.parametrize("player", PLAYERS)
def test_players_pass_check_env_specs_and_play_on(player: str) -> None:
    from torchrl.envs import GymWrapper, check_env_specs

    env = GymWrapper(PLAYERS[player]())
    check_env_specs(env)
    played = env.rollout(30, break_when_any_done=False)
    assert played["next", "done"].sum() >= 4
    assert played["next", "observation"][played["next", "done"].squeeze(-1)].shape[-3:] == (2, 3, 3)
