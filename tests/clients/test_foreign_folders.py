"""Folders that are foreign or damaged on purpose, with sums that fit: the clients refuse them in one line of words."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporters.bundle import entry_of
from tests.clients import tools
from tests.clients.conftest import Client, rewrite_manifest

COMMA_LOCALE = "de_DE"
BEGIN_DURING_A_STEP = """
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { openTeam } from "ROOT/clients/javascript/rmix.mjs";
const ort = createRequire("MODULES/")("onnxruntime-node");
const open = () => openTeam(ort, (name) => readFile(`FOLDER/${name}`), { batch: 2 });
const of = (team, make) => Object.fromEntries(team.agents.map((name) => [name, make(team.specs[name])]));
const values = async (team) => {
  const obs = of(team, ({ obs: { shape } }) => new Float32Array(2 * shape[0]).fill(0.3));
  const masks = of(team, ({ n_actions }) => new Uint8Array(2 * n_actions).fill(1));
  return Object.values(await team.act(obs, masks)).map(({ actionValues }) => [...actionValues]);
};
const [team, plays, fresh] = [await open(), await open(), await open()];
const step = values(team);
team.reset(Uint8Array.of(1, 0));
let refused = "";
try { team.executed({ scout: 0 }); } catch (error) { refused = `${error.constructor.name}: ${error.message}`; }
await step;
await values(plays);
console.log(JSON.stringify([refused, await values(team), await values(plays), await values(fresh)]));
"""


def test_a_name_that_an_address_reads_otherwise_is_refused(client: Client, mixed: Path) -> None:
    for name in ("..%2felsewhere%2fevil.onnx", "agent_0.onnx?x", "agent_0.onnx#y", ".evil", "-evil.onnx", "evil\n"):
        shutil.copy(mixed / "agent_0.onnx", mixed / name)  # what a server that decodes names would find elsewhere
        entry = entry_of(mixed / name)

        def lead_out(table: Any, name: str = name, size: int = entry.size, sha256: str = entry.sha256) -> None:
            table["agents"][0]["files"]["onnx"] = name
            table["files"][name] = {"size": size, "sha256": sha256}

        rewrite_manifest(mixed, lead_out)
        said = client(mixed, "check")
        (line,) = said.splitlines()
        assert re.fullmatch(r'BundleError: manifest.json names ".*", which is no plain file name; .*', line), name


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("files",), None),
        (("agents", 0), None),
        (("agents", 0, "files"), []),
        (("agents", 0, "spec"), None),
        (("agents", 0, "spec", "agent_id"), "tank"),
        (("agents", 0, "spec", "n_actions"), "many"),
        (("agents", 0, "spec", "is_risk_aware"), "yes"),
        (("agents", 0, "spec", "carry"), "none"),
        (("agents", 0, "spec", "obs"), None),
        (("agents", 0, "spec", "obs", "dtype"), "toString"),
        (("agents", 0, "spec", "obs", "shape"), None),
        (("agents", 0, "spec", "obs", "shape"), [-1]),
        (("agents", 0, "spec", "obs", "shape"), [1e300]),
        (("agents", 0, "spec", "obs", "shape"), [9]),
        (("agents", 0, "spec", "carry", 0, "shape"), []),
    ],
)
def test_a_manifest_of_other_things_is_refused_in_one_line(
    client: Client, mixed: Path, where: tuple[str | int, ...], value: object
) -> None:
    rewrite_manifest(mixed, _putting(where, value))
    (line,) = client(mixed, "check").splitlines()
    assert line.startswith("BundleError: ")


def _putting(where: tuple[str | int, ...], value: object) -> Callable[[Any], None]:
    def change(table: Any) -> None:
        for key in where[:-1]:
            table = table[key]
        table[where[-1]] = value

    return change


@pytest.mark.parametrize("kind", ["scalar", "impossible", "cut off"])
def test_golden_steps_of_another_form_are_refused(client: Client, mixed: Path, kind: str) -> None:
    path = mixed / "golden.npz"
    data = path.read_bytes()
    if kind == "scalar":
        np.savez(path, **{**np.load(path), "agent_0.input.obs": np.float32(0)})
    elif kind == "impossible":
        shape = re.search(rb"\(64, 1, 8\), \} {12}", data)
        assert shape is not None
        path.write_bytes(data.replace(shape[0], b"(99999999999999999999,)}".ljust(len(shape[0])), 1))
    else:
        path.write_bytes(data[: len(data) // 2] + data[-22:])
    entry = entry_of(path)
    rewrite_manifest(mixed, _putting(("files", "golden.npz"), {"size": entry.size, "sha256": entry.sha256}))
    assert client(mixed, "check").startswith("BundleError: golden.npz ")


@pytest.mark.parametrize("thing", ["folder", "endless device"])
def test_what_is_no_file_is_refused_in_cpp(programs: dict[str, list[str]], mixed: Path, thing: str) -> None:
    path = mixed / "agent_0.onnx"
    path.unlink()
    path.mkdir() if thing == "folder" else path.symlink_to("/dev/zero")
    command = [*programs["cpp"], str(mixed), "check", "1", "throw"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    assert said.startswith(f"BundleError: {path} is missing, no plain file")


def test_a_program_with_decimal_commas_reads_manifests_in_cpp(
    programs: dict[str, list[str]], mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / f"{COMMA_LOCALE}.UTF-8"
    done = subprocess.run(["localedef", "-i", COMMA_LOCALE, "-f", "UTF-8", made], capture_output=True, text=True)
    if not made.is_dir():
        pytest.fail(f"no locale can be made; as root: apt-get install locales ({done.stderr.strip()})")
    monkeypatch.setenv("LOCPATH", str(tmp_path))
    monkeypatch.setenv("LC_ALL", made.name)
    assert subprocess.run(["locale", "decimal_point"], capture_output=True, text=True).stdout.strip() == ","
    assert re.search(r"\d\.\d", (mixed / "manifest.json").read_text(encoding="utf-8"))  # there is a number to misread
    command = [*programs["cpp"], str(mixed), "check", "1", "throw"]
    assert subprocess.run(command, capture_output=True, text=True).stdout.splitlines() == ["scout 64", "tank 64"]


def test_an_episode_that_begins_during_a_step_begins_without_memory(mixed: Path) -> None:
    text = BEGIN_DURING_A_STEP
    for name, place in {"ROOT": tools.ROOT, "MODULES": tools.MODULES, "FOLDER": mixed}.items():
        text = text.replace(name, str(place))
    done = subprocess.run(["node", "--input-type=module", "--eval", text], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    refused, found, plays, fresh = json.loads(done.stdout)
    assert refused == "InputError: a step is under way; await act() before executed()"
    for mine, old, new in zip(found, plays, fresh, strict=True):
        half = len(mine) // 2
        assert mine[:half] == new[:half]  # this row begins
        assert mine[half:] == old[half:]  # and this one plays on
        assert old != new
