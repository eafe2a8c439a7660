"""A worker process on whichever node of a Ray cluster has room, behind the interface of `process.GameWorker`.

A Ray actor holds the worker process where Ray puts it and passes messages on: the same bytes as through a pipe, so that
nothing in them can run code on either side.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rmix_kit.envs.smac.sc2.process import (
    END_SECONDS,
    GRACE_SECONDS,
    Answer,
    GameWorker,
    Worker,
    WorkerFailure,
    answer_of,
)
from rmix_kit.envs.smac.sc2.settings import Settings
from rmix_kit.errors import MissingExtraError, StarCraftError
from rmix_kit.messages import Array, WireError, decode, encode

# What Ray itself may take to pass a message on, or to start an actor's process, beyond the worker's own time.
RAY_SECONDS = 30.0


class WorkerActor:
    """What Ray runs on the node: one worker process, asked by messages."""

    def __init__(self, settings: Mapping[str, Any], replay_prefix: str) -> None:
        """Start the process.

        Args:
            settings: Of `Settings`, as plain values.
            replay_prefix: Beginning of the name of its replay.
        """
        self._worker = Worker(Settings(**{**settings, "worker": Path(settings["worker"])}), replay_prefix)

    def pid(self) -> int:
        """Return the process's number on its node."""
        return self._worker.pid

    def exchange(self, message: bytes, seconds: float) -> bytes:
        """Pass a request on and give the answer, or the error, as a message."""
        fields, arrays = decode(io.BytesIO(message).read)
        self._worker.send(str(fields.pop("do")), seconds, **fields, **arrays)
        try:
            return encode(*self._worker.receive())
        except WorkerFailure as failure:
            lines = list(self._worker.last_lines)
            error = {"error": str(failure), "is_final": failure.is_final, "known": list(failure.known)}
            return encode({**error, "last_lines": lines})

    def end(self) -> None:
        """Kill process and game."""
        self._worker.kill()


class RayWorker(GameWorker):
    """The supervisor's end."""

    def __init__(self, settings: Settings, replay_prefix: str) -> None:
        """Ask the cluster for an actor with the process.

        Args:
            replay_prefix: Beginning of the name of its replay.

        Raises:
            MissingExtraError: Ray is not installed.
            StarCraftError: There is no cluster.
        """
        try:
            import ray
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                "workers=ray needs ray; install it with: pip install 'rmix-kit[distributed]'"
            ) from error
        if not ray.is_initialized():
            try:
                ray.init(address="auto", log_to_driver=False)
            except ConnectionError as error:
                raise StarCraftError(
                    "workers=ray finds no Ray cluster here; start one (ray start --head) or leave workers out"
                ) from error
        self._ray: Any = ray
        actor = ray.remote(WorkerActor).options(num_cpus=1, max_restarts=0)
        self._actor: Any = actor.remote({**asdict(settings), "worker": str(settings.worker)}, replay_prefix)
        self._answer: Any = None
        self._seconds, self._end = 0.0, 0.0
        self._lines: tuple[str, ...] = ()

    @property
    def pid(self) -> int | None:
        """The process's number on its node; None where it is gone."""
        with contextlib.suppress(self._ray.exceptions.RayError):
            return int(self._ray.get(self._actor.pid.remote(), timeout=RAY_SECONDS))
        return None

    @property
    def last_lines(self) -> tuple[str, ...]:
        """What process and game last wrote to standard error, as of the last failure."""
        return self._lines

    def send(self, request: str, seconds: float, **contents: int | Array) -> None:
        """Send a request; `receive` waits for its answer."""
        fields = {name: value for name, value in contents.items() if isinstance(value, int)}
        arrays = {name: value for name, value in contents.items() if not isinstance(value, int)}
        self._seconds, self._end = seconds, time.monotonic() + seconds
        self._answer = self._actor.exchange.remote(encode({"do": request, **fields}, arrays), seconds)

    def receive(self) -> Answer:
        """Wait for the answer to the last request until its time, and Ray's, is over.

        Raises:
            WorkerFailure: The node or the process died, hangs, reports an error or answers with something else.
        """
        rest = max(0.0, self._end - time.monotonic()) + GRACE_SECONDS + RAY_SECONDS
        try:
            fields, arrays = decode(io.BytesIO(self._ray.get(self._answer, timeout=rest)).read)
        except self._ray.exceptions.GetTimeoutError as error:
            raise WorkerFailure(f"no answer within {self._seconds:g} s") from error
        except self._ray.exceptions.RayError as error:
            raise WorkerFailure(f"Ray lost the worker: {type(error).__name__}") from error
        except WireError as error:
            raise WorkerFailure(f"the worker answered with {error}") from error
        lines = fields.pop("last_lines", [])
        self._lines = tuple(map(str, lines)) if isinstance(lines, list) else ()
        return answer_of(fields, arrays)

    def kill(self) -> None:
        """End process, game and actor; where the actor does not answer any more its death ends the process."""
        with contextlib.suppress(self._ray.exceptions.RayError):
            self._ray.get(self._actor.end.remote(), timeout=END_SECONDS)
        self._ray.kill(self._actor)
