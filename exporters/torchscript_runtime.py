"""Runs exported TorchScript agents; the only runtime that needs torch. Load only files that you trust."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import torch

from exporters.bundle import Manifest, check_format, read_manifest, read_member
from exporters.contract import PolicySpec
from exporters.errors import BundleError
from exporters.live import ModuleAgent
from exporters.sharing import SharedSpec, common_spec, spec_from, spec_of_agent
from exporters.team import Team
from exporters.to_torchscript import METADATA_NAME, check_python, jit_deprecation


@dataclass(frozen=True, kw_only=True)
class TorchScriptFile:
    """An exported .pt file, open; see `exporters.runtime.OnnxFile`.

    Attributes:
        path: where it lies.
        module: what runs it.
        spec: what it says of itself.
        manifest: of the folder.
    """

    path: Path
    module: torch.jit.ScriptModule
    spec: PolicySpec
    manifest: Manifest


class TorchScriptAgent(ModuleAgent):
    """One agent from one .pt file of an exported folder; the same interface as `OnnxAgent`.

    Args:
        path: the .pt file, or one that is open; `manifest.json` must lie beside it, since TorchScript is no format for
            unknown files.
        on_invalid: "raise" or "return"; see `Agent`.
        agent: who acts, by agent id; a file that serves several agents needs it.

    Raises:
        BundleError: if the file is missing, renamed, damaged or foreign, or serves another agent.
        UnsupportedError: on Python 3.14 and newer.
    """

    def __init__(
        self, path: str | PathLike[str] | TorchScriptFile, *, on_invalid: str = "raise", agent: str | None = None
    ) -> None:
        file = path if isinstance(path, TorchScriptFile) else open_file(Path(path))
        self.manifest = file.manifest
        spec = spec_of_agent(file.spec, agent, str(file.path))
        file.manifest.check_listed("torchscript", file.path, spec)
        super().__init__(file.module, spec, on_invalid, file.spec if isinstance(file.spec, SharedSpec) else None)


class TorchScriptTeam(Team[TorchScriptAgent]):
    """All agents of an exported folder, run by torch; see `OnnxTeam`.

    Args:
        directory: the folder that the export wrote.
        on_invalid: "raise" or "return"; see `Agent`.
    """

    def __init__(self, directory: str | PathLike[str], *, on_invalid: str = "raise") -> None:
        directory = Path(directory)
        manifest = read_manifest(directory)
        files: dict[str, TorchScriptFile] = {}
        agents = {}
        for entry in manifest.agents:
            if "torchscript" not in entry.files:
                raise BundleError(
                    f"{directory} has no TorchScript file for {entry.spec.agent_id}; export it as torchscript"
                )
            name, agent_id = entry.files["torchscript"], entry.spec.agent_id
            files[name] = files.get(name) or open_file(directory / name)
            agents[agent_id] = TorchScriptAgent(files[name], on_invalid=on_invalid, agent=agent_id)
        super().__init__(agents, manifest, common_spec([file.spec for file in files.values()]))


def open_file(path: Path) -> TorchScriptFile:
    """Open an exported .pt file by the manifest beside it.

    Raises:
        BundleError, UnsupportedError: as `TorchScriptAgent`.
    """
    manifest = read_manifest(path.parent)
    manifest.check_named("torchscript", path)
    module, spec = open_module(read_member(path.parent, manifest, path.name), str(path))
    return TorchScriptFile(path=path, module=module, spec=spec, manifest=manifest)


def open_module(data: bytes, where: str) -> tuple[torch.jit.ScriptModule, PolicySpec]:
    """Open a TorchScript file of ours and reads the specification inside.

    Raises:
        BundleError: if it cannot be loaded or describes no policy.
        UnsupportedError: on Python 3.14 and newer.
    """
    check_python()
    extra: dict[str, object] = {METADATA_NAME: ""}
    try:
        with jit_deprecation():
            module = torch.jit.load(io.BytesIO(data), map_location="cpu", _extra_files=extra)  # type: ignore[no-untyped-call]
        metadata = json.loads(str(extra[METADATA_NAME], "utf-8"))  # type: ignore[call-overload]
    except (RuntimeError, ValueError, TypeError) as error:  # RecursionError is a RuntimeError
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BundleError(f"{where} cannot be loaded as TorchScript: {first_line}") from error
    check_format(metadata, where)
    return module, spec_from(metadata, where)
