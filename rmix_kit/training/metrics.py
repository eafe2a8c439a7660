"""The record of a run: rows of numbers, and the same numbers for TensorBoard."""

from __future__ import annotations

import hashlib
import math
import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rmix_kit.callbacks import Ended, Started
from rmix_kit.collect import Round
from rmix_kit.files.reading import LARGEST_LOG, parsed_json, read_plain
from rmix_kit.files.writing import Prefix, json_text, open_own, writing
from rmix_kit.loggers.delivery import Delivery
from rmix_kit.metrics import FALLS, LENGTH, RETURN, SUCCESS
from rmix_kit.training.memory import peak_mebibytes
from rmix_kit.training.run_folder import RunFolder
from rmix_kit.training.tensorboard_files import open_board

ROOM = "make room and resume"


class Means:
    """Means of everything seen since the last row; sums are kept, so that they survive a checkpoint unchanged."""

    def __init__(self, sums: Mapping[str, tuple[float | str, int]] | None = None) -> None:
        """Start empty, or from what `to_json` gave."""
        self._sums = {name: (float(total), int(count)) for name, (total, count) in (sums or {}).items()}

    def add(self, name: str, total: float, count: int = 1) -> None:
        """Add ``count`` values that sum to ``total``."""
        before = self._sums.get(name, (0.0, 0))
        self._sums[name] = (before[0] + total, before[1] + count)

    def add_round(self, played: Round) -> None:
        """Add a collection round's episodes."""
        count = played.episodes
        if not count:
            return
        self.add(RETURN, float(played.episode_return.sum(dtype="float64")), count)
        self.add(SUCCESS, float(played.success.sum()), count)
        self.add(FALLS, float(played.fell.sum()), count)
        self.add(LENGTH, float(played.block.length.sum()), count)

    def add_updates(self, metrics: list[dict[str, Tensor]]) -> None:
        """Add the scalars of a round's updates; the one place where they are read back from the device."""
        flat = [(name, value) for entry in metrics for name, value in entry.items()]
        if flat:
            values = torch.stack([value.detach().double() for _, value in flat]).tolist()
            for (name, _), value in zip(flat, values, strict=True):
                self.add(name, value)

    def means(self) -> dict[str, float]:
        """Return the means by name."""
        return {name: total / count for name, (total, count) in self._sums.items()}

    def clear(self) -> None:
        """Forget everything."""
        self._sums.clear()

    def to_json(self) -> dict[str, tuple[float | str, int]]:
        """Return the sums and counts; a sum that is not finite is written as text, which `__init__` reads too."""
        return {
            name: (total if math.isfinite(total) else str(total), count) for name, (total, count) in self._sums.items()
        }


