"""The exported folder: manifest, sums, format number. Standard library only.

`manifest.json` lists every file with its size and sha256; readers trust nothing in the folder that it does not list,
refuse a format number that they do not know, and never follow a name out of the folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from exporters.contract import PolicySpec
from exporters.errors import BundleError, SpecError

FORMAT = "rmix-kit-policy"
FORMAT_VERSION = 1
MANIFEST_NAME = "manifest.json"
GOLDEN_NAME = "golden.npz"
QUANTIZATION = "quantization"
"""The entry of a quantised folder's facts that holds its kind, what it was made from, and the agreement."""
SUFFIXES = {"onnx": ".onnx", "torchscript": ".pt"}
MAX_MANIFEST_BYTES = 16 * 2**20
MAX_FILE_BYTES = 512 * 2**20  # a policy is a small network; a larger file is a mistake or an attack
T = TypeVar("T")
_HUB_REPOSITORY = re.compile(r"(models|datasets|spaces)--")  # a folder of a Hugging Face cache
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_KEYS = {"format", "format_version", "opset", "minimum_onnxruntime", "agents", "files", "facts", "parity", "versions"}
_FILE_KEYS = ("facts", "format", "format_version", "minimum_onnxruntime", "opset", "spec", "versions")


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """Size in bytes and sha256 (hexadecimal) of one file of the folder."""

    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class AgentEntry:
    """One agent: its specification and the name of its file in each format."""

    spec: PolicySpec
    files: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What `manifest.json` says.

    Attributes:
        opset: ONNX operator set of the .onnx files; None if the folder has none.
        minimum_onnxruntime: oldest onnxruntime that reads them, such as "1.18"; None likewise.
        agents: the team in the order of agent_index.
        files: every other file of the folder by name.
        facts: what the exporting program wanted to tell (environment text, training facts).
        parity: figures of the check against torch, per agent and format.
        versions: the libraries that wrote the folder.
    """

    opset: int | None
    minimum_onnxruntime: str | None
    agents: tuple[AgentEntry, ...]
    files: Mapping[str, FileEntry]
    facts: Mapping[str, object]
    parity: Mapping[str, object]
    versions: Mapping[str, str]

    def to_json(self) -> dict[str, object]:
        """Return the JSON object that `read_manifest` reads."""
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "opset": self.opset,
            "minimum_onnxruntime": self.minimum_onnxruntime,
            "agents": [{"spec": agent.spec.to_json(), "files": dict(agent.files)} for agent in self.agents],
            "files": {name: {"size": entry.size, "sha256": entry.sha256} for name, entry in self.files.items()},
            "facts": dict(self.facts),
            "parity": dict(self.parity),
            "versions": dict(self.versions),
        }


def to_json_text(value: object, what: str, *, indent: int | None = None) -> str:
    """Return strict JSON text with sorted keys; refuses what JSON cannot hold, naming `what`.

    Numbers of numpy are written as numbers.

    Raises:
        SpecError: for NaN, infinity or a type that JSON lacks.
    """
    try:
        return json.dumps(value, sort_keys=True, allow_nan=False, indent=indent, default=_number_of)
    except (TypeError, ValueError) as error:
        raise SpecError(f"{what} cannot be written as JSON: {error}") from error


def _number_of(scalar: object) -> object:
    """Return the Python number of one of numpy's; refuses all else that JSON does not know."""
    if getattr(scalar, "shape", None) == () and hasattr(scalar, "item"):
        return scalar.item()
    raise TypeError(f"Object of type {type(scalar).__name__} is not JSON serializable")


