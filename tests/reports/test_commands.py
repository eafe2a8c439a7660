"""`rmix-kit report` and `rmix-kit plot`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from rmix_kit.cli.main import main
from rmix_kit.results import write_record
from rmix_kit.training.trainer import train
from tests.reports.records import BRIDGE, record
from tests.training.runs import tiny

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("records")
    for seed in range(2):
        write_record(folder / f"rmix-{seed}.json", record(env=BRIDGE, seed=seed))
    write_record(folder / "stopped.json", record(env=BRIDGE, seed=2, is_finished=False, name="stopped"))
    return folder


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_report_writes_the_page_and_says_where(runs: Path, tmp_path: Path) -> None:
    planned = tmp_path / "planned.yaml"
    planned.write_text(json.dumps([{"algo": "iql", "env": BRIDGE, "seeds": [0, 1]}]))
    result = invoke("report", runs, "--out", tmp_path / "report", "--expect", planned, "--score", "normalized_return")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.strip() == str(tmp_path / "report" / "index.html")
    assert "stopped" in result.stderr
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "2 runs planned and not run" in page
    assert "normalised return: 0 at -149, the worst possible, 1 at -8.658, the exact optimum" in page


@pytest.mark.usefixtures("undrawn")
def test_runs_of_different_settings_stand_side_by_side_where_that_is_asked(tmp_path: Path) -> None:
    config = record(BRIDGE).config
    changed = {**config, "training": {**config["training"], "batch_size": 64}}
    write_record(tmp_path / "runs" / "plain.json", record(env=BRIDGE))
    write_record(
        tmp_path / "runs" / "other.json",
        record(env=BRIDGE, name="other", config=changed, overrides={"training.batch_size": 64}),
    )
    refused = invoke("report", tmp_path / "runs", "--out", tmp_path / "report")
    assert refused.exit_code == 1
    assert "--variants" in refused.stderr
    assert not (tmp_path / "report").exists()
    result = invoke("report", tmp_path / "runs", "--out", tmp_path / "report", "--variants")
    assert result.exit_code == 0, result.stderr
    curves = (tmp_path / "report" / "tables" / "curves.csv").read_text(encoding="utf-8")
    assert ",rmix," in curves
    assert ",rmix batch_size=64," in curves
    picture = tmp_path / "return.png"
    assert invoke("plot", tmp_path / "runs", "--metric", "return_mean", "--out", picture, "--variants").exit_code == 0
    assert picture.is_file()


@pytest.mark.usefixtures("undrawn")
def test_report_plays_what_a_trained_run_lacks(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "iql"
    train(tiny(steps=300), run)
    assert "--evaluate plays them): iql" in invoke("report", run, "--out", tmp_path / "bare").stderr
    result = invoke("report", tmp_path / "runs", "--out", tmp_path / "report", "--evaluate")
    assert result.exit_code == 0, result.stderr
    assert (run / "evaluations" / "best.json").is_file()
    assert "absolute_metrics" in (tmp_path / "report" / "marl_eval.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["{}", "[{algo: iql}]", "[{algo: iql, env: 'macn:4x7', seeds: 3}]", "["])
def test_a_plan_of_another_form_is_refused_with_the_form(text: str, runs: Path, tmp_path: Path) -> None:
    (tmp_path / "planned.yaml").write_text(text)
    result = invoke("report", runs, "--out", tmp_path / "report", "--expect", tmp_path / "planned.yaml")
    assert result.exit_code == 1
    assert "{algo: NAME, env: TEXT, seeds: [0, 1, ...]}" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("band", ["std", "quartiles"])
def test_plot_draws_a_picture_as_wide_as_a_column(band: str, runs: Path, tmp_path: Path) -> None:
    result = invoke("plot", runs, "--metric", "return_mean", "--band", band, "--out", tmp_path / "new" / "return.png")
    assert result.exit_code == 0, result.stderr
    with Image.open(tmp_path / "new" / "return.png") as picture:
        assert picture.width == int(85.0 / 25.4 * 300)


def test_plot_writes_drawings_with_their_text(runs: Path, tmp_path: Path) -> None:
    assert invoke("plot", runs, "--metric", "fall_rate", "--out", tmp_path / "falls.svg").exit_code == 0
    assert "test fall rate" in (tmp_path / "falls.svg").read_text(encoding="utf-8")


def test_an_unknown_format_is_refused_with_those_there_are(runs: Path, tmp_path: Path) -> None:
    result = invoke("plot", runs, "--metric", "return_mean", "--out", tmp_path / "return.jpg")
    assert result.exit_code == 1
    assert ".png, .svg, .pdf" in result.stderr


def test_a_misspelt_metric_is_answered_with_the_right_one(runs: Path, tmp_path: Path) -> None:
    result = invoke("plot", runs, "--metric", "sucess_rate", "--out", tmp_path / "a.png")
    assert result.exit_code == 2
    assert "did you mean 'success_rate'" in result.stderr


def test_unfinished_runs_alone_make_no_picture(runs: Path, tmp_path: Path) -> None:
    result = invoke("plot", runs / "stopped.json", "--metric", "return_mean", "--out", tmp_path / "a.png")
    assert result.exit_code == 1
    assert "no finished run" in result.stderr
    assert not (tmp_path / "a.png").exists()


def test_plot_never_loads_torch(runs: Path, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from rmix_kit.cli.main import main\n"
        "main(sys.argv[1:], standalone_mode=False)\n"
        "assert not {'torch', 'onnx', 'matplotlib.pyplot'} & set(sys.modules)\n"
    )
    command = [sys.executable, "-W", "error", "-c", program, "plot", runs, "--metric", "return_mean"]
    done = subprocess.run(
        [*map(str, command), "--out", str(tmp_path / "a.png")], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
