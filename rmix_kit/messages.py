"""Messages between processes: a JSON header and raw arrays behind it, through a pipe and within a time.

Nothing in a message can run code. StarCraft's worker reads this file with another interpreter: Python 3.8, NumPy alone.
"""

from __future__ import annotations

import json
import math
import os
import selectors
import struct
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]

LARGEST_HEADER = 2**20  # bytes
LARGEST_ARRAY = 2**31  # bytes, of all arrays of a message together
MOST_ARRAYS, MOST_AXES = 64, 8
_DTYPES = ("bool", "int8", "uint8", "int16", "int32", "int64", "float32")
_LENGTH = struct.Struct("<I")


class WireError(Exception):
    """What came is no message."""


def encode(fields: Mapping[str, object], arrays: Mapping[str, Array] | None = None) -> bytes:
    """Return a message as bytes.

    Args:
        arrays: Arrays by name, of the dtypes that policies use.
    """
    contents = {name: np.ascontiguousarray(array) for name, array in (arrays or {}).items()}
    shapes = [[name, str(array.dtype), list(array.shape)] for name, array in contents.items()]
    header = json.dumps({"fields": dict(fields), "arrays": shapes}).encode()
    return b"".join([_LENGTH.pack(len(header)), header, *(array.tobytes() for array in contents.values())])


def decode(read: Callable[[int], bytes]) -> tuple[dict[str, Any], dict[str, Array]]:
    """Read one message.

    Args:
        read: Gives exactly so many bytes, or raises.

    Returns:
        Its fields and arrays.

    Raises:
        WireError: The header is not what `encode` writes.
    """
    (length,) = _LENGTH.unpack(read(_LENGTH.size))
    if length > LARGEST_HEADER:
        raise WireError(f"a header of {length} bytes; at most {LARGEST_HEADER} are read")
    try:
        header = json.loads(read(length))
        shapes = [(str(name), str(dtype), tuple(shape)) for name, dtype, shape in header["arrays"]]
        fields = dict(header["fields"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise WireError(f"an unreadable header: {error}") from error
    if len(shapes) > MOST_ARRAYS:
        raise WireError(f"{len(shapes)} arrays; at most {MOST_ARRAYS} are read")
    sizes: dict[str, int] = {}
    for name, dtype, shape in shapes:
        is_shape = len(shape) <= MOST_AXES and all(type(side) is int and side >= 0 for side in shape)
        # NumPy has no array of nothing whose other sides are too long for it.
        is_shape = is_shape and math.prod(max(side, 1) for side in shape) <= LARGEST_ARRAY
        if dtype not in _DTYPES or not is_shape or name in sizes:
            raise WireError(f"array {name[:40]!r} of dtype {dtype[:40]} and shape {str(shape)[:80]}")
        sizes[name] = math.prod(shape) * np.dtype(dtype).itemsize
    if sum(sizes.values()) > LARGEST_ARRAY:
        raise WireError(f"arrays of {sum(sizes.values())} bytes; at most {LARGEST_ARRAY} are read")
    return fields, {name: np.frombuffer(read(sizes[name]), dtype=dtype).reshape(shape) for name, dtype, shape in shapes}


def write_within(descriptor: int, message: bytes, end: float) -> None:
    """Write a whole message.

    Args:
        descriptor: The pipe's writing end, set to non-blocking.
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
    """Return a function that reads exactly so many bytes.

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