def sha256_of(data: bytes) -> str:
    """Return the sha256 sum of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def entry_of(path: Path) -> FileEntry:
    """Return size and sum of a file."""
    data = path.read_bytes()
    return FileEntry(size=len(data), sha256=sha256_of(data))


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
    _check_plain(name, str(directory / MANIFEST_NAME))
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


def _check_plain(name: str, where: str) -> None:
    """Refuse a name that may lead out of a folder."""
    if not _PLAIN_NAME.fullmatch(name):
        raise BundleError(f"{where} names the file {name!r}; only plain file names are allowed")


def read_member(directory: Path, manifest: Manifest, name: str) -> bytes:
    """Read one file that the manifest lists and checks its size and sum.

    Raises:
        BundleError: if it is not listed, missing or differs from what was exported.
    """
    path = member(directory, name)
    entry = manifest.files.get(name)
    if entry is None:
        known = ", ".join(sorted(manifest.files))
        raise BundleError(
            f"{path} is not listed in {MANIFEST_NAME} beside it (listed: {known}); was it renamed or added?"
        )
    data = read_bytes(path)
    if len(data) != entry.size:
        raise BundleError(f"{path} has {len(data)} bytes, exported were {entry.size}; it is truncated or was changed")
    if (found := sha256_of(data)) != entry.sha256:
        raise BundleError(
            f"{path} has sha256 {found[:12]}..., exported was {entry.sha256[:12]}...; it was changed or swapped"
        )
    return data


def read_manifest(directory: Path) -> Manifest:
    """Read and checks `manifest.json` of an exported folder.

    Raises:
        BundleError: if the folder or manifest is missing, damaged, foreign or of an unknown format number.
    """
    if not directory.is_dir():
        raise BundleError(f"{directory} is not a folder; give the folder that the export wrote")
    path = member(directory, MANIFEST_NAME)
    try:
        table = json.loads(read_bytes(path, MAX_MANIFEST_BYTES))
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path} is not valid JSON ({error}); the folder is damaged") from error
    check_format(table, str(path))
    if set(table) != _KEYS:
        raise BundleError(f"{path} has unexpected or missing keys: {sorted(set(table) ^ _KEYS)}")
    try:
        return _manifest_from(table, str(path))
    except (SpecError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(f"{path} cannot be understood: {error}") from error


def own_metadata(entries: Mapping[str, str], where: str) -> dict[str, object]:
    """Return what a file tells of itself, and check that it is ours; entries that other tools added are left unread.

    Args:
        entries: JSON texts by key, as they stand in the file.

    Raises:
        BundleError: for a text that is no JSON, and as `check_format`.
    """
    try:
        metadata = {key: json.loads(entries[key]) for key in _FILE_KEYS if key in entries}
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{where} has unreadable metadata; it was not written by this package") from error
    check_format(metadata, where)
    return metadata


def check_format(table: object, where: str) -> None:
    """Refuses what is not ours or was written by a version that this one does not know.

    Raises:
        BundleError: naming both versions.
    """
    if not isinstance(table, Mapping) or table.get("format") != FORMAT:
        raise BundleError(f"{where} does not describe an exported policy (format {FORMAT!r} expected)")
    version = table.get("format_version")
    if version != FORMAT_VERSION:
        versions = table.get("versions")
        writer = versions.get("rmix-kit", "unknown") if isinstance(versions, Mapping) else "unknown"
        raise BundleError(
            f"{where} has format number {version} (written by rmix-kit {writer}); this version reads {FORMAT_VERSION}; "
            "use the version that wrote it, or export again"
        )


def _manifest_from(table: Mapping[str, object], where: str) -> Manifest:
    agents = tuple(_agent_from(agent) for agent in _typed(table["agents"], list, "agents"))
    files = {
        str(name): FileEntry(size=_typed(entry["size"], int, "size"), sha256=str(entry["sha256"]))
        for name, entry in _typed(table["files"], dict, "files").items()
    }
    # Here, for all who will join a name to the folder: a path out of it has another manifest beside it, or none.
    for name in (*files, *(name for agent in agents for name in agent.files.values())):
        _check_plain(name, where)
    _check_team(agents)
    for agent in agents:
        for format_name, name in agent.files.items():
            if format_name not in SUFFIXES or name not in files:
                raise SpecError(
                    f"{agent.spec.agent_id} lists {name!r} as {format_name!r}, which the folder does not hold"
                )
    opset, oldest = table["opset"], table["minimum_onnxruntime"]
    return Manifest(
        opset=None if opset is None else _typed(opset, int, "opset"),
        minimum_onnxruntime=None if oldest is None else _typed(oldest, str, "minimum_onnxruntime"),
        agents=agents,
        files=files,
        facts=_typed(table["facts"], dict, "facts"),
        parity=_typed(table["parity"], dict, "parity"),
        versions=_typed(table["versions"], dict, "versions"),
    )


def _agent_from(data: object) -> AgentEntry:
    table = _typed(data, dict, "agent")
    if set(table) != {"spec", "files"}:
        raise SpecError(f"an agent has the keys {sorted(table)}; expected files and spec")
    files = {str(key): str(name) for key, name in _typed(table["files"], dict, "files").items()}
    return AgentEntry(spec=PolicySpec.from_json(table["spec"]), files=files)


def _check_team(agents: tuple[AgentEntry, ...]) -> None:
    if not agents:
        raise SpecError("the folder lists no agent")
    ids = [agent.spec.agent_id for agent in agents]
    indices = [agent.spec.agent_index for agent in agents]
    if len(set(ids)) != len(ids) or indices != sorted(set(indices)):
        raise SpecError(f"agents must be distinct and in order; found {ids} with indices {indices}")
    if len({agent.spec.n_agents for agent in agents}) != 1:
        raise SpecError("the agents disagree on n_agents; they come from different teams")


def _typed(value: object, kind: type[T], what: str) -> T:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise SpecError(f"{what} is {value!r}; expected {kind.__name__}")
    return value


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
