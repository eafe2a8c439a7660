"""What the replay takes and what the machine has, said before training starts."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from rmix_kit.replay import ReplayBuffer

KIB, MIB, GIB = 2**10, 2**20, 2**30
MEMINFO = Path("/proc/meminfo")


def replay_notes(buffer: ReplayBuffer) -> list[str]:
    """Say how large a replay can become, and warn if the machine has less.

    Args:
        buffer: An empty replay.

    Returns:
        One line, or two.
    """
    steps, worst = buffer.episode_limit, buffer.worst_case_bytes
    form = "steps as received" if buffer.codec is None else "steps in the environment's compact form"
    lines = [
        f"replay: up to {buffer.capacity:,} episodes of at most {steps} steps, at most {in_words(worst)} ({form}), "
        f"{in_words(buffer.episode_bytes)} an episode at the limit"
    ]
    available = available_bytes() if buffer.device.type == "cpu" else None
    if available is not None and worst > available:
        lines.append(
            f"warning: {in_words(available)} of memory is available, the replay may come to need {in_words(worst)}; "
            "set training.buffer_episodes lower if episodes are long"
        )
    return lines


def replay_fill(buffer: ReplayBuffer) -> str:
    """Say how full a replay is."""
    return (
        f"replay: {len(buffer):,} episodes fill {in_words(buffer.bytes_held)} of at most "
        f"{in_words(buffer.worst_case_bytes)}"
    )


def available_bytes() -> int | None:
    """Give the memory that the system can hand out without swapping; None where it does not say."""
    try:
        lines = MEMINFO.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [line.split() for line in lines if line.startswith("MemAvailable:")]
    return int(found[0][1]) * KIB if found else None


def in_words(size: int) -> str:
    """Give a size in KiB, MiB or GiB, three figures of it."""
    unit, name = next(((u, n) for u, n in ((GIB, "GiB"), (MIB, "MiB")) if size >= u), (KIB, "KiB"))
    value = size / unit
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f} {name}"


def peak_mebibytes() -> float:
    """Give the most memory that this process has held at once, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MIB if sys.platform == "darwin" else peak / KIB  # bytes there, KiB elsewhere
