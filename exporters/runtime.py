"""Runs exported agents with numpy and onnxruntime alone.

team = OnnxTeam("exported")
team.reset()
actions = team.act(observations, avail_actions)
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path

import onnxruntime

from exporters.agent import Agent
from exporters.bundle import (
    MANIFEST_NAME,
    Manifest,
    own_metadata,
    read_manifest,
    read_member,
)
from exporters.contract import PolicySpec, TensorSpec
from exporters.errors import BundleError, UnsupportedError
from exporters.members import read_bytes
from exporters.onnx_scan import scan_onnx
from exporters.sharing import SharedSpec, common_spec, spec_from, spec_of_agent
from exporters.team import Team
from exporters.tensors import Array, Tensors

PROVIDER = "CPUExecutionProvider"
_ONNX_TYPES = {
    "tensor(bool)": "bool",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(int16)": "int16",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(float)": "float32",
}


@dataclass(frozen=True, kw_only=True)
class OnnxFile:
    """An exported .onnx file, open; agents that it serves may share it, each with a memory of its own.

    Attributes:
        path: where it lies.
        session: what runs it.
        spec: what it says of itself.
        manifest: of the folder; None for a file on its own.
    """

    path: Path
    session: onnxruntime.InferenceSession
    spec: PolicySpec
    manifest: Manifest | None


class OnnxAgent(Agent):
    """One agent from one .onnx file.

    If `manifest.json` lies beside the file, size, sha256 and identity must be what it lists. A file on its own is taken
    by its embedded metadata; `manifest` is then None. Threads may not share an agent, since it has a memory: open one
    for each. It cannot be pickled: hand on the path.

    Args:
        path: the .onnx file, or one that is open.
        on_invalid: "raise" or "return"; see `Agent`.
        agent: who acts, by agent id; a file that serves several agents needs it.

    Raises:
        BundleError: if the file is missing, renamed, damaged, foreign, too new, keeps data in other files, or serves
            another agent.
        UnsupportedError: if the installed onnxruntime is too old.
    """

    def __init__(
        self, path: str | PathLike[str] | OnnxFile, *, on_invalid: str = "raise", agent: str | None = None
    ) -> None:
        file = path if isinstance(path, OnnxFile) else open_file(Path(path))
        self.manifest, self._session = file.manifest, file.session
        spec = spec_of_agent(file.spec, agent, str(file.path))
        if file.manifest is not None:
            file.manifest.check_listed("onnx", file.path, spec)
        super().__init__(spec, on_invalid, file.spec if isinstance(file.spec, SharedSpec) else None)

    def compile(self, tensors: Tensors) -> tuple[Callable[[], object], Callable[[], object]]:
        """See `Agent.compile`."""
        return self._bind(tensors, 0), self._bind(tensors, 1)

    def _bind(self, tensors: Tensors, source: int) -> Callable[[], object]:
        # On the CPU an OrtValue made from an array is that array's memory: a step copies and allocates nothing.
        binding = self._session.io_binding()
        for name, array in zip(tensors.spec.input_names, tensors.inputs(source), strict=True):
            binding.bind_ortvalue_input(name, _alias(array))
        for name, array in zip(tensors.spec.output_names, tensors.outputs(source), strict=True):
            binding.bind_ortvalue_output(name, _alias(array))
        return partial(self._session.run_with_iobinding, binding)


class OnnxTeam(Team[OnnxAgent]):
    """All agents of an exported folder.

    Threads may not share a team, since it has a memory: open one for each. It cannot be pickled: hand on the folder.

    Args:
        directory: the folder that the export wrote.
        on_invalid: "raise" or "return"; see `Agent`.

    Raises:
        BundleError, UnsupportedError: as `OnnxAgent`; also if an agent's file is missing or two were swapped.
    """

    def __init__(self, directory: str | PathLike[str], *, on_invalid: str = "raise") -> None:
        directory = Path(directory)
        manifest = read_manifest(directory)
        files: dict[str, OnnxFile] = {}
        agents = {}
        for entry in manifest.agents:
            if "onnx" not in entry.files:
                raise BundleError(
                    f"{directory} has no ONNX file for {entry.spec.agent_id}; export with the format onnx"
                )
            name = entry.files["onnx"]
            files[name] = files.get(name) or open_file(directory / name)
            agents[entry.spec.agent_id] = OnnxAgent(files[name], on_invalid=on_invalid, agent=entry.spec.agent_id)
        super().__init__(agents, manifest, common_spec([file.spec for file in files.values()]))


def open_file(path: Path) -> OnnxFile:
    """Open an exported .onnx file, by the manifest beside it if there is one.

    Raises:
        BundleError, UnsupportedError: as `OnnxAgent`.
    """
    manifest = read_manifest(path.parent) if os.path.lexists(path.parent / MANIFEST_NAME) else None
    data = read_bytes(path) if manifest is None else read_member(path.parent, manifest, path.name)
    if manifest is not None:
        manifest.check_named("onnx", path)
    session, spec = open_session(data, str(path))
    return OnnxFile(path=path, session=session, spec=spec, manifest=manifest)


def open_session(data: bytes, where: str) -> tuple[onnxruntime.InferenceSession, PolicySpec]:
    """Open an exported ONNX file for one thread on the CPU and checks it against its own specification.

    Raises:
        BundleError: if it is damaged, foreign, too new, or keeps data in other files.
        UnsupportedError: if the installed onnxruntime is too old.
    """
    facts = scan_onnx(data, where)
    if facts.has_external_data:
        raise BundleError(f"{where} keeps data in other files; an exported agent is one file (external_data=False)")
    metadata = own_metadata(facts.metadata, where)
    check_onnxruntime(metadata.get("minimum_onnxruntime"), where)
    spec = spec_from(metadata, where)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; they also come as exceptions
    try:
        session = onnxruntime.InferenceSession(data, options, providers=[PROVIDER])
    except Exception as error:  # onnxruntime's exceptions share no public base
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BundleError(f"{where} cannot be loaded by onnxruntime {onnxruntime.__version__}: {first_line}") from error
    if session.get_providers() != [PROVIDER]:
        raise UnsupportedError(f"onnxruntime gave the providers {session.get_providers()}; expected {PROVIDER} alone")
    _check_tensors(session.get_inputs(), spec.inputs, where)
    _check_tensors(session.get_outputs(), spec.outputs, where)
    return session, spec


def check_onnxruntime(minimum: object, where: str) -> None:
    """Refuses an onnxruntime that cannot read the file.

    Raises:
        UnsupportedError: naming both versions.
    """
    if not isinstance(minimum, str):
        raise BundleError(f"{where} does not say which onnxruntime it needs")
    if _version(onnxruntime.__version__) < _version(minimum):
        raise UnsupportedError(
            f"{where} needs onnxruntime {minimum} or newer; installed is {onnxruntime.__version__}; upgrade onnxruntime"
        )


def _version(text: str) -> tuple[int, int]:
    match = re.match(r"(\d+)\.(\d+)", text)
    if match is None:
        raise BundleError(f"{text!r} is not a version of onnxruntime")
    return int(match[1]), int(match[2])


def _check_tensors(found: Sequence[onnxruntime.NodeArg], expected: Sequence[TensorSpec], where: str) -> None:
    names, wanted = [node.name for node in found], [tensor.name for tensor in expected]
    if names != wanted:
        raise BundleError(f"{where} has the tensors {names}; its specification says {wanted}")
    for node, tensor in zip(found, expected, strict=True):
        dtype, shape = _ONNX_TYPES.get(node.type, node.type), tuple(node.shape)
        if dtype != tensor.dtype or shape[1:] != tensor.shape:
            expected_shape = ("batch", *tensor.shape)
            raise BundleError(f"{where}: {node.name} is {dtype} {shape}; expected {tensor.dtype} {expected_shape}")
        if not isinstance(shape[0], str):
            raise BundleError(f"{where}: {node.name} has a fixed batch of {shape[0]}; it must be dynamic")


def _alias(array: Array) -> onnxruntime.OrtValue:
    value = onnxruntime.OrtValue.ortvalue_from_numpy(array)
    if value.data_ptr() != array.ctypes.data:
        raise UnsupportedError(
            f"onnxruntime {onnxruntime.__version__} copies arrays on the CPU; use the tested version"
        )
    return value
