"""Standard error for remarks: where nobody reads it any more, or it is full, they are lost and nothing else is."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TextIO


class LastingStream:
    """A text stream that can be written to for as long as the process lives."""

    encoding = "utf-8"

    def __init__(self, stream: TextIO | None) -> None:
        """Wrap a stream; None, where there is none, takes everything and keeps nothing."""
        self._stream = stream
        self.encoding = getattr(stream, "encoding", None) or self.encoding

    def write(self, text: str) -> int:
        """Write a text if somebody can have it."""
        if self._stream is not None:
            try:
                self._stream.write(text)
            except (OSError, ValueError):  # ValueError: it was closed
                self.lose()
        return len(text)

    def flush(self) -> None:
        """Bring it there."""
        if self._stream is not None:
            try:
                self._stream.flush()
            except (OSError, ValueError):
                self.lose()

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        try:
            return self._stream is not None and self._stream.isatty()
        except ValueError:
            return False

    def fileno(self) -> int:
        """Return its descriptor."""
        if self._stream is None:
            raise OSError("there is no standard error")
        return self._stream.fileno()

    def lose(self) -> None:
        """Send what is still to come to nowhere, what Python writes when the process ends among it."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            assert self._stream is not None
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        self._stream = None


def standard_error() -> LastingStream:
    """Return standard error as it is now."""
    return LastingStream(sys.stderr)
