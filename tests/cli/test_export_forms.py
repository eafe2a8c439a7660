"""`rmix-kit export --quantize` and `--profile`: from a run or an exported folder, or one line and nothing written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from exporters.bundle import read_manifest
from rmix_kit.cli.main import main
from tests.fixtures.trained import ENVIRONMENT, Trained


def test_a_run_is_quantised_on_steps_of_its_own_environment(trained: Trained, tmp_path: Path) -> None:
    out = tmp_path / "fp16"
    words = ["export", str(trained.run), "--out", str(out), "--quantize", "fp16", "--agreement", "0.5", "--json"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    report = told["quantization"]
    assert report["steps_from"] == f"played in {ENVIRONMENT}"
    assert [agent["steps"] for agent in report["agents"].values()] == [1000, 1000]
    assert report["agreement"] >= 0.5
    assert report["episodes"] == 32
    kept = read_manifest(out).facts["quantization"]
    assert isinstance(kept, dict)
    assert {name: kept[name] for name in ("agents", "kind", "size_after")} == {
        name: report[name] for name in ("agents", "kind", "size_after")
    }
    played = CliRunner().invoke(main, ["run", str(out), "--json"])
    assert json.loads(played.stdout)["return_mean"] == pytest.approx(report["return_after"])


def test_an_exported_folder_is_quantised_and_the_report_printed(trained: Trained, tmp_path: Path) -> None:
    words = ["export", str(trained.agents), "--out", str(tmp_path / "int8"), "--quantize", "int8", "--agreement", "0"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert f"int8 beside float32: 1000 steps played in {ENVIRONMENT}" in result.stdout
    assert "mean return of 32 episodes:" in result.stdout
    inspected = CliRunner().invoke(main, ["inspect", str(tmp_path / "int8")])
    assert "int8, as before in " in " ".join(inspected.stdout.replace("│", " ").split())


def test_too_little_agreement_writes_nothing(trained: Trained, tmp_path: Path) -> None:
    words = ["export", str(trained.agents), "--out", str(tmp_path / "int8"), "--quantize", "int8", "--agreement", "1"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 1
    assert "less than the 100.00% that is asked for; nothing was exported" in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_profile_is_written_of_an_exported_folder(trained: Trained, tmp_path: Path) -> None:
    out = tmp_path / "unity"
    words = ["export", str(trained.agents), "--out", str(out), "--profile", "mlagents", "--risk-level", "0.1", "--json"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["profile"], told["risk_level"], len(told["agents"])) == ("mlagents", 0.1, 2)
    assert json.loads((out / "profile.json").read_text(encoding="utf-8"))["risk_level"] == 0.1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--quantize", "int8", "--profile", "mlagents"], "make different folders"),
        (["--quantize", "int8", "--format", "torchscript"], "writes ONNX files alone"),
        (["--risk-level", "0.5"], "--risk-level is for --profile"),
        (["--quantize", "int7"], "'int7' is not one of int8, fp16"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    trained: Trained, tmp_path: Path, words: list[str], said: str
) -> None:
    result = CliRunner().invoke(main, ["export", str(trained.agents), "--out", str(tmp_path / "out"), *words])
    assert result.exit_code == 2
    assert said in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--profile", "rsl_rl", "--checkpoint", "123456"], "holds one checkpoint; leave --checkpoint out"),
        (["--quantize", "int8", "--agreement", "nan"], "--agreement is no number"),
    ],
)
def test_options_without_effect_or_sense_are_refused(
    words: list[str], said: str, trained: Trained, tmp_path: Path
) -> None:
    result = CliRunner().invoke(main, ["export", str(trained.agents), "--out", str(tmp_path / "out"), *words])
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())
    assert list(tmp_path.iterdir()) == []
