"""Exported agents play what torch plays."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

import rmix_kit
from exporters.bundle import read_manifest
from exporters.errors import InvalidInputError
from rmix_kit.envs.make import make_vector_env
from rmix_kit.episodes import PlayedEpisodes
from rmix_kit.errors import EnvironmentContractError, EnvironmentTextError
from rmix_kit.playing.episodes import ExportedTeam, play
from rmix_kit.playing.isolation import IsolatedTeam
from rmix_kit.playing.manifest import checkpoint_step, environment_text
from rmix_kit.playing.team import LocalTeam, load_team
from rmix_kit.seeding import episode_seed
from tests.fixtures.breaking_env import BreakingEnv
from tests.fixtures.trained import ENVIRONMENT, Trained

EPISODES = 37  # more than one round of copies, and not a multiple of them


def _local(trained: Trained, format_name: str, *, copies: int = 32, risk_level: float | None = None) -> PlayedEpisodes:
    team = LocalTeam(load_team(trained.agents, format_name))
    envs = make_vector_env(ENVIRONMENT, copies)
    return play(team, envs, episodes=EPISODES, seed=5, risk_level=risk_level)


def _same(one: object, other: object) -> None:
    for name in ("returns", "success", "fell", "lengths", "risk_levels"):
        left, right = getattr(one, name), getattr(other, name)
        assert left.dtype == right.dtype, name
        assert np.array_equal(left, right), name


@pytest.mark.parametrize("format_name", ["onnx", "torchscript"])
def test_the_episodes_are_those_of_evaluate(trained: Trained, format_name: str) -> None:
    expected = rmix_kit.load(trained.run).evaluate(episodes=EPISODES, seed=5)
    _same(_local(trained, format_name), expected)


def test_the_episodes_do_not_depend_on_the_number_of_copies(trained: Trained) -> None:
    _same(_local(trained, "onnx", copies=5), _local(trained, "onnx"))


def test_later_episodes_stand_in_for_those_that_broke(trained: Trained) -> None:
    team = LocalTeam(load_team(trained.agents, "onnx"))
    seeds = [episode_seed(5, "test", number) for number in range(EPISODES)]
    sound = [number for number, seed in enumerate(seeds) if seed % 3]
    assert 0 < len(sound) < EPISODES
    expected = play(team, make_vector_env(ENVIRONMENT, 32), episodes=EPISODES, seed=5)
    found = play(team, BreakingEnv(make_vector_env(ENVIRONMENT, 4)), episodes=len(sound), seed=5)
    for name in ("returns", "success", "fell", "lengths", "risk_levels"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name)[sound], err_msg=name)


def test_the_dial_reaches_the_agents(trained: Trained) -> None:
    assert np.allclose(_local(trained, "onnx", risk_level=0.3).risk_levels, 0.3)


def test_a_level_for_exported_agents_without_a_dial_is_refused(trained: Trained) -> None:
    team = LocalTeam(load_team(trained.agents, "onnx"))
    plain = {"algorithm": "iql", "is_risk_aware": False, "default_risk_level": None, "n_risk_levels": None}
    specs = {name: dataclasses.replace(spec, **plain) for name, spec in team.specs.items()}
    bare = cast("ExportedTeam", SimpleNamespace(specs=specs))
    with pytest.raises(InvalidInputError, match=r"risk_level is 0.3, and agent_0 \(iql\) has no risk dial; leave"):
        play(bare, make_vector_env(ENVIRONMENT, 1), episodes=1, seed=0, risk_level=0.3)


def test_isolated_agents_play_the_same_episodes(trained: Trained) -> None:
    with IsolatedTeam(trained.agents, "onnx") as team:
        envs = make_vector_env(ENVIRONMENT, 32)
        _same(play(team, envs, episodes=EPISODES, seed=5), _local(trained, "onnx"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("macn:4x7?include_position=true&n_agents=3", "the environment has agent_0, agent_1, agent_2"),
        ("macn:4x7", r"observation shape \(11,\); the environment has \(3, 3\)"),
        ("macn:4x12?include_position=true", "wider"),
    ],
)
def test_an_environment_that_does_not_fit_is_refused(trained: Trained, text: str, words: str) -> None:
    team = LocalTeam(load_team(trained.agents, "onnx"))
    with pytest.raises(EnvironmentContractError, match=words):
        play(team, make_vector_env(text, 1), episodes=1, seed=0)


def test_the_manifest_says_where_the_agents_come_from(trained: Trained) -> None:
    manifest = read_manifest(trained.agents)
    assert environment_text(manifest, trained.agents) == ENVIRONMENT
    assert checkpoint_step(manifest) == rmix_kit.load(trained.run).checkpoint_step
    training = manifest.facts["training"]
    assert isinstance(training, dict)
    assert training["seed"] == 3
    assert training["reward_scale"] in (1, 0.05)
    assert "reward_scale" in training["action_values_unit"]


def test_a_manifest_without_an_environment_asks_for_one(trained: Trained) -> None:
    bare = dataclasses.replace(read_manifest(trained.agents), facts={})
    assert checkpoint_step(bare) == 0
    with pytest.raises(EnvironmentTextError, match="--env"):
        environment_text(bare, trained.agents)
