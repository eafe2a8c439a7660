"""A process that can write into one folder alone: Landlock, and bait beside for what it lets through."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from pathlib import Path

# linux/landlock.h: every right that changes a file system. What is not handled here, such as reading, stays free.
WRITE_FILE, REMOVE_DIR, REMOVE_FILE = 1 << 1, 1 << 4, 1 << 5
MAKE_CHAR, MAKE_DIR, MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM = (1 << bit for bit in range(6, 13))
REFER, TRUNCATE = 1 << 13, 1 << 14
MAKE = MAKE_CHAR | MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO | MAKE_BLOCK | MAKE_SYM
CHANGES = WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE | REFER | TRUNCATE
OLDEST_ABI = 3  # Linux 6.2, the first that knows TRUNCATE
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # system calls; the same on every architecture
VERSION_FLAG, PATH_BENEATH, NO_NEW_PRIVILEGES = 1, 1, 38


def can_confine() -> bool:
    """Return whether this system can keep a process within a folder."""
    if not sys.platform.startswith("linux"):
        return False
    version = ctypes.CDLL(None).syscall(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION_FLAG)
    return int(version) >= OLDEST_ABI


def confine(folder: Path) -> None:
    """Let this process, and whatever it starts, change nothing outside a folder, ``/dev/null`` and ``/dev/full`` apart.

    Raises:
        OSError: The kernel cannot.
    """
    libc = ctypes.CDLL(None, use_errno=True)

    def called(number: int, *arguments: object) -> int:
        result = int(libc.syscall(number, *arguments))
        if result < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return result

    attributes = struct.pack("=Q", CHANGES)
    ruleset = called(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    for path, rights in ((folder, CHANGES), (Path("/dev/null"), WRITE_FILE), (Path("/dev/full"), WRITE_FILE)):
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        called(ADD_RULE, ruleset, PATH_BENEATH, struct.pack("=Qi", rights, handle), 0)
        os.close(handle)
    if libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "privileges cannot be given up")
    called(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


class Bait:
    """A folder beside the sandboxed one that can be written to and that nothing may touch."""

    def __init__(self, folder: Path) -> None:
        """Lay it out."""
        self.folder = folder
        folder.mkdir()
        (folder / "inner").mkdir()
        for name in ("canary.txt", "inner/canary.txt"):
            (folder / name).write_bytes(b"nobody may touch this\n")
        self._before = self._looks()

    def laid_out(self) -> None:
        """Take what lies there now, put there by a case itself, for what nothing may touch."""
        self._before = self._looks()

    def what_changed(self) -> str:
        """Return what is not as it was; empty if nothing is."""
        now = self._looks()
        return ", ".join(sorted(str(path) for path in {*now, *self._before} if now.get(path) != self._before.get(path)))

    def _looks(self) -> dict[Path, object]:
        return {
            path.relative_to(self.folder): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
            for path in self.folder.rglob("*")
        }
