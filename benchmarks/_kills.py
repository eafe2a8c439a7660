"""What the benchmarks that kill processes share: the kill of a process with its children, and what is compared."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
from pathlib import Path

CLOCKED = ("timing.jsonl", "origin.jsonl", "seal.json", "tensorboard", ".lock")
"""What of a run's folder holds a clock, or names the process."""


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of every file that has no clock in it."""
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in sorted(files.items())
        if not name.startswith(CLOCKED)
    }


def kill_all(process: subprocess.Popen[bytes]) -> int:
    """Kill a process and its children at once; it may have ended by itself.

    Returns:
        How many children it had.
    """
    listed: list[str] = []
    with contextlib.suppress(FileNotFoundError):
        listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.send_signal(signal.SIGKILL)
    for child in map(int, listed):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    process.wait()
    return len(listed)
