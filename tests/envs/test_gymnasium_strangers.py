"""Gymnasium teams: their limits, rewards and spaces."""

from __future__ import annotations

import re

import pytest

from rmix_kit.envs.interface import notes_of
from rmix_kit.envs.make import make_vector_env
from rmix_kit.errors import EnvironmentContractError, EnvironmentTextError
from tests.envs.strangers import played

TEAM = "gymnasium:tests.envs.gymnasium_strangers:Strangers"


def test_a_gymnasium_team_is_summed_and_says_so() -> None:
    envs = make_vector_env(f"{TEAM}Team-v0", 1)
    assert float(played(envs)[1].reward[0]) == 3.0
    assert notes_of(envs)[0].startswith("team reward: the sum of the agents' rewards (reward=mean, sum or first")
    assert envs.spec.agent_ids == ("agent_0", "agent_1")


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("Team-v0", 5),
        ("Team-v0?episode_limit=3", 3),
        ("Team-v0?episode_limit=20", 20),
        ("Team-v0?max_steps=8", 8),
        ("Team-v0?max_steps=8&episode_limit=8", 8),
        ("Clocked-v0", 5),
        ("Clocked-v0?episode_limit=3", 3),
        ("Clocked-v0?episode_limit=20", 20),
        ("Clocked-v0?max_episode_steps=20", 20),
    ],
)
def test_a_limit_reaches_gymnasiums_clock_and_the_teams_own(text: str, length: int) -> None:
    envs = make_vector_env(f"{TEAM}{text}", 1)
    assert envs.spec.episode_limit == length
    assert len(played(envs)) == length + 1


@pytest.mark.parametrize("text", ["Team-v0?max_steps=8&episode_limit=9", "Team-v0?max_episode_steps=8&episode_limit=9"])
def test_two_limits_that_differ_are_refused(text: str) -> None:
    with pytest.raises(EnvironmentTextError, match=f"{re.escape(text)}.*give one of them"):
        make_vector_env(f"{TEAM}{text}", 1)


@pytest.mark.parametrize(
    ("form", "first"),
    [
        ("matrix", [[0, 0, 1, 1, 0], [1, 0, 0, 0, 1]]),
        ("binaries", [[1, 0, 1], [0, 0, 1]]),
        ("codes", [[0, 0, 0, 1], [1, 0, 0, 0]]),
    ],
)
def test_observations_in_one_space_are_parted(form: str, first: list[list[int]]) -> None:
    envs = make_vector_env(f"{TEAM}Team-v0?form={form}", 1)
    assert envs.reset([0]).obs[0].tolist() == first
    assert len(played(envs)) == 6


def test_a_reward_in_an_array_of_one_is_the_teams() -> None:
    assert float(played(make_vector_env(f"{TEAM}Team-v0?form=one", 1))[1].reward[0]) == 1.5


def test_a_reward_too_many_is_refused_with_its_place() -> None:
    with pytest.raises(EnvironmentContractError, match="copy 0, episode seed 5, step 0: there are 3 entries of reward"):
        played(make_vector_env(f"{TEAM}Team-v0?form=short", 1))


def test_success_of_each_in_one_array_is_parted() -> None:
    assert not played(make_vector_env(f"{TEAM}Team-v0?form=success", 1))[-1].success[0]
    assert played(make_vector_env(f"{TEAM}Team-v0?form=success&success=any", 1))[-1].success[0]
