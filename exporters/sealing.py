"""Writing a folder aside and giving it its name when it is whole: all of it, or nothing. numpy only."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import numpy as np

from exporters.aside import folder_aside, sync_directory, write_synced
from exporters.bundle import CLIENT_NAME, MANIFEST_NAME, to_json_text
from exporters.errors import BundleError
from exporters.tensors import Array


@contextmanager
def sealed_folder(destination: Path) -> Iterator[Path]:
    """Return an empty folder to write, which becomes `destination` at the end; after an error nothing is left of it.

    Args:
        destination: it must not exist; its parent is made.

    Raises:
        BundleError: if it exists.
    """
    refuse_existing(destination)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with folder_aside(destination) as staging:
        yield staging
        sync_directory(staging)
        try:
            staging.rename(destination)
        except OSError:
            refuse_existing(destination)  # another export was faster
            raise
        sync_directory(destination.parent)


def refuse_existing(destination: Path) -> None:
    """Refuse to write where something is.

    Raises:
        BundleError: if it exists.
    """
    if os.path.lexists(destination):
        raise BundleError(f"{destination} exists; an export never overwrites, choose another folder or remove it")


def write_manifest(folder: Path, table: Mapping[str, object]) -> None:
    """Write the manifest of a folder whose other files are written."""
    write_synced(folder / MANIFEST_NAME, (to_json_text(table, "manifest", indent=2) + "\n").encode())


def write_client(folder: Path) -> None:
    """Write the client that needs nothing of this package."""
    write_synced(folder / CLIENT_NAME, files("exporters").joinpath("standalone.py").read_bytes())


def npz_bytes(arrays: Mapping[str, Array]) -> bytes:
    """Return arrays as the bytes of one .npz file, not compressed."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()
