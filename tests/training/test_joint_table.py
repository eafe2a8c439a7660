from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from rmix_kit.algorithms import ALGORITHMS, Algorithm, Networks
from rmix_kit.algorithms.vdn import VDN
from rmix_kit.config.load import resolve
from rmix_kit.errors import ConfigError, EnvironmentContractError
from rmix_kit.networks.value import ValueAgent
from rmix_kit.training.joint_table import JointTable, spec_of, tabulate
from rmix_kit.training.progress_bar import SilentReporter
from rmix_kit.training.run import Run
from rmix_kit.training.trainer import train
from tests.algorithms.cases import small

SCALE = 0.5
WORTH = [0.5, 1.0, 2.0]
"""Scaled values of the hand-set agents' actions, the same for all agents and histories."""


def built(algorithm: Algorithm, env: str) -> Networks:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return algorithm.build(spec_of(env)).eval().requires_grad_(False)


def table_of(algorithm: Algorithm, networks: Networks, env: str, steps: int | None = None) -> JointTable:
    agent = networks.agent
    return tabulate(algorithm, networks, agent, env, checkpoint_step=7, reward_scale=SCALE, steps=steps)


def hand_set(env: str, steps: int | None = None) -> JointTable:
    """VDN whose agents hold `WORTH` for their actions: Q_tot is the sum."""
    networks = built(VDN(hidden_size=4), env)
    assert isinstance(networks.agent, ValueAgent)
    networks.agent.head.weight.zero_()
    networks.agent.head.bias.copy_(torch.tensor(WORTH[: networks.agent.head.out_features]))
    return table_of(VDN(hidden_size=4), networks, env, steps)


def test_values_are_in_the_environment_s_own_reward_units() -> None:
    assert hand_set("didactic:climbing").to_json() == {
        "env": "didactic:climbing",
        "algorithm": "vdn",
        "checkpoint_step": 7,
        "q_tot": [[2.0, 3.0, 5.0], [3.0, 4.0, 6.0], [5.0, 6.0, 8.0]],
        "greedy_action": [2, 2],
        "greedy_value": 8.0,
    }


def test_null_stands_where_an_action_is_not_available() -> None:
    record = hand_set("matrix:[[1,2,3],[4,5,6]]").to_json()
    assert record["q_tot"] == [[2.0, 3.0, 5.0], [3.0, 4.0, 6.0], [None, None, None]]
    assert record["greedy_action"] == [1, 2]


def test_there_is_one_axis_per_agent() -> None:
    table = hand_set("matrix:[[[1,2],[3,4]],[[5,6],[7,8]]]")
    assert table.first_values.shape == (2, 2, 2)
    assert table.first_values[0, 1, 1] == 5.0


def test_a_game_of_two_steps_has_a_table_per_state() -> None:
    table = hand_set("didactic:two-step")
    assert table.values.shape == (16, 2)
    np.testing.assert_array_equal(table.by_state(), [[[2.0, 3.0], [3.0, 4.0]]] * 3)


def test_a_state_that_no_history_reaches_has_no_values() -> None:
    states = hand_set("didactic:two-step", steps=1).by_state()
    assert np.isnan(states[1:]).all()
    assert not np.isnan(states[0]).any()


def test_the_record_of_several_steps_is_refused() -> None:
    with pytest.raises(ConfigError, match="2 steps"):
        hand_set("didactic:two-step").to_json()


def test_sequences_stay_in_order_where_some_end_early() -> None:
    # The first step to the right falls off the cliff; a batch orders episodes by length.
    env, algorithm = "macn:4x7?n_agents=2", VDN(hidden_size=4)
    table = table_of(algorithm, built(algorithm, env), env, steps=2)
    assert len(table.values) == 256
    assert np.isnan(table.values[:, 1]).any()
    assert not np.isnan(table.values[:, 0]).any()
    first = table.values[:, 0].reshape(16, 16)  # [first joint action, second joint action]
    alone = table_of(algorithm, built(algorithm, env), env, steps=1).values  # all of one length
    np.testing.assert_allclose(first, alone.repeat(16, axis=1), atol=1e-5)  # float32, other row orders
    assert len(np.unique(first[:, 0].round(4))) > 8


@pytest.mark.parametrize("kind", ALGORITHMS, ids=lambda kind: str(kind.name))
def test_every_algorithm_has_a_table(kind: type[Algorithm]) -> None:
    algorithm, env = small(kind), "didactic:climbing"
    table = table_of(algorithm, built(algorithm, env), env)
    assert np.isfinite(table.first_values).all()
    assert table.algorithm == kind.name


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    config = resolve(algo="vdn", env="didactic:penalty?k=-10", seed=0, steps=400, overrides=["learning_rate=0.01"])
    return train(config, tmp_path_factory.mktemp("table") / "run", reporter=SilentReporter())


def test_a_run_gives_its_table(run: Run) -> None:
    record = run.joint_table().to_json()
    assert (record["env"], record["checkpoint_step"]) == ("didactic:penalty?k=-10", run.checkpoint_step)
    values = run.joint_table().first_values
    np.testing.assert_allclose(values[0] - values[1], values[0, 0] - values[1, 0], atol=1e-4)  # VDN is a sum


def test_another_game_of_the_same_sizes_is_told_by_its_name(run: Run) -> None:
    assert run.joint_table("didactic:climbing").env == "didactic:climbing"


@pytest.mark.parametrize("env", ["didactic:two-step", "matrix:[[1,2],[3,4]]"])
def test_a_game_of_other_sizes_is_refused(run: Run, env: str) -> None:
    with pytest.raises(EnvironmentContractError, match="trained with"):
        run.joint_table(env)


def test_a_state_of_another_size_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    own = run.env_spec
    monkeypatch.setattr("rmix_kit.training.run.spec_of", lambda text: replace(own, state_size=own.state_size + 1))
    with pytest.raises(EnvironmentContractError, match=rf"state size {own.state_size}; didactic:climbing has"):
        run.joint_table("didactic:climbing")
