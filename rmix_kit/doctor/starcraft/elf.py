"""Whether a Linux program is whole and fits this machine, read from its file (System V ABI, ELF-64)."""

from __future__ import annotations

import mmap
import os
import platform
import re
import struct
from pathlib import Path

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_LOADED, _INTERPRETER = 1, 3
_X86_64 = 62
_PC = ("x86_64", "AMD64")


def program_problem(path: Path) -> str:
    """Say why the file cannot be the game's program; empty if it can. A script counts as a program.

    Returns:
        The end of a sentence that begins with the path.

    Raises:
        OSError: It cannot be read.
    """
    size = path.stat().st_size
    if size == 0:
        return "is empty"
    with path.open("rb") as file:
        head = file.read(_HEADER.size)
        if head.startswith(b"#!"):
            return ""
        if not head.startswith(b"\x7fELF"):
            return "is no Linux program"
        if len(head) < _HEADER.size:
            return "is cut off"
        if head[4:6] != b"\x02\x01":
            return "is no 64-bit program"
        machine, offset, width, count = (_HEADER.unpack(head)[index] for index in (2, 5, 9, 10))
        if machine == _X86_64 and platform.machine() not in _PC:
            return f"is for x86-64 and this machine is {platform.machine()}"
        file.seek(offset)
        table = file.read(width * count)
        if width < _SEGMENT.size or len(table) < width * count:
            return "is cut off"
        segments = [_SEGMENT.unpack_from(table, width * index) for index in range(count)]
        if any(start + length > size for kind, _, start, _, _, length, *_ in segments if kind == _LOADED):
            return f"is cut off after {size} bytes"
        for kind, _, start, _, _, length, *_ in segments:
            if kind == _INTERPRETER:
                file.seek(start)
                loader = file.read(length).rstrip(b"\0").decode("utf-8", "replace")
                if not Path(loader).exists():
                    return f"needs {loader}, which this system lacks (it has another C library)"
    return ""


def glibc_problem(path: Path) -> str:
    """Return which GNU C library the program asks for, if the system's is older; empty otherwise.

    Args:
        path: A program that is not empty.
    """
    ours = _system_glibc()
    if ours is None:
        return ""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        asked = {(int(match[1]), int(match[2])) for match in re.finditer(rb"GLIBC_(\d{1,3})\.(\d{1,3})", content)}
    newest = max(asked, default=(0, 0))
    if newest <= ours:
        return ""
    return f"needs GLIBC_{newest[0]}.{newest[1]} and this system has {ours[0]}.{ours[1]}: the game would end at once"


def _system_glibc() -> tuple[int, int] | None:
    """Return the version of the system's GNU C library; None where it has another."""
    try:
        words = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):
        return None
    match = re.search(r"(\d+)\.(\d+)", words)
    return (int(match[1]), int(match[2])) if match else None
