"""By which weights a team acts while others are taken over."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rmix_kit.networks import QuantileAgent
from rmix_kit.networks.agent import AgentNetwork
from rmix_kit.policy import TeamPolicy
from rmix_kit.testing.episodes import CPU, make_spec
from rmix_kit.training.acting import ActingTeam

SPEC = make_spec(obs_values=100)
COPIES = 4


class Stage:
    """A team in four copies, and the weights that the learner has had so far."""

    def __init__(self) -> None:
        self.agent = make_agent(0)
        self.team = ActingTeam(self.agent, SPEC, CPU)
        self.past = [make_agent(0)]
        self.carry = self.team.initial_carry(COPIES)
        rng = np.random.default_rng(0)
        self.obs = rng.integers(0, 100, (COPIES, 2, 2)).astype(np.int8)
        self.carry = {name: torch.randn(memory.shape) for name, memory in self.carry.items()}

    def learn(self) -> None:
        """Gives the learner other weights; the team has not taken them over."""
        self.past.append(make_agent(len(self.past)))
        self.agent.load_state_dict(self.past[-1].state_dict())

    def acts_by(self) -> list[list[int]]:
        """Which of the learner's past weights each copy acts by."""
        seen = (self.obs, np.ones((COPIES, 2, 3), dtype=np.bool_), np.zeros(COPIES, dtype=np.float32), self.carry)
        choice, carry = self.team.act(*seen)
        memory = carry["hidden_state"].reshape(COPIES, 2, -1)
        found: list[list[int]] = [[] for _ in range(COPIES)]
        for number, agent in enumerate(self.past):
            expected, expected_carry = TeamPolicy(agent, SPEC, CPU).act(*seen)
            other = expected_carry["hidden_state"].reshape(COPIES, 2, -1)
            for copy in range(COPIES):
                if torch.allclose(memory[copy], other[copy], atol=1e-5):  # NumPy's step agrees up to rounding
                    np.testing.assert_array_equal(choice.actions[copy], expected.actions[copy])
                    np.testing.assert_allclose(choice.risk_level[copy], expected.risk_level[copy], atol=1e-5)
                    found[copy].append(number)
        return found


def make_agent(seed: int) -> AgentNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return QuantileAgent(SPEC, hidden_size=8, n_quantiles=4, level_source="predicted", n_levels=5)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_updates_reach_no_episode_before_they_are_taken_over(stage: Stage) -> None:
    stage.learn()
    assert stage.acts_by() == [[0]] * COPIES


def test_an_episode_goes_on_by_the_weights_that_it_began_with(stage: Stage) -> None:
    stage.learn()
    stage.team.take_over()
    assert stage.acts_by() == [[0]] * COPIES
    stage.carry = stage.team.restarted(stage.carry, np.array([True, False, False, True]))
    assert stage.acts_by() == [[1], [0], [0], [1]]


def test_an_episode_that_outlasts_two_of_them_acts_by_those_before_the_last(stage: Stage) -> None:
    stage.learn()
    stage.team.take_over()
    stage.carry = stage.team.restarted(stage.carry, np.array([True, False, False, False]))
    stage.learn()
    stage.team.take_over()
    stage.carry = stage.team.restarted(stage.carry, np.array([False, True, False, False]))
    assert stage.acts_by() == [[1], [2], [1], [1]]


def test_a_round_begins_with_the_weights_of_then(stage: Stage) -> None:
    stage.learn()
    stage.team.take_over()
    stage.learn()
    stage.carry = {name: memory + 1 for name, memory in stage.team.initial_carry(COPIES).items()}
    assert stage.acts_by() == [[2]] * COPIES
