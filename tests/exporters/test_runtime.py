from __future__ import annotations

import copy
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from exporters.agent import Agent
from exporters.errors import BundleError, InvalidInputError, InvalidObservationError, UnsupportedError
from exporters.live import LiveTeam
from exporters.parity import Tensors
from exporters.runtime import OnnxAgent, OnnxTeam
from exporters.sampling import next_carry, zero_carry
from exporters.team import Team
from exporters.torchscript_runtime import TorchScriptAgent, TorchScriptTeam
from exporters.verify import eager_run
from tests.exporters.policies import risk_aware_policy

OBS = np.array([[0, 1, 2], [3, 4, 0], [0, 0, 1]], dtype=np.int8)
BAD_OBS = np.full((3, 3), 5, dtype=np.int8)
ALL = np.ones(4, dtype=np.bool_)
ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["onnx", "torchscript"])
def team(request: pytest.FixtureRequest, sealed_team: Path) -> Team[Agent]:
    made: object = OnnxTeam(sealed_team) if request.param == "onnx" else TorchScriptTeam(sealed_team)
    assert isinstance(made, Team)
    return made


@pytest.fixture
def agent(team: Team[Agent]) -> Agent:
    return team.agents["agent_0"]


def _memories(team: Team[Agent]) -> list[Tensors]:
    return [agent.carry() for agent in team.agents.values()]


def _same(first: Tensors, second: Tensors) -> bool:
    return all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
def test_teams_and_agents_are_not_copied(team: Team[Agent], copied: Callable[[object], object]) -> None:
    for actor in (team, team.agents["agent_0"], LiveTeam([risk_aware_policy()])):
        with pytest.raises(UnsupportedError, match=f"{type(actor).__name__} cannot be pickled or copied.*path"):
            copied(actor)


def test_agent_follows_the_torch_module_over_an_episode(agent: Agent) -> None:
    policy, generator = risk_aware_policy(0), np.random.default_rng(0)
    eager, carry = eager_run(policy.spec, policy.module()), zero_carry(policy.spec, 1)
    for step in range(30):
        obs = generator.integers(0, 5, (1, 3, 3)).astype(np.int8)
        level = np.array([0.0 if step % 2 else 0.3], dtype=np.float32)
        expected = eager({"obs": obs, "avail_actions": ALL[None], "risk_level": level, **carry})
        carry = next_carry(policy.spec, expected)
        assert agent.act(obs[0], ALL, float(level[0])) == expected["action"][0]
        for name, array in agent.carry().items():
            assert np.allclose(array.astype(np.float32), carry[name].astype(np.float32), atol=1e-5), (step, name)


def test_batch_rows_equal_agents_of_their_own(agent: Agent) -> None:
    generator = np.random.default_rng(1)
    obs = generator.integers(0, 5, (6, 4, 3, 3)).astype(np.int8)  # [step, batch, row, column]
    together = [agent.act_batch(obs[step], np.tile(ALL, (4, 1)), 0.5) for step in range(6)]
    for row in range(4):
        agent.reset()
        for step in range(6):
            alone = agent.act_batch(obs[step, row : row + 1], ALL[None], 0.5)
            np.testing.assert_allclose(alone.action_values[0], together[step].action_values[row], atol=1e-5)


def test_result_is_the_callers_own(agent: Agent) -> None:
    first = agent.act_batch(OBS[None], ALL[None])
    values = first.action_values.copy()
    agent.act_batch(np.zeros_like(OBS)[None], ALL[None])
    assert np.array_equal(first.action_values, values)


def test_int8_mask_of_the_environment_is_taken(agent: Agent) -> None:
    assert agent.act(OBS, np.array([0, 0, 1, 0], dtype=np.int8)) == 2


def test_risk_level_overrides_the_predictor(agent: Agent) -> None:
    used = agent.act_batch(OBS[None], ALL[None], 0.37).risk_level_used
    assert used is not None
    assert used[0] == np.float32(0.37)


def test_risk_level_zero_is_the_predictors_choice(agent: Agent) -> None:
    used = agent.act_batch(OBS[None], ALL[None]).risk_level_used
    assert used is not None
    assert (used * 10).round(4) in range(1, 11)


def test_reset_starts_from_zero(agent: Agent) -> None:
    first = agent.act_batch(OBS[None], ALL[None], 0.5)
    agent.act(OBS, ALL)
    agent.reset()
    assert not any(array.any() for array in agent.carry().values())
    assert np.array_equal(agent.act_batch(OBS[None], ALL[None], 0.5).action_values, first.action_values)


def test_reset_by_mask_touches_only_its_rows(agent: Agent) -> None:
    agent.act_batch(np.tile(OBS, (3, 1, 1)), np.tile(ALL, (3, 1)))
    before = agent.carry()
    agent.reset(np.array([False, True, False]))
    after = agent.carry()
    for name in before:
        assert not after[name][1].any()
        assert np.array_equal(after[name][[0, 2]], before[name][[0, 2]])


