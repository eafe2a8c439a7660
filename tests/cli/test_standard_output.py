"""With --json standard output holds one strict JSON value and nothing else, whatever an environment prints or pays."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from rmix_kit.cli.kit import KitCommand
from rmix_kit.cli.main import main
from rmix_kit.cli.output import print_json
from tests.architecture.sources import ROOT

LOUD = "pettingzoo:tests.fixtures.loud_team.Loud"
RICH = "pettingzoo:tests.fixtures.quiet_team.Rich"
TRAIN = ["--algo", "vdn", "--env", LOUD, "--seed", "0", "--steps", "60", "--num-envs", "2", "--device", "cpu"]
TORCHSCRIPT = ["--format", "torchscript"]  # ten times as quick to make as ONNX, and what is printed is the same
NOISE = [f"{way} at {moment}" for way in ("print", "descriptor", "child", "library") for moment in ("import", "exit")]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def strict(text: str) -> Any:
    """Read JSON as a reader does that knows no NaN and no Infinity."""

    def refuse(word: str) -> NoReturn:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def kit(*words: object) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "rmix_kit.cli.main", *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def loud(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the loud environment, and its agents; the commands that made them are tested on the way."""
    folder = tmp_path_factory.mktemp("loud")
    done = kit("train", *TRAIN, "--out", folder / "run", "--json")
    assert strict(done.stdout)["env"] == LOUD
    assert [line for line in NOISE if line not in done.stderr] == []
    exported = CliRunner().invoke(main, ["export", str(folder / "run"), "--out", str(folder / "agents"), *TORCHSCRIPT])
    assert exported.exit_code == 0, exported.output
    return folder


def test_what_an_environment_prints_does_not_reach_the_result(loud: Path) -> None:
    evaluated = kit("evaluate", loud / "run", "--trust", "--episodes", 3, "--json")
    assert [line for line in NOISE if line not in evaluated.stderr] == []
    played = kit("run", loud / "agents", *TORCHSCRIPT, "--trust", "--episodes", 3, "--json")
    assert [line for line in NOISE if line not in played.stderr] == []
    assert strict(played.stdout) == strict(evaluated.stdout)
    assert strict(played.stdout)["success_rate"] is None


def test_a_sweep_prints_its_status_alone(loud: Path, tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(
        f"algorithms: [vdn]\nenvironments: ['{LOUD}']\nseeds: [0]\nsteps: 30\nset: {{training.num_envs: 2}}\n"
    )
    status = strict(kit("sweep", file, "--out", tmp_path / "out", "--json").stdout)
    assert [(run["state"], run["success_rate"]) for run in status["runs"]] == [("finished", None)]
    assert status["runs"][0]["return_mean"] is not None


def test_a_replay_of_a_loud_environment_is_written(loud: Path, tmp_path: Path) -> None:
    kit("film", loud / "run", "--trust", "--episodes", 1, "--out", tmp_path / "page.html")
    assert b'"success":null' in (tmp_path / "page.html").read_bytes()


def test_without_standard_error_the_result_still_stands_alone(loud: Path) -> None:
    asked = "evaluate", str(loud / "run"), "--trust", "--episodes", "1", "--json"
    words = [sys.executable, "-m", "rmix_kit.cli.main", *asked]
    done = subprocess.run(["sh", "-c", '"$@" 2>&-', "sh", *words], cwd=ROOT, capture_output=True, timeout=240)
    assert strict(done.stdout.decode())["episodes"] == 1


def test_a_program_that_calls_a_command_keeps_its_standard_output() -> None:
    program = "from rmix_kit.cli.main import main\nmain(['envs', '--json'], standalone_mode=False)\nprint('afterwards')"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.stdout.endswith("}\nafterwards\n"), done.stderr
    assert strict(done.stdout.removesuffix("afterwards\n"))["kinds"]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # sums beyond float32 are the case
def test_returns_that_are_no_numbers_any_more_are_null(loud: Path) -> None:
    for words in (["evaluate", loud / "run"], ["run", loud / "agents", *TORCHSCRIPT]):
        result = CliRunner().invoke(main, [*map(str, words), "--env", RICH, "--episodes", "2", "--json"])
        assert result.exit_code == 0, result.output
        assert strict(result.stdout)["return_mean"] is None


@given(anything)
def test_whatever_a_command_prints_as_json_is_strict(value: object) -> None:
    @click.command(cls=KitCommand)
    @click.option("--json", "as_json", is_flag=True)
    def command(as_json: bool) -> None:
        print("noise")  # noqa: T201 - the case
        print_json(value)

    result = CliRunner().invoke(command, ["--json"])
    assert result.exit_code == 0, result.output
    strict(result.stdout)
    assert "noise" in result.stderr
