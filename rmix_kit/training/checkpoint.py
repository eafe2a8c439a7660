"""Writing, checking and reading checkpoints."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from exporters.aside import PARTIAL_SUFFIX
from rmix_kit.errors import CheckpointError
from rmix_kit.files.reading import LARGEST_LOG, read_plain
from rmix_kit.files.writing import read_file, sync_folder, write_file
from rmix_kit.results.paths import MANIFEST_NAME
from rmix_kit.training.manifest import Manifest, encode, read_manifest


def write_checkpoint(place: Path, manifest: Manifest, tensors: Mapping[str, Mapping[str, Tensor]]) -> None:
    """Write a checkpoint aside and rename it into place when it is complete and durable.

    Args:
        place: Where it shall be.
        manifest: Its contents but for the tensor files.
        tensors: From `Learner.state_tensors`.
    """
    aside = place.with_name(place.name + PARTIAL_SUFFIX)
    if aside.exists():
        shutil.rmtree(aside)
    try:
        aside.mkdir()
        files = tuple(write_file(aside / f"{name}.safetensors", _encode(entries)) for name, entries in tensors.items())
        write_file(aside / MANIFEST_NAME, encode(replace(manifest, files=files)))
        if place.exists():
            shutil.rmtree(place)
        os.rename(aside, place)
        sync_folder(place.parent)
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)  # a full disk: give the space back, the older checkpoints stand
        raise


def read_tensors(checkpoint: Path, manifest: Manifest, name: str) -> dict[str, Tensor]:
    """Read one tensor file after checking it.

    Args:
        name: "online", "target", "optimizers" or "statistics"; "rollout" where copies were in play.

    Returns:
        Tensors on the CPU, by name.

    Raises:
        CheckpointError: It is damaged.
    """
    (entry,) = [file for file in manifest.files if file.name == f"{name}.safetensors"]
    data = read_file(checkpoint, entry, checkpoint.name)
    try:
        return load(data)
    except SafetensorError as error:
        raise CheckpointError(f"{checkpoint.name} is damaged: {entry.name} holds no tensors ({error})") from error


def verify_checkpoint(checkpoint: Path) -> Manifest:
    """Read a checkpoint and everything it lists, and compare each file with its sum.

    Args:
        checkpoint: The checkpoint's folder, inside a run's folder.

    Returns:
        Its manifest.

    Raises:
        CheckpointError: Anything is missing, damaged or foreign.
    """
    manifest = read_manifest(checkpoint)
    if checkpoint.name != f"step_{manifest.step}":
        raise CheckpointError(f"{checkpoint.name} is foreign: it was saved as step_{manifest.step}")
    run = checkpoint.parent.parent
    for file in manifest.files:
        read_file(checkpoint, file, checkpoint.name)
    for segment in manifest.segments:
        read_file(run / "replay", segment.file, checkpoint.name)
    if problem := manifest.metrics.problem(_content(run / "metrics.jsonl", checkpoint.name)):
        raise CheckpointError(f"{checkpoint.name} is damaged: metrics.jsonl {problem}")
    return manifest


def _content(file: Path, owner: str) -> bytes:
    try:
        return read_plain(file, LARGEST_LOG)
    except OSError as error:
        raise CheckpointError(f"{owner} is damaged: {file.name} cannot be read ({error.strerror})") from error


def _encode(tensors: Mapping[str, Tensor]) -> bytes:
    return save({name: tensor.to("cpu", copy=True).contiguous() for name, tensor in tensors.items()})


def network_tensors(checkpoint: Path) -> tuple[Manifest, dict[str, Tensor]]:
    """Read what acting needs: the manifest and the online weights.

    Returns:
        Manifest and weights on the CPU.
    """
    manifest = read_manifest(checkpoint)
    return manifest, read_tensors(checkpoint, manifest, "online")