def test_executed_rewrites_the_last_action_alone(agent: Agent) -> None:
    proposed = agent.act(OBS, ALL)
    before = agent.carry()
    done = (proposed + 1) % 4
    agent.executed(done)
    after = agent.carry()
    assert np.array_equal(after.pop("last_action"), np.eye(4, dtype=np.float32)[[done]])
    assert _same(after, before)


def test_executed_minus_one_leaves_a_row_as_proposed(agent: Agent) -> None:
    proposed = agent.act_batch(np.tile(OBS, (2, 1, 1)), np.tile(ALL, (2, 1))).action
    agent.executed(np.array([-1, 3]))
    coded = np.eye(4, dtype=np.float32)[[proposed[0], 3]]
    assert np.array_equal(agent.carry()["last_action"], coded)


def test_executed_matters_for_the_next_step(agent: Agent) -> None:
    proposed = agent.act(OBS, ALL)
    followed = agent.act_batch(OBS[None], ALL[None], 1.0).action_values
    agent.reset()
    agent.act(OBS, ALL)
    agent.executed((proposed + 1) % 4)
    assert not np.array_equal(agent.act_batch(OBS[None], ALL[None], 1.0).action_values, followed)


@pytest.mark.parametrize(
    ("obs", "mask", "level", "reason"),
    [
        (BAD_OBS, ALL, 0.0, "out of range"),
        (OBS, ~ALL, 0.0, "no action is available"),
        (OBS, ALL, -0.1, "risk_level"),
        (OBS, ALL, 1.01, "risk_level"),
        (OBS, ALL, float("nan"), "risk_level"),
    ],
)
def test_refused_step_says_why_and_keeps_the_memory(
    agent: Agent, obs: np.ndarray, mask: np.ndarray, level: float, reason: str
) -> None:
    agent.act(OBS, ALL)
    before = agent.carry()
    with pytest.raises(InvalidObservationError, match=reason):
        agent.act(obs, mask, level)
    assert _same(agent.carry(), before)


def test_not_finite_observation_is_refused_by_name(sealed_plain: Path) -> None:
    agent = OnnxAgent(sealed_plain / "agent_0.onnx")
    obs = np.zeros(5, dtype=np.float32)
    agent.act(obs, ALL)
    obs[4] = np.nan
    with pytest.raises(InvalidObservationError, match="not finite"):
        agent.act(obs, ALL)


def test_one_refused_row_keeps_the_memory_of_all(agent: Agent) -> None:
    agent.act_batch(np.stack([OBS, OBS]), np.tile(ALL, (2, 1)))
    before = agent.carry()
    with pytest.raises(InvalidObservationError, match="row 1"):
        agent.act_batch(np.stack([OBS, BAD_OBS]), np.tile(ALL, (2, 1)))
    assert _same(agent.carry(), before)


def test_on_invalid_return_gives_minus_one(sealed_team: Path) -> None:
    agent = OnnxAgent(sealed_team / "agent_0.onnx", on_invalid="return")
    result = agent.act_batch(np.stack([OBS, BAD_OBS]), np.tile(ALL, (2, 1)))
    assert result.valid.tolist() == [True, False]
    assert result.action[0] >= 0
    assert result.action[1] == -1


def test_team_acts_by_name(team: Team[Agent]) -> None:
    actions = team.act(
        {"agent_1": OBS, "agent_0": OBS}, {"agent_0": ALL, "agent_1": ALL}, {"agent_0": 1, "agent_1": 0.2}
    )
    assert set(actions) == {"agent_0", "agent_1"}
    team.reset()
    assert team.agents["agent_1"].act(OBS, ALL, 0.2) == actions["agent_1"]


def test_team_takes_the_agents_that_are_left(team: Team[Agent]) -> None:
    assert set(team.act({"agent_1": OBS}, {"agent_1": ALL})) == {"agent_1"}


def test_team_steps_are_all_or_nothing(team: Team[Agent]) -> None:
    team.act({"agent_0": OBS, "agent_1": OBS}, {"agent_0": ALL, "agent_1": ALL})
    before = _memories(team)
    with pytest.raises(InvalidObservationError, match="agent_1"):
        team.act({"agent_0": OBS, "agent_1": BAD_OBS}, {"agent_0": ALL, "agent_1": ALL})
    assert all(map(_same, _memories(team), before))


@pytest.mark.parametrize("actions", [{"agent_0": 1, "agent_1": 9}, {"agent_0": 1, "agent_1": 1.5}])
def test_what_was_executed_is_told_to_all_or_to_none(team: Team[Agent], actions: dict[str, int]) -> None:
    team.act(dict.fromkeys(team.agents, OBS), dict.fromkeys(team.agents, ALL))
    before = _memories(team)
    with pytest.raises(InvalidInputError, match="executed"):
        team.executed(actions)
    assert all(map(_same, before, _memories(team)))


