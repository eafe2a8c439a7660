"""What runs in the process of one run (`rmix_kit.sweeps.process` starts it): ``rmix-kit train``, then the evaluation.

Standard input is a pipe that nobody writes to. When its other end is gone, so is the sweep: training is asked to save a
checkpoint and end, as by SIGTERM.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import sys
import threading
import time
from pathlib import Path

from rmix_kit.console import standard_error
from rmix_kit.errors import RmixKitError

ORPHAN_SECONDS = 300.0  # for the round in which the sweep died, and the checkpoint after it
LOCK_SECONDS = 60.0


def main(arguments: list[str]) -> int:
    """Train a run to its end, and evaluate it.

    Args:
        arguments: JSON: "train" (arguments of ``rmix-kit``), "folder", "evaluation", "storage" (a URL or null).

    Returns:
        The exit code.
    """
    from rmix_kit.sweeps.storage import LOCK_NAME, mirrored

    task = json.loads(arguments[0])
    end_with_parent(sys.stdin.fileno())
    folder = Path(task["folder"])
    try:
        await_lock(folder / LOCK_NAME)
        with mirrored(folder, task["storage"]):
            return _train(task["train"]) or (evaluate(folder) if task["evaluation"] else 0)
    except (RmixKitError, OSError) as error:
        standard_error().write(f"Error: {' '.join(str(error).split())}\n")
        return 1


def end_with_parent(pipe: int) -> None:
    """End this process in order when the other end of a pipe is closed; by force if it takes too long.

    Args:
        pipe: Its reading end.
    """

    def watch() -> None:
        hang_up = select.poll()
        hang_up.register(pipe, 0)  # nothing but the hang-up, which is always reported
        hang_up.poll()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(ORPHAN_SECONDS)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def await_lock(lock: Path, seconds: float = LOCK_SECONDS) -> None:
    """Wait until nobody else works on a run: the process of a sweep that was killed may still save its checkpoint.

    Args:
        lock: The run's lock file; it need not be there.
        seconds: How long; afterwards training says who is in the way.
    """
    end = time.monotonic() + seconds
    with contextlib.suppress(FileNotFoundError), lock.open("rb") as file:
        while time.monotonic() < end:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                time.sleep(0.1)


def _train(arguments: list[str]) -> int:
    """Run the command as `rmix-kit` does."""
    from rmix_kit.cli.main import main as rmix_kit

    try:
        rmix_kit(arguments, prog_name="rmix-kit")
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def evaluate(folder: Path) -> int:
    """Play the episodes of the best and the last checkpoint where they are missing."""
    from rmix_kit.training.absolute import evaluate_run

    evaluate_run(folder, consent="once")  # training was told which environment, and has compared
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
