"""Writing files so that a reader never meets half of one."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from exporters.aside import file_aside
from rmix_kit.errors import CheckpointError, RunFolderError
from rmix_kit.files.reading import read_plain
from rmix_kit.spelling import shortened


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


class Prefix(NamedTuple):
    """The beginning of a file that grows.

    Attributes:
        length: In bytes.
        sha256: Its digest, hexadecimal; empty where it was not taken (checkpoints of format 5).
    """

    length: int
    sha256: str

    @classmethod
    def from_json(cls, values: Any) -> Prefix:  # noqa: ANN401 - read from a file
        """Read back what `_asdict` gave.

        Raises:
            ValueError: It is something else.
        """
        if not isinstance(values, dict) or set(values) != {"length", "sha256"}:
            raise ValueError(f"{shortened(values)} is no length and digest")
        if type(values["length"]) is not int or values["length"] < 0 or not isinstance(values["sha256"], str):
            raise ValueError(f"{shortened(values)} is no length and digest")
        return cls(**values)

    def problem(self, data: bytes) -> str:
        """Say what is wrong with a file that begins with it; empty if nothing is."""
        if len(data) < self.length:
            return "is shorter than when it was saved"
        if self.sha256 and hashlib.sha256(memoryview(data)[: self.length]).hexdigest() != self.sha256:
            return "is not what was written"
        return ""


def digest_of(data: bytes) -> Prefix:
    """Return a whole file as the beginning of itself."""
    return Prefix(len(data), hashlib.sha256(data).hexdigest())


def seal(values: Mapping[str, Any]) -> bytes:
    """Return values as readable JSON that carries its own digest."""
    return (json_text(with_digest(values), indent=1) + "\n").encode()


def with_digest(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with their own digest, as JSON spells them, at the end."""
    inner = {name: value for name, value in values.items() if name != "sha256"}
    return {**inner, "sha256": hashlib.sha256(json_text(inner, sort_keys=True).encode()).hexdigest()}


def is_sealed(data: bytes, values: Mapping[str, Any]) -> bool:
    """Return whether a file is what `seal` gave for the values that are read from it."""
    return seal(values) == data


def write_file(path: Path, data: bytes) -> StoredFile:
    """Write aside, make durable, then rename into place.

    Args:
        path: Where the file shall be; replaced if it is there.

    Returns:
        Its entry for a manifest.
    """
    with file_aside(path) as aside, aside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)
    return StoredFile(name=path.name, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def read_file(folder: Path, entry: StoredFile, owner: str) -> bytes:
    """Read a listed file after comparing it with its entry.

    Args:
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
        data = read_plain(path, entry.bytes) if size == entry.bytes else b""
    except OSError as error:
        raise CheckpointError(f"{owner} is damaged: {entry.name} cannot be read ({error.strerror})") from error
    if size != entry.bytes:
        raise CheckpointError(f"{owner} is damaged: {entry.name} has {size} bytes instead of {entry.bytes}")
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise CheckpointError(f"{owner} is damaged: the content of {entry.name} is not what was written")
    return data


def remove(path: Path) -> None:
    """Remove a file, a link as such, or a folder with all in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def open_own(path: str, flags: int) -> int:
    """Open a file to write into, for `open`'s ``opener``; never through a link, a pipe or a second name.

    Args:
        flags: As `open` gives them.

    Raises:
        OSError: It is no plain file of one name.
    """
    handle = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        os.close(handle)
        raise OSError(errno.EINVAL, "it is no plain file of its own", path)
    return handle


def sync_folder(folder: Path) -> None:
    """Make the folder's list of names durable.

    Raises:
        OSError: With the folder's name.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:  # of which the system does not tell the name
        raise OSError(error.errno, error.strerror, str(folder)) from error
    finally:
        os.close(handle)


def json_text(value: object, *, indent: int | None = None, ensure_ascii: bool = True, sort_keys: bool = False) -> str:
    """Return JSON that every reader takes: null stands for numbers that are not finite, of which JSON has none.

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
        advice: What stands, and what to do.

    Raises:
        RunFolderError: The file system refused.
    """
    try:
        yield
    except OSError as error:
        raise RunFolderError(f"{what} could not be written: {no_room(error) or error}; {advice}") from error


def no_room(error: OSError) -> str:
    """Say that what was to be written has no room; empty where the error says something else."""
    return _NO_ROOM.get(error.errno or 0, "")


_NO_ROOM = {
    errno.ENOSPC: "no space is left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "no file may grow so large here (ulimit -f, or the file system)",
}
