"""What a notebook does: train by name, act with the team, look at the metrics."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import macn
import rmix_kit
from exporters.errors import InvalidInputError, InvalidObservationError
from exporters.runtime import OnnxTeam
from rmix_kit.config.load import resolve
from rmix_kit.errors import ConfigError, MissingExtraError, RecordError, RunFolderError
from rmix_kit.training.exporting import export
from rmix_kit.training.run import Run

VALUES = {"training.num_envs": 4, "log_interval": 50, "evaluation_interval": 100}
ENVIRONMENT = "macn:4x7?slip=0.1"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("python") / "run"
    return rmix_kit.train("rmix", ENVIRONMENT, seed=3, steps=300, out=out, overrides=VALUES)


def test_a_name_and_values_make_the_run_that_the_command_line_makes(run: Run) -> None:
    overrides = [f"{name}={value}" for name, value in VALUES.items()]
    assert run.config == resolve(algo="rmix", env=run.config.env, seed=3, steps=300, overrides=overrides)
    assert run.config.training.num_envs == 4


def test_a_live_team_acts_as_its_exported_files_do(run: Run, tmp_path: Path) -> None:
    exported = OnnxTeam(export(run, tmp_path / "agents", ["onnx"]))
    env, team = macn.parallel_env(layout="4x7", slip=0.1), run.team()
    assert team.specs == exported.specs
    for seed, level in ((0, 0.0), (1, 0.3)):
        observations, infos = env.reset(seed=seed)
        team.reset()
        exported.reset()
        while env.agents:
            masks = {name: info["action_mask"] for name, info in infos.items()}
            actions = team.act(observations, infos, level)
            assert actions == exported.act(observations, masks, level)
            for name, agent in team.agents.items():
                np.testing.assert_allclose(
                    agent.result().action_values, exported.agents[name].result().action_values, rtol=0, atol=1e-4
                )
            observations, _, _, _, infos = env.step(actions)


def test_an_agent_acts_by_itself_and_keeps_its_memory_when_it_refuses(run: Run) -> None:
    agent = run.agent("agent_1")
    obs, mask = np.zeros(agent.spec.obs.shape, dtype=agent.spec.obs.dtype), np.ones(agent.spec.n_actions, dtype=bool)
    assert 0 <= agent.act(obs, mask) < agent.spec.n_actions
    before = agent.carry()
    with pytest.raises(InvalidObservationError, match="no action is available"):
        agent.act(obs, np.zeros_like(mask))
    for name, memory in agent.carry().items():
        np.testing.assert_array_equal(memory, before[name])
    assert run.agent(1, on_invalid="return").act(obs, np.zeros_like(mask)) == -1
    with pytest.raises(ConfigError, match="there is no agent 'nobody'"):
        run.agent("nobody")


def test_an_info_without_a_mask_is_refused(run: Run) -> None:
    team = run.team()
    observations, infos = macn.parallel_env(layout="4x7").reset(seed=0)
    infos["agent_1"] = {}
    with pytest.raises(InvalidInputError, match="agent_1's info has no 'action_mask'"):
        team.act(observations, infos)
    assert not any(memory.any() for agent in team.agents.values() for memory in agent.carry().values())


def test_runs_teams_and_agents_say_what_they_are(run: Run) -> None:
    assert "rmix on macn:4x7?slip=0.1, seed 3, step 3" in repr(run)
    assert "agents agent_0, agent_1" in repr(run)
    agent = repr(run.agent(0))
    assert agent.startswith("LiveAgent('agent_0': rmix, obs ")
    assert agent.endswith("4 actions, with a risk dial)")
    assert repr(run.team()).startswith(f"LiveTeam({agent}, LiveAgent('agent_1'")


def test_metrics_are_the_rows_of_the_file(run: Run) -> None:
    rows = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    for kind in ("training", "evaluation"):
        own = [row for row in rows if row["kind"] == kind]
        columns = run.metrics(kind)
        assert columns["env_steps"].tolist() == [row["env_steps"] for row in own]
        assert set(columns) == {name for row in own for name in row} - {"kind"}
        for name, column in columns.items():
            wanted = [math.nan if row.get(name) is None else row[name] for row in own]
            np.testing.assert_array_equal(column, wanted)
    with pytest.raises(RecordError, match="'losses'; there are training and evaluation"):
        run.metrics("losses")


def test_a_frame_holds_the_same_columns(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    frame, columns = run.frame("evaluation"), run.metrics("evaluation")
    assert list(frame.columns) == list(columns)
    for name, column in columns.items():
        np.testing.assert_array_equal(frame[name].to_numpy(), column)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match="pip install pandas"):
        run.frame()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"steps": 10}, "env is missing"),
        ({"env": "macn:4x7"}, "steps is missing"),
        ({"env": "macn:4x7", "steps": 10, "overrides": {"batchsize": 3}}, "there is no batchsize"),
        ({"env": "macn:4x7", "steps": 10, "overrides": {"batch_size": object()}}, r"overrides\['batch_size'\]"),
        ({"env": "macn:4x7", "steps": 10, "overrides": {"gamma": 2}}, "gamma"),
        ({"env": "macn:4x7", "steps": 10, "preset": "fast"}, "fast"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_line(given: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said) as refusal:
        rmix_kit.train("rmix", out=tmp_path / "run", **given)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "given", [{"env": "macn:4x7"}, {"steps": 5}, {"overrides": {}}, {"seed": 1}, {"preset": "rmix"}]
)
def test_a_whole_configuration_leaves_nothing_to_add(given: dict[str, Any], run: Run, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(given))} given beside a whole configuration"):
        rmix_kit.train(run.config, out=tmp_path / "run", **given)


def test_small_numbers_keep_their_value(tmp_path: Path) -> None:
    values = {**VALUES, "algorithm.learning_rate": 2.5e-05, "algorithm.risk_level": "dynamic"}
    run = rmix_kit.train("rmix", ENVIRONMENT, steps=20, out=tmp_path / "run", overrides=values)
    assert run.config.algorithm.learning_rate == 2.5e-05


def test_a_run_goes_on_beyond_its_plan(tmp_path: Path) -> None:
    given: dict[str, Any] = {"out": tmp_path / "run", "overrides": {"num_envs": 2}}
    rmix_kit.train("vdn", "macn:4x7", steps=100, **given)
    with pytest.raises(RunFolderError, match="--extend-inexactly"):
        rmix_kit.train("vdn", "macn:4x7", steps=300, resume=True, **given)
    longer = rmix_kit.train("vdn", "macn:4x7", steps=300, resume=True, extend_inexactly=True, **given)
    assert longer.checkpoint_step >= 300


@pytest.mark.parametrize("call", [lambda: rmix_kit.load("run"), lambda: rmix_kit.train("vdn", "macn:4x7", steps=5)])
def test_without_torch_it_is_said_what_installs_it(call: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'rmix-kit\[train\]'"):
        call()
