"""The demo: its folder, its table, and its exit code. That it learns is for the learning tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from rmix_kit.cli.demo import MARK, main, trained
from rmix_kit.config.load import resolve


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "demo"


def test_an_untrained_team_misses_the_optimum_and_that_is_said(folder: Path) -> None:
    result = CliRunner().invoke(main, ["--out", str(folder), "--steps", "200"])
    assert result.exit_code == 1
    assert "the optimum is -7; try more --steps" in result.stderr.splitlines()[-1]
    assert "exact optimum" in result.stdout
    assert sorted(path.name for path in folder.iterdir()) == [MARK, "agents", "picture.png", "run"]
    assert (folder / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert {"agent_0.onnx", "agent_0.pt"} <= {path.name for path in (folder / "agents").iterdir()}


def test_called_again_it_trains_and_exports_nothing_anew(folder: Path) -> None:
    files = [*folder.glob("run/checkpoints/*/online.safetensors"), *folder.glob("agents/*")]
    before = [path.stat().st_mtime_ns for path in files]
    result = CliRunner().invoke(main, ["--out", str(folder), "--steps", "200"])
    assert result.exit_code == 1
    assert "nothing to do" in result.stderr
    assert [path.stat().st_mtime_ns for path in files] == before


def test_another_seed_replaces_the_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = resolve(algo="rmix", env="macn:4x7?max_steps=3", seed=1, steps=1, num_envs=1)
    assert trained(config, folder / "run").config == config
    assert "it is replaced" in capsys.readouterr().err
    assert "seed: 1" in (folder / "run" / "config.yaml").read_text()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    result = CliRunner().invoke(main, ["--out", str(tmp_path)])
    assert result.exit_code == 1
    assert "no folder of an earlier demo" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
