"""Every example runs as a user runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(name: str, *arguments: object, folder: Path) -> str:
    """Run an example in a folder of its own; give what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent)}
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 60


def test_register_macn_plays_the_optimum(tmp_path: Path) -> None:
    assert "return -12, success True" in run("register_macn.py", folder=tmp_path)


def test_train_and_export_leads_to_onnx_agents(tmp_path: Path) -> None:
    assert "exact optimum -7" in run("train_and_export.py", "--steps", 150, folder=tmp_path)
    assert "torch loaded: False" in run("onnx_agents.py", "example/agents", folder=tmp_path)


def test_a_custom_environment_is_trained_on(tmp_path: Path) -> None:
    assert "return_mean" in run("custom_env.py", 60, "meeting", folder=tmp_path)
    assert (tmp_path / "meeting" / "config.yaml").is_file()


def test_curves_are_drawn_into_axes_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    for record in (EXAMPLES.parent / "docs" / "results" / "didactic" / "records").glob("?mix_didactic-two-step_*.json"):
        shutil.copy(record, tmp_path / "records")
    assert "curves.png: rmix, qmix" in run("draw_curves.py", "records", "curves.png", folder=tmp_path)
    assert (tmp_path / "curves.png").stat().st_size > 0


def test_early_stopping_says_why_a_run_ended(tmp_path: Path) -> None:
    said = run("early_stopping.py", "--steps", 2000, "--patience", 2, folder=tmp_path)
    assert ": no return above" in said
    assert (tmp_path / "stopped" / "stopped.json").is_file()
