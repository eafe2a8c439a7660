"""A vector over fake workers, and what became of them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rmix_kit.envs.smac.sc2.settings import Settings
from rmix_kit.envs.smac.sc2.vector import SC2Vector
from rmix_kit.types import BoolArray, IntArray, TimeStep

FAKE = Path(__file__).with_name("fake_worker.py")


def fault(on: str, kind: str, *, worker: int | None = 0, at: int | None = 0) -> dict[str, Any]:
    return {"on": on, "kind": kind, "worker": worker, "at": at}


def is_running(pid: int) -> bool:
    """Whether the process lives; a zombie, which waits only to be counted, does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def pids_in(folder: Path) -> list[int]:
    """The numbers of all workers and games that ever were."""
    return [pid for file in folder.glob("worker_*.json") for pid in json.loads(file.read_text())]


def all_gone(folder: Path, seconds: float = 5.0) -> bool:
    """Whether no worker and no game of any worker is left."""
    pids = pids_in(folder)
    assert pids
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not any(map(is_running, pids)):
            return True
        time.sleep(0.02)
    return False


def first_allowed(step: TimeStep) -> IntArray:
    return np.asarray(step.avail_actions.argmax(-1), dtype=np.int64)


class Theatre:
    """Makes vectors over the fake worker, and knows what its workers were asked."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self._patch = folder, patch
        self.vectors: list[SC2Vector] = []

    def script(self, *faults: dict[str, Any]) -> None:
        self._patch.setenv("RMIX_FAKE_SC2", json.dumps({"folder": str(self.folder), "faults": faults}))

    def make(self, *faults: dict[str, Any], num_envs: int = 2, **settings: Any) -> SC2Vector:
        self.script(*faults)
        defaults: dict[str, Any] = {"launch_timeout": 20.0, "step_timeout": 20.0}
        vector = SC2Vector(Settings(map_name="3m", worker=FAKE, **(defaults | settings)), num_envs)
        self.vectors.append(vector)
        return vector

    def requests(self, worker: int) -> list[str]:
        return (self.folder / f"requests_{worker}").read_text().split()

    def workers(self) -> int:
        return len(list(self.folder.glob("worker_*.json")))

    def running(self) -> int:
        """How many workers and games live."""
        return sum(map(is_running, pids_in(self.folder)))

    def is_empty(self) -> bool:
        """Whether none lives, the kernel's moment to end the killed ones allowed."""
        return all_gone(self.folder, 1.0)


def play(vector: SC2Vector, seed: int = 0) -> TimeStep:
    """Plays an episode in every copy."""
    step = vector.reset(range(seed, seed + vector.num_envs))
    while not ended(step).all():
        step = vector.step(first_allowed(step))
    return step


def ended(step: TimeStep) -> BoolArray:
    assert step.damaged is not None
    return step.terminated | step.truncated | step.damaged
