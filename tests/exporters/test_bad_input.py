"""One clear error for each bad input: arrays, folders and their files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from exporters.bundle import MANIFEST_NAME, SUFFIXES, entry_of
from exporters.errors import BundleError, InvalidInputError, UnsupportedError
from exporters.runtime import OnnxAgent, OnnxTeam
from exporters.torchscript_runtime import TorchScriptAgent, TorchScriptTeam
from rmix_kit.playing.isolation import IsolatedTeam
from rmix_kit.playing.team import load_team

OBS = np.zeros((3, 3), dtype=np.int8)
ALL = np.ones(4, dtype=np.bool_)


@pytest.fixture(scope="module")
def agent(sealed_team: Path) -> OnnxAgent:
    return OnnxAgent(sealed_team / "agent_0.onnx")


@pytest.mark.parametrize(
    ("obs", "mask", "level", "message"),
    [
        (np.zeros((3, 4), dtype=np.int8), ALL, 0.0, r"\(3, 4\).*\(3, 3\)"),
        (np.zeros(9, dtype=np.int8), ALL, 0.0, r"\(9,\).*\(3, 3\)"),
        (OBS[None], ALL, 0.0, r"\(1, 3, 3\)"),
        (OBS.astype(np.float64), ALL, 0.0, "float64.*int8"),
        (OBS.tolist(), ALL, 0.0, "list.*numpy array"),
        (None, ALL, 0.0, "NoneType"),
        (OBS, np.ones(3, dtype=np.bool_), 0.0, r"\(3,\).*\(4,\)"),
        (OBS, [True] * 4, 0.0, "list"),
        (OBS, ALL.astype(np.float32), 0.0, "float32.*bool"),
        (OBS, np.array([0, 1, 2, 1], dtype=np.int8), 0.0, "zeros and ones"),
        (OBS, ALL, "dynamic", "dynamic"),
        (OBS, ALL, None, "risk_level"),
        (OBS, ALL, np.zeros(2), r"\(2,\)"),
    ],
)
def test_bad_array_is_named(agent: OnnxAgent, obs: object, mask: object, level: object, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        agent.act(obs, mask, level)  # type: ignore[arg-type]


@pytest.mark.parametrize("obs", [np.int8(3), np.zeros((0, 3, 3), dtype=np.int8), [OBS]])
def test_batch_without_rows_is_refused(agent: OnnxAgent, obs: object) -> None:
    with pytest.raises(InvalidInputError, match="batch"):
        agent.act_batch(obs, ALL[None])  # type: ignore[arg-type]


def test_mask_of_another_batch_is_refused(agent: OnnxAgent) -> None:
    with pytest.raises(InvalidInputError, match=r"\(3, 4\).*\(2, 4\)"):
        agent.act_batch(np.stack([OBS] * 2), np.ones((3, 4), dtype=np.bool_))


def test_another_batch_inside_an_episode_is_refused(agent: OnnxAgent) -> None:
    agent.reset()
    agent.act(OBS, ALL)
    with pytest.raises(InvalidInputError, match="reset"):
        agent.act_batch(np.stack([OBS] * 2), np.tile(ALL, (2, 1)))


@pytest.mark.parametrize("mask", [np.array([1, 0]), np.array([True, False]), [True]])
def test_bad_reset_mask_is_refused(agent: OnnxAgent, mask: object) -> None:
    with pytest.raises(InvalidInputError, match="mask"):
        agent.reset(mask)  # type: ignore[arg-type]


@pytest.mark.parametrize("action", [4, -2, 1.0, np.array([0, 1]), "up"])
def test_bad_executed_action_is_refused(agent: OnnxAgent, action: object) -> None:
    with pytest.raises(InvalidInputError, match="executed"):
        agent.executed(action)  # type: ignore[arg-type]


def test_risk_level_without_a_dial_is_refused(sealed_plain: Path) -> None:
    plain = OnnxAgent(sealed_plain / "agent_0.onnx")
    with pytest.raises(InvalidInputError, match="no risk dial"):
        plain.act(np.zeros(5, dtype=np.float32), ALL, 0.5)


def test_team_names_unknown_and_missing_agents(sealed_team: Path) -> None:
    team = OnnxTeam(sealed_team)
    with pytest.raises(InvalidInputError, match="agent_7"):
        team.act({"agent_7": OBS}, {"agent_7": ALL})
    with pytest.raises(InvalidInputError, match="agent_0"):
        team.act({"agent_0": OBS}, {})
    with pytest.raises(InvalidInputError, match="agent_0"):
        team.act({"agent_0": OBS}, {"agent_0": ALL}, {"agent_1": 0.5})


def _edit_manifest(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    path = folder / MANIFEST_NAME
    table = json.loads(path.read_text())
    change(table)
    path.write_text(json.dumps(table))


def _relist(folder: Path, name: str) -> None:
    """Make the manifest agree with a file that was changed, as an attacker would."""
    entry = entry_of(folder / name)
    _edit_manifest(folder, lambda table: table["files"].update({name: vars(entry)}))  # type: ignore[attr-defined]


def _swap(folder: Path, suffix: str) -> None:
    first, second = folder / f"agent_0{suffix}", folder / f"agent_1{suffix}"
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("agent_0.onnx", None, "no such file"),
        ("agent_0.onnx", b"", "truncated"),
        ("agent_0.onnx", b"junk", "truncated"),
        (MANIFEST_NAME, b"", "not valid JSON"),
        (MANIFEST_NAME, b"[" * 100_000, "not valid JSON"),
        (MANIFEST_NAME, b"[]", "does not describe"),
        (MANIFEST_NAME, b'{"format": "zip"}', "does not describe"),
        (MANIFEST_NAME, None, "no such file"),
    ],
)
def test_damaged_file_is_named(team_folder: Path, name: str, data: bytes | None, message: str) -> None:
    path = team_folder / name
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(BundleError, match=message) as caught:
        OnnxTeam(team_folder)
    assert name in str(caught.value)


def test_one_flipped_bit_is_found(team_folder: Path) -> None:
    path = team_folder / "agent_0.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(BundleError, match="sha256"):
        OnnxAgent(path)


def test_renamed_file_in_its_folder_is_refused(team_folder: Path) -> None:
    renamed = (team_folder / "agent_0.onnx").rename(team_folder / "mine.onnx")
    with pytest.raises(BundleError, match="renamed"):
        OnnxAgent(renamed)


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="not a folder"):
        OnnxTeam(tmp_path / "nowhere")


def test_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is a folder"):
        OnnxAgent(tmp_path)


def test_swapped_agents_are_refused(team_folder: Path) -> None:
    _swap(team_folder, ".onnx")
    with pytest.raises(BundleError, match="swapped"):
        OnnxTeam(team_folder)


@pytest.mark.parametrize(("suffix", "team"), [(".onnx", OnnxTeam), (".pt", TorchScriptTeam)])
def test_agents_swapped_with_their_sums_are_refused(team_folder: Path, suffix: str, team: type[OnnxTeam]) -> None:
    _swap(team_folder, suffix)
    for index in (0, 1):
        _relist(team_folder, f"agent_{index}{suffix}")
    with pytest.raises(BundleError, match=r"agent_1.*agent_0"):
        team(team_folder)


def test_newer_format_is_refused_with_both_numbers(team_folder: Path) -> None:
    _edit_manifest(team_folder, lambda table: table.update(format_version=3))
    with pytest.raises(BundleError, match=r"format number 3.*reads 1"):
        OnnxTeam(team_folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.update(colour=1),
        lambda table: table.pop("files"),
        lambda table: table.update(files=[]),
        lambda table: table["files"].pop("agent_0.onnx"),
        lambda table: table.update(agents=[]),
        lambda table: table["agents"].reverse(),
        lambda table: table["agents"].append(table["agents"][0]),
        lambda table: table["agents"][0]["spec"].update(n_actions="four"),
        lambda table: table["agents"][0]["files"].update(exe="agent_0.onnx"),
        lambda table: table["files"]["agent_0.onnx"].update(size="big"),
        lambda table: table["files"]["agent_0.onnx"].update(size=float("inf")),
        lambda table: table["agents"][0]["spec"]["obs"].update(low=[10**400] * 3, high=[10**400] * 3),
        lambda table: table.update(opset=True),
    ],
)
def test_contradicting_manifest_is_refused(team_folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    _edit_manifest(team_folder, change)
    with pytest.raises(BundleError, match=MANIFEST_NAME):
        OnnxTeam(team_folder)


@pytest.mark.parametrize("name", ["../agent_0.onnx", "/etc/hostname", "a/b.onnx", "..", "", "a\\b", "C:x", ".hidden"])
def test_name_that_leaves_the_folder_is_refused(team_folder: Path, name: str) -> None:
    def escape(table: dict[str, dict[str, object]]) -> None:
        table["files"][name] = table["files"]["agent_0.onnx"]
        table["agents"][0]["files"]["onnx"] = name  # type: ignore[index]

    _edit_manifest(team_folder, escape)  # type: ignore[arg-type]
    with pytest.raises(BundleError, match="only plain file names"):
        OnnxTeam(team_folder)


@pytest.mark.parametrize("has_manifest", [True, False])
@pytest.mark.parametrize("is_absolute", [True, False])
@pytest.mark.parametrize("format_name", ["onnx", "torchscript"])
def test_a_good_file_elsewhere_is_never_loaded(
    team_folder: Path, sealed_team: Path, tmp_path: Path, format_name: str, is_absolute: bool, has_manifest: bool
) -> None:
    """The bait exists: another team's sound file, listed with its true size and sum."""
    elsewhere = shutil.copytree(sealed_team, tmp_path / "elsewhere")
    if not has_manifest:
        (elsewhere / MANIFEST_NAME).unlink()
    bait = elsewhere / f"agent_0{SUFFIXES[format_name]}"
    name = str(bait) if is_absolute else f"../elsewhere/{bait.name}"
    assert (team_folder / name).is_file()

    def escape(table: dict[str, dict[str, object]]) -> None:
        table["files"][name] = {"size": entry_of(bait).size, "sha256": entry_of(bait).sha256}
        table["agents"][0]["files"][format_name] = name  # type: ignore[index]

    _edit_manifest(team_folder, escape)  # type: ignore[arg-type]
    for load in (load_team, IsolatedTeam):
        with pytest.raises(BundleError, match="only plain file names"):
            load(team_folder, format_name)


