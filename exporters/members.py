"""The one door for files of an exported folder: plain names, links that stay within, sizes. Standard library only."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from exporters.errors import BundleError

MAX_FILE_BYTES = 512 * 2**20  # a policy is a small network; a larger file is a mistake or an attack
_HUB_REPOSITORY = re.compile(r"(models|datasets|spaces)--")  # a folder of a Hugging Face cache
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def read_bytes(path: Path, limit: int = MAX_FILE_BYTES) -> bytes:
    """Read a whole file of at most `limit` bytes.

    Raises:
        BundleError: if it is missing, a directory, unreadable or larger.
    """
    try:
        mode = path.stat().st_mode  # before it is opened: a pipe would wait for a writer
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise BundleError(f"{path} is a pipe, a socket or a device; expected one exported file")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise BundleError(f"{path}: no such file; was the exported folder copied as a whole?") from None
    except IsADirectoryError:
        raise BundleError(f"{path} is a folder; expected one exported file") from None
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > limit:
        raise BundleError(f"{path} is larger than {limit} bytes; this is no exported policy")
    return data


def member(directory: Path, name: str) -> Path:
    """Return the path of a file of the folder; refuses a name or a link that leads out of it.

    A link may stay within the folder, as in what Kubernetes mounts, or lead from a snapshot of a Hugging Face cache to
    the blobs of the same repository; see SECURITY.md.

    Raises:
        BundleError: if `name` is no plain file name, or a link that leads elsewhere.
    """
    check_plain(name, str(directory))
    path = directory / name
    if path.is_symlink():
        target, homes = Path(os.path.realpath(path)), _homes_of(Path(os.path.realpath(directory)))
        if not any(target.is_relative_to(home) for home in homes):
            raise BundleError(
                f"{path} is a symbolic link that leads out of the folder, to {target}; "
                "copy the folder with what its links stand for (cp -rL)"
            )
    return path


def _homes_of(folder: Path) -> list[Path]:
    """Return where the files of a folder may lie; both have their links resolved."""
    for place in folder.parents:
        if place.name == "snapshots" and _HUB_REPOSITORY.match(place.parent.name):
            return [folder, place.parent / "blobs"]
    return [folder]


def check_plain(name: str, where: str) -> None:
    """Refuse a name that may lead out of a folder."""
    if not _PLAIN_NAME.fullmatch(name):
        raise BundleError(f"{where} names the file {name!r}; only plain file names are allowed")
