"""What a sweep asks of whatever executes its runs."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rmix_kit.sweeps.storage import url_of


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """One run of a sweep.

    Attributes:
        name: Of its folder, unique in the sweep.
        algo: What its algorithm is called in the sweep.
        env: Environment text, nothing left open.
        seed: Its seed.
        steps: Environment steps to train for.
        options: Of ``rmix-kit train``, without the folder.
        threads: Of its process.
        evaluation: Whether its checkpoints are played at its end.
        cpus: Processors it takes of a cluster.
        gpus: Graphics processors it takes of a cluster.
    """

    name: str
    algo: str
    env: str
    seed: int
    steps: int
    options: tuple[str, ...]
    threads: int
    evaluation: bool
    cpus: float = 1.0
    gpus: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All runs of a sweep.

    Attributes:
        source: The sweep's file.
        out: The sweep's folder, absolute.
        runs: In the order in which they are started.
        jobs: Most runs side by side; None leaves it to the engine.
        retries: Times that a failed run is tried again.
        storage: URL under which runs are mirrored, or None.
    """

    source: str
    out: str
    runs: tuple[PlannedRun, ...]
    jobs: int | None
    retries: int
    storage: str | None


def folder_of(out: Path, name: str) -> Path:
    """Return the folder of a run in the sweep's."""
    return out / "runs" / name


def log_of(out: Path, name: str) -> Path:
    """Return the file that holds what the processes of a run said."""
    return out / "logs" / f"{name}.log"


def train_arguments(run: PlannedRun, folder: Path) -> list[str]:
    """Return the arguments of ``rmix-kit`` that train a run in a folder, or go on with it."""
    return ["train", *run.options, "--out", str(folder), "--resume"]


def command_line(run: PlannedRun, folder: Path) -> str:
    """Return the command that does the same by hand, ready for a shell."""
    return shlex.join(["rmix-kit", *train_arguments(run, folder)])


def child_task(run: PlannedRun, folder: Path, storage: str | None) -> dict[str, Any]:
    """Return what a process of `rmix_kit.cli.child` is to do, as JSON values.

    Args:
        storage: The sweep's storage.
    """
    return {
        "train": train_arguments(run, folder),
        "folder": str(folder),
        "evaluation": run.evaluation,
        "storage": None if storage is None else url_of(storage, run.name),
    }


@dataclass(frozen=True, kw_only=True)
class Started:
    """An attempt at a run has begun."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Ended:
    """An attempt at a run has ended.

    Attributes:
        name: The run.
        reason: Why it failed, in one line; empty where it did not.
    """

    name: str
    reason: str = ""


Event = Started | Ended


class Engine(Protocol):
    """Executes attempts at runs; each resumes from the run's newest checkpoint."""

    def submit(self, run: PlannedRun) -> None:
        """Queue an attempt; it starts as soon as there is room."""
        ...

    def wait(self, seconds: float) -> Collection[Event]:
        """Return what has happened, waiting at most so many seconds for something to happen."""
        ...

    def stop(self, seconds: float) -> None:
        """Let all attempts save a checkpoint and end within so many seconds; afterwards none is left."""
        ...

    def close(self) -> None:
        """End what still runs, at once."""
        ...
