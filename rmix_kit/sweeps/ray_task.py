"""What Ray runs on a node: one attempt at a run, in a process of its own as everywhere."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rmix_kit.sweeps.process import RunProcess, end_all

LOOK_SECONDS = 0.5
CANCEL_SECONDS = 240.0  # less than the sweep waits for it
LOG_BYTES = 2**18


def attempt(task: Mapping[str, Any]) -> dict[str, str]:
    """Train a run to its end.

    Args:
        task: Plain values: "threads"; "log", a path that all nodes share, or None; and for `rmix_kit.cli.child`
            "train", "folder" (None: a temporary one, whose copy lies at "storage"), "evaluation", "storage".

    Returns:
        "reason": why it failed, or an empty text; "said": what the process said, where nodes share no log.
    """
    with tempfile.TemporaryDirectory(prefix="rmix-kit-sweep-", ignore_cleanup_errors=True) as scratch:
        child = {name: task[name] for name in ("train", "folder", "evaluation", "storage")}
        if task["folder"] is None:
            child["folder"] = str(Path(scratch) / "run")
        child["train"] = [child["folder"] if word is None else word for word in task["train"]]
        log = Path(scratch) / "log" if task["log"] is None else Path(task["log"])
        process = RunProcess(child, log, int(task["threads"]))
        try:
            while not process.wait(LOOK_SECONDS):  # a cancelled task gets its KeyboardInterrupt between two looks
                pass
            return {"reason": process.reason(), "said": _said(log) if task["log"] is None else ""}
        finally:
            end_all([process], 0.0 if process.ended() else CANCEL_SECONDS)


def _said(log: Path) -> str:
    return log.read_bytes()[-LOG_BYTES:].decode(errors="replace")
