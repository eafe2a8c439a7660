"""onnxruntime-web, which runs the agents in the browser: its release, the needed files, where they come from."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rmix_kit.errors import MissingExtraError, RunFolderError

VERSION = "1.30.0"
"""The one release that is fetched; another one is taken from a folder only if it says so itself."""
ARCHIVE_SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""Of the archive that npm gives, as npm writes it."""
FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
"""Plain WebAssembly on one thread: no headers are asked of the host. They lie in the package's folder dist."""
HOW = (
    f"npm pack onnxruntime-web@{VERSION} && tar xzf onnxruntime-web-{VERSION}.tgz, then give --ort-web package; npm "
    "itself comes with Node.js"
)
_SECONDS = 600


def files_of(folder: Path | None) -> Mapping[str, bytes]:
    """Return the files that the page needs, by name.

    Args:
        folder: The unpacked npm package; None to let npm fetch it.

    Raises:
        RunFolderError: The folder is another package or release, or what npm gave is not what was expected.
        MissingExtraError: There is neither a folder nor npm, or npm failed.
    """
    return _from_folder(folder) if folder is not None else _from_npm()


def _from_folder(folder: Path) -> dict[str, bytes]:
    try:
        found = json.loads((folder / "package.json").read_text(encoding="utf-8"))
        name, version = found["name"], found["version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunFolderError(f"{folder} is not an unpacked npm package ({error}); get it with: {HOW}") from error
    if (name, version) != ("onnxruntime-web", VERSION):
        raise RunFolderError(f"{folder} is {name} {version}; onnxruntime-web {VERSION} is needed: {HOW}")
    try:
        return {file: (folder / "dist" / file).read_bytes() for file in FILES}
    except OSError as error:
        raise RunFolderError(f"{folder} is not whole ({error}); get it anew: {HOW}") from error


def _from_npm() -> dict[str, bytes]:
    if (npm := shutil.which("npm")) is None:
        raise MissingExtraError(f"npm is not installed, which fetches onnxruntime-web; elsewhere: {HOW}")
    with tempfile.TemporaryDirectory() as name:
        command = [npm, "pack", f"onnxruntime-web@{VERSION}", "--ignore-scripts", "--silent"]
        try:
            done = subprocess.run(command, cwd=name, capture_output=True, text=True, timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            raise MissingExtraError(
                f"npm took more than {_SECONDS} s to fetch onnxruntime-web; elsewhere: {HOW}"
            ) from None
        archive = Path(name) / f"onnxruntime-web-{VERSION}.tgz"
        if done.returncode != 0 or not archive.is_file():
            reason = " ".join(done.stderr.split())[:300]
            raise MissingExtraError(f"npm could not fetch onnxruntime-web {VERSION} ({reason}); elsewhere: {HOW}")
        return unpacked(archive.read_bytes(), archive)


def unpacked(data: bytes, archive: Path) -> dict[str, bytes]:
    """Return the files of npm's archive.

    Args:
        data: Its content.
        archive: Where it lies.

    Raises:
        RunFolderError: Its sum is not the known one.
    """
    found = base64.b64encode(hashlib.sha512(data).digest()).decode("ascii")
    if found != ARCHIVE_SHA512:
        raise RunFolderError(
            f"npm's archive of onnxruntime-web {VERSION} has the sum sha512-{found}; sha512-{ARCHIVE_SHA512} was "
            "expected, and nothing of it was used"
        )
    files = {}
    with tarfile.open(archive) as packed:
        for file in FILES:
            member = packed.extractfile(f"package/dist/{file}")
            if member is None:
                raise RunFolderError(f"npm's archive of onnxruntime-web {VERSION} has no dist/{file}")
            files[file] = member.read()
    return files
