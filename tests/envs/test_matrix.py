"""Payoff matrices in the environment text."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest

from rmix_kit.envs.joint import play_joint_actions
from rmix_kit.envs.make import make_vector_env
from rmix_kit.envs.matrix import parallel_env
from rmix_kit.errors import ActionError, ConfigError, EnvironmentTextError

with warnings.catch_warnings():
    # PettingZoo's own tests load its example games by the way that PettingZoo itself has deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pettingzoo.test import parallel_api_test
    from pettingzoo.test.seed_test import parallel_seed_test

MATRICES = ["[1,2,3]", "[[8,-12,-12],[-12,0,0],[-12,0,0]]", "[[1,2,3],[4,5.5,6]]", "[[[0,1],[2,3]],[[4,5],[6,7]]]"]


@pytest.mark.parametrize("payoffs", MATRICES)
def test_every_joint_action_pays_its_entry_and_ends(payoffs: str) -> None:
    actions, (_, step) = play_joint_actions(f"matrix:{payoffs}")
    table = np.asarray(json.loads(payoffs))
    assert actions.shape == (table.size, 1, table.ndim)
    assert step.reward.tolist() == table.reshape(-1).tolist()
    assert step.terminated.all()
    assert step.success.tolist() == (table == table.max()).reshape(-1).tolist()


def test_spaces_in_the_text_do_not_matter() -> None:
    assert make_vector_env("matrix: [[1, 2], [3, 4]]", 1).spec == make_vector_env("matrix:[[1,2],[3,4]]", 1).spec


def test_unequal_action_sets_are_padded_and_masked() -> None:
    envs = make_vector_env("matrix:[[1,2,3],[4,5,6]]", 2)
    step = envs.reset([0, 1])
    assert envs.spec.n_actions == 3
    assert step.avail_actions[1].tolist() == [[True, True, False], [True, True, True]]
    with pytest.raises(ActionError, match=r"agent_0 is 2; it must be in 0\.\.1"):
        envs.step(np.asarray([[0, 0], [2, 0]]))


@pytest.mark.parametrize("payoffs", MATRICES)
def test_the_parallel_face_passes_pettingzoo(payoffs: str) -> None:
    parallel_api_test(parallel_env(payoffs), num_cycles=20)
    parallel_seed_test(lambda: parallel_env(json.loads(payoffs)), num_cycles=5)


def test_the_parallel_face_keeps_each_agents_own_actions() -> None:
    env = parallel_env([[1, 2, 3], [4, 5, 6]])
    _, infos = env.reset(seed=0)
    assert [env.action_space(name).n for name in env.agents] == [2, 3]
    assert [len(infos[name]["action_mask"]) for name in env.agents] == [2, 3]
    through = make_vector_env("pettingzoo:rmix_kit.envs.matrix.parallel_env?payoffs=[[1,2,3],[4,5,6]]", 1)
    direct = make_vector_env("matrix:[[1,2,3],[4,5,6]]", 1)
    assert replace(through.spec, state_low=(), state_high=()) == direct.spec  # the adapter knows the state's space
    assert np.array_equal(through.reset([0]).avail_actions, direct.reset([0]).avail_actions)
    assert through.step(np.asarray([[1, 2]])).reward == direct.step(np.asarray([[1, 2]])).reward == 6


@pytest.mark.parametrize(
    ("payoffs", "words"),
    [
        ("8", r"the payoffs are 8; expected nested lists of numbers"),
        ("{}", "the payoffs are {}; expected nested lists"),
        ("[[8,-12],[-12]]", r"payoffs\[1\] is a list of 1 where payoffs\[0\] is a list of 2"),
        ("[[8],3]", r"payoffs\[1\] is a number where payoffs\[0\] is a list of 1"),
        ("[[[1],[2]],[[3]]]", r"payoffs\[1\] is a list of 1 x 1 where payoffs\[0\] is a list of 2 x 1"),
        ("[]", "payoffs is an empty list"),
        ("[[1],[]]", r"payoffs\[1\] is an empty list"),
        ('[[1,"a"]]', r"payoffs\[0\]\[1\] is 'a'; expected a finite number"),
        ("[[1,null]]", r"payoffs\[0\]\[1\] is None"),
        ("[true,1]", r"payoffs\[0\] is True"),
        ("[1,NaN]", "the payoffs hold NaN; expected finite numbers"),
        ("[1,-Infinity]", "the payoffs hold -Infinity"),
        ("[1,1e999]", r"payoffs\[1\] is inf"),
        ("[1,1e40]", r"payoffs\[1\] is 1e\+40; expected a finite number that float32 can hold"),
        ("[[1,2],", "the payoffs are not JSON"),
        ("abc", "the payoffs are not JSON .*; expected nested lists"),
        ("[" * 17 + "1" + "]" * 17, "at most 16 agents"),
        ("[" * 100_000, "not JSON"),
        ("[1]?k=2", "takes none"),
    ],
)
def test_bad_payoffs_are_refused_in_one_line(payoffs: str, words: str) -> None:
    with pytest.raises(EnvironmentTextError, match=words) as caught:
        make_vector_env(f"matrix:{payoffs}", 1)
    assert "\n" not in str(caught.value)


def test_the_python_face_refuses_likewise() -> None:
    with pytest.raises(ConfigError, match="equally long"):
        parallel_env([[1, 2], [3]])