def test_huge_file_is_refused_unread(team_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (team_folder / MANIFEST_NAME).unlink()
    monkeypatch.setattr("exporters.bundle.read_bytes.__defaults__", (1000,))
    with pytest.raises(BundleError, match="larger than 1000"):
        OnnxAgent(team_folder / "agent_0.onnx")


def test_too_old_onnxruntime_is_refused(sealed_team: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "__version__", "1.9.1")
    with pytest.raises(UnsupportedError, match=r"needs onnxruntime 1\.18.*1\.9\.1"):
        OnnxTeam(sealed_team)


def test_format_that_was_not_exported_is_named(sealed_team: Path, team_folder: Path) -> None:
    _edit_manifest(team_folder, lambda table: [agent["files"].pop("onnx") for agent in table["agents"]])  # type: ignore[attr-defined]
    with pytest.raises(BundleError, match="onnx"):
        OnnxTeam(team_folder)
    assert set(TorchScriptTeam(team_folder).agents) == {"agent_0", "agent_1"}


def test_torchscript_file_without_a_manifest_is_refused(team_folder: Path) -> None:
    (team_folder / MANIFEST_NAME).unlink()
    with pytest.raises(BundleError):
        TorchScriptAgent(team_folder / "agent_0.pt")


def test_junk_with_a_right_sum_is_refused_as_torchscript(team_folder: Path) -> None:
    (team_folder / "agent_0.pt").write_bytes(b"junk")
    _relist(team_folder, "agent_0.pt")
    with pytest.raises(BundleError, match="TorchScript"):
        TorchScriptAgent(team_folder / "agent_0.pt")
