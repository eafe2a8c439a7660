"""What Ray runs on a node: one attempt at a run, in a process of its own as everywhere."""

from __future__ import annotations

import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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

    Raises:
        KeyboardInterrupt: The task was cancelled; the process has ended in order.
    """
    with (
        _cancellation() as cancelled,
        tempfile.TemporaryDirectory(prefix="rmix-kit-sweep-", ignore_cleanup_errors=True) as scratch,
    ):
        child = {name: task[name] for name in ("train", "folder", "evaluation", "storage")}
        if task["folder"] is None:
            child["folder"] = str(Path(scratch) / "run")
        child["train"] = [child["folder"] if word is None else word for word in task["train"]]
        log = Path(scratch) / "log" if task["log"] is None else Path(task["log"])
        process = RunProcess(child, log, int(task["threads"]))
        try:
            while not process.wait(LOOK_SECONDS):
                if cancelled.is_set():
                    raise KeyboardInterrupt
            return {"reason": process.reason(), "said": _said(log) if task["log"] is None else ""}
        finally:
            end_all([process], 0.0 if process.ended() else CANCEL_SECONDS)


@contextmanager
def _cancellation() -> Iterator[threading.Event]:
    """Take down what Ray sends a cancelled task, a SIGINT.

    Raised where it arrives, it is lost if that is a destructor, and a second one cuts an orderly end short.
    """
    cancelled = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield cancelled
        return
    before = signal.signal(signal.SIGINT, lambda *_: cancelled.set())
    try:
        yield cancelled
    finally:
        signal.signal(signal.SIGINT, before)


def _said(log: Path) -> str:
    return log.read_bytes()[-LOG_BYTES:].decode(errors="replace")
