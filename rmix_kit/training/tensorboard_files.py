"""Scalars for TensorBoard."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorboard.summary.writer.event_file_writer import EventFileWriter


class Board:
    """One file of scalars; each process of a resumed run writes its own."""

    def __init__(self, writer: EventFileWriter, events: ModuleType, summaries: ModuleType) -> None:
        """Use `open_board`."""
        self._writer, self._events, self._summaries = writer, events, summaries

    def add(self, scalars: Mapping[str, float], env_steps: int) -> None:
        """Write numbers.

        Args:
            scalars: By tag.
            env_steps: Environment steps taken.
        """
        values = [self._summaries.Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        summary = self._summaries.Summary(value=values)
        self._writer.add_event(self._events.Event(wall_time=time.time(), step=env_steps, summary=summary))

    def forget_from(self, env_steps: int) -> None:
        """Let TensorBoard drop what earlier files say about this environment step and later ones."""
        start = self._events.SessionLog(status=self._events.SessionLog.START)
        self._writer.add_event(self._events.Event(wall_time=time.time(), step=env_steps, session_log=start))

    def close(self) -> None:
        """Write everything out."""
        self._writer.close()


def open_board(folder: Path, purge_step: int | None) -> Board | None:
    """Start a file.

    Args:
        folder: The run's TensorBoard folder.
        purge_step: What earlier files say from this environment step on is dropped; None for a new run.

    Returns:
        The board, or None where TensorBoard is not installed: ``metrics.jsonl`` holds the same numbers.
    """
    try:
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError:
        return None
    board = Board(EventFileWriter(str(folder)), event_pb2, summary_pb2)
    if purge_step is not None:
        board.forget_from(purge_step)
    return board