def test_a_reset_that_one_agent_refuses_reaches_none(team: Team[Agent]) -> None:
    team.act(dict.fromkeys(team.agents, OBS), dict.fromkeys(team.agents, ALL))
    pair = np.stack([OBS] * 2)
    team.agents["agent_1"].reset()
    team.agents["agent_1"].act_batch(pair, np.stack([ALL] * 2))
    before = _memories(team)
    with pytest.raises(InvalidInputError, match="mask must be"):
        team.reset(np.array([True]))
    assert all(map(_same, before, _memories(team)))


@pytest.mark.parametrize("level", [np.float32(0.3), np.float64(0.3), np.array(0.3), np.array(0.3, dtype=np.float32)])
def test_a_team_takes_the_levels_that_an_agent_takes(team: Team[Agent], level: object) -> None:
    observations, masks = (dict.fromkeys(team.agents, value) for value in (OBS, ALL))
    expected = team.act(observations, masks, 0.3)
    for given in (level, dict.fromkeys(team.agents, level)):
        team.reset()
        assert team.act(observations, masks, given) == expected  # type: ignore[arg-type]
        assert all(agent.result().risk_level_used == np.float32(0.3) for agent in team.agents.values())


@pytest.mark.parametrize("level", [None, "dynamic", [0.3, 0.3], np.zeros(3)])
def test_a_team_refuses_a_level_in_an_agents_words(team: Team[Agent], level: object) -> None:
    with pytest.raises(InvalidInputError) as alone:
        team.agents["agent_0"].act(OBS, ALL, level)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError) as together:
        team.act({"agent_0": OBS}, {"agent_0": ALL}, level)  # type: ignore[arg-type]
    assert str(alone.value) == str(together.value)


def test_team_acts_in_many_environments(team: Team[Agent]) -> None:
    obs, masks = np.tile(OBS, (5, 1, 1)), np.tile(ALL, (5, 1))
    results = team.act_batch({"agent_0": obs, "agent_1": obs}, {"agent_0": masks, "agent_1": masks}, np.full(5, 0.5))
    assert results["agent_1"].action_values.shape == (5, 4)
    team.executed({"agent_0": np.zeros(5, dtype=np.int64)})
    team.reset(np.array([True, False, False, False, True]))


@pytest.mark.parametrize("name", ["manifest.json", "agent_0.onnx"])
def test_a_pipe_in_a_files_place_is_refused_at_once(name: str, sealed_team: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(sealed_team, tmp_path / "team")
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(BundleError, match="pipe"):
        OnnxTeam(folder)


def test_single_file_runs_anywhere_by_its_own_metadata(sealed_team: Path, tmp_path: Path) -> None:
    alone = tmp_path / "renamed.onnx"
    alone.write_bytes((sealed_team / "agent_1.onnx").read_bytes())
    agent = OnnxAgent(alone)
    assert agent.manifest is None
    assert agent.spec == risk_aware_policy(1).spec


def test_both_formats_give_the_same_actions(sealed_team: Path) -> None:
    first = OnnxAgent(sealed_team / "agent_0.onnx")
    second = TorchScriptAgent(sealed_team / "agent_0.pt")
    generator = np.random.default_rng(2)
    for _ in range(20):
        obs = generator.integers(0, 5, (3, 3)).astype(np.int8)
        assert first.act(obs, ALL) == second.act(obs, ALL)


@pytest.mark.parametrize(
    "program",
    [
        "import exporters",
        "import exporters.contract, exporters.bundle, exporters.errors, exporters.onnx_scan, exporters.golden",
        "import numpy as np\nfrom exporters.runtime import OnnxTeam\nteam = OnnxTeam({folder!r})\nteam.reset()\n"
        "names = list(team.agents)\nobs = {{n: np.zeros((3, 3), np.int8) for n in names}}\n"
        "masks = {{n: np.ones(4, bool) for n in names}}\nassert len(team.act(obs, masks)) == 2",
    ],
)
def test_fresh_interpreter_never_loads_torch_or_onnx(sealed_team: Path, program: str) -> None:
    check = "\nimport sys\nassert not {{'torch', 'onnx', 'onnxscript', 'rmix_kit', 'macn'}} & set(sys.modules)"
    text = (program + check).format(folder=str(sealed_team))
    done = subprocess.run([sys.executable, "-W", "error", "-c", text], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_contract_needs_the_standard_library_alone() -> None:
    text = "import exporters.contract, exporters.errors, sys\nassert not {'numpy', 'onnxruntime'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", text], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_wrong_on_invalid_is_refused(sealed_team: Path) -> None:
    with pytest.raises(InvalidInputError, match="raise"):
        OnnxAgent(sealed_team / "agent_0.onnx", on_invalid="ignore")
