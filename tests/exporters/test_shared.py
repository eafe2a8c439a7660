"""One file for agents of one network: every agent does what it does by a file of its own, alone and in one call."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

import exporters
from exporters.agent import Agent
from exporters.bundle import read_manifest
from exporters.contract import Policy, PolicySpec, TensorSpec
from exporters.errors import BundleError, InvalidInputError, InvalidObservationError, SpecError
from exporters.golden import replay_golden
from exporters.live import LiveTeam
from exporters.runtime import OnnxAgent, OnnxTeam
from exporters.team import Team
from exporters.tensors import Array
from exporters.torchscript_runtime import TorchScriptTeam
from tests.exporters.policies import carry_spec, float_obs_spec, plain_policy
from tests.fixtures.shared import shared_folder

N_AGENTS = 3
ACTIONS = 4
NAMES = [f"agent_{index}" for index in range(N_AGENTS)]


class Network(nn.Module):
    """A recurrent network with a dial that is told which agent it acts for."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.who = nn.Embedding(N_AGENTS, 6)
            self.body, self.head = nn.GRUCell(5 + ACTIONS + 6, 6), nn.Linear(6, ACTIONS)

    def forward(
        self, obs: Tensor, level: Tensor, agent: Tensor, last_action: Tensor, hidden: Tensor
    ) -> tuple[Tensor, ...]:
        after = self.body(torch.cat([obs, last_action, self.who(agent)], -1), hidden)
        used = torch.where(level > 0, level, 0.25)
        return self.head(after) * 3 - used.unsqueeze(-1) * after[:, :ACTIONS], used, after


def spec_of(index: int) -> PolicySpec:
    return PolicySpec(
        agent_id=NAMES[index],
        agent_index=index,
        n_agents=N_AGENTS,
        algorithm="mine",
        obs=float_obs_spec(),
        n_actions=ACTIONS,
        carry=(carry_spec("last_action", ACTIONS), carry_spec("hidden_state", 6)),
        is_risk_aware=True,
        default_risk_level=0.25,
        value_kind="cvar",
    )


def team_of(network: nn.Module) -> list[Policy]:
    return [exporters.guarded(network.eval(), spec_of(index), takes_agent=True) for index in range(N_AGENTS)]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(place: Path) -> None:
        exporters.freeze(team_of(Network()), place / "agents", shared=True)

    return shared_folder("sealed-shared", make, tmp_path_factory) / "agents"


@pytest.fixture(params=["onnx", "torchscript"])
def kind(request: pytest.FixtureRequest) -> type[Team[Agent]]:
    return OnnxTeam if request.param == "onnx" else TorchScriptTeam  # type: ignore[return-value]


def same(one: Team[Agent], other: Team[Agent]) -> None:
    for name, agent in one.agents.items():
        for tensor, array in other.agents[name].carry().items():
            np.testing.assert_allclose(agent.carry()[tensor], array, atol=1e-5, err_msg=f"{name} {tensor}")


def drawn(generator: np.random.Generator, batch: int) -> tuple[Array, Array, Array]:
    """Observations, masks and levels of one agent; some are bad."""
    obs = generator.uniform(0, 1, (batch, 5)).astype(np.float32)
    obs[generator.random(batch) < 0.1, 0] = np.nan
    masks = generator.random((batch, ACTIONS)) < 0.7
    levels = np.where(generator.random(batch) < 0.3, 0, generator.random(batch)).astype(np.float32)
    return obs, masks, levels


def test_a_shared_folder_holds_one_file_that_every_agent_lists(folder: Path) -> None:
    assert {path.name for path in folder.glob("*.onnx")} == {"team.onnx"}
    manifest = read_manifest(folder)
    assert manifest.agent_input == "agent_index"
    assert [entry.spec for entry in manifest.agents] == [spec_of(index) for index in range(N_AGENTS)]
    assert {entry.files["onnx"] for entry in manifest.agents} == {"team.onnx"}
    assert json.loads((folder / "manifest.json").read_bytes())["format_version"] == 2


