"""What every test relies on: one thread, no display, and properties tried on the same examples each time."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch is imported, so it is set before any test module
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

from hypothesis import settings

from tests.fixtures.trained import trained

__all__ = ["trained"]  # a fixture; what it needs is imported when it is used

# derandomize: nothing random picks what is tested. No deadline: a busy machine stalls, and benchmarks measure speed.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")
