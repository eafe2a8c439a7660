"""Reading files that anybody may have made: plain files alone, and none larger than what it can be."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

MIB = 2**20
LARGEST_TEXT = MIB
"""Of configurations, sweeps and lists that a person writes."""
LARGEST_TABLE = 64 * MIB
"""Of records and facts."""
LARGEST_LOG = 1024 * MIB
"""Of rows that a run adds to for as long as it lasts."""
MOST_MEMBERS = 100_000
DEEPEST = 100
"""Lists and mappings within one another; whoever walks through them needs a frame or two for each."""

_NAMES = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def read_plain(path: Path, limit: int) -> bytes:
    """Read a file whole; links on the way to it are followed.

    Args:
        limit: The most bytes it may have.

    Raises:
        OSError: It is missing, cannot be read, is no plain file or has more bytes; ``strerror`` says which.
    """
    _check_plain(os.stat(path), path)  # before it is opened: opening a device or a pipe may do something
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        _check_plain(status, path)
        if status.st_size > limit:
            raise OSError(errno.EFBIG, f"it has {status.st_size:,} bytes; expected at most {limit:,}", str(path))
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"it has more than {limit:,} bytes", str(path))
    return data


def read_json(path: Path, limit: int) -> Any:  # noqa: ANN401 - JSON
    """Read a JSON file.

    Args:
        limit: The most bytes it may have.

    Raises:
        OSError: As `read_plain`.
        ValueError: It is no JSON, or is nested too deeply.
    """
    return parsed_json(read_plain(path, limit))


def parsed_json(data: bytes) -> Any:  # noqa: ANN401 - JSON
    """Read JSON.

    Raises:
        ValueError: It is no JSON, or is nested too deeply.
    """
    try:
        values = json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    level = _containers([values])
    for _ in range(DEEPEST + 1):
        if not level:
            return values
        level = [inner for outer in level for inner in _containers(outer.values() if type(outer) is dict else outer)]
    raise ValueError("it is nested too deeply")


def _containers(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if type(value) in (dict, list)]


def foreign_member(folder: Path) -> str:
    """Look for what leads out of a folder: links, pipes, devices, and files that have another name elsewhere.

    A program that writes into such a folder, or removes what lies in it, would do so to what they lead to.

    Args:
        folder: May be a link itself: a person named it.

    Returns:
        What there is and what to do, in one line; empty where there are plain files and folders alone, or no folder.
    """
    pending, count = [folder] if folder.is_dir() else [], 0
    while pending:
        for path, status in _members(pending.pop()):
            count += 1
            if stat.S_ISDIR(status.st_mode):
                pending.append(path)
            elif not stat.S_ISREG(status.st_mode):
                return f"{str(path)!r} is {_name_of(status)}; put a copy of what it stands for in its place"
            elif status.st_nlink > 1:
                return f"{str(path)!r} is a hard link, the same file as another; put a copy in its place"
            if count > MOST_MEMBERS:
                return f"it holds more than {MOST_MEMBERS:,} files"
    return ""


def _members(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield what lies in a folder; what a training beside us has just removed is passed over."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            yield folder / name, os.lstat(folder / name)


def _check_plain(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        is_folder = stat.S_ISDIR(status.st_mode)
        raise OSError(
            errno.EISDIR if is_folder else errno.EINVAL, f"it is {_name_of(status)}; expected a plain file", str(path)
        )


def _name_of(status: os.stat_result) -> str:
    return _NAMES.get(stat.S_IFMT(status.st_mode), "no plain file")
