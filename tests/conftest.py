"""What every test relies on: one thread, no display, the same examples each time, and long files first."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch is imported, so it is set before any test module
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

import pytest
from hypothesis import settings

from tests.fixtures.trained import trained
from tests.fixtures.undrawn import undrawn

__all__ = ["trained", "undrawn"]  # fixtures; what they need is imported when they are used

# derandomize: nothing random picks what is tested. No deadline: a busy machine stalls, and benchmarks measure speed.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")

# The longest files, which start first: a process that began one last would work on it alone.
LONGEST = (
    "faults/test_faults.py",
    "playing/test_smac.py",
    "sweeps/test_local.py",
    "reproduction/test_reproduction.py",
    "cli/test_lost_streams.py",
    "cli/test_standard_output.py",
    "envs/test_corpus_training.py",
    "examples/test_examples.py",
    "examples/test_guides.py",
    "training/test_resume.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONGEST))
