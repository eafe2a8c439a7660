"""Beginning a run with the weights of another one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from rmix_kit.envs.interface import StepCodec
from rmix_kit.errors import CheckpointError, ConfigError, RmixKitError
from rmix_kit.results.paths import MANIFEST_NAME
from rmix_kit.training.checkpoint import read_tensors
from rmix_kit.training.learner import Learner
from rmix_kit.training.manifest import Manifest, read_manifest
from rmix_kit.training.run_config import InitialWeights, RunConfig
from rmix_kit.training.run_folder import RunFolder, choose_step
from rmix_kit.types import EnvSpec

if TYPE_CHECKING:
    from rmix_kit.training.run import Run

WEIGHTS = "online"


def starting_from(config: RunConfig, source: str | Path | Run | None, kept: InitialWeights | None = None) -> RunConfig:
    """Return a configuration whose run begins with the weights of another one.

    Args:
        config: Of the run that begins.
        source: The other run: its folder, for its last checkpoint; a checkpoint's folder in it; or a loaded run, at its
            checkpoint. None for what the configuration says, or else what is kept.
        kept: What the run that goes on has begun with; a source of the same run is that, whatever it has done since.

    Returns:
        The configuration, with ``init_from``.

    Raises:
        ConfigError: The configuration says something else already.
        RunFolderError: The source is no run.
        CheckpointError: It has no such checkpoint, or that is damaged.
    """
    if source is None:
        return config if config.init_from is not None else replace(config, init_from=kept)
    folder, which = _place(source)
    known = config.init_from or kept
    if known is not None and Path(known.run) == folder.path and which in ("last", known.step):
        return replace(config, init_from=known)
    step = choose_step(folder, which)
    manifest = read_manifest(folder.checkpoint(step))
    found = InitialWeights(run=str(folder.path), step=step, weights_sha256=_digest(manifest))
    if config.init_from not in (None, found):
        raise ConfigError(
            f"init_from is {config.init_from.run} at step {config.init_from.step} in the configuration and {found.run} "
            f"at step {step} here; leave one of them out"
        )
    return replace(config, init_from=found)


def begin_with(learner: Learner, initial: InitialWeights) -> None:
    """Give a new run's learner the weights, and the statistics of inputs that these weights see by.

    Optimisers, replay, counters and random streams stay those of a new run.

    Args:
        learner: Freshly made; changed.
        initial: What they are.

    Raises:
        CheckpointError: The weights are gone, are others now, or belong to other networks.
    """
    place = RunFolder(Path(initial.run)).checkpoint(initial.step)
    where = f"init_from {initial.run} at step {initial.step}"
    try:
        manifest = read_manifest(place)
        if (found := _digest(manifest)) != initial.weights_sha256:
            raise CheckpointError(f"its weights have the digest {found[:12]} and were {initial.weights_sha256[:12]}")
        weights, statistics = (read_tensors(place, manifest, name) for name in (WEIGHTS, "statistics"))
        learner.begin_with(weights, statistics)
    except RmixKitError as error:
        raise CheckpointError(f"{where}: {error}") from error


def check_initial_weights(config: RunConfig, spec: EnvSpec, codec: StepCodec | None) -> None:
    """Refuse weights to begin with that the run's networks cannot take; nothing where it begins with its own.

    Args:
        spec: Of its environment.
        codec: Likewise.

    Raises:
        CheckpointError: As of `begin_with`.
    """
    if config.init_from is not None:
        target, device = config.training.target, torch.device("cpu")
        begin_with(Learner(config.algorithm, spec, target, seed=0, device=device, codec=codec), config.init_from)


def _place(source: str | Path | Run) -> tuple[RunFolder, str | int]:
    """Return a run's folder, absolute, and which of its checkpoints is meant."""
    if not isinstance(source, str | Path):
        return RunFolder(source.path.absolute()), source.checkpoint_step
    path = Path(source).absolute()
    if (path / MANIFEST_NAME).exists():
        step = path.name.removeprefix("step_")
        return RunFolder(path.parent.parent), int(step) if step.isdecimal() else step
    folder = RunFolder(path)
    folder.read_values()
    return folder, "last"


def _digest(manifest: Manifest) -> str:
    return next(file.sha256 for file in manifest.files if file.name == f"{WEIGHTS}.safetensors")
