"""Writing beside the place where a file or folder shall be, so that a reader never meets half of one.

Each writer has a name of its own and holds a lock on what it writes, so several may write the same target, and the last
one stands. What a killed writer left behind has no lock, and goes with the next one that writes there.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PARTIAL_SUFFIX = ".partial"


@contextmanager
def file_aside(path: Path) -> Iterator[Path]:
    """Return an empty file to write, which takes its place at the end; it is removed if an error comes before.

    Args:
        path: where the file shall be; what lies there is replaced.

    Raises:
        OSError: with the name of `path`, also where a write failed, of which the system does not tell the name.
    """
    with _named(path), _claimed(path, is_folder=False) as aside:
        yield aside
        os.replace(aside, path)


@contextmanager
def folder_aside(path: Path) -> Iterator[Path]:
    """Return an empty folder, which is removed at the end with all that was not moved away.

    Args:
        path: beside it the folder lies, and is called after it.

    Raises:
        OSError: with the name of `path`, as of `file_aside`.
    """
    with _named(path), _claimed(path, is_folder=True) as aside:
        yield aside


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Lets a refusal of the system name what was to be written instead of nothing, or of what lies aside."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and (error.filename is None or PARTIAL_SUFFIX in str(error.filename)):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


@contextmanager
def _claimed(path: Path, *, is_folder: bool) -> Iterator[Path]:
    _clear_leftovers(path)
    while True:
        aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL_SUFFIX}")
        if is_folder:
            aside.mkdir()
            handle = os.open(aside, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        else:
            handle = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if aside.exists():  # nobody took it for a leftover before it was locked
            break
        os.close(handle)
    try:
        yield aside
    finally:
        _remove(aside)
        os.close(handle)


def _clear_leftovers(path: Path) -> None:
    """Remove what writers of this target left that are no more."""
    head, tail = f".{path.name}.", PARTIAL_SUFFIX
    with suppress(OSError):  # a folder that cannot be read is for the writer to complain of
        for name in os.listdir(path.parent):
            if name.startswith(head) and name.endswith(tail) and len(name) == len(head) + 8 + len(tail):
                _remove_if_free(path.with_name(name))


def _remove_if_free(leftover: Path) -> None:
    with suppress(OSError):
        handle = os.open(leftover, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(leftover)
        finally:
            os.close(handle)


def _remove(aside: Path) -> None:
    if aside.is_dir() and not aside.is_symlink():
        shutil.rmtree(aside, ignore_errors=True)
    else:
        aside.unlink(missing_ok=True)


def write_synced(path: Path, data: bytes) -> None:
    """Write a new file and waits until the disk has it."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_directory(path: Path) -> None:
    """Wait until the disk has a folder's entries; does nothing where folders cannot be opened."""
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
