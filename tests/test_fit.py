"""Agents refuse an environment of another sort in one voice, whether a run's networks act or exported files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

import rmix_kit
from rmix_kit.envs.interface import VectorEnv
from rmix_kit.envs.make import make_vector_env
from rmix_kit.errors import EnvironmentContractError
from rmix_kit.fit import check_fit
from rmix_kit.playing.episodes import play
from rmix_kit.playing.team import LocalTeam, load_team
from rmix_kit.types import EnvSpec
from tests.fixtures.trained import ENVIRONMENT, Trained

Door = Callable[[Trained, EnvSpec], object]


def run_door(trained: Trained, spec: EnvSpec) -> object:
    return rmix_kit.load(trained.run).evaluate("some:game", episodes=1, make_env=lambda _, count: copies(spec))


def export_door(trained: Trained, spec: EnvSpec) -> object:
    return play(LocalTeam(load_team(trained.agents, "onnx")), copies(spec), episodes=1, seed=0)


def copies(spec: EnvSpec) -> VectorEnv:
    """The environment of training, which says of itself what the case says."""
    envs: Any = make_vector_env(ENVIRONMENT, 1)
    given = {name: getattr(envs, name) for name in ("num_envs", "reset", "step", "close")}
    return cast(VectorEnv, SimpleNamespace(spec=spec, **given))


each_door = pytest.mark.parametrize("door", [run_door, export_door])
SPEC = make_vector_env(ENVIRONMENT, 1).spec
DIFFERING: dict[str, tuple[dict[str, Any], str]] = {
    "other names": ({"agent_ids": ("agent_0", "stranger")}, "trained are agent_0, agent_1; .* has agent_0, stranger; "),
    "other order": ({"agent_ids": ("agent_1", "agent_0")}, "trained are agent_0, agent_1; .* has agent_1, agent_0; "),
    "one more agent": ({"agent_ids": (*SPEC.agent_ids, "agent_2"), "n_agents": 3}, "has agent_0, agent_1, agent_2; "),
    "shape": ({"obs_shape": (1, 11)}, r"agent_0 was trained with the observation shape \(11,\); .* has \(1, 11\); "),
    "dtype": ({"obs_dtype": "float32"}, "with the observation dtype int8; .* has float32; "),
    "actions": ({"n_actions": 6}, "agent_0 was trained with the number of actions 4; .* has 6; "),
    "lower": (
        {"obs_low": tuple(low - 1 for low in SPEC.obs_low)},
        "trained with observations from .* has wider ones; ",
    ),
    "higher": ({"obs_high": (*SPEC.obs_high[:-1], 99.0)}, "trained with observations from .* has wider ones; "),
}


@each_door
@pytest.mark.parametrize("case", DIFFERING)
def test_an_environment_that_differs_is_refused_by_name(trained: Trained, door: Door, case: str) -> None:
    changes, words = DIFFERING[case]
    with pytest.raises(EnvironmentContractError, match=f"{words}give the environment that they were trained in"):
        door(trained, replace(SPEC, **changes))


@each_door
@pytest.mark.parametrize("share", [1, 0.5])
def test_the_same_or_narrower_observations_are_taken(trained: Trained, door: Door, share: float) -> None:
    low, high = (tuple(share * bound for bound in bounds) for bounds in (SPEC.obs_low, SPEC.obs_high))
    assert door(trained, replace(SPEC, obs_low=low, obs_high=high))


@pytest.mark.parametrize("changes", [{"episode_limit": 9}, {"state_size": 9}, {"action_meanings": tuple("abcd")}])
def test_what_acting_does_not_depend_on_may_differ(trained: Trained, changes: dict[str, Any]) -> None:
    check_fit(rmix_kit.load(trained.run).policy_specs(), replace(SPEC, **changes))


def test_a_run_names_the_environment_by_its_text(trained: Trained) -> None:
    with pytest.raises(EnvironmentContractError, match="some:game has 6;"):
        run_door(trained, replace(SPEC, n_actions=6))


def test_a_mixer_also_asks_for_the_size_of_the_state(trained: Trained) -> None:
    specs = rmix_kit.load(trained.run).policy_specs()
    check_fit(specs, replace(SPEC, state_size=9), state_size=9)
    with pytest.raises(EnvironmentContractError, match=f"with the state size {SPEC.state_size}; some:game has 9; give"):
        check_fit(specs, replace(SPEC, state_size=9), "some:game", state_size=SPEC.state_size)
