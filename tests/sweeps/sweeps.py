"""Small sweeps, an engine that only pretends, and what files of runs are compared by."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Collection
from pathlib import Path

from rmix_kit.sweeps.engine import Ended, Event, Plan, PlannedRun, Started
from rmix_kit.sweeps.plan import plan
from rmix_kit.sweeps.status import RunStatus
from rmix_kit.sweeps.sweep_file import read_sweep_file
from tests.architecture.sources import ROOT

SMALL = """
algorithms: [iql, vdn]
environments: ["macn:4x7?max_steps=20"]
seeds: 0-1
steps: 500
evaluation: false
set:
  training.num_envs: 4
  training.batch_size: 8
  checkpoint_interval: 200
  training.evaluation_interval: 400
  training.log_interval: 50
  training.evaluation_episodes: 2
"""


def file_of(folder: Path, text: str = SMALL) -> Path:
    """Write a sweep's file."""
    path = folder / "sweep.yaml"
    path.write_text(text)
    return path


def planned(folder: Path, text: str = SMALL) -> Plan:
    """Plan a sweep in a folder."""
    return plan(read_sweep_file(file_of(folder, text)), folder / "out")


def start(file: Path, out: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start `rmix-kit sweep`."""
    command = [sys.executable, "-m", "rmix_kit.cli.main", "sweep", str(file), "--out", str(out), *arguments]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for a sweep; give its exit code and what it said."""
    said, complaint = process.communicate(timeout=300)
    return process.returncode, said, complaint


def metrics(out: Path) -> dict[str, bytes]:
    """Return the metrics of all runs."""
    return {path.parent.name: path.read_bytes() for path in sorted(out.glob("runs/*/metrics.jsonl"))}


def children(parent: int) -> list[int]:
    """Return the numbers of a process's children (Linux)."""
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(number) for number in listed]


def until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait until something is so."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not come about"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Return whether a process works (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill(pid: int) -> None:
    """Kill a process if it is there."""
    if is_alive(pid):
        os.kill(pid, signal.SIGKILL)


class FakeEngine:
    """Ends each attempt as it was told to; reasons are given in turn, then nothing fails."""

    def __init__(self, reasons: dict[str, list[str]] | None = None, on_start: Callable[[str], None] | None = None):
        self.reasons, self.on_start = reasons or {}, on_start
        self.submitted: list[str] = []
        self.is_stopped = self.is_closed = False
        self._events: deque[Event] = deque()

    def submit(self, run: PlannedRun) -> None:
        self.submitted.append(run.name)
        waiting = self.reasons.get(run.name, [])
        self._events += [Started(name=run.name), Ended(name=run.name, reason=waiting.pop(0) if waiting else "")]

    def wait(self, seconds: float) -> Collection[Event]:
        event = self._events.popleft()
        if isinstance(event, Started) and self.on_start is not None:
            self.on_start(event.name)
        return [event]

    def stop(self, seconds: float) -> None:
        self.is_stopped = True

    def close(self) -> None:
        self.is_closed = True


class Told:
    """A display that keeps what it was told."""

    def __init__(self) -> None:
        self.news_of: list[tuple[str, str]] = []

    def show(self, runs: Collection[RunStatus]) -> None:
        pass

    def news(self, status: RunStatus, runs: Collection[RunStatus]) -> None:
        self.news_of.append((status.name, status.state))

    def stop(self) -> None:
        pass


def make_finished(folder: Path, steps: int = 800) -> None:
    """Make a folder that says of itself that it is a finished run."""
    place = folder / "checkpoints" / f"step_{steps}"
    place.mkdir(parents=True)
    (place / "manifest.json").write_text(json.dumps({"is_finished": True}))
