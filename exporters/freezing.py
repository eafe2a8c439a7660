"""Writes, verifies and seals an exported folder: all of it, or nothing."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path

import numpy
import onnx
import onnxruntime
import torch

from exporters.aside import write_synced
from exporters.bundle import (
    FORMAT,
    FORMAT_VERSION,
    GOLDEN_NAME,
    QUANTIZATION,
    SHARED_FORMAT_VERSION,
    SHARED_STEM,
    SUFFIXES,
    AgentEntry,
    Manifest,
    entry_of,
    to_json_text,
)
from exporters.contract import Policy, PolicySpec
from exporters.errors import SpecError
from exporters.golden import golden_arrays, replay_golden
from exporters.joining import JoinedPolicy
from exporters.parity import Tensors
from exporters.probing import blaming, probe
from exporters.readme import readme_text
from exporters.runtime import OnnxTeam, onnx_run
from exporters.sealing import npz_bytes, refuse_existing, sealed_folder, write_client, write_manifest
from exporters.sharing import AGENT_INPUT, SharedSpec
from exporters.to_onnx import OPSET, minimum_onnxruntime, to_bytes, to_onnx
from exporters.to_torchscript import METADATA_NAME, check_python, to_torchscript
from exporters.torchscript_runtime import TorchScriptTeam, open_module
from exporters.tracing import Positional
from exporters.verify import Run, eager_run, verify


def freeze_bundle(
    policies: Policy | Sequence[Policy],
    directory: str | PathLike[str],
    formats: str | Sequence[str] = ("onnx", "torchscript"),
    *,
    facts: Mapping[str, object] | None = None,
    shared: bool = False,
) -> Path:
    """Write a folder with one file per agent and format, verifies it against torch and seals it.

    Args:
        policies: one policy, or the whole team.
        directory: the folder to create; it must not exist, its parent is made.
        formats: "onnx", "torchscript", or several of them.
        shared: one file per format for all agents; see `exporters.freeze`.

    Returns:
        The sealed folder.

    Raises:
        BundleError: if the folder exists.
        SpecError: if policies, formats or facts contradict themselves, or agents that differ are to share a file.
        PolicyError: if a module cannot be traced or breaks the contract.
        ParityError: if a file answers differently from torch; nothing is left behind.
        UnsupportedError: for TorchScript on Python 3.14 and newer.
    """
    destination = Path(directory)
    team = _team(policies)
    chosen = _formats((formats,) if isinstance(formats, str) else formats)
    if QUANTIZATION in (facts or {}):
        raise SpecError(f"facts have the entry {QUANTIZATION!r}, which tells of quantised folders; name it otherwise")
    facts_text = to_json_text(dict(facts or {}), "facts")
    refuse_existing(destination)
    joined = JoinedPolicy(team) if shared else None
    places = {policy.spec.agent_id: probe(policy) for policy in team}
    with sealed_folder(destination) as staging:
        _write(staging, team, joined, chosen, facts_text, places)
        _check_sealed(staging, chosen)
    return destination


def _team(policies: Policy | Sequence[Policy]) -> list[Policy]:
    if isinstance(policies, Policy | torch.nn.Module | Mapping) or not isinstance(policies, Iterable):
        given = [_policy(policies, "policies")]
    else:
        given = [_policy(one, f"policies[{place}]") for place, one in enumerate(policies)]
    if not given:
        raise SpecError("no policy was given; give one, or the whole team")
    team = sorted(given, key=lambda policy: policy.spec.agent_index)
    specs = [policy.spec for policy in team]
    if len({spec.agent_id for spec in specs}) < len(team) or len({spec.agent_index for spec in specs}) < len(team):
        raise SpecError(f"agents must be distinct; got {[(spec.agent_id, spec.agent_index) for spec in specs]}")
    if len({spec.n_agents for spec in specs}) > 1:
        raise SpecError(f"the policies disagree on n_agents: {[spec.n_agents for spec in specs]}")
    return team


def _policy(given: object, name: str) -> Policy:
    if isinstance(given, Policy) and isinstance(given.spec, PolicySpec):
        return given
    raise SpecError(
        f"{name} is a {type(given).__name__}; expected a policy, with a PolicySpec as spec and module(); "
        "exporters.guarded(module, spec) makes one of a torch module"
    )


def _formats(formats: Sequence[str]) -> tuple[str, ...]:
    unknown = [name for name in formats if name not in SUFFIXES]
    if unknown or not formats:
        raise SpecError(f"formats is {formats!r}; expected any of {', '.join(SUFFIXES)}")
    if "torchscript" in formats:
        check_python()
    return tuple(dict.fromkeys(formats))


def _write(
    staging: Path,
    team: Sequence[Policy],
    joined: JoinedPolicy | None,
    formats: tuple[str, ...],
    facts_text: str,
    places: Mapping[str, list[str]],
) -> None:
    versions = _versions()
    entries, golden, parity = [], {}, {}
    oldest: str | None = None
    frozen: dict[str, Run] = {}
    files: dict[str, str] = {}
    if joined is not None:
        files = {name: f"{SHARED_STEM}{SUFFIXES[name]}" for name in formats}
        with blaming(joined.spec, places[joined.spec.agent_id]):
            frozen, oldest = _freeze(staging, joined, files, _metadata(joined.spec, facts_text, versions))
    for policy in team:
        spec = policy.spec
        module = Positional(policy)
        with blaming(spec, places[spec.agent_id]):
            if joined is None:
                files = {name: f"agent_{spec.agent_index}{SUFFIXES[name]}" for name in formats}
                frozen, oldest = _freeze(staging, policy, files, _metadata(spec, facts_text, versions))
            acting = frozen if joined is None else {name: _as_agent(run, spec) for name, run in frozen.items()}
            figures = verify(spec, module, acting)
        parity[spec.agent_id] = {name: figure.to_json() for name, figure in figures.items()}
        golden.update(golden_arrays(spec, eager_run(spec, module), takes_agent=joined is not None))
        entries.append(AgentEntry(spec=spec, files=files))
    agent_input = None if joined is None else AGENT_INPUT
    write_synced(staging / GOLDEN_NAME, npz_bytes(golden))
    if "onnx" in formats:
        write_client(staging)
    write_synced(staging / "README.md", readme_text(entries, oldest, agent_input).encode())
    manifest = Manifest(
        opset=OPSET if "onnx" in formats else None,
        minimum_onnxruntime=oldest,
        agents=tuple(entries),
        files={path.name: entry_of(path) for path in sorted(staging.iterdir())},
        facts=json.loads(facts_text),
        parity=parity,
        versions=versions,
        agent_input=agent_input,
    )
    write_manifest(staging, manifest.to_json())


def _as_agent(run: Run, spec: PolicySpec) -> Run:
    """Return what runs the file for all as one agent's own."""

    def act(inputs: Tensors) -> Tensors:
        return run({**inputs, AGENT_INPUT: numpy.full(len(inputs["obs"]), spec.agent_index, dtype=numpy.int64)})

    return act


