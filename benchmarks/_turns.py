"""Contenders that take turns, so that a busy machine slows all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

TURNS = 40
WARMING = 2
"""Turns before those that count."""

Step = Callable[[], object]


def microseconds(steps: Mapping[str, Step], calls: int) -> dict[str, list[float]]:
    """Return each contender's microseconds `[turn * call]`.

    Args:
        steps: By name.
        calls: How often each is called in its turn.
    """
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(WARMING + TURNS):
        for name, step in steps.items():
            for _ in range(calls):
                start = time.perf_counter_ns()
                step()
                if turn >= WARMING:
                    taken[name].append((time.perf_counter_ns() - start) / 1000)
    return taken
