"""What is known of every run while a sweep works, and ``status.json``."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rmix_kit.files.writing import json_text, write_file
from rmix_kit.sweeps.engine import Plan, PlannedRun, command_line, folder_of, log_of
from rmix_kit.sweeps.progress import TAIL, Progress, State, progress_in, state_of, tail_of_file

STATUS_NAME = "status.json"


@dataclass(frozen=True, kw_only=True)
class RunStatus:
    """Where one run stands; the fields of ``status.json``.

    Attributes:
        name: Of its folder.
        algo: What its algorithm is called in the sweep.
        env: Environment text.
        seed: Its seed.
        state: "new", "to resume", "running", "finished" or "failed".
        attempts: Begun by this sweep process.
        env_steps: Environment steps taken, as far as its metrics say.
        steps: Environment steps to train for.
        return_mean: Of the last evaluation, or None.
        success_rate: Of the last evaluation, or None; None also where success is not reported.
        eta_seconds: Until training ends at the rate of this attempt; None where it is not known.
        error: Why the last attempt failed; empty where none did.
        folder: Its folder.
        log: What its processes said.
        command: The command that does the same by hand.
    """

    name: str
    algo: str
    env: str
    seed: int
    state: State
    attempts: int = 0
    env_steps: int = 0
    steps: int
    return_mean: float | None = None
    success_rate: float | None = None
    eta_seconds: float | None = None
    error: str = ""
    folder: str
    log: str
    command: str


def first_status(plan: Plan, run: PlannedRun) -> RunStatus:
    """Read where a run stands before a sweep begins."""
    folder = folder_of(Path(plan.out), run.name)
    return with_progress(
        RunStatus(
            name=run.name,
            algo=run.algo,
            env=run.env,
            seed=run.seed,
            state=state_of(folder, evaluation=run.evaluation),
            steps=run.steps,
            folder=str(folder),
            log=str(log_of(Path(plan.out), run.name)),
            command=command_line(run, folder),
        ),
        progress_in(tail_of_file(folder / "metrics.jsonl", TAIL)),
    )


def with_progress(status: RunStatus, progress: Progress) -> RunStatus:
    """Return the status with newer numbers."""
    return replace(
        status,
        env_steps=progress.env_steps,
        return_mean=progress.return_mean,
        success_rate=progress.success_rate,
    )


class Clock:
    """Estimates when an attempt ends, from the first progress that was seen of it."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._first: tuple[int, float] | None = None

    def eta(self, env_steps: int, steps: int) -> float | None:
        """Return the seconds that are left; None before the second look at which there was progress."""
        now = time.monotonic()
        if self._first is None or env_steps < self._first[0]:  # what lay behind the checkpoint was cut off
            self._first = (env_steps, now)
        before, then = self._first
        if env_steps == before:
            return None
        return round(max(steps - env_steps, 0) * (now - then) / (env_steps - before), 1)


def summary(plan: Plan, engine: str, state: str, runs: Mapping[str, RunStatus]) -> dict[str, Any]:
    """Return what ``status.json`` holds.

    Args:
        plan: The sweep.
        engine: "local" or "ray".
        state: "running", "finished", "failed" or "interrupted".
        runs: By name.
    """
    counts = Counter(status.state for status in runs.values())
    return {
        "sweep": plan.source,
        "out": plan.out,
        "engine": engine,
        "state": state,
        "unix_time": round(time.time(), 1),
        "counts": dict(counts),
        "runs": [asdict(status) for status in runs.values()],
    }


def write_status(plan: Plan, values: Mapping[str, Any]) -> None:
    """Replace ``status.json`` as a whole."""
    write_file(Path(plan.out) / STATUS_NAME, (json_text(values, indent=1) + "\n").encode())
