"""Pictures as PNG files, with the standard library alone."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rmix_kit.errors import ShapeError

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture.

    Args:
        path: The file; replaced if it exists.
        picture: As for `png_of`.

    Raises:
        ShapeError: The array is no such picture.
    """
    path.write_bytes(png_of(picture))


def png_of(picture: NDArray[np.uint8]) -> bytes:
    """Return a picture as a PNG file's content.

    Args:
        picture: Red, green, blue: uint8 ``[height, width, 3]``.

    Raises:
        ShapeError: The array is no such picture.
    """
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
        raise ShapeError(f"the picture is {picture.dtype} {picture.shape}; expected uint8 [height, width, 3]")
    height, width = picture.shape[:2]
    rows = np.zeros((height, 1 + 3 * width), dtype=np.uint8)  # each row starts with the number of its filter, 0: none
    rows[:, 1:] = picture.reshape(height, 3 * width)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits of each of three colours
    chunks = [_chunk(b"IHDR", head), _chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)), _chunk(b"IEND", b"")]
    return SIGNATURE + b"".join(chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
