"""Writing to and reading from the pipe of another process, within a time."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable


def write_within(descriptor: int, message: bytes, end: float) -> None:
    """Write a whole message.

    Args:
        descriptor: The pipe's writing end, set to non-blocking.
        message: What to write.
        end: Moment of `time.monotonic` at which it must have gone.

    Raises:
        TimeoutError: The other side did not read in time.
        OSError: There is no other side any more.
    """
    rest = memoryview(message)
    while rest:
        _wait(descriptor, selectors.EVENT_WRITE, end)
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            continue


def reader(descriptor: int, end: float) -> Callable[[int], bytes]:
    """Give a function that reads exactly so many bytes.

    Args:
        descriptor: The pipe's reading end.
        end: Moment of `time.monotonic` at which they must have come; what lies in the pipe already is read even later.

    Returns:
        The function; it raises `TimeoutError` where nothing comes in time, `EOFError` where the other side has ended.
    """

    def read(size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            _wait(descriptor, selectors.EVENT_READ, end)
            part = os.read(descriptor, size - len(parts))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)

    return read


def _wait(descriptor: int, event: int, end: float) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, event)
        if not selector.select(max(0.0, end - time.monotonic())):
            raise TimeoutError