@pytest.mark.parametrize("batch", [1, 4])
def test_agents_of_one_file_act_in_one_call_as_each_does_alone(
    kind: type[Team[Agent]], folder: Path, batch: int
) -> None:
    """Rows are refused, agents leave and come back, other actions are done, and episodes begin in single rows."""
    team, alone = kind(folder, on_invalid="return"), LiveTeam(team_of(Network()), on_invalid="return")  # type: ignore[call-arg]
    generator = np.random.default_rng(batch)
    refused = 0
    for step in range(60):
        acting = [name for name in NAMES if step == 0 or generator.random() < 0.8] or NAMES
        given = {name: drawn(generator, batch) for name in generator.permutation(acting).tolist()}
        inputs = [{name: part[place] for name, part in given.items()} for place in range(3)]
        found, wanted = team.act_batch(*inputs), alone.act_batch(*inputs)
        assert list(found) == list(given)
        for name, result in found.items():
            np.testing.assert_array_equal(result.action, wanted[name].action)
            np.testing.assert_array_equal(result.valid, wanted[name].valid)
            np.testing.assert_allclose(result.action_values, wanted[name].action_values, atol=1e-5)
            np.testing.assert_array_equal(result.risk_level_used, wanted[name].risk_level_used)
            refused += int((~result.valid).sum())
        done = {name: generator.integers(-1, ACTIONS, batch) for name in acting}
        ended = generator.random(batch) < 0.1
        for one in (team, alone):
            one.executed(done)
            one.reset(ended)
        if step % 20 == 19:
            for one in (team, alone):
                one.reset()
        same(team, alone)
    assert refused > 5


def test_one_environment_after_a_batch_and_back(kind: type[Team[Agent]], folder: Path) -> None:
    team, alone = kind(folder), LiveTeam(team_of(Network()))
    obs, mask = np.full(5, 0.5, dtype=np.float32), np.ones(ACTIONS, dtype=np.bool_)
    for rows in (1, 3, 1):
        for one in (team, alone):
            one.reset()
            one.act_batch(dict.fromkeys(NAMES, np.stack([obs] * rows)), dict.fromkeys(NAMES, np.stack([mask] * rows)))
        same(team, alone)
    with pytest.raises(InvalidInputError, match="call reset"):
        team.act_batch(dict.fromkeys(NAMES, np.stack([obs] * 2)), dict.fromkeys(NAMES, np.stack([mask] * 2)))
    same(team, alone)
    assert team.act(dict.fromkeys(NAMES, obs), dict.fromkeys(NAMES, mask)) == alone.act(
        dict.fromkeys(NAMES, obs), dict.fromkeys(NAMES, mask)
    )


def test_agents_that_act_alone_between_act_on_from_there_together(kind: type[Team[Agent]], folder: Path) -> None:
    team, alone = kind(folder), LiveTeam(team_of(Network()))
    obs, mask = np.full(5, 0.5, dtype=np.float32), np.ones(ACTIONS, dtype=np.bool_)
    for turn in range(6):
        for one in (team, alone):
            one.act(dict.fromkeys(NAMES, obs), dict.fromkeys(NAMES, mask), 0.5)
            one.agents[NAMES[turn % N_AGENTS]].act(obs * 0.9, mask, 0.3)
        same(team, alone)
    for one in (team, alone):  # one agent in more episodes than the others
        one.agents["agent_1"].reset()
        one.agents["agent_1"].act_batch(np.stack([obs] * 2), np.stack([mask] * 2))
        one.act({"agent_0": obs, "agent_2": obs}, {"agent_0": mask, "agent_2": mask})
    same(team, alone)


def test_what_was_executed_before_the_first_step_is_kept(folder: Path, tmp_path: Path) -> None:
    single = exporters.freeze(team_of(Network()), tmp_path / "single", "onnx")
    teams = [OnnxTeam(folder, on_invalid="return"), OnnxTeam(single, on_invalid="return")]
    obs = np.full((2, 5), 0.5, dtype=np.float32)
    masks = np.ones((2, ACTIONS), dtype=np.bool_)
    found = []
    for team in teams:
        for agent in team.agents.values():
            agent.act_batch(obs, masks)
        team.reset()
        team.executed({NAMES[0]: np.array([3, 3])})
        found.append(team.act_batch(dict.fromkeys(NAMES, obs), dict.fromkeys(NAMES, masks))[NAMES[0]])
    np.testing.assert_allclose(found[0].action_values, found[1].action_values, rtol=0, atol=1e-6)


def test_a_refused_agent_moves_nobodys_memory(kind: type[Team[Agent]], folder: Path) -> None:
    team = kind(folder)
    obs, mask = np.full(5, 0.5, dtype=np.float32), np.ones(ACTIONS, dtype=np.bool_)
    team.act(dict.fromkeys(NAMES, obs), dict.fromkeys(NAMES, mask))
    before = {name: agent.carry() for name, agent in team.agents.items()}
    with pytest.raises(InvalidObservationError, match="agent_1: the observation is not finite; its memory"):
        team.act({**dict.fromkeys(NAMES, obs), "agent_1": obs * np.float32("nan")}, dict.fromkeys(NAMES, mask))
    with pytest.raises(InvalidInputError, match="agent_2 expects"):
        team.act({**dict.fromkeys(NAMES, obs), "agent_2": obs[:3]}, dict.fromkeys(NAMES, mask))
    for name, agent in team.agents.items():
        for tensor, array in agent.carry().items():
            np.testing.assert_array_equal(array, before[name][tensor])


