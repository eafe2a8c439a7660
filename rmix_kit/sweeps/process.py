"""One attempt at a run in a process of its own: the sweep's end of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from rmix_kit.files.writing import open_own

LOG_TAIL = 8192
LONGEST_REASON = 300
# What numerical libraries read before they start their threads.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_PACKAGES = Path(__file__).resolve().parents[2]


class RunProcess:
    """A child that trains; it ends itself when this process is gone (`rmix_kit.cli.child`)."""

    def __init__(self, task: Mapping[str, Any], log: Path, threads: int) -> None:
        """Start the child.

        Args:
            task: What `rmix_kit.cli.child` is to do, JSON values.
            log: Receives what it says, behind what is there.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        known = os.environ.get("PYTHONPATH")
        environment = {
            **os.environ,
            **dict.fromkeys(THREAD_VARIABLES, str(threads)),
            "PYTHONPATH": os.pathsep.join([*([known] if known else []), str(_PACKAGES)]),
        }
        with open(log, "ab", opener=open_own) as file:
            self._log, self._begin = log, file.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "rmix_kit.cli.child", json.dumps(task)],
                stdin=subprocess.PIPE,  # nothing is written: its end tells the child that nobody waits any more
                stdout=file,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,  # Ctrl-C is for the sweep, which lets its children end in order
            )

    @property
    def pid(self) -> int:
        """The process's number, and its group's."""
        return self._process.pid

    def ended(self) -> bool:
        """Return whether the process is gone."""
        return self._process.poll() is not None

    def wait(self, seconds: float) -> bool:
        """Wait at most so many seconds for its end; say whether it is gone."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self.ended()

    def terminate(self) -> None:
        """Ask it to save a checkpoint and end."""
        self._process.terminate()

    def kill(self) -> None:
        """End it and its group at once."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.close()

    def close(self) -> None:
        """Give the pipe back."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    def reason(self) -> str:
        """Say why the ended process failed, in one line; an empty text where it did not."""
        code = self._process.returncode
        if not code:
            return ""
        with self._log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(self._begin, size - LOG_TAIL))
            lines = file.read().decode(errors="replace").strip().splitlines()
        said = [line for line in lines if line.startswith("Error: ")] or lines
        ending = f"ended by signal {-code}" if code < 0 else f"exit code {code}"
        return f"{ending}: {said[-1].removeprefix('Error: ').strip()[:LONGEST_REASON]}" if said else ending


def end_all(processes: Collection[RunProcess], seconds: float) -> None:
    """Let processes save a checkpoint and end; those that take longer than so many seconds are killed."""
    end = time.monotonic() + seconds
    try:
        if seconds > 0:
            for process in processes:
                process.terminate()
        for process in processes:
            process.wait(max(0.0, end - time.monotonic()))
    finally:
        for process in processes:
            process.kill()
