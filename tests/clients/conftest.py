"""Exported folders for the clients, and the programs that run them; see tests/clients/tools.py."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import exporters
from tests.clients import tools
from tests.exporters.policies import plain_policy, risk_aware_policy
from tests.exporters.test_readme import member

FOLDER = Path(__file__).parent
KINDS = ("mixed", "with_dial", "plain", "shared")
Client: TypeAlias = Callable[..., str]
"""(folder, mode, batch, on_invalid, words) -> what the driver printed."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker("clients")


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One folder of each kind: unequal agents, equal ones with a dial, feed-forward ones, and one file for all."""
    from rmix_kit.policy import GreedyPolicy
    from tests.algorithms.cases import SPEC
    from tests.algorithms.test_export import AGENTS

    place = tmp_path_factory.mktemp("exported")
    network = AGENTS["rmix"]
    one = [GreedyPolicy(network, SPEC, agent_index=at, algorithm="rmix") for at in range(SPEC.n_agents)]
    return {
        "mixed": exporters.freeze(
            [member("scout", 0, 8, 5, has_dial=True), member("tank", 1, 10, 3, has_dial=False)], place / "mixed", "onnx"
        ),
        "with_dial": exporters.freeze([risk_aware_policy(0), risk_aware_policy(1)], place / "dial", "onnx"),
        "plain": exporters.freeze(plain_policy(), place / "plain", "onnx"),
        "shared": exporters.freeze(one, place / "shared", "onnx", shared=True),
    }


@pytest.fixture(params=KINDS)
def folder(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Path:
    """Each kind in turn."""
    return folders[request.param]


@pytest.fixture
def mixed(folders: dict[str, Path], tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return shutil.copytree(folders["mixed"], tmp_path / "agents")


def built(source: str, place: Path, *flags: str) -> Path:
    """Build a program beside this file with every warning an error; return it."""
    header = tools.include()
    if header is None or not tools.library().exists():
        pytest.fail("onnxruntime's library or header is missing; `make test-clients` installs both")
    program = place / Path(source).stem
    warnings = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
    linked = [str(tools.library()), f"-Wl,-rpath,{tools.library().parent}"]
    files = ["-isystem", str(header), str(FOLDER / source), "-o", str(program)]
    subprocess.run(["g++", "-std=c++17", "-O1", "-g", *warnings, *flags, *files, *linked], check=True)
    return program


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The drivers' commands; that in C++ with what finds misuse of memory."""
    checks = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    commands = {"cpp": [str(built("driver.cpp", tmp_path_factory.mktemp("cpp"), *checks))]}
    for package in ("onnxruntime-node", "onnxruntime-web"):
        if not (tools.MODULES / package).is_dir():
            pytest.fail(f"{package} is missing; `make test-clients` installs it")
        commands[package] = ["node", str(FOLDER / "driver.mjs"), str(tools.MODULES / package)]
    return commands


@pytest.fixture(params=["cpp", "onnxruntime-node", "onnxruntime-web"])
def client(request: pytest.FixtureRequest, programs: dict[str, list[str]]) -> Client:
    """Each client in turn, the one in JavaScript with both packages."""
    command = programs[request.param]
    return lambda *given: _said(command, *given)


def _said(
    program: list[str], folder: Path, mode: str, batch: int = 1, on_invalid: str = "throw", words: str = ""
) -> str:
    command = [*program, str(folder), mode, str(batch), on_invalid]
    done = subprocess.run(command, input=words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def rewrite_manifest(folder: Path, change: Callable[[Any], None]) -> None:
    """Change what the manifest says."""
    path = folder / "manifest.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    change(table)
    path.write_text(json.dumps(table), encoding="utf-8")


def entry_of(data: bytes) -> dict[str, object]:
    """Return what a manifest lists of a file."""
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
