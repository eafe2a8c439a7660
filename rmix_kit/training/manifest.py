"""A checkpoint's list of contents, with everything that is not a tensor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from rmix_kit.errors import CheckpointError
from rmix_kit.files.forms import misfit
from rmix_kit.files.reading import parsed_json, read_plain
from rmix_kit.files.writing import Prefix, StoredFile, is_sealed, seal
from rmix_kit.metrics import RETURN
from rmix_kit.origin import kit_version
from rmix_kit.results.paths import MANIFEST_NAME
from rmix_kit.training.manifest_form import ManifestForm
from rmix_kit.training.replay_files import SEGMENT_NAME, Segment
from rmix_kit.training.run_config import with_newer_settings
from rmix_kit.types import EnvSpec

FORMAT, OLDEST_FORMAT = 6, 5
KIND = "rmix-kit checkpoint"
TENSOR_FILES = tuple(f"{name}.safetensors" for name in ("online", "target", "optimizers", "statistics"))
ROLLOUT_FILE = "rollout.safetensors"
"""The copies in play, of runs whose games are played on the device."""
LARGEST_MANIFEST = 2**24


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a checkpoint holds.

    Attributes:
        step: Environment steps taken.
        config: `RunConfig.to_dict` of the run it belongs to.
        env_spec: The environment it was trained in.
        state: The trainer's counters and random streams, as JSON.
        evaluation: The evaluation made at this step, if one was.
        metrics: ``metrics.jsonl`` up to this step.
        is_finished: The run has ended here.
        is_interruption: Saved because a signal came, not because it was due; dropped at the next checkpoint.
        files: Tensor files in the checkpoint's own folder.
        segments: Segments of the replay, oldest first.
    """

    step: int
    config: Mapping[str, Any]
    env_spec: EnvSpec
    state: Mapping[str, Any]
    evaluation: Mapping[str, float | int | None] | None
    metrics: Prefix
    is_finished: bool
    is_interruption: bool
    files: tuple[StoredFile, ...] = ()
    segments: tuple[Segment, ...] = ()

    def is_of(self, config: Mapping[str, Any]) -> bool:
        """Return whether it belongs to a run, whatever number of steps that is planned for.

        Args:
            config: `RunConfig.to_dict` of the run.
        """
        return {**with_newer_settings(self.config), "steps": config["steps"]} == with_newer_settings(config)

    @property
    def return_mean(self) -> float | None:
        """Mean return of the evaluation made at this step."""
        mean = None if self.evaluation is None else self.evaluation.get(RETURN)
        return None if mean is None else float(mean)


def encode(manifest: Manifest) -> bytes:
    """Return the file's content: readable JSON that carries its own digest."""
    body: dict[str, Any] = {entry.name: getattr(manifest, entry.name) for entry in fields(Manifest)}
    body |= {
        "metrics": manifest.metrics._asdict(),
        "env_spec": spec_to_dict(manifest.env_spec),
        "files": [asdict(file) for file in manifest.files],
        "segments": [asdict(segment) for segment in manifest.segments],
    }
    return seal({"kind": KIND, "format": FORMAT, "written_by": kit_version(), **body})


def read_manifest(checkpoint: Path) -> Manifest:
    """Read and check a checkpoint's manifest.

    Returns:
        The manifest; its files are not read yet.

    Raises:
        CheckpointError: It is missing, damaged, foreign, or of another format.
    """
    try:
        data = read_plain(checkpoint / MANIFEST_NAME, LARGEST_MANIFEST)
        values = parsed_json(data)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{checkpoint.name} is damaged: {MANIFEST_NAME} cannot be read ({error})") from error
    if not isinstance(values, dict) or values.get("kind") != KIND:
        raise CheckpointError(f"{checkpoint.name} is no checkpoint of rmix-kit")
    if values.get("format") not in range(OLDEST_FORMAT, FORMAT + 1):
        raise CheckpointError(
            f"{checkpoint.name} has format {values.get('format')} (written by rmix-kit {values.get('written_by')}); "
            f"this version reads formats {OLDEST_FORMAT} to {FORMAT}"
        )
    if not is_sealed(data, values):
        raise CheckpointError(f"{checkpoint.name} is damaged: {MANIFEST_NAME} is not what was written")
    if problem := misfit(values, ManifestForm, MANIFEST_NAME):
        raise CheckpointError(f"{checkpoint.name} is foreign: {problem}")
    try:
        manifest = _from_values(values)
    except KeyError as error:
        raise CheckpointError(f"{checkpoint.name} is foreign: {MANIFEST_NAME} lacks {error}") from error
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{checkpoint.name} is foreign: its {MANIFEST_NAME} says {error}") from error
    _check_names(checkpoint.name, manifest)
    return manifest


def _from_values(values: dict[str, Any]) -> Manifest:
    if values["format"] < FORMAT:
        values = {**values, "metrics": {"length": values["metrics_bytes"], "sha256": ""}}
    arguments = {entry.name: values[entry.name] for entry in fields(Manifest)}
    arguments["env_spec"] = spec_from_dict(values["env_spec"])
    arguments["metrics"] = Prefix.from_json(values["metrics"])
    arguments["files"] = tuple(StoredFile(**entry) for entry in values["files"])
    arguments["segments"] = tuple(
        Segment(first=entry["first"], end=entry["end"], file=StoredFile(**entry["file"]))
        for entry in values["segments"]
    )
    return Manifest(**arguments)


def _check_names(checkpoint: str, manifest: Manifest) -> None:
    """Refuse names that lead elsewhere, and sets of files that no checkpoint has."""
    names = [file.name for file in manifest.files]
    segments = [segment.file.name for segment in manifest.segments]
    expected = sorted({*TENSOR_FILES, *names} & {*TENSOR_FILES, ROLLOUT_FILE})
    if sorted(names) != expected or not all(SEGMENT_NAME.fullmatch(name) for name in segments):
        raise CheckpointError(f"{checkpoint} is foreign: it lists {names + segments}")


def spec_to_dict(spec: EnvSpec) -> dict[str, Any]:
    """Return a spec as JSON values; unbounded observations are written as text."""
    return {
        name: [_number(v) for v in value] if isinstance(value, tuple) else value for name, value in vars(spec).items()
    }


def spec_from_dict(values: Mapping[str, Any]) -> EnvSpec:
    """Read back what `spec_to_dict` gave.

    Raises:
        TypeError: A key is unknown, or a dtype is none.
        ValueError: Its entries do not belong together.
    """
    arguments: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    for bound in ("obs_low", "obs_high", "state_low", "state_high"):
        arguments[bound] = tuple(float(value) for value in arguments.get(bound, ()))
    spec = EnvSpec(**arguments)
    size = math.prod(spec.obs_shape)
    expected = {"obs_low": size, "obs_high": size, "agent_ids": spec.n_agents, "action_meanings": spec.n_actions}
    expected |= {name: spec.state_size for name in ("state_low", "state_high") if getattr(spec, name)}
    expected |= {"obs_meanings": size} if spec.obs_meanings else {}
    for name, count in expected.items():
        if len(getattr(spec, name)) != count:
            raise ValueError(f"that {name} has {len(getattr(spec, name))} entries, and {count} are needed")
    for dtype in (spec.obs_dtype, spec.state_dtype):
        if np.dtype(dtype).kind not in "biuf":
            raise ValueError(f"that observations are {dtype}, which are no numbers")
    return spec


def _number(value: float | int | str) -> float | int | str:
    return str(value) if value in (float("inf"), float("-inf")) else value