def test_golden_steps_are_repeated_with_the_place_among_their_inputs(kind: type[Team[Agent]], folder: Path) -> None:
    team = kind(folder, on_invalid="return")  # type: ignore[call-arg]
    figures = replay_golden(team, folder, "onnx")
    assert {name: figure.rows for name, figure in figures.items()} == dict.fromkeys(NAMES, 64)
    with np.load(folder / "golden.npz", allow_pickle=False) as golden:
        assert golden["agent_2.input.agent_index"].tolist() == [[2]] * 64


def test_a_place_that_is_not_in_the_team_is_refused_in_the_graph(folder: Path) -> None:
    session = onnxruntime.InferenceSession(folder / "team.onnx", providers=["CPUExecutionProvider"])
    feeds = {
        "obs": np.zeros((4, 5), np.float32),
        "avail_actions": np.ones((4, ACTIONS), np.bool_),
        "risk_level": np.zeros(4, np.float32),
        "agent_index": np.array([-1, 0, 2, 3]),
        "last_action": np.zeros((4, ACTIONS), np.float32),
        "hidden_state": np.ones((4, 6), np.float32),
    }
    outputs = dict(zip([node.name for node in session.get_outputs()], session.run(None, feeds), strict=True))
    assert outputs["valid"].tolist() == [False, True, True, False]
    np.testing.assert_array_equal(outputs["next_hidden_state"][[0, 3]], 1)


def test_one_agent_of_a_shared_file_is_opened_by_its_name(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "lone.onnx").write_bytes((folder / "team.onnx").read_bytes())
    for path in (folder / "team.onnx", tmp_path / "lone.onnx"):
        assert OnnxAgent(path, agent="agent_2").spec == spec_of(2)
        with pytest.raises(BundleError, match="serves agent_0, agent_1, agent_2 together.*agent='agent_0'"):
            OnnxAgent(path)
        with pytest.raises(BundleError, match="there is no 'agent_9'"):
            OnnxAgent(path, agent="agent_9")


def test_a_reader_of_one_file_an_agent_is_told_by_the_format_number(folder: Path, tmp_path: Path) -> None:
    table = json.loads((folder / "manifest.json").read_bytes())
    for name in ("team.onnx", "team.pt", "golden.npz", "README.md"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    for change, reason in (
        ({"format_version": 1}, "unexpected or missing keys: .*agent_input"),
        ({"agent_input": "row"}, "agent_input is 'row'"),
    ):
        (tmp_path / "manifest.json").write_text(json.dumps({**table, **change}))
        with pytest.raises(BundleError, match=reason):
            OnnxTeam(tmp_path)
    del table["agent_input"]
    (tmp_path / "manifest.json").write_text(json.dumps({**table, "format_version": 1}))
    with pytest.raises(BundleError, match="does not say that it serves both"):
        OnnxTeam(tmp_path)


def test_a_network_that_asks_for_no_agent_serves_all(tmp_path: Path) -> None:
    spec = replace(plain_policy().spec, carry=())
    network = nn.Linear(5, ACTIONS).eval()
    team = [
        exporters.guarded(network, replace(spec, agent_id=f"agent_{index}", agent_index=index)) for index in range(2)
    ]
    folder = exporters.freeze(team, tmp_path / "agents", "onnx", shared=True)
    obs, masks = np.full(5, 0.5, dtype=np.float32), np.ones(ACTIONS, dtype=np.bool_)
    actions = OnnxTeam(folder).act(dict.fromkeys(NAMES[:2], obs), dict.fromkeys(NAMES[:2], masks))
    assert len(set(actions.values())) == 1


def other_sizes() -> Policy:
    obs = TensorSpec(name="obs", shape=(7,), dtype="float32")
    return exporters.guarded(Network().eval(), replace(spec_of(1), obs=obs), takes_agent=True)


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (other_sizes, r"its obs is float32 \[batch, 7\], not float32 \[batch, 5\]"),
        (lambda: team_of(Network(seed=1))[1], "do not share weights .*differs"),
        (lambda: exporters.guarded(Network().eval(), replace(spec_of(1), value_kind="q"), takes_agent=True), "'q'"),
    ],
)
def test_agents_that_differ_are_not_put_into_one_file(second: object, reason: str, tmp_path: Path) -> None:
    assert callable(second)
    with pytest.raises(SpecError, match=f"^agent_1 cannot share a file with agent_0: .*{reason}.*one file an agent$"):
        exporters.freeze([team_of(Network())[0], second()], tmp_path / "agents", "onnx", shared=True)
    assert not list(tmp_path.iterdir())


def test_a_policy_that_cannot_be_asked_for_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"agent_0's policy is a TorchPolicy without shared_module\(\)"):
        exporters.freeze([plain_policy(0), plain_policy(1)], tmp_path / "agents", "onnx", shared=True)
