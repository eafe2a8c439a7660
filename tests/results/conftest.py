"""What the tests of this folder share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.fixtures.trained import Trained


@pytest.fixture
def own_run(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run of a test's own, in the current directory."""
    shutil.copytree(trained.run, tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    return Path("run")
