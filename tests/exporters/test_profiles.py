"""Agents in the tensors of ML-Agents and rsl_rl: what their loaders ask, and the numbers of the exported files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import exporters
from exporters.bundle import read_manifest, sha256_of
from exporters.errors import BundleError, SpecError, UnsupportedError
from exporters.lowering import lower
from exporters.parity import Tensors
from exporters.profiles import PROFILE_NAME, PROFILES
from exporters.runtime import OnnxAgent, OnnxTeam
from exporters.sampling import random_inputs
from tests.exporters.mlagents_loader import failed_checks, missing_constants
from tests.exporters.policies import plain_policy

STEPS = 40


@pytest.fixture(scope="module")
def sources(sealed_team: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An int8 observation with a dial and much memory, and a float one without a dial."""
    plain = exporters.freeze(plain_policy(), tmp_path_factory.mktemp("source") / "plain", "onnx")
    return {"team": sealed_team, "plain": plain}


@pytest.fixture(scope="module")
def made(sources: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    out = tmp_path_factory.mktemp("profiles")
    return {
        (name, profile): exporters.convert(source, out / f"{name}-{profile}", profile)
        for name, source in sources.items()
        for profile in PROFILES
    }


def _session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def _run(session: onnxruntime.InferenceSession, inputs: Tensors) -> Tensors:
    names = [node.name for node in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


@pytest.mark.parametrize("name", ["team", "plain"])
def test_ml_agents_loader_finds_nothing_to_say(made: dict[tuple[str, str], Path], name: str) -> None:
    folder = made[name, "mlagents"]
    for agent in json.loads((folder / PROFILE_NAME).read_text())["agents"]:
        model = onnx.load_model(folder / agent["file"])
        size = int(np.prod(agent["spec"]["obs"]["shape"]))
        for is_deterministic in (False, True):
            checks = failed_checks(model, [[size]], [agent["spec"]["n_actions"]], is_deterministic=is_deterministic)
            assert checks == []
        assert missing_constants(model) == []
        assert [entry.version for entry in model.opset_import] == [15]


def test_ml_agents_loader_speaks_where_there_is_something_to_say(
    made: dict[tuple[str, str], Path], sources: dict[str, Path]
) -> None:
    model = onnx.load_model(made["plain", "mlagents"] / "agent_0.onnx")
    assert failed_checks(model, [[6]], [4]) == ["obs_0 is [1, 5], its sensor [6]"]
    assert failed_checks(model, [[5], [3]], [4]) == ["no obs_1"]
    assert failed_checks(model, [], [4]) == ["unexpected input obs_0"]
    assert failed_checks(model, [[5]], [3]) == ["branches [4.0]"]
    assert failed_checks(model, [[5]], [4, 2]) == ["branches [4.0]", "discrete_actions is int64 (1, 1)"]
    for lost, said in (
        ("version_number", "no version_number"),
        ("memory_size", "no memory_size"),
        ("discrete_action_output_shape", "discrete actions without their output or their shape"),
        ("recurrent_out", "no recurrent_out"),
    ):
        poorer = onnx.ModelProto()
        poorer.CopyFrom(model)
        kept = [output for output in model.graph.output if output.name != lost]
        del poorer.graph.output[:]
        poorer.graph.output.extend(kept)
        assert failed_checks(poorer, [[5]], [4]) == [said]
    exported = onnx.load_model(sources["plain"] / "agent_0.onnx")
    assert failed_checks(exported, [[5]], [4]) == ["avail_actions is tensor(bool)"]
    assert missing_constants(exported) == ["version_number", "memory_size", "discrete_action_output_shape"]


@pytest.mark.parametrize("name", ["team", "plain"])
def test_ml_agents_plays_what_the_exported_agents_play(
    made: dict[tuple[str, str], Path], sources: dict[str, Path], name: str
) -> None:
    """Three agents of one behaviour in a batch, memory by agent, one of them done on the way, as Unity's loop does."""
    team = OnnxTeam(sources[name], on_invalid="return")
    for agent in team.agents.values():
        spec = agent.spec
        session = _session(made[name, "mlagents"] / f"agent_{spec.agent_index}.onnx")
        memory: dict[int, np.ndarray] = {}
        generator = np.random.default_rng(3)
        size = next(node.shape[2] for node in session.get_inputs() if node.name == "recurrent_in")
        for step in range(STEPS):
            if step == 17:
                memory.pop(1)
                agent.reset(np.array([False, True, False]))
            inputs = random_inputs(spec, 3, generator)
            expected = agent.act_batch(inputs["obs"], inputs["avail_actions"])
            carried = np.stack([memory.get(row, np.zeros((1, size), np.float32)) for row in range(3)])
            given = {
                "obs_0": inputs["obs"].reshape(3, -1).astype(np.float32),
                "action_masks": inputs["avail_actions"].astype(np.float32),
                "recurrent_in": carried,
            }
            found = _run(session, given)
            memory = dict(enumerate(found["recurrent_out"]))
            assert found["discrete_actions"][:, 0].tolist() == expected.action.tolist()
            assert np.array_equal(found["discrete_actions"], found["deterministic_discrete_actions"])
            flat = np.concatenate([array.reshape(3, -1) for array in agent.carry().values()], axis=1)
            assert np.allclose(found["recurrent_out"][:, 0], flat, atol=1e-5)


@pytest.mark.parametrize("name", ["team", "plain"])
def test_rsl_rl_plays_what_the_exported_agents_play(
    made: dict[tuple[str, str], Path], sources: dict[str, Path], name: str
) -> None:
    """As a robot's program does: buffers by the shapes in the file, h_out back into h_in."""
    team = OnnxTeam(sources[name], on_invalid="return")
    for agent in team.agents.values():
        session = _session(made[name, "rsl_rl"] / f"agent_{agent.spec.agent_index}.onnx")
        assert [node.name for node in session.get_inputs()] == ["obs", "h_in"]
        assert [node.name for node in session.get_outputs()] == ["actions", "h_out"]
        assert {node.type for node in (*session.get_inputs(), *session.get_outputs())} == {"tensor(float)"}
        buffers = {node.name: np.zeros(node.shape, dtype=np.float32) for node in session.get_inputs()}
        assert [len(buffer) for buffer in buffers.values()] == [1, 1]
        generator = np.random.default_rng(4)
        every = np.ones(agent.spec.n_actions, dtype=np.bool_)
        for _ in range(STEPS):
            obs = random_inputs(agent.spec, 1, generator)["obs"]
            buffers["obs"][...] = obs.reshape(1, -1)
            actions, buffers["h_in"] = session.run(["actions", "h_out"], buffers)
            assert actions.shape == (1, 1)
            assert actions[0, 0] == agent.act(obs[0], every)


@pytest.mark.parametrize("profile", PROFILES)
def test_an_observation_of_another_type_is_refused_and_leaves_the_memory(
    made: dict[tuple[str, str], Path], profile: str
) -> None:
    session = _session(made["team", profile] / "agent_0.onnx")
    names = [node.name for node in session.get_inputs()]
    zeros = {
        node.name: np.zeros([size if isinstance(size, int) else 1 for size in node.shape], dtype=np.float32)
        for node in session.get_inputs()
    }
    if "action_masks" in zeros:
        zeros["action_masks"][:] = 1
    memory_in, obs = names[-1], names[0]
    action, memory_out = ("actions", "h_out") if profile == "rsl_rl" else ("discrete_actions", "recurrent_out")
    good = _run(session, zeros)
    assert good[action][0, 0] >= 0
    before = zeros | {memory_in: good[memory_out]}
    for bad in (1.5, np.nan, np.inf, -np.inf, 300.0, -1.0):
        given = {name: array.copy() for name, array in before.items()}
        given[obs][0, 3] = bad
        found = _run(session, given)
        assert found[action][0, 0] == -1, bad
        assert np.array_equal(found[memory_out], good[memory_out])


def test_a_level_is_baked_and_changes_what_is_done(sources: dict[str, Path], tmp_path: Path) -> None:
    agent = OnnxAgent(sources["team"] / "agent_0.onnx")
    acted: dict[float | None, list[int]] = {}
    for level in (0.1, 1.0, None):
        folder = exporters.convert(sources["team"], tmp_path / f"level-{level}", "mlagents", risk_level=level)
        session = _session(folder / "agent_0.onnx")
        agent.reset()
        memory = np.zeros(
            (1, 1, next(n.shape[2] for n in session.get_inputs() if n.name == "recurrent_in")), np.float32
        )
        generator = np.random.default_rng(5)
        acted[level] = []
        for _ in range(STEPS):
            obs = generator.integers(0, 5, (3, 3)).astype(np.int8)
            given = {
                "obs_0": obs.reshape(1, -1).astype(np.float32),
                "action_masks": np.ones((1, 4), np.float32),
                "recurrent_in": memory,
            }
            found = _run(session, given)
            memory = found["recurrent_out"]
            acted[level].append(int(found["discrete_actions"][0, 0]))
            assert acted[level][-1] == agent.act(obs, np.ones(4, dtype=np.bool_), level or 0.0)
        assert json.loads((folder / PROFILE_NAME).read_text())["risk_level"] == (level or "the agents' own choice")
    assert acted[0.1] != acted[1.0]


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_says_where_it_comes_from_and_its_golden_steps_repeat(
    made: dict[tuple[str, str], Path], sources: dict[str, Path], profile: str
) -> None:
    folder, source = made["team", profile], sources["team"]
    told = json.loads((folder / PROFILE_NAME).read_text())
    assert told["made_from"]["manifest_sha256"] == sha256_of((source / "manifest.json").read_bytes())
    assert told["facts"] == read_manifest(source).facts
    assert {path.name for path in folder.iterdir()} == {*told["files"], PROFILE_NAME}
    for name, entry in told["files"].items():
        data = (folder / name).read_bytes()
        assert (len(data), sha256_of(data)) == (entry["size"], entry["sha256"])
    metadata = {entry.key: entry.value for entry in onnx.load_model(folder / "agent_0.onnx").metadata_props}
    assert json.loads(metadata["profile"]) == profile
    assert json.loads(metadata["memory"]) == told["agents"][0]["memory"]
    with np.load(folder / "golden.npz") as golden:
        session = _session(folder / "agent_1.onnx")
        names = [node.name for node in session.get_inputs()]
        refused = 0
        for step in range(64):
            found = _run(session, {name: golden[f"agent_1.input.{name}"][step] for name in names})
            for name, array in found.items():
                assert np.allclose(array, golden[f"agent_1.output.{name}"][step], atol=1e-4), name
            refused += int(found["actions" if profile == "rsl_rl" else "discrete_actions"].flat[0] == -1)
        assert 0 < refused < 64


def test_what_makes_no_sense_is_refused_in_one_line(sources: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="profile is 'unity'; expected one of mlagents, rsl_rl"):
        exporters.convert(sources["plain"], tmp_path / "out", "unity")
    with pytest.raises(SpecError, match="has no risk dial; leave risk_level out"):
        exporters.convert(sources["plain"], tmp_path / "out", "mlagents", risk_level=0.5)
    with pytest.raises(SpecError, match=r"risk_level is 0.0; it must be in \(0, 1\]"):
        exporters.convert(sources["team"], tmp_path / "out", "mlagents", risk_level=0.0)
    (tmp_path / "taken").mkdir()
    with pytest.raises(BundleError, match="an export never overwrites"):
        exporters.convert(sources["team"], tmp_path / "taken", "rsl_rl")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_exported_agents_are_not_taken_for_a_profile(made: dict[tuple[str, str], Path]) -> None:
    with pytest.raises(BundleError, match="does not describe an exported policy"):
        OnnxAgent(made["plain", "mlagents"] / "agent_0.onnx")


def test_an_operator_without_an_older_form_is_named() -> None:
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.UINT8, [1])
    node = onnx.helper.make_node("BitwiseNot", ["x"], ["y"])
    graph = onnx.helper.make_graph([node], "g", [value], [value])
    with pytest.raises(UnsupportedError, match="the operator BitwiseNot of set 18 has no known form in set 15"):
        lower(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)]))
