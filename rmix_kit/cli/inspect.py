"""``rmix-kit inspect``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rmix_kit.cli.kit import KitCommand
from rmix_kit.cli.output import print_json, print_rows
from rmix_kit.results.paths import MANIFEST_NAME
from rmix_kit.roster import names_code

if TYPE_CHECKING:
    from exporters.contract import PolicySpec, TensorSpec


@click.command("inspect", cls=KitCommand)
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
def command(path: Path, as_json: bool) -> None:
    """Say what PATH is: a run, a checkpoint, an exported folder, or one exported file.

        rmix-kit inspect runs/rmix
        rmix-kit inspect runs/rmix/checkpoints/step_10000
        rmix-kit inspect agents
        rmix-kit inspect agents/agent_0.onnx

    Sums are checked on the way. Exported folders and .onnx files are read without torch.
    """
    record = facts_about(path)
    if as_json:
        print_json(record)
    else:
        print_rows(str(path), [(key, _shown(value)) for key, value in _flat(_short(record))])


def facts_about(path: Path) -> dict[str, Any]:
    """Return everything worth knowing about a path, JSON-able.

    Args:
        path: A run, a checkpoint, an exported folder, or one exported file.

    Raises:
        CommandError: It is none of these.
    """
    if path.is_file() and path.suffix == ".onnx":
        return _onnx_file(path)
    if path.is_file() and path.suffix == ".pt":
        return _torchscript_file(path)
    if path.is_dir() and (path / "config.yaml").is_file():
        return _run(path)
    if path.is_dir() and (path / MANIFEST_NAME).is_file():
        return _checkpoint(path) if _is_checkpoint(path / MANIFEST_NAME) else _exported_folder(path)
    raise click.UsageError(
        f"{path} is neither a run (with config.yaml), a checkpoint or exported folder (with {MANIFEST_NAME}), "
        "nor an exported .onnx or .pt file"
    )


def _is_checkpoint(manifest: Path) -> bool:
    from rmix_kit.files.reading import LARGEST_TABLE, read_json

    try:
        table = read_json(manifest, LARGEST_TABLE)
    except (OSError, ValueError):
        return False
    return isinstance(table, dict) and table.get("kind") == "rmix-kit checkpoint"


def _run(path: Path) -> dict[str, Any]:
    from rmix_kit.errors import CheckpointError, RecordError
    from rmix_kit.results.seal import check_seal, facts_of
    from rmix_kit.results.stopped import read_stopped
    from rmix_kit.training.checkpoint import verify_checkpoint
    from rmix_kit.training.run_folder import RunFolder

    folder = RunFolder(path)
    config = folder.read_values()
    if not isinstance(config, dict) or not names_code(
        str(config.get("algo"))
    ):  # a module is not imported in order to look at what names it
        config = folder.read_config().to_dict()
    rows: dict[str, Any] = {}
    for step in folder.steps():
        try:
            manifest = verify_checkpoint(folder.checkpoint(step))
        except CheckpointError as error:
            rows[f"step_{step}"] = str(error)
            continue
        if not manifest.is_of(config):
            rows[f"step_{step}"] = "foreign: it belongs to a run with another configuration"
            continue
        rows[f"step_{step}"] = "not evaluated" if manifest.return_mean is None else f"return {manifest.return_mean:.2f}"
        if manifest.is_finished:
            rows[f"step_{step}"] += ", the end of the run"
    try:
        seal = "right" if check_seal(folder, facts_of(folder)) else "none (a run under way, or of an older version)"
    except RecordError as error:
        seal = str(error)
    stopped = read_stopped(folder)
    why = {} if stopped is None else {"stopped": f"at step {stopped.env_steps}: {stopped.reason}"}
    return {"what": "run", **config, "checkpoints": rows or "none yet", **why, "seal": seal}


def _checkpoint(path: Path) -> dict[str, Any]:
    from rmix_kit.training.checkpoint import verify_checkpoint

    manifest = verify_checkpoint(path.resolve())
    return {
        "what": "checkpoint, all sums right",
        "step": manifest.step,
        "algo": manifest.config["algo"],
        "env": manifest.config["env"],
        "seed": manifest.config["seed"],
        "evaluation": dict(manifest.evaluation) if manifest.evaluation else "none at this step",
        "is_finished": manifest.is_finished,
        "files": {file.name: file.bytes for file in manifest.files},
        "replay_segments": len(manifest.segments),
    }


def _exported_folder(path: Path) -> dict[str, Any]:
    from exporters.bundle import read_manifest, read_member

    manifest = read_manifest(path)
    for name in manifest.files:
        read_member(path, manifest, name)
    return {
        "what": "exported agents, all sums right",
        "agents": {entry.spec.agent_id: _spec(entry.spec) for entry in manifest.agents},
        "files": {name: entry.size for name, entry in manifest.files.items()},
        "opset": manifest.opset,
        "minimum_onnxruntime": manifest.minimum_onnxruntime,
        "facts": dict(manifest.facts),
        "parity": dict(manifest.parity),
        "versions": dict(manifest.versions),
    }


def _onnx_file(path: Path) -> dict[str, Any]:
    from exporters.bundle import own_metadata
    from exporters.onnx_scan import scan_onnx
    from exporters.sharing import spec_from

    data, sums = _single_file(path)
    metadata = own_metadata(scan_onnx(data, str(path)).metadata, str(path))
    return {
        "what": f"one exported agent, ONNX, {sums}",
        **_spec(spec_from(metadata, str(path))),
        **_origin(metadata),
    }


def _torchscript_file(path: Path) -> dict[str, Any]:
    from exporters.torchscript_runtime import open_module

    data, sums = _single_file(path)
    _, spec = open_module(data, str(path))
    return {"what": f"one exported agent, TorchScript, {sums}", **_spec(spec)}


def _single_file(path: Path) -> tuple[bytes, str]:
    """Read an exported file, and say what its content was compared with."""
    from exporters.bundle import read_manifest, read_member
    from exporters.members import read_bytes

    if not os.path.lexists(path.parent / MANIFEST_NAME):
        return read_bytes(path), "no list of sums beside it"
    return read_member(path.parent, read_manifest(path.parent), path.name), "its sum right"


def _origin(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {key: metadata[key] for key in ("opset", "minimum_onnxruntime", "facts", "versions") if key in metadata}


def _spec(spec: PolicySpec) -> dict[str, Any]:
    """Return the specification as one line per tensor."""
    return {
        "agent_id": spec.agent_id,
        "algorithm": spec.algorithm,
        "agent": _whose(spec),
        "inputs": {tensor.name: _tensor(tensor) for tensor in spec.inputs},
        "outputs": {tensor.name: _tensor(tensor) for tensor in spec.outputs},
        "actions": list(spec.action_meanings),
        "value_kind": spec.value_kind,
        "default_risk_level": spec.default_risk_level,
        "n_risk_levels": spec.n_risk_levels,
    }


def _whose(spec: PolicySpec) -> str:
    from exporters.sharing import SharedSpec

    if isinstance(spec, SharedSpec):
        return f"any of {', '.join(name for name, _ in spec.served)}, by agent_index"
    return f"{spec.agent_index + 1} of {spec.n_agents}"


def _tensor(tensor: TensorSpec) -> str:
    return f"{tensor.dtype} [{', '.join(['batch', *map(str, tensor.shape)])}]"


def _short(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record for a reader: of a team's agents, which differ only in who they are, the first one stands."""
    short = dict(record)
    agents = short.pop("agents", None)
    if agents is not None:
        first = next(iter(agents.values()))
        short = {"what": short.pop("what"), "agents": list(agents), **first, **short}
        for name in ("agent_id", "agent"):
            short.pop(name)
    parity = short.pop("parity", {})
    for agent, formats in parity.items():
        for name, figures in formats.items():
            short[f"parity of {agent}, {name}"] = (
                f"largest difference {figures['largest_difference']:.2g} in {figures['rows']} rows, "
                f"{figures['ties']} ties"
            )
    return short


def _flat(record: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return nested facts as rows with dotted names."""
    rows: list[tuple[str, Any]] = []
    for key, value in record.items():
        rows += _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [(f"{prefix}{key}", value)]
    return rows


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
