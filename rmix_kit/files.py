"""Writing files so that a reader never meets half of one."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rmix_kit.errors import CheckpointError, RunFolderError

PARTIAL_SUFFIX = ".partial"


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """A file as a manifest lists it.

    Attributes:
        name: File name, without folders.
        bytes: Its size.
        sha256: Its digest, hexadecimal.
    """

    name: str
    bytes: int
    sha256: str


def write_file(path: Path, data: bytes) -> StoredFile:
    """Write aside, make durable, then rename into place.

    Args:
        path: Where the file shall be; replaced if it is there.
        data: Its content.

    Returns:
        Its entry for a manifest.
    """
    partial = path.with_name(path.name + PARTIAL_SUFFIX)
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)  # a full disk: give the space back
        raise
    sync_folder(path.parent)
    return StoredFile(name=path.name, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def read_file(folder: Path, entry: StoredFile, owner: str) -> bytes:
    """Read a listed file after comparing it with its entry.

    Args:
        folder: Where it lies.
        entry: What the manifest says.
        owner: Who lists it, for the error.

    Returns:
        Its content.

    Raises:
        CheckpointError: It is missing, of another size, or of another content.
    """
    path = folder / entry.name
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size == entry.bytes else b""
    except OSError as error:
        raise CheckpointError(f"{owner} is damaged: {entry.name} cannot be read ({error.strerror})") from error
    if size != entry.bytes:
        raise CheckpointError(f"{owner} is damaged: {entry.name} has {size} bytes instead of {entry.bytes}")
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise CheckpointError(f"{owner} is damaged: the content of {entry.name} is not what was written")
    return data


def sync_folder(folder: Path) -> None:
    """Make the folder's list of names durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def json_text(value: object, *, indent: int | None = None, ensure_ascii: bool = True, sort_keys: bool = False) -> str:
    """Give JSON that every reader takes: null stands for numbers that are not finite, of which JSON has none.

    Args:
        value: Of what JSON has a word for, floats of any kind among it.
        indent: Of inner lines; None for a single line.
        ensure_ascii: Write other characters as escapes.
        sort_keys: Bring names into order.
    """
    return json.dumps(_finite(value), allow_nan=False, indent=indent, ensure_ascii=ensure_ascii, sort_keys=sort_keys)


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list | tuple) else value


@contextmanager
def writing(what: str, advice: str) -> Iterator[None]:
    """Turn an operating system's refusal to write into one line that says what to do.

    Args:
        what: What is being written.
        advice: What stands, and what to do.

    Raises:
        RunFolderError: The file system refused.
    """
    try:
        yield
    except OSError as error:
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = "no space is left on the disk" if is_full else str(error)
        raise RunFolderError(f"{what} could not be written: {reason}; {advice}") from error
