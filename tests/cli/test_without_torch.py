"""Commands that promise to work without torch do their work where importing it fails, child processes too."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT
from tests.fixtures.trained import Trained

RECORDS = sorted((ROOT / "docs" / "results" / "didactic" / "records").glob("?mix_didactic-two-step_seed-[01].json"))
QUICK = ("--episodes", "2", "--env", "macn:4x7?include_position=true&max_steps=8")


def run_without(missing: Sequence[str], folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Run a command where modules of these names are found first, and refuse to be imported."""
    blocked = folder / "blocked"
    blocked.mkdir(exist_ok=True)
    for name in missing:
        (blocked / f"{name}.py").write_text(f"raise ModuleNotFoundError('No module named {name}', name='{name}')\n")
    path = os.pathsep.join((str(blocked), str(ROOT), os.environ.get("PYTHONPATH", "")))
    command = [sys.executable, "-c", "from rmix_kit.cli.main import main; main()", *map(str, words)]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(params=["run", "records"])
def measured(request: pytest.FixtureRequest, trained: Trained, tmp_path: Path) -> Path:
    if request.param == "run":
        return trained.run
    (tmp_path / "records").mkdir()
    for record in RECORDS:
        shutil.copy(record, tmp_path / "records")
    return tmp_path / "records"


def test_torch_cannot_be_imported_there(trained: Trained, tmp_path: Path) -> None:
    done = run_without(["torch"], tmp_path, "evaluate", trained.run)
    assert done.returncode == 1
    assert "torch" in done.stderr


EXTRAS_ALONE = ("torch", "safetensors", "onnx", "onnxruntime", "jinja2", "matplotlib", "pygame", "ray")
NEEDS_AN_EXTRA = {
    "train": ("train", "--algo", "rmix", "--env", "macn:4x7", "--seed", "0", "--steps", "1", "--out", "made"),
    "train, misspelt": ("train", "--algo", "rmx", "--env", "macn:4x7", "--seed", "0", "--steps", "1", "--out", "made"),
    "sweep": ("sweep", ROOT / "examples" / "sweep.yaml", "--out", "made"),
    "reproduce": ("reproduce", "didactic", "--out", "made"),
    "evaluate": ("evaluate", "RUN"),
    "export": ("export", "RUN", "--out", "made"),
    "run": ("run", "AGENTS"),
    "run, isolated": ("run", "AGENTS", "--isolated"),
    "film": ("film", "RUN", "--out", "made.html"),
    "report": ("report", "RUN", "--out", "made"),
    "plot": ("plot", "RUN", "--metric", "return_mean", "--out", "made.svg"),
}


@pytest.mark.parametrize("words", NEEDS_AN_EXTRA.values(), ids=NEEDS_AN_EXTRA)
def test_without_any_extra_a_command_says_in_one_line_what_to_install(
    words: tuple[object, ...], trained: Trained, tmp_path: Path
) -> None:
    places = {"RUN": trained.run, "AGENTS": trained.agents}
    done = run_without(EXTRAS_ALONE, tmp_path, *(places.get(str(word), word) for word in words))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ")
    assert "install it with: pip install 'rmix-kit[" in line
    assert not list(tmp_path.glob("made*"))


@pytest.mark.parametrize("words", ["rmix-kit train --algo ", "rmix-kit train --env ", "rmix-kit plot ", "rmix-kit "])
def test_words_are_completed_without_any_extra(words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_RMIX_KIT_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
    done = run_without(EXTRAS_ALONE, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_reports_are_written(measured: Path, tmp_path: Path) -> None:
    done = run_without(["torch"], tmp_path, "report", measured, "--out", "report", "--variants")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report" / "index.html").is_file()


def test_pictures_are_drawn(measured: Path, tmp_path: Path) -> None:
    done = run_without(["torch"], tmp_path, "plot", measured, "--metric", "return_mean", "--out", "return.svg")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "return.svg").is_file()


@pytest.mark.parametrize("words", [("report",), ("plot", "--metric", "return_mean")], ids=["report", "plot"])
def test_reports_and_pictures_leave_torch_alone_where_it_is_installed(
    words: tuple[str, ...], measured: Path, tmp_path: Path
) -> None:
    out = tmp_path / ("report" if words[0] == "report" else "curve.svg")
    line = [*words, str(measured), "--out", str(out), "--variants"]
    program = (
        "import sys\n"
        "from rmix_kit.cli.main import main\n"
        f"main({line!r}, standalone_mode=False)\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert out.exists()


@pytest.mark.parametrize("options", [(), ("--isolated",), ("--frontier", "dial")], ids=["one", "isolated", "frontier"])
def test_exported_agents_play(options: tuple[str, ...], trained: Trained, tmp_path: Path) -> None:
    done = run_without(["torch", "onnx"], tmp_path, "run", trained.agents, *QUICK, *options, "--json")
    assert done.returncode == 0, done.stderr


def test_risk_levels_without_a_figure_need_neither_templates_nor_matplotlib(trained: Trained, tmp_path: Path) -> None:
    missing = ("torch", "onnx", "jinja2", "matplotlib")
    done = run_without(missing, tmp_path, "run", trained.agents, *QUICK, "--risk-levels", "0.1,1.0")
    assert done.returncode == 0, done.stderr
    assert "mean return" in done.stdout


def test_films_of_exported_agents_are_written(trained: Trained, tmp_path: Path) -> None:
    done = run_without(["torch", "onnx"], tmp_path, "film", trained.agents, *QUICK, "--out", "film.html")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "film.html").is_file()


def test_algorithms_are_listed(tmp_path: Path) -> None:
    done = run_without(["torch", "numpy"], tmp_path, "algos")
    assert (done.returncode, "rmix-averse" in done.stdout) == (0, True), done.stderr


def test_exported_agents_are_inspected(trained: Trained, tmp_path: Path) -> None:
    for place in (trained.agents, trained.agents / "agent_0.onnx"):
        done = run_without(["torch", "onnx"], tmp_path, "inspect", place)
        assert done.returncode == 0, done.stderr