def _freeze(
    staging: Path, policy: Policy, files: Mapping[str, str], metadata: Mapping[str, str]
) -> tuple[dict[str, Run], str | None]:
    """Write one agent's files; return what runs each, and the oldest onnxruntime that reads the ONNX one."""
    spec = policy.spec
    frozen: dict[str, Run] = {}
    oldest: str | None = None
    if "onnx" in files:
        data, oldest = _onnx_file(policy, metadata)
        write_synced(staging / files["onnx"], data)
        frozen["onnx"] = onnx_run(data, f"the ONNX file of {spec.agent_id}")
    if "torchscript" in files:
        data = to_torchscript(policy, {METADATA_NAME: _object_text(metadata)})
        write_synced(staging / files["torchscript"], data)
        frozen["torchscript"] = eager_run(spec, open_module(data, files["torchscript"])[0])
    return frozen, oldest


def _check_sealed(staging: Path, formats: tuple[str, ...]) -> None:
    """Open the folder as a user would and repeats the golden steps, so that what is sealed is known to run."""
    if "onnx" in formats:
        replay_golden(OnnxTeam(staging, on_invalid="return"), staging, "onnx")
    if "torchscript" in formats:
        replay_golden(TorchScriptTeam(staging, on_invalid="return"), staging, "torchscript")


def _onnx_file(policy: Policy, metadata: Mapping[str, str]) -> tuple[bytes, str]:
    model = to_onnx(policy)
    oldest = minimum_onnxruntime(model)
    return to_bytes(model, {**metadata, "opset": str(OPSET), "minimum_onnxruntime": json.dumps(oldest)}), oldest


def _metadata(spec: PolicySpec, facts_text: str, versions: Mapping[str, str]) -> dict[str, str]:
    """Return what a file tells about itself, a JSON text per key; the same in both formats."""
    whole = spec.to_json()
    levels = {"dynamic": 0.0, "default": spec.default_risk_level, "range": "(0, 1]", "n_levels": spec.n_risk_levels}
    shared = {"shared": spec.shared_json()} if isinstance(spec, SharedSpec) else {}
    table: dict[str, object] = {
        **shared,
        "format": FORMAT,
        "format_version": SHARED_FORMAT_VERSION if shared else FORMAT_VERSION,
        "spec": whole,
        "risk_level": levels if spec.is_risk_aware else None,
        "versions": dict(versions),
    }
    for key in ("agent_id", "agent_index", "n_agents", "algorithm", "obs", "action_meanings", "carry", "value_kind"):
        table[key] = whole[key]
    return {key: to_json_text(value, key) for key, value in table.items()} | {"facts": facts_text}


def _object_text(fields: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{json.dumps(key)}: {text}" for key, text in sorted(fields.items())) + "}"


def _versions() -> dict[str, str]:
    try:
        kit = importlib.metadata.version("rmix-kit")
    except importlib.metadata.PackageNotFoundError:
        kit = "not installed"
    libraries = {module.__name__: module.__version__ for module in (numpy, onnx, onnxruntime, torch)}
    return {"rmix-kit": kit, "python": platform.python_version(), **libraries}
