"""Whether the free memory holds so many games."""

from __future__ import annotations

import re
from pathlib import Path

from rmix_kit.doctor.finding import Finding

GIB_PER_GAME = 1.5
"""An assumption: no source gives a figure and this project has not run the game. It is said to grow in long runs."""


def examine_memory(
    games: int, gib_per_game: float = GIB_PER_GAME, *, meminfo: Path = Path("/proc/meminfo"),
    cgroup: Path = Path("/sys/fs/cgroup"),
) -> Finding:  # fmt: skip
    """Compare the memory that is free with what the games need.

    Args:
        games: Games at once.
        gib_per_game: GiB that one game is assumed to need.
        meminfo: The kernel's account of memory.
        cgroup: The container's limits, which go before the machine's.
    """
    free = _free(meminfo, cgroup)
    if free is None:
        found = f"cannot be told on this system; {games} games are assumed to need {games * gib_per_game:g} GiB"
        return Finding(name="memory", status="warning", found=found)
    fitting = int(free / gib_per_game)
    counted = f"{games} game{'s' if games != 1 else ''} at {gib_per_game:g} GiB each (an assumption, --gib-per-game)"
    found = f"{free:.1f} GiB free, enough for about {fitting}; asked for: {counted}"
    if fitting >= games:
        return Finding(name="memory", status="ok", found=found)
    fix = f"rmix-kit doctor --games {max(fitting, 1)}  # and train with --num-envs {max(fitting, 1)}"
    return Finding(name="memory", status="warning", found=f"{found}: the system may kill them", fix=fix)


def _free(meminfo: Path, cgroup: Path) -> float | None:
    """Return the free memory in GiB, None if nothing tells."""
    match = re.search(r"^MemAvailable:\s+(\d+) kB", _text(meminfo), flags=re.MULTILINE)
    if match is None:
        return None
    free = int(match[1]) * 1024
    limit, used = _text(cgroup / "memory.max").strip(), _text(cgroup / "memory.current").strip()
    if limit.isdigit() and used.isdigit():
        free = min(free, max(int(limit) - int(used), 0))
    return free / 2**30


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
