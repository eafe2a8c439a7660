"""`client.py` of an exported folder acts as `OnnxTeam` does, with one file for all agents too."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import exporters
from exporters import standalone
from exporters.bundle import FORMAT, FORMAT_VERSION, SHARED_FORMAT_VERSION, read_manifest
from exporters.runtime import OnnxTeam
from tests.exporters.policies import plain_policy
from tests.exporters.test_shared import ACTIONS, NAMES, drawn, folder

__all__ = ["folder"]

OBS = np.full(5, 0.5, dtype=np.float32)
ALL = np.ones(ACTIONS, dtype=np.bool_)


def client_in(place: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("client", place / "client.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_client_lies_in_the_folder_and_is_listed(folder: Path, tmp_path: Path) -> None:
    assert "client.py" in read_manifest(folder).files
    assert (folder / "client.py").read_bytes() == Path(standalone.__file__).read_bytes()
    assert (standalone.FORMAT, *standalone.FORMAT_VERSIONS) == (FORMAT, FORMAT_VERSION, SHARED_FORMAT_VERSION)
    torch_alone = exporters.freeze(plain_policy(), tmp_path / "plain", "torchscript")
    assert not (torch_alone / "client.py").exists()


def test_a_shared_file_passes_the_clients_golden_check(folder: Path) -> None:
    assert client_in(folder).check(folder) == dict.fromkeys(NAMES, 64)


def test_the_clients_team_does_what_the_runtimes_does(folder: Path) -> None:
    """Refused rows, agents that leave and come back, levels for each, other actions done, and resets of rows."""
    client, team = client_in(folder).load(folder, 3, "return"), OnnxTeam(folder, on_invalid="return")
    generator = np.random.default_rng(0)
    for step in range(30):
        acting = [name for name in NAMES if step == 0 or generator.random() < 0.7] or NAMES
        given = {name: drawn(generator, 3) for name in acting}
        inputs = [{name: part[place] for name, part in given.items()} for place in range(3)]
        found, wanted = client.act_batch(*inputs), team.act_batch(*inputs)
        for name, result in wanted.items():
            np.testing.assert_array_equal(found[name]["action"], result.action)
            np.testing.assert_array_equal(found[name]["valid"], result.valid)
            np.testing.assert_allclose(found[name]["action_values"], result.action_values, atol=1e-5)
        done = {name: generator.integers(-1, ACTIONS, 3) for name in acting}
        ended = generator.random(3) < 0.2
        for one in (client, team):
            one.executed(done)
            one.reset(ended)
        for name, agent in team.agents.items():
            for tensor, array in agent.carry().items():
                np.testing.assert_allclose(client.agents[name].memory[tensor], array, atol=1e-5)


def test_a_refused_row_moves_nobodys_memory(folder: Path) -> None:
    client = client_in(folder).load(folder)
    first = client.act(dict.fromkeys(NAMES, OBS), dict.fromkeys(NAMES, ALL.astype(np.int8)), 0.5)
    assert first == OnnxTeam(folder).act(dict.fromkeys(NAMES, OBS), dict.fromkeys(NAMES, ALL), 0.5)
    before = {name: {key: array.copy() for key, array in agent.memory.items()} for name, agent in client.agents.items()}
    with pytest.raises(ValueError, match=r"agent_1 refuses the rows \[0\]"):
        client.act({**dict.fromkeys(NAMES, OBS), "agent_1": OBS * np.float32("inf")}, dict.fromkeys(NAMES, ALL))
    for name, agent in client.agents.items():
        for key, array in agent.memory.items():
            np.testing.assert_array_equal(array, before[name][key])
    assert client_in(folder).load(folder, on_invalid="return").act({"agent_0": OBS}, {"agent_0": ~ALL}) == {
        "agent_0": -1
    }


def test_the_client_refuses_damage_and_what_it_cannot_read(folder: Path, tmp_path: Path) -> None:
    place = shutil.copytree(folder, tmp_path / "agents")
    client, table = client_in(folder), json.loads((place / "manifest.json").read_bytes())
    for change, kind, reason in (
        ({"format_version": 9}, ValueError, "format number 9"),
        ({"minimum_onnxruntime": "999.0"}, RuntimeError, "needs onnxruntime 999.0 or newer"),
    ):
        (place / "manifest.json").write_text(json.dumps({**table, **change}))
        with pytest.raises(kind, match=reason):
            client.load(place)
    (place / "manifest.json").write_text(json.dumps(table))
    (place / "team.onnx").write_bytes((place / "team.onnx").read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"team.onnx is not the file"):
        client.load(place)


@pytest.mark.parametrize("way", ["outside", "absolute", "unlisted"])
def test_the_client_opens_no_file_that_the_folder_does_not_list(folder: Path, tmp_path: Path, way: str) -> None:
    place = shutil.copytree(folder, tmp_path / "agents")
    bait = {"unlisted": place / "other.onnx"}.get(way, tmp_path / "other.onnx")
    shutil.copy(place / "team.onnx", bait)
    name = {"outside": "../other.onnx", "absolute": str(bait), "unlisted": "other.onnx"}[way]
    table = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
    for entry in table["agents"]:
        entry["files"]["onnx"] = name
    if way != "unlisted":
        table["files"][name] = table["files"]["team.onnx"]
    (place / "manifest.json").write_text(json.dumps(table), encoding="utf-8")
    with pytest.raises(ValueError, match="which is no file of this folder that it lists"):
        standalone.load(place)


def test_the_clients_rows_are_those_of_its_memory(folder: Path) -> None:
    team = standalone.load(folder, batch=2)
    rows = {NAMES[0]: 3, NAMES[1]: 1}
    observations = {name: np.tile(OBS, (count, 1)) for name, count in rows.items()}
    with pytest.raises(ValueError, match="got 3 observations and 3 masks; it plays 2 episodes side by side"):
        team.act_batch(observations, {name: np.tile(ALL, (count, 1)) for name, count in rows.items()})


def test_the_client_is_told_of_all_actions_or_of_none(folder: Path) -> None:
    team = standalone.load(folder)
    for wrong in (ACTIONS, -2, 0.5):
        with pytest.raises(ValueError, match=f"{NAMES[0]} was told of"):
            team.executed({NAMES[1]: 2, NAMES[0]: wrong})  # type: ignore[dict-item]
    assert not any(agent.memory["last_action"].any() for agent in team.agents.values())
