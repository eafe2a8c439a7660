"""The clients in C++ and JavaScript do what `OnnxTeam` does, and refuse what it refuses."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporters.runtime import OnnxTeam
from tests.clients.conftest import FOLDER, Client, built, entry_of, rewrite_manifest
from tests.clients.scenario import BATCH, check_answers, scenario


def test_golden_steps_are_repeated(client: Client, folder: Path) -> None:
    names = [entry["spec"]["agent_id"] for entry in json.loads((folder / "manifest.json").read_text())["agents"]]
    assert client(folder, "check").splitlines() == [f"{name} 64" for name in names]


def test_a_batch_of_episodes_goes_as_ours_with_refusals_resets_and_other_actions(client: Client, folder: Path) -> None:
    words, expected = scenario(folder)
    check_answers(client(folder, "play", BATCH, "return", words), expected)


def test_a_refused_step_moves_no_memory_of_any_agent(client: Client, mixed: Path) -> None:
    good, bad = (_step(mixed, spoiled=spoiled) for spoiled in (False, True))
    said = client(mixed, "play", 1, "throw", f"{good} {bad} {good}").splitlines()
    assert said[2] == "RefusedError"
    assert client(mixed, "play", 1, "throw", f"{good} {good}").splitlines() == [*said[:2], *said[3:]]


def _step(folder: Path, *, spoiled: bool) -> str:
    """Return one step in which, where it is spoiled, the last agent alone sees no number."""
    words = []
    for agent in OnnxTeam(folder).agents.values():
        obs = np.full(agent.spec.obs.size, 0.5)
        obs[0] = np.nan if spoiled and agent.spec.agent_index else 0.25
        words += [*obs, *np.ones(agent.spec.n_actions), 0.0, -1]
    return " ".join(map(str, [*words, 0]))


def test_a_file_that_was_changed_is_refused(client: Client, mixed: Path) -> None:
    path = mixed / "agent_1.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert (
        client(mixed, "check")
        == "BundleError: agent_1.onnx is not the file that was exported; it was changed or swapped"
    )


@pytest.mark.parametrize("way", ["../elsewhere/evil.onnx", "ABSOLUTE", "sub/evil.onnx"])
def test_a_manifest_leads_out_of_no_folder(client: Client, mixed: Path, way: str) -> None:
    bait = {
        "../elsewhere/evil.onnx": mixed.parent / "elsewhere",
        "ABSOLUTE": mixed.parent,
        "sub/evil.onnx": mixed / "sub",
    }[way]
    bait.mkdir(exist_ok=True)
    data = (mixed / "agent_0.onnx").read_bytes()
    (bait / "evil.onnx").write_bytes(data)
    name = str(bait / "evil.onnx") if way == "ABSOLUTE" else way

    def lead_out(table: Any) -> None:
        table["agents"][0]["files"]["onnx"] = name
        table["files"][name] = entry_of(data)

    rewrite_manifest(mixed, lead_out)
    said = client(mixed, "check")
    assert said == f'BundleError: manifest.json names "{name}", which is no plain file name; the folder is foreign'


def test_golden_steps_that_differ_are_named(client: Client, mixed: Path) -> None:
    arrays = dict(np.load(mixed / "golden.npz"))
    arrays["agent_1.output.action_values"][5] += 0.01
    np.savez(mixed / "golden.npz", **arrays)
    data = (mixed / "golden.npz").read_bytes()
    rewrite_manifest(mixed, lambda table: table["files"].update({"golden.npz": entry_of(data)}))
    assert client(mixed, "check").startswith("BundleError: tank, step 5: action_values is off by 0.0")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "other"}, "manifest.json does not describe an exported policy"),
        ({"format_version": 7}, "manifest.json has format number 7; this client reads 1 and 2"),
        ({"agents": []}, "manifest.json lists no agent"),
    ],
)
def test_what_is_foreign_or_newer_is_refused(client: Client, mixed: Path, change: dict[str, object], said: str) -> None:
    rewrite_manifest(mixed, lambda table: table.update(change))
    assert client(mixed, "check").startswith(f"BundleError: {said}")


def test_a_manifest_that_is_no_json_is_refused(client: Client, mixed: Path) -> None:
    (mixed / "manifest.json").write_text('{"format": "rmix-kit-policy", ', encoding="utf-8")
    said = client(mixed, "check")
    assert said.startswith("BundleError: manifest.json is not valid JSON")
    assert "the folder is damaged" in said


def test_a_step_in_cpp_asks_for_no_memory(folder: Path, tmp_path: Path) -> None:
    program = built("counting.cpp", tmp_path, f"-Wl,--version-script={FOLDER / 'counting.map'}")
    done = subprocess.run([str(program), str(folder), str(BATCH)], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "0")
