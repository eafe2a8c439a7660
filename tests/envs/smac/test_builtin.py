"""The built-in simulator behind the trainer's interface, and its compact form in the replay."""

from __future__ import annotations

import numpy as np
import pytest

from rmix_kit.envs.make import make_vector_env
from rmix_kit.envs.smac import resolve
from rmix_kit.envs.smac.builtin import BuiltinVector
from rmix_kit.envs.smac.maps import SCENARIOS
from rmix_kit.envs.text import parse
from rmix_kit.replay.records import worst_case_bytes
from rmix_kit.types import IntArray
from tests.fixtures.compact_env import codec_mismatches

TABLE_3 = {"5m_vs_6m": 3.0, "8m_vs_9m": 4.9, "10m_vs_11m": 7.1, "1c3s5z": 8.6, "MMM2": 10.8, "corridor": 14.4}
"""GB of replay for 5,000 episodes in the RMIX paper's supplement."""


def random_actions(envs: BuiltinVector, masks: np.ndarray, rng: np.random.Generator) -> IntArray:
    return (rng.random(masks.shape) * masks).argmax(-1)


@pytest.mark.parametrize("name", SCENARIOS)
def test_unit_states_rebuild_every_bit(name: str) -> None:
    envs = BuiltinVector(name, 3)
    assert codec_mismatches(envs, envs.codec, steps=25) == []


@pytest.mark.parametrize("name", TABLE_3)
def test_the_replay_needs_a_third_of_the_papers_at_most(name: str) -> None:
    envs = BuiltinVector(name, 1)
    assert worst_case_bytes(envs.spec, envs.codec, 5000) <= TABLE_3[name] * 1e9 / 3


def test_copies_do_not_know_of_each_other_and_wait_when_they_are_done() -> None:
    whole, rng = BuiltinVector("3m", 3), np.random.default_rng(0)
    alone = [BuiltinVector("3m", 1) for _ in range(3)]
    step = whole.reset([5, 6, 7])
    singles = [env.reset([seed]) for env, seed in zip(alone, (5, 6, 7), strict=True)]
    for _ in range(60):
        actions = random_actions(whole, step.avail_actions, rng)
        before, step = step, whole.step(actions)
        singles = [env.step(row[None]) for env, row in zip(alone, actions, strict=True)]
        for index, single in enumerate(singles):
            np.testing.assert_array_equal(step.obs[index], single.obs[0])
            assert step.reward[index] == single.reward[0]
            if before.terminated[index] or before.truncated[index]:
                assert step.reward[index] == 0
                np.testing.assert_array_equal(step.state[index], before.state[index])
    assert (step.terminated ^ step.truncated).all()


def test_the_sizes_are_smacs() -> None:
    sizes = {
        name: (spec.n_agents, spec.n_actions, spec.obs_shape[0], spec.state_size, spec.episode_limit)
        for name in SCENARIOS
        for spec in [BuiltinVector(name, 1).spec]
    }
    assert sizes == {
        "3m": (3, 9, 30, 48, 60),
        "8m": (8, 14, 80, 168, 120),
        "5m_vs_6m": (5, 12, 55, 98, 70),
        "8m_vs_9m": (8, 15, 85, 179, 120),
        "10m_vs_11m": (10, 17, 105, 243, 150),
        "2s3z": (5, 11, 80, 120, 120),
        "3s5z": (8, 14, 128, 216, 150),
        "MMM": (10, 16, 160, 290, 150),
        "MMM2": (10, 18, 176, 322, 180),
        "1c3s5z": (9, 15, 162, 270, 180),
        "corridor": (6, 30, 156, 282, 400),
    }


def test_a_text_that_leaves_the_backend_open_is_resolved_where_the_game_is_absent(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("SC2PATH", str(tmp_path_factory.mktemp("empty")))
    assert str(resolve(parse("smac:3m?difficulty=5"))) == "smac:3m?backend=builtin&difficulty=5"
    assert isinstance(make_vector_env("smac:3m", 1), BuiltinVector)
