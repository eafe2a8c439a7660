"""Exported folders run by their own `client.py` with numpy and onnxruntime alone: the oldest and the newest."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import exporters
from exporters import floors
from rmix_kit.policy import GreedyPolicy
from tests.algorithms.cases import SPEC
from tests.algorithms.test_export import AGENTS, FIRST_OF_ITS_KIND

pytestmark = pytest.mark.clients

ROOT = Path(__file__).parents[2]
BELOW = "1.17.3"
"""The last onnxruntime below the floor."""
REPEAT = """
import sys
from pathlib import Path
from exporters.golden import replay_golden
from exporters.runtime import OnnxTeam
for name in sys.argv[1:]:
    figures = replay_golden(OnnxTeam(name, on_invalid="return"), Path(name), "onnx")
    print({agent: figure.rows for agent, figure in figures.items()})
"""
OPEN = "import sys, onnxruntime; onnxruntime.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider'])"


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A folder of each kind of network, alternately with one file an agent and one for all."""
    place, made = tmp_path_factory.mktemp("exported"), []
    for number, name in enumerate(FIRST_OF_ITS_KIND.values()):
        team = [GreedyPolicy(AGENTS[name], SPEC, agent_index=at, algorithm=name) for at in range(SPEC.n_agents)]
        made.append(exporters.freeze(team, place / name, "onnx", shared=number % 2 == 0))
    return made


def old_python() -> str:
    """Return a Python that the oldest libraries have wheels for."""
    if sys.version_info[:2] <= (3, 12):
        return sys.executable
    for version in ("3.12", "3.11"):
        found = shutil.which(f"python{version}")
        if found and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0:
            return found
    pytest.fail(f"onnxruntime {floors.ONNXRUNTIME} has wheels up to Python 3.12; install python3.12 beside this one")


def environment(place: Path, python: str, *packages: str) -> str:
    """Make a fresh environment that holds these packages alone; return its Python."""
    subprocess.run([python, "-m", "venv", place], check=True)
    fresh = str(place / "bin" / "python")
    command = [fresh, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return fresh


def output(*command: str | Path) -> str:
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("age", ["oldest", "newest"])
def test_a_folder_runs_with_numpy_and_onnxruntime_alone(age: str, folders: list[Path], tmp_path: Path) -> None:
    if age == "oldest":
        packages = (f"onnxruntime=={floors.ONNXRUNTIME}.0", f"numpy=={floors.NUMPY}.*")
        python = environment(tmp_path / "venv", old_python(), *packages)
        found = output(python, "-c", "import numpy, onnxruntime as o; print(o.__version__, numpy.__version__)")
        assert found.startswith(f"{floors.ONNXRUNTIME}.0 {floors.NUMPY}.")
    else:
        python = environment(tmp_path / "venv", sys.executable, "onnxruntime", "numpy")
    listed = output(python, "-m", "pip", "list", "--disable-pip-version-check")
    assert not [name for name in ("torch", "gymnasium", "pettingzoo", "pydantic", "rmix-kit") if name in listed]
    expected = str(dict.fromkeys(SPEC.agent_ids, 64))
    for folder in folders:
        assert output(python, "-I", folder / "client.py") == expected
    # The package's own runtime, from its source.
    assert output(python, "-c", REPEAT, *folders).splitlines() == [expected] * len(folders)


def test_an_older_onnxruntime_cannot_read_the_files_and_is_refused_in_words(
    folders: list[Path], tmp_path: Path
) -> None:
    python = environment(tmp_path / "venv", old_python(), f"onnxruntime=={BELOW}", f"numpy=={floors.NUMPY}.*")
    for folder in folders[:2]:
        told = subprocess.run([python, "-I", str(folder / "client.py")], capture_output=True, text=True).stderr
        assert f"needs onnxruntime {floors.ONNXRUNTIME} or newer; installed is {BELOW}" in told
        (file,) = folder.glob("team.onnx") if (folder / "team.onnx").exists() else [folder / "agent_0.onnx"]
        said = subprocess.run([python, "-c", OPEN, str(file)], capture_output=True, text=True).stderr
        assert "Unsupported model IR version" in said
