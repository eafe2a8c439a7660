"""`rmix-kit film`: the numbers of evaluate and run, and one line for every mistake."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rmix_kit.cli.main import main
from tests.fixtures.trained import Trained

ROOT = Path(__file__).resolve().parents[2]


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.parametrize("kind", ["run", "agents"])
def test_film_prints_what_its_sister_prints(trained: Trained, kind: str, tmp_path: Path) -> None:
    options = ["--episodes", 2, "--seed", 4, "--risk-level", 0.5]
    shown = call("film", getattr(trained, kind), *options, "--out", tmp_path / "film.html")
    assert shown.exit_code == 0, shown.stderr
    expected = call("evaluate" if kind == "run" else "run", getattr(trained, kind), *options)
    numbers = [re.findall(r"[-\d.]+", line) for line in expected.stdout.splitlines()[1:]]
    assert [re.findall(r"[-\d.]+", line) for line in shown.stdout.splitlines()[1:]] == numbers
    assert (tmp_path / "film.html").is_file()


@pytest.mark.parametrize("kind", ["run", "agents"])
def test_several_levels_follow_one_another(trained: Trained, kind: str, tmp_path: Path) -> None:
    source, options = getattr(trained, kind), ["--episodes", 1, "--seed", 4]
    shown = call("film", source, *options, "--risk-levels", "0.2,dynamic,1.0", "--out", tmp_path / "dial.gif", "--json")
    assert shown.exit_code == 0, shown.stderr
    told = json.loads(shown.stdout)
    assert [row["risk_level"] for row in told["levels"]] == [0.2, None, 1.0]
    for row, level in zip(told["levels"], (0.2, "dynamic", 1.0), strict=True):
        alone = call("evaluate" if kind == "run" else "run", source, *options, "--risk-level", level, "--json")
        assert {**json.loads(alone.stdout), "risk_level": row["risk_level"]} == row
    assert told["steps"] == sum(row["episode_length_mean"] for row in told["levels"])
    text = call("film", source, *options, "--risk-levels", "0.2,1.0", "--out", tmp_path / "two.gif").stdout
    assert "risk level 0.2" in text
    assert "risk level 1.0" in text


def test_filming_exported_agents_never_loads_torch(trained: Trained, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from rmix_kit.cli.main import main\n"
        "main(sys.argv[1:], standalone_mode=False)\n"
        "assert not {'torch', 'onnx', 'matplotlib', 'PIL'} & set(sys.modules)\n"
    )
    words = ["film", str(trained.agents), "--episodes", "1", "--out", str(tmp_path / "film.html")]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *words], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nowhere", "--out", "film.html"], 1, "neither a run (with config.yaml) nor exported agents"),
        (["{agents}", "--checkpoint", "best", "--out", "film.html"], 2, "--checkpoint is of runs"),
        (["{run}", "--out", "film.svg"], 1, "expected one of .html, .gif, .mp4"),
        (["{run}", "--episodes", "0", "--out", "film.html"], 2, "--episodes"),
        (["{run}"], 2, "--out"),
        (["{run}", "--risk-levels", "0.1,1.0", "--out", "film.html"], 2, "a page is of one level"),
        (["{run}", "--risk-level", "0.1", "--risk-levels", "0.1,1", "--out", "a.gif"], 2, "in place of --risk-level"),
    ],
)
def test_mistakes_are_one_line(
    trained: Trained, words: list[str], code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = call("film", *(word.format(run=trained.run, agents=trained.agents) for word in words))
    assert result.exit_code == code
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
