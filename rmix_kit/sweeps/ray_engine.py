"""Runs on a Ray cluster; Ray chooses the nodes by what each run takes."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Collection
from pathlib import Path
from typing import Any

from rmix_kit.files.writing import open_own
from rmix_kit.sweeps.engine import Ended, Event, Plan, PlannedRun, Started, child_task, folder_of, log_of
from rmix_kit.sweeps.ray_task import attempt
from rmix_kit.sweeps.storage import Mirror, url_of

LONGEST_REASON = 300


class RayEngine:
    """Satisfies `rmix_kit.sweeps.engine.Engine` with one Ray task per attempt.

    Ray's own retries are off: a task that is lost with its node ends as a failed attempt, and the sweep submits the
    run again, which resumes from its newest checkpoint wherever it lands.
    """

    def __init__(self, plan: Plan, address: str | None) -> None:
        """Join the cluster.

        Args:
            plan: The sweep; its folder is shared by all nodes unless it names a storage.
            address: Of the cluster; None for the one in ``RAY_ADDRESS``, or a new one on this machine.
        """
        import ray

        self._ray: Any = ray
        self._plan, self._out = plan, Path(plan.out)
        self._is_ours = not ray.is_initialized()
        if self._is_ours:
            ray.init(address=address, log_to_driver=False, logging_level=logging.WARNING)
        self._waiting: deque[PlannedRun] = deque()
        self._tasks: dict[Any, PlannedRun] = {}

    def submit(self, run: PlannedRun) -> None:
        """Queue an attempt."""
        self._waiting.append(run)

    def wait(self, seconds: float) -> Collection[Event]:
        """Hand over what there is leave for, and say what has been handed over and has ended."""
        events: list[Event] = []
        while self._waiting and len(self._tasks) < (self._plan.jobs or self._room_for(self._waiting[0])):
            run = self._waiting.popleft()
            self._tasks[self._begun(run)] = run
            events.append(Started(name=run.name))
        if events:
            return events
        if not self._tasks:
            time.sleep(seconds)
            return []
        ready, _ = self._ray.wait(list(self._tasks), num_returns=1, timeout=seconds)
        return [Ended(name=run.name, reason=self._reason(task, run)) for task, run in self._taken(ready)]

    def stop(self, seconds: float) -> None:
        """Cancel all tasks, which end their processes in order, and wait for them."""
        self._waiting.clear()
        for task in self._tasks:
            self._ray.cancel(task, force=seconds <= 0)
        if self._tasks and seconds > 0:
            self._ray.wait(list(self._tasks), num_returns=len(self._tasks), timeout=seconds)
        self._tasks.clear()

    def close(self) -> None:
        """End what still runs, and leave the cluster."""
        self.stop(0.0)
        if self._is_ours:
            self._ray.shutdown()

    def _room_for(self, run: PlannedRun) -> int:
        """Return the number of such runs that the nodes hold now; at least one, for which Ray may start a node."""
        needed = {"CPU": run.cpus, "GPU": run.gpus}
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        room = sum(int(min(node.get(kind, 0.0) / count for kind, count in needed.items() if count)) for node in nodes)
        return max(1, room)

    def _begun(self, run: PlannedRun) -> Any:  # noqa: ANN401 - Ray's reference
        is_shared = self._plan.storage is None
        folder = folder_of(self._out, run.name)
        task = child_task(run, folder, self._plan.storage) | {"threads": run.threads, "log": None}
        if is_shared:
            task["log"] = str(log_of(self._out, run.name))
        else:  # the folder is the node's own: it fills in the name
            task["train"] = [None if word == str(folder) else word for word in task["train"]]
            task["folder"] = None
        remote = self._ray.remote(attempt)
        options = {"num_cpus": run.cpus, "num_gpus": run.gpus, "max_retries": 0, "name": run.name}
        return remote.options(**options).remote(task)

    def _taken(self, ready: list[Any]) -> list[tuple[Any, PlannedRun]]:
        return [(task, self._tasks.pop(task)) for task in ready]

    def _reason(self, task: Any, run: PlannedRun) -> str:  # noqa: ANN401 - Ray's reference
        """Say why an attempt failed; bring here what it left in the storage."""
        try:
            answer = self._ray.get(task)
        except self._ray.exceptions.RayError as error:
            said = " ".join(str(error).split())
            return f"{type(error).__name__}: {said}"[:LONGEST_REASON]
        if answer["said"]:
            log = log_of(self._out, run.name)
            log.parent.mkdir(parents=True, exist_ok=True)
            with open(log, "a", encoding="utf-8", opener=open_own) as file:
                file.write(answer["said"])
        if self._plan.storage is not None and not answer["reason"]:
            Mirror(folder_of(self._out, run.name), url_of(self._plan.storage, run.name)).fetch()
        return str(answer["reason"])
