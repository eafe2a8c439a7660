"""Runs on this machine, so many side by side."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Collection
from pathlib import Path

from rmix_kit.sweeps.engine import Ended, Event, Plan, PlannedRun, Started, folder_of, log_of, told
from rmix_kit.sweeps.process import RunProcess, end_all

LOOK_SECONDS = 0.1


class LocalEngine:
    """Satisfies `rmix_kit.sweeps.engine.Engine` with child processes."""

    def __init__(self, plan: Plan) -> None:
        """Start nothing yet.

        Args:
            plan: The sweep; without its own number of jobs there are as many as the processors have room for.
        """
        self._plan, self._out = plan, Path(plan.out)
        threads = max((run.threads for run in plan.runs), default=1)
        self._jobs = plan.jobs or max(1, len(os.sched_getaffinity(0)) // threads)
        self._waiting: deque[PlannedRun] = deque()
        self._processes: dict[str, RunProcess] = {}

    def submit(self, run: PlannedRun) -> None:
        """Queue an attempt."""
        self._waiting.append(run)

    def wait(self, seconds: float) -> Collection[Event]:
        """Start what there is room for, and say what has started and ended."""
        end = time.monotonic() + seconds
        while True:
            events = [*self._ended(), *self._started()]
            if events or time.monotonic() >= end:
                return events
            time.sleep(LOOK_SECONDS)

    def stop(self, seconds: float) -> None:
        """End all attempts in order."""
        self._waiting.clear()
        end_all(self._processes.values(), seconds)
        self._processes.clear()

    def close(self) -> None:
        """End what still runs, at once."""
        self.stop(0.0)

    def _ended(self) -> list[Event]:
        gone = [name for name, process in self._processes.items() if process.ended()]
        events: list[Event] = []
        for name in gone:
            process = self._processes.pop(name)
            events.append(Ended(name=name, reason=process.reason()))
            process.close()
        return events

    def _started(self) -> list[Event]:
        events: list[Event] = []
        while self._waiting and len(self._processes) < self._jobs:
            run = self._waiting.popleft()
            task = told(run, folder_of(self._out, run.name), self._plan.storage)
            events.append(Started(name=run.name))  # an attempt counts, whatever becomes of it
            try:
                self._processes[run.name] = RunProcess(task, log_of(self._out, run.name), run.threads)
            except OSError as error:
                events.append(Ended(name=run.name, reason=f"its process cannot be started: {error}"))
        return events
