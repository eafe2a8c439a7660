"""Where a run stands, read from its folder without torch."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rmix_kit.metrics import RETURN, SUCCESS
from rmix_kit.results import played_step
from rmix_kit.results.paths import RunPaths

TAIL = 65536  # bytes of metrics.jsonl in which an evaluation is found

State = Literal["new", "to resume", "running", "finished", "failed"]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What the last rows of a run's metrics say.

    Attributes:
        env_steps: Environment steps taken.
        return_mean: Of the last evaluation; None before the first.
        success_rate: Of the last evaluation; None before the first, and where success is not reported.
    """

    env_steps: int = 0
    return_mean: float | None = None
    success_rate: float | None = None


def tail_of_file(path: Path, size: int) -> bytes:
    """Return the last bytes of a file; none where it is missing.

    Args:
        size: Most bytes wanted.
    """
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - size))
            return file.read(size)
    except FileNotFoundError:
        return b""


def progress_in(rows: bytes) -> Progress:
    """Read the last rows of ``metrics.jsonl``; rows that are cut off at either end are left out."""
    env_steps = 0
    evaluation: dict[str, Any] = {}
    for line in rows.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            env_steps = int(row.get("env_steps", env_steps))
            evaluation = row if row.get("kind") == "evaluation" else evaluation
    return Progress(
        env_steps=env_steps,
        return_mean=evaluation.get(RETURN),
        success_rate=evaluation.get(SUCCESS),
    )


def state_of(folder: Path, *, evaluation: bool) -> State:
    """Say what is left to do for a run; whether its files are sound is not looked at.

    Args:
        evaluation: Whether its checkpoints are to be played.
    """
    paths = RunPaths(folder)
    if paths.is_marked_finished():
        return "finished" if not evaluation or _is_played(paths) else "to resume"
    return "to resume" if paths.steps() else "new"


def _is_played(paths: RunPaths) -> bool:
    """Return whether both evaluations lie there whole, and that of the last checkpoint is about the last one."""
    is_about_last = played_step(paths.evaluation("last")) == paths.steps()[-1]
    return is_about_last and played_step(paths.evaluation("best")) is not None
