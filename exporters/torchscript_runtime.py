"""Runs exported TorchScript agents; the only runtime that needs torch. Load only files that you trust."""

from __future__ import annotations

import io
import json
from os import PathLike
from pathlib import Path

import torch

from exporters.bundle import Manifest, check_format, read_manifest, read_member
from exporters.contract import PolicySpec
from exporters.errors import BundleError, SpecError
from exporters.live import ModuleAgent
from exporters.team import Team
from exporters.to_torchscript import METADATA_NAME, check_python, jit_deprecation


class TorchScriptAgent(ModuleAgent):
    """One agent from one .pt file of an exported folder; the same interface as `OnnxAgent`.

    Args:
        path: the .pt file; `manifest.json` must lie beside it, since TorchScript is no format for unknown files.
        on_invalid: "raise" or "return"; see `Agent`.

    Raises:
        BundleError: if the file is missing, renamed, damaged or foreign.
        UnsupportedError: on Python 3.14 and newer.
    """

    def __init__(self, path: str | PathLike[str], *, on_invalid: str = "raise") -> None:
        path = Path(path)
        self.manifest = read_manifest(path.parent)
        listed = _listed_spec(self.manifest, path)
        module, spec = open_module(read_member(path.parent, self.manifest, path.name), str(path))
        if listed != spec:
            raise BundleError(
                f"{path} holds {spec.agent_id}'s policy; the manifest lists {listed.agent_id}'s or another"
            )
        super().__init__(module, spec, on_invalid)


class TorchScriptTeam(Team[TorchScriptAgent]):
    """All agents of an exported folder, run by torch; see `OnnxTeam`.

    Args:
        directory: the folder that the export wrote.
        on_invalid: "raise" or "return"; see `Agent`.
    """

    def __init__(self, directory: str | PathLike[str], *, on_invalid: str = "raise") -> None:
        directory = Path(directory)
        manifest = read_manifest(directory)
        agents = {}
        for entry in manifest.agents:
            if "torchscript" not in entry.files:
                raise BundleError(
                    f"{directory} has no TorchScript file for {entry.spec.agent_id}; export it as torchscript"
                )
            path = directory / entry.files["torchscript"]
            agents[entry.spec.agent_id] = TorchScriptAgent(path, on_invalid=on_invalid)
        super().__init__(agents, manifest)


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
    try:
        return module, PolicySpec.from_json(metadata.get("spec"))
    except SpecError as error:
        raise BundleError(f"{where} has a bad specification in its metadata: {error}") from error


def _listed_spec(manifest: Manifest, path: Path) -> PolicySpec:
    for entry in manifest.agents:
        if entry.files.get("torchscript") == path.name:
            return entry.spec
    raise BundleError(f"{path} is not the TorchScript file of any agent in the manifest beside it")
