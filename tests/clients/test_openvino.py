"""Exported files, quantised ones and profiles in OpenVINO: the golden steps, on their own memory."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

import exporters
from exporters.parity import TOLERANCE
from exporters.profiles import PROFILES
from exporters.quantizing import KINDS
from tests.fixtures.trained import Trained

pytestmark = pytest.mark.clients

ROOT = Path(__file__).resolve().parents[2]
PYTHON = Path(os.environ.get("CLIENTS_PYTHON", ROOT / ".venv-clients" / "bin" / "python"))


def _openvino(folder: Path, precision: str = "f32") -> dict[str, Any]:
    if not PYTHON.exists():
        pytest.fail(f"{PYTHON} is missing; make test-clients installs OpenVINO into it")
    program = str(ROOT / "tests" / "clients" / "openvino_agents.py")
    done = subprocess.run(
        [str(PYTHON), program, str(folder), "--precision", precision],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _judged(folder: Path) -> dict[str, Any]:
    judged: dict[str, Any] = _openvino(folder)["judged"]
    for figures in judged.values():
        assert figures["rows"] == 64
        assert 0 < figures["refused_rows"] < 64
    return judged


def test_float32_files_give_the_golden_steps(trained: Trained) -> None:
    judged = _judged(trained.agents)
    assert len(judged) == 2
    assert all(figures["tolerance"] == TOLERANCE for figures in judged.values())


@pytest.mark.parametrize("kind", KINDS)
def test_quantised_files_give_their_own_golden_steps(trained: Trained, tmp_path: Path, kind: str) -> None:
    made = exporters.quantize(trained.agents, tmp_path / kind, kind, threshold=0.5)
    for figures in _judged(made.path).values():  # by the folder's own tolerance; and in truth as near as float32
        assert figures["largest_difference"] <= TOLERANCE


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles_give_their_golden_steps(trained: Trained, tmp_path: Path, profile: str) -> None:
    folder = exporters.convert(trained.agents, tmp_path / profile, profile)
    for gaps in _openvino(folder)["measured"].values():
        assert max(gaps.values()) <= TOLERANCE
        assert all(gap == 0.0 for name, gap in gaps.items() if name.endswith("actions"))


def test_left_to_itself_openvino_is_off_by_bfloat16_where_the_processor_has_it(trained: Trained) -> None:
    told = _openvino(trained.agents, "own")
    largest = max(
        gap for gaps in told["measured"].values() for gap in (gaps["action_values"], gaps["next_hidden_state"])
    )
    if "BF16" in told["capabilities"]:
        assert TOLERANCE < largest < 0.05
    else:
        assert largest <= TOLERANCE
