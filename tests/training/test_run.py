from __future__ import annotations

import json
from pathlib import Path

import pytest

import rmix_kit
from rmix_kit.envs.interface import VectorEnv
from rmix_kit.envs.make import make_vector_env
from rmix_kit.errors import ConfigError, EnvironmentContractError, RunFolderError
from rmix_kit.training.loading import load
from rmix_kit.training.trainer import train
from tests.training.runs import Notes, tiny
from tests.training.test_trainer import EVALUATION_KEYS


def test_evaluation_has_the_keys_of_the_contract_in_order(finished: Path) -> None:
    record = load(finished).evaluate(episodes=5, seed=3).to_json()
    assert list(record) == EVALUATION_KEYS
    assert (record["episodes"], record["seed"]) == (5, 3)


def test_evaluation_of_more_episodes_begins_with_the_same_ones(finished: Path) -> None:
    run = load(finished)
    few, many = run.evaluate(episodes=32, seed=1), run.evaluate(episodes=40, seed=1)
    assert many.returns.shape == (40,)
    assert few.returns.tolist() == many.returns[:32].tolist()


def test_risk_level_given_is_the_level_used(finished: Path) -> None:
    assert load(finished).evaluate(episodes=2, risk_level=0.25).to_json()["risk_level_mean"] == pytest.approx(0.25)


@pytest.mark.parametrize("level", [0.0, -0.1, 1.5, float("nan")])
def test_risk_level_out_of_range_is_refused(finished: Path, level: float) -> None:
    with pytest.raises(ConfigError, match="risk_level"):
        load(finished).evaluate(episodes=1, risk_level=level)


def test_other_map_of_the_same_shape_is_played(finished: Path) -> None:
    assert load(finished).evaluate("macn:4x12", episodes=2).to_json()["episodes"] == 2


def test_environment_of_another_shape_is_refused_with_the_difference(finished: Path) -> None:
    with pytest.raises(EnvironmentContractError, match=r"observation shape \(3, 3\); .* has \(11,\); give"):
        load(finished).evaluate("macn:4x7?include_position=true", episodes=1)


def test_policies_carry_agent_and_risk_facts(finished: Path) -> None:
    run = load(finished)
    assert run.config == tiny()
    assert [policy.spec.agent_id for policy in run.policies()] == ["agent_0", "agent_1"]
    assert run.policy("agent_1").spec == run.policy(1).spec
    assert (run.policy(0).spec.n_risk_levels, run.policy(0).spec.default_risk_level) == (4, None)


@pytest.mark.parametrize("agent", [2, -1, "agent_2"])
def test_unknown_agent_is_refused(finished: Path, agent: int | str) -> None:
    with pytest.raises(ConfigError, match="agent_0, agent_1"):
        load(finished).policy(agent)


def test_front_door_loads_a_run(finished: Path) -> None:
    assert rmix_kit.load(finished).checkpoint_step == load(finished).checkpoints()[-1]


def test_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="is no run"):
        load(tmp_path)


def test_no_episode_that_chose_the_best_checkpoint_is_played_by_evaluate(
    finished: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    played: list[set[int]] = []
    make = make_vector_env

    def spied(text: str, count: int) -> VectorEnv:
        envs = make(text, count)
        seeds, reset = set[int](), envs.reset
        played.append(seeds)
        monkeypatch.setattr(envs, "reset", lambda given: (seeds.update(given), reset(given))[1])
        return envs

    train(tiny(steps=800), tmp_path / "run", make_env=spied, reporter=Notes())
    best = load(tmp_path / "run", "best")
    best.evaluate(episodes=200, seed=best.config.seed, make_env=spied)
    training, choosing, evaluating = played
    metrics = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    evaluations = sum(json.loads(row)["kind"] == "evaluation" for row in metrics)
    assert len(choosing) == evaluations * best.config.training.evaluation_episodes
    assert not evaluating & choosing
    assert not evaluating & training