class MetricsLog:
    """``metrics.jsonl`` (no clock in it), ``timing.jsonl`` (nothing but) and TensorBoard's files."""

    def __init__(
        self, folder: RunFolder, *, keep: int, purge_step: int | None, deliveries: Sequence[Delivery] = ()
    ) -> None:
        """Open the files; rows after those kept are cut off.

        Args:
            keep: Bytes of ``metrics.jsonl`` to go on from.
            purge_step: TensorBoard forgets what it was told from this step on; None for a new run.
            deliveries: To loggers, which `begin` opens.
        """
        self._metrics = open(folder.metrics, "ab", opener=open_own)  # noqa: SIM115 - closed by `close`
        self._metrics.truncate(keep)
        self._metrics.seek(keep)
        kept = read_plain(folder.metrics, LARGEST_LOG)
        self._kept, self._deliveries = kept, deliveries
        self._digest = hashlib.sha256(kept)
        self._environment = _last_environment(kept)
        keep_whole_rows(folder.timing)
        self._timing = open(folder.timing, "a", encoding="utf-8", opener=open_own)  # noqa: SIM115
        self._board = open_board(folder.tensorboard, purge_step, advice=ROOM)
        self._start, self._cpu_before = time.monotonic(), time.process_time()
        self._process = secrets.randbits(48)

    def begin(self, started: Started) -> None:
        """Let loggers begin, or go on from the rows that are kept."""
        for delivery in self._deliveries:
            delivery.begin(started, self._kept)

    def end(self, ended: Ended) -> None:
        """Let loggers end; each one does, whatever another raises."""
        with ExitStack() as stack:
            for delivery in self._deliveries:
                stack.callback(delivery.end, ended)

    def row(self, kind: str, env_steps: int, numbers: Mapping[str, float | int | None]) -> None:
        """Write one row; a number that is not finite becomes JSON's null, as one that is not known is.

        Args:
            kind: "training" or "evaluation".
            numbers: By name.
        """
        row: dict[str, float | int | str | None] = {"kind": kind, "env_steps": env_steps, **numbers}
        self._write(row)
        if self._board is not None:
            known = {f"{kind}/{name}": float(value) for name, value in numbers.items() if value is not None}
            self._board.add(known, env_steps)
        for delivery in self._deliveries:
            delivery.row(kind, env_steps, numbers)

    def facts(self, env_steps: int, facts: Mapping[str, str | bool]) -> None:
        """Write one row about the environment, such as the version of a game, unless the last one says the same.

        A run that goes on thereby repeats nothing. TensorBoard is not told.

        Args:
            facts: By name.
        """
        if facts != self._environment:
            self._environment = dict(facts)
            self._write({"kind": "environment", "env_steps": env_steps, **facts})

    def time(self, env_steps: int, updates: int, seconds: Mapping[str, float]) -> None:
        """Write how long things took: wall and CPU seconds, and the most memory that the process has held.

        Both count from when this training was begun or gone on with, which each row names by a random number, so that
        they add up whatever becomes of the date; what the process did before, another training perhaps, is not in them.

        Args:
            updates: Updates made.
            seconds: Time spent in each activity since then, by name.
        """
        row: dict[str, Any] = {"env_steps": env_steps, "updates": updates, "process": self._process}
        row |= {name: round(value, 3) for name, value in seconds.items()}
        row |= {"total": round(time.monotonic() - self._start, 3), "unix_time": round(time.time(), 3)}
        row |= {"cpu": round(time.process_time() - self._cpu_before, 3), "peak_mebibytes": round(peak_mebibytes(), 1)}
        with writing("timing.jsonl", ROOM):
            self._timing.write(json_text(row) + "\n")
            self._timing.flush()

    def _write(self, row: Mapping[str, float | int | str | None]) -> None:
        line = (json_text(row) + "\n").encode()
        self._digest.update(line)
        with writing("metrics.jsonl", ROOM):
            self._metrics.write(line)
            self._metrics.flush()

    def sync(self) -> Prefix:
        """Make the rows durable and give them as the beginning of what the file will be."""
        with writing("metrics.jsonl", ROOM):
            self._metrics.flush()
            os.fsync(self._metrics.fileno())
        return Prefix(self._metrics.tell(), self._digest.hexdigest())

    def close(self) -> None:
        """Close the files."""
        for file in (self._metrics, self._timing):
            with suppress(OSError):  # every row was written out at once, or it was told why it could not be
                file.close()
        if self._board is not None:
            self._board.close()


def _last_environment(rows: bytes) -> dict[str, Any]:
    """Return what the last row about the environment says; nothing where there is none that can be read."""
    for line in reversed(rows.splitlines()):
        if b'"environment"' not in line:
            continue
        try:
            row = parsed_json(line)
        except ValueError:
            return {}
        if isinstance(row, dict) and row.get("kind") == "environment":
            return {name: value for name, value in row.items() if name not in ("kind", "env_steps")}
    return {}


class Stopwatch:
    """Wall seconds spent in each activity of this process."""

    def __init__(self, *activities: str) -> None:
        """Start at zero."""
        self.seconds = dict.fromkeys(activities, 0.0)

    @contextmanager
    def timed(self, activity: str) -> Iterator[None]:
        """Add the time of a block to an activity."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds[activity] += time.monotonic() - start


def purge_from(env_steps: int) -> int:
    """Return the first environment step whose TensorBoard entries a resumed run writes anew."""
    return env_steps + 1 if env_steps else 0


def note_origin(folder: RunFolder, origin: Mapping[str, Any]) -> None:
    """Add a row to ``origin.jsonl``; half a row of a killed process is cut off first.

    Args:
        origin: What `rmix_kit.origin.origin_of_process` gave.
    """
    keep_whole_rows(folder.origin)
    with writing("origin.jsonl", ROOM), open(folder.origin, "a", encoding="utf-8", opener=open_own) as file:
        file.write(json_text(origin) + "\n")


def keep_whole_rows(path: Path) -> None:
    """Cut off the half row that a killed process may leave at the end of a file."""
    if path.exists():
        with open(path, "r+b", opener=open_own) as file:
            file.truncate(file.read().rfind(b"\n") + 1)
