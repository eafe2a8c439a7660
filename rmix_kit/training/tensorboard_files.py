"""Scalars for TensorBoard."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from rmix_kit.files.writing import open_own, writing


class Board:
    """One file of scalars; each process of a resumed run writes its own.

    TensorBoard's own writer works in a thread, whose errors nobody catches: here they come where a row is written.
    """

    def __init__(self, path: Path, events: ModuleType, summaries: ModuleType, *, advice: str) -> None:
        """Use `open_board`."""
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._events, self._summaries, self._advice = events, summaries, advice
        with writing("tensorboard", advice):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(path, "xb", opener=open_own)  # noqa: SIM115 - closed by `close`
        self._records = RecordWriter(self._file)
        self._write(file_version="brain.Event:2")

    def add(self, scalars: Mapping[str, float], env_steps: int) -> None:
        """Write numbers.

        Args:
            scalars: By tag.

        Raises:
            RunFolderError: The file system refused.
        """
        values = [self._summaries.Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        self._write(step=env_steps, summary=self._summaries.Summary(value=values))

    def forget_from(self, env_steps: int) -> None:
        """Let TensorBoard drop what earlier files say about this environment step and later ones."""
        self._write(step=env_steps, session_log=self._events.SessionLog(status=self._events.SessionLog.START))

    def _write(self, **fields: Any) -> None:  # noqa: ANN401 - of TensorBoard's message
        with writing("tensorboard", self._advice):
            self._records.write(self._events.Event(wall_time=time.time(), **fields).SerializeToString())
            self._records.flush()

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):  # everything was written out at once, or it was told why it could not be
            self._file.close()


def open_board(folder: Path, purge_step: int | None, *, advice: str) -> Board | None:
    """Start a file.

    Args:
        purge_step: What earlier files say from this environment step on is dropped; None for a new run.
        advice: What to do where the file system refuses.

    Returns:
        The board, or None where TensorBoard is not installed: ``metrics.jsonl`` holds the same numbers.
    """
    try:
        from tensorboard.compat.proto import event_pb2, summary_pb2
    except ImportError:
        return None
    # TensorBoard reads files in the order of their names.
    name = f"events.out.tfevents.{int(time.time()):010}.{socket.gethostname()}.{os.getpid()}.{time.monotonic_ns():020}"
    board = Board(folder / name, event_pb2, summary_pb2, advice=advice)
    if purge_step is not None:
        board.forget_from(purge_step)
    return board
