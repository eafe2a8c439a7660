"""What a command says to do next can be done where it is said."""

from __future__ import annotations

import json
import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rmix_kit.cli import output
from rmix_kit.cli.main import main
from rmix_kit.cli.train import EXPORT_NEEDS
from tests.fixtures.trained import Trained

TRAIN = ("train", "--algo", "iql", "--env", "macn:4x7?max_steps=5", "--steps", "10", "--num-envs", "2", "--out")


def following(*words: object) -> str:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    (said,) = (line for line in result.stderr.splitlines() if "next: " in line)
    return said.partition("next: ")[2]


def test_what_follows_works_also_where_the_folder_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "agents").mkdir()
    export = following(*TRAIN, "my run")
    assert export == "rmix-kit export 'my run' --out agents-2"
    run = following(*shlex.split(export)[1:], "--format", "torchscript")
    assert run == "rmix-kit run agents-2 --isolated"
    assert CliRunner().invoke(main, shlex.split(run)[1:]).exit_code == 0


def test_what_is_missing_is_installed_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def without_onnx(name: str) -> Any:
        return None if name.startswith("onnx") else find_spec(name)

    monkeypatch.setattr(output, "find_spec", without_onnx)
    output.note_next("done", ["rmix-kit", "export", "r"], needs=EXPORT_NEEDS)
    assert capsys.readouterr().err == "done; next: pip install 'rmix-kit[export,runtime]' && rmix-kit export r\n"


def test_export_says_what_it_does_and_prints_json(trained: Trained, tmp_path: Path) -> None:
    words = ["export", str(trained.run), "--out", str(tmp_path / "agents"), "--format", "torchscript", "--json"]
    result = CliRunner().invoke(main, words)
    assert result.stderr.startswith("freezing 2 agents of rmix at step 2")
    record = json.loads(result.stdout)
    assert (record["out"], record["formats"]) == (str(tmp_path / "agents"), ["torchscript"])
    assert record["agents"] == ["agent_0", "agent_1"]
