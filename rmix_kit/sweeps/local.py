"""Runs on this machine, so many side by side."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Collection
from pathlib import Path

from rmix_kit.doctor.starcraft import starcraft_folder
from rmix_kit.envs.make import parse_known
from rmix_kit.errors import StarCraftError
from rmix_kit.sweeps.engine import Ended, Event, Plan, PlannedRun, Started, child_task, folder_of, log_of
from rmix_kit.sweeps.process import RunProcess, end_all
from rmix_kit.sweeps.progress import state_of

LOOK_SECONDS = 0.1


def check_machine(plan: Plan) -> None:
    """Refuse runs that would all fail here, again and again, for one reason; finished ones need nothing.

    Args:
        plan: What is to run on this machine.

    Raises:
        DeviceError: CUDA is asked for and absent.
        StarCraftError: StarCraft II is asked for and absent.
    """
    out = Path(plan.out)
    todo = [run for run in plan.runs if state_of(folder_of(out, run.name), evaluation=run.evaluation) != "finished"]
    if any(run.options[run.options.index("--device") + 1] == "cuda" for run in todo):
        from rmix_kit.training.device import choose_device

        choose_device("cuda")
    is_game_wanted = any(("backend", "sc2") in parse_known(run.env).options for run in todo)
    if is_game_wanted and starcraft_folder() is None:
        raise StarCraftError("there is no StarCraft II here; rmix-kit doctor says what is missing")


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
            task = child_task(run, folder_of(self._out, run.name), self._plan.storage)
            events.append(Started(name=run.name))  # an attempt counts, whatever becomes of it
            try:
                self._processes[run.name] = RunProcess(task, log_of(self._out, run.name), run.threads)
            except OSError as error:
                events.append(Ended(name=run.name, reason=f"its process cannot be started: {error}"))
        return events
