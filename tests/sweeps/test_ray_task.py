"""What Ray runs, without Ray: cancelling a task is `_thread.interrupt_main` in its worker."""

from __future__ import annotations

import _thread
import contextlib
import signal
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from rmix_kit.sweeps import ray_task
from rmix_kit.sweeps.ray_task import CANCEL_SECONDS, attempt

TASK: dict[str, Any] = {"train": [], "folder": "run", "evaluation": None, "storage": None, "threads": 1, "log": "log"}


class Lost:
    """Its destructor swallows what is raised in it, as all do."""

    def __del__(self) -> None:
        _thread.interrupt_main()


class FakeProcess:
    """Runs until somebody ends it; the worker is interrupted while it waits."""

    def __init__(self, task: dict[str, Any], log: Path, threads: int) -> None:
        self.waits = 0

    def wait(self, seconds: float) -> bool:
        self.waits += 1
        assert self.waits < 4, "the cancellation was lost"
        if self.waits == 2:
            lost: Lost | None = Lost()
            lost = None  # noqa: F841 - the only reference
        return False

    def ended(self) -> bool:
        return False


def test_a_cancelled_task_ends_its_process_in_order_wherever_the_interrupt_arrives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended: list[float] = []

    def end_all(processes: Collection[FakeProcess], seconds: float) -> None:
        _thread.interrupt_main()  # cancelled once more
        for _ in range(1000):
            pass
        ended.append(seconds)

    monkeypatch.setattr(ray_task, "RunProcess", FakeProcess)
    monkeypatch.setattr(ray_task, "end_all", end_all)
    before = signal.getsignal(signal.SIGINT)
    raised = False
    with contextlib.suppress(KeyboardInterrupt):
        attempt(TASK)
        raised = True
    assert not raised
    assert ended == [CANCEL_SECONDS]
    assert signal.getsignal(signal.SIGINT) is before
