"""A sweep at work: every run is brought to its end, whatever happens to some of them."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from rmix_kit.errors import Interrupted
from rmix_kit.sweeps.display import Display
from rmix_kit.sweeps.engine import Ended, Engine, Event, Plan, Started
from rmix_kit.sweeps.progress import TAIL, State, progress_in, tail_of_file
from rmix_kit.sweeps.status import Clock, RunStatus, first_status, summary, with_progress, write_status
from rmix_kit.sweeps.storage import tail_of, url_of
from rmix_kit.training.signals import StopSignals

WAIT_SECONDS = 0.5
STATUS_SECONDS = 2.0
STOP_SECONDS = 300.0  # for the rounds under way and their checkpoints


class Sweep:
    """One pass over a plan; owns what is known of its runs."""

    def __init__(self, plan: Plan, engine: Engine, display: Display, *, engine_name: str) -> None:
        """Read where every run stands.

        Args:
            plan: What to run.
            engine: Executes it.
            display: Told how it goes.
            engine_name: For the record.
        """
        self._plan, self._engine, self._display, self._engine_name = plan, engine, display, engine_name
        self._by_name = {run.name: run for run in plan.runs}
        self._runs = {run.name: first_status(plan, run) for run in plan.runs}
        self._clocks: dict[str, Clock] = {}

    def run(self) -> dict[str, Any]:
        """Bring every run to its end, or give it up after its retries.

        Returns:
            What ``status.json`` holds at the end.

        Raises:
            Interrupted: A signal came; all processes have ended, with a checkpoint each.
        """
        with StopSignals() as signals:
            try:
                for name, status in self._runs.items():
                    if status.state != "finished":
                        self._engine.submit(self._by_name[name])
                self._record("running")
                while signals.received is None and not self._is_over():
                    self._look()
                if signals.received is not None:
                    self._engine.stop(STOP_SECONDS)
                    self._stopped()
                    self._record("interrupted")
                    raise Interrupted(signals.received, "every run keeps its checkpoint; the same command goes on")
            finally:
                self._engine.close()
                self._display.stop()
        is_whole = all(status.state == "finished" for status in self._runs.values())
        return self._record("finished" if is_whole else "failed")

    def _is_over(self) -> bool:
        return all(status.state in ("finished", "failed") for status in self._runs.values())

    def _look(self) -> None:
        """Take in what happens until the next record is due."""
        end = time.monotonic() + STATUS_SECONDS
        while not self._is_over() and time.monotonic() < end:
            events = self._engine.wait(WAIT_SECONDS)
            for event in events:
                self._take(event)
            if events:
                break
        for name, status in self._runs.items():
            if status.state == "running":
                self._runs[name] = self._measured(status)
        self._display.show(self._runs.values())
        self._record("running")

    def _take(self, event: Event) -> None:
        status = self._runs[event.name]
        if isinstance(event, Started):
            self._clocks[event.name] = Clock()
            status = replace(status, state="running", attempts=status.attempts + 1)
        elif isinstance(event, Ended):
            status = replace(self._measured(status), state=self._verdict(event, status), error=event.reason)
            if status.state == "to resume":
                self._engine.submit(self._by_name[event.name])
        self._runs[event.name] = status
        self._display.news(status, self._runs.values())

    def _verdict(self, event: Ended, status: RunStatus) -> State:
        if not event.reason:
            return "finished"
        return "to resume" if max(status.attempts, 1) <= self._plan.retries else "failed"

    def _measured(self, status: RunStatus) -> RunStatus:
        """Return the status with what the run's metrics say now."""
        rows = tail_of_file(Path(status.folder) / "metrics.jsonl", TAIL)
        if not rows and self._plan.storage is not None:
            rows = tail_of(f"{url_of(self._plan.storage, status.name)}/metrics.jsonl", TAIL)
        measured = with_progress(status, progress_in(rows))
        clock = self._clocks.setdefault(status.name, Clock())
        return replace(measured, eta_seconds=clock.eta(measured.env_steps, measured.steps))

    def _stopped(self) -> None:
        for name, status in self._runs.items():
            if status.state == "running":
                self._runs[name] = replace(self._measured(status), state="to resume")

    def _record(self, state: str) -> dict[str, Any]:
        values = summary(self._plan, self._engine_name, state, self._runs)
        write_status(self._plan, values)
        return values
