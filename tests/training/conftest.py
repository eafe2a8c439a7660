from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rmix_kit.training.trainer import train
from tests.training.runs import Notes, tiny


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished tiny run; nobody changes it."""
    folder = tmp_path_factory.mktemp("training") / "run"
    train(tiny(), folder, reporter=Notes())
    return folder


@pytest.fixture
def copy_of_finished(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished run to damage."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.fixture
def flip() -> Callable[[Path, int], None]:
    """Turns over the bits of one byte, counted from the end where negative."""

    def flip_byte(path: Path, position: int) -> None:
        data = bytearray(path.read_bytes())
        data[position] ^= 0xFF
        path.write_bytes(bytes(data))

    return flip_byte
