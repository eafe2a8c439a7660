from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.envs.smac.sc2.theatre import Theatre, all_gone


@pytest.fixture
def theatre(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Theatre]:
    """A stage; when the test is over no process of it is left."""
    theatre = Theatre(tmp_path, monkeypatch)
    yield theatre
    for vector in theatre.vectors:
        vector.close()
    assert not theatre.workers() or all_gone(tmp_path)
