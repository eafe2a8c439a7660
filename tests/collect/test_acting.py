"""What the collector hands to the policy, takes from it, and reads from the environment's last step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from rmix_kit.collect import Collector, Round
from rmix_kit.policy import TeamChoice
from rmix_kit.testing.episodes import float_spec, make_spec
from rmix_kit.types import BoolArray, EnvSpec, FloatArray, IntArray, TimeStep
from tests.fixtures.scripted_env import ScriptedEnv

COPIES = 4
ALL = np.ones((COPIES, 2, 3), dtype=np.bool_)


class Counting:
    """A stochastic team whose own choice is action 0, whose draw is always action 2, and whose carry counts."""

    def __init__(self) -> None:
        self.levels: list[FloatArray] = []
        self.handed: list[int] = []
        self.executions: list[tuple[int, IntArray]] = []

    def initial_carry(self, num_envs: int) -> dict[str, Tensor]:
        return {"count": torch.tensor(100 * num_envs)}

    def act(
        self, obs: np.ndarray, avail_actions: BoolArray, risk_level: FloatArray, carry: dict[str, Tensor]
    ) -> tuple[TeamChoice, dict[str, Tensor]]:
        del obs
        self.levels.append(risk_level.copy())
        self.handed.append(int(carry["count"]))
        shape = avail_actions.shape[:2]
        probabilities = np.zeros(avail_actions.shape, dtype=np.float32)
        probabilities[..., 2] = 1.0
        choice = TeamChoice(np.zeros(shape, dtype=np.int64), np.ones(shape, dtype=np.float32), probabilities)
        return choice, {"count": carry["count"] + 1}

    def executed(self, carry: dict[str, Tensor], actions: IntArray) -> dict[str, Tensor]:
        self.executions.append((int(carry["count"]), actions.copy()))
        return {"count": carry["count"] + 10}


def open_env(spec: EnvSpec | None = None) -> ScriptedEnv:
    envs = ScriptedEnv(make_spec() if spec is None else spec, COPIES)
    envs.corrupt = lambda step: replace(step, avail_actions=ALL)
    return envs


def play(envs: ScriptedEnv, policy: Counting, *, epsilon: float = 0.0, is_greedy: bool = False) -> Round:
    collector = Collector(envs, policy)  # type: ignore[arg-type] # the three methods that it calls
    levels = np.array([0.25, 0.5, 0.75, 1.0], dtype=np.float32)
    rng = np.random.default_rng(0)
    return collector.collect([0, 1, 2, 3], epsilon=epsilon, rng=rng, risk_level=levels, is_greedy=is_greedy)


@pytest.mark.parametrize(("is_greedy", "action"), [(False, 2), (True, 0)])
def test_a_stochastic_policy_draws_unless_it_is_to_be_greedy(is_greedy: bool, action: int) -> None:
    block = play(open_env(), Counting(), is_greedy=is_greedy).block
    assert {int(value) for value in block.rows()["actions"].reshape(-1)} == {action}


def test_the_carry_goes_from_acting_to_what_was_executed_and_back() -> None:
    policy = Counting()
    steps = int(play(open_env(), policy).block.length.max())
    assert steps > 1
    assert policy.handed == [400 + 11 * t for t in range(steps)]
    assert [count for count, _ in policy.executions] == [401 + 11 * t for t in range(steps)]
    assert all((actions == 2).all() for _, actions in policy.executions)  # what was drawn, not the own choice


def test_the_policy_is_asked_at_the_levels_of_the_copies() -> None:
    policy = Counting()
    play(open_env(), policy)
    assert all(levels.tolist() == [0.25, 0.5, 0.75, 1.0] for levels in policy.levels)


@pytest.mark.parametrize(("epsilon", "explores"), [(0.0, False), (1.0, True)])
def test_actions_are_explored_as_often_as_epsilon_says(epsilon: float, explores: bool) -> None:
    block = play(open_env(), Counting(), epsilon=epsilon, is_greedy=True).block
    explored = block.rows()["is_explored"]
    assert explored.any() == explores
    np.testing.assert_array_equal(explored, block.rows()["actions"] != 0)


def test_one_agents_fall_is_the_episodes_and_success_is_what_the_environment_says() -> None:
    envs = open_env()
    fell = np.array([[False, False], [False, True], [True, False], [True, True]])
    envs.corrupt = lambda step: replace(
        step, avail_actions=ALL, fell=fell, success=np.array([False, True, True, False])
    )
    found = play(envs, Counting())
    assert found.fell.tolist() == [False, True, True, True]
    assert found.success.tolist() == [False, True, True, False]  # even copies terminate, odd ones are truncated


def test_what_a_finished_copy_shows_is_not_looked_at() -> None:
    spec, envs = float_spec(), open_env(float_spec())
    ended = np.zeros(COPIES, dtype=np.bool_)

    def spoil_the_finished(step: TimeStep) -> TimeStep:
        obs, mask, reward = step.obs.copy(), ALL.copy(), step.reward.copy()
        obs[ended], mask[ended], reward[ended] = np.nan, False, np.nan
        ended[:] = step.terminated | step.truncated
        return replace(step, obs=obs, avail_actions=mask, reward=reward)

    envs.corrupt = spoil_the_finished
    # The policy needs some action of everyone: its own are 0, and exploration draws nothing at epsilon 0.
    found = play(envs, Counting(), is_greedy=True)
    assert len(set(found.block.length.tolist())) > 1
    assert np.isfinite(found.block.observed["obs"]).all()
    assert np.isfinite(found.block.reward).all()
    assert found.block.observed["obs"].shape[2:] == (2, *spec.obs_shape)
