"""What `rmix_kit.training.exporting` wrote into an exported folder's manifest."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from exporters.bundle import MANIFEST_NAME, Manifest, read_manifest
from rmix_kit.envs.consent import Consent, allowed
from rmix_kit.errors import EnvironmentTextError, RunFolderError


def read_export(directory: Path) -> Manifest:
    """Return the manifest of an exported folder.

    Raises:
        RunFolderError: It is a training run, which is to be exported first.
        BundleError: It is no exported folder, or a damaged one.
    """
    if (directory / "config.yaml").is_file() and not (directory / MANIFEST_NAME).exists():
        run = shlex.quote(str(directory))
        raise RunFolderError(
            f"{directory} is a training run; export it first: rmix-kit export {run} --out agents, then: "
            "rmix-kit run agents"
        )
    return read_manifest(directory)


def algorithms(manifest: Manifest) -> str:
    """Return what the agents were trained by; several names where it was not the same."""
    return " and ".join(dict.fromkeys(entry.spec.algorithm for entry in manifest.agents))


def value_kinds(manifest: Manifest) -> str:
    """Return what the agents maximise; several kinds where it is not the same."""
    return " and ".join(dict.fromkeys(entry.spec.value_kind for entry in manifest.agents))


def environment_text(manifest: Manifest, directory: Path, consent: Consent | None = None) -> str:
    """Return the environment that the agents were trained in, if it may run.

    Args:
        consent: To code that the text names.

    Raises:
        EnvironmentTextError: The folder does not say; it was not written by `rmix-kit export`.
        UntrustedCodeError: It names code, and nobody has consented.
    """
    text = _entry(manifest, "environment", "text")
    if not isinstance(text, str):
        raise EnvironmentTextError(f"{directory} does not name its environment; give one, such as --env macn:4x12")
    return allowed(text, directory / MANIFEST_NAME, consent)


def most_copies(manifest: Manifest, text: str) -> int | None:
    """Return the most copies of the environment that the agents' run evaluated in.

    Returns:
        None where the run had no limit, or played elsewhere.
    """
    most = _entry(manifest, "environment", "most_copies")
    return most if isinstance(most, int) and _entry(manifest, "environment", "text") == text else None


def checkpoint_step(manifest: Manifest) -> int:
    """Return the environment steps after which the policy was saved; 0 if the folder does not say."""
    step = _entry(manifest, "checkpoint", "step")
    return step if isinstance(step, int) else 0


def reward_scale(manifest: Manifest) -> float | None:
    """Return what rewards were multiplied by in training; None if the folder does not say."""
    scale = _entry(manifest, "training", "reward_scale")
    return float(scale) if isinstance(scale, int | float) and scale > 0 else None


def first_format(manifest: Manifest) -> str:
    """Return the format that is run where nobody chooses: onnx, if the folder has it."""
    return min(name for entry in manifest.agents for name in entry.files)


def _entry(manifest: Manifest, part: str, key: str) -> object:
    table = manifest.facts.get(part)
    return table.get(key) if isinstance(table, Mapping) else None
