"""The worker's program by itself: what another interpreter must be able to run."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from rmix_kit.envs.smac.sc2 import make
from rmix_kit.envs.smac.sc2.settings import WORKER
from rmix_kit.errors import StarCraftError
from tests.architecture.sources import ROOT


@pytest.mark.parametrize("file", [WORKER, ROOT / "rmix_kit" / "messages.py"], ids=lambda file: file.name)
def test_the_worker_is_written_for_python_three_eight(file: Path) -> None:
    ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_the_worker_runs_without_this_package() -> None:
    program = (
        "import runpy, sys; runpy.run_path(sys.argv[1]); assert not any(n.startswith('rmix_kit.') for n in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program, str(WORKER)], cwd="/", check=True)


def test_without_smac_the_answer_is_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "smac.py").write_text("raise ModuleNotFoundError(\"No module named 'smac'\", name='smac')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # whether or not it is installed here
    with pytest.raises(StarCraftError, match=r"No module named 'smac'.*rmix-kit doctor"):
        make("3m", 1, {"smac_python": sys.executable})


def test_another_project_s_smac_is_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "smac").mkdir()
    (tmp_path / "smac" / "__init__.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(StarCraftError, match="another project"):
        make("3m", 1, {"smac_python": sys.executable})
