"""The exported folder: manifest, sums, format number. Standard library only.

`manifest.json` lists every file with its size and sha256; readers trust nothing in the folder that it does not list,
refuse a format number that they do not know, and never follow a name out of the folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from exporters.contract import PolicySpec
from exporters.errors import BundleError, SpecError
from exporters.members import check_plain, member, read_bytes
from exporters.sharing import AGENT_INPUT

FORMAT = "rmix-kit-policy"
FORMAT_VERSION = 1
SHARED_FORMAT_VERSION = 2  # one file serves all agents; what reads only 1 refuses it by its number
MANIFEST_NAME = "manifest.json"
GOLDEN_NAME = "golden.npz"
CLIENT_NAME = "client.py"  # `exporters.standalone`; in folders with ONNX files
SHARED_STEM = "team"  # of the one file for all agents
SUFFIXES = {"onnx": ".onnx", "torchscript": ".pt"}
MAX_MANIFEST_BYTES = 16 * 2**20
T = TypeVar("T")
_KEYS = {"format", "format_version", "opset", "minimum_onnxruntime", "agents", "files", "facts", "parity", "versions"}

_FILE_KEYS = ("facts", "format", "format_version", "minimum_onnxruntime", "opset", "shared", "spec", "versions")
_FORMAT_NAMES = {"onnx": "ONNX", "torchscript": "TorchScript"}


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
        agent_input: name of the input by which each row of the one file for all agents says which it is; None where
            every agent has a file of its own.
    """

    opset: int | None
    minimum_onnxruntime: str | None
    agents: tuple[AgentEntry, ...]
    files: Mapping[str, FileEntry]
    facts: Mapping[str, object]
    parity: Mapping[str, object]
    versions: Mapping[str, str]
    agent_input: str | None = None

    def check_named(self, format_name: str, path: Path) -> None:
        """Refuse a file that is no agent's.

        Raises:
            BundleError: saying so.
        """
        if not any(entry.files.get(format_name) == path.name for entry in self.agents):
            raise BundleError(
                f"{path} is not the {_FORMAT_NAMES[format_name]} file of any agent in {MANIFEST_NAME} beside it"
            )

    def check_listed(self, format_name: str, path: Path, spec: PolicySpec) -> None:
        """Refuse a file that holds another agent than is listed for it.

        Raises:
            BundleError: naming both.
        """
        self.check_named(format_name, path)
        listed = [entry.spec for entry in self.agents if entry.files.get(format_name) == path.name]
        if spec not in listed:
            names = " and ".join(one.agent_id for one in listed)
            raise BundleError(f"{path} holds {spec.agent_id}'s policy; the manifest lists {names}'s, or another spec")

    def to_json(self) -> dict[str, object]:
        """Return the JSON object that `read_manifest` reads."""
        shared = {} if self.agent_input is None else {"agent_input": self.agent_input}
        return {
            **shared,
            "format": FORMAT,
            "format_version": SHARED_FORMAT_VERSION if shared else FORMAT_VERSION,
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
    expected = _KEYS | ({"agent_input"} if table["format_version"] == SHARED_FORMAT_VERSION else set())
    if set(table) != expected:
        raise BundleError(f"{path} has unexpected or missing keys: {sorted(set(table) ^ expected)}")
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
    if version not in (FORMAT_VERSION, SHARED_FORMAT_VERSION) or isinstance(version, bool | float):
        versions = table.get("versions")
        writer = versions.get("rmix-kit", "unknown") if isinstance(versions, Mapping) else "unknown"
        raise BundleError(
            f"{where} has format number {version} (written by rmix-kit {writer}); this version reads {FORMAT_VERSION} "
            f"and {SHARED_FORMAT_VERSION}; "
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
        check_plain(name, where)
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
        agent_input=_agent_input(table.get("agent_input"), agents),
    )


def _agent_input(name: object, agents: tuple[AgentEntry, ...]) -> str | None:
    """Return the input that says which agent a row is; refuses one file for several agents without, and the reverse."""
    is_shared = len({tuple(sorted(agent.files.items())) for agent in agents}) == 1
    names = [file for agent in agents for file in set(agent.files.values())]
    if name is None and len(set(names)) < len(names):
        raise SpecError("two agents have the same file, which does not say that it serves both")
    if name is not None and (name != AGENT_INPUT or not is_shared):
        raise SpecError(f"agent_input is {name!r}; expected {AGENT_INPUT!r}, and the same files for all agents")
    return None if name is None else AGENT_INPUT


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
