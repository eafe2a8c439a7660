"""Freezes multi-agent policies into files and runs them; knows no algorithm. Imports neither torch nor onnx."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path

from exporters.contract import Policy, PolicySpec, TensorSpec
from exporters.errors import (
    BundleError,
    ExportError,
    InvalidInputError,
    InvalidObservationError,
    ParityError,
    PolicyError,
    SpecError,
    UnsupportedError,
)

__all__ = [
    "BundleError",
    "ExportError",
    "InvalidInputError",
    "InvalidObservationError",
    "ParityError",
    "Policy",
    "PolicyError",
    "PolicySpec",
    "SpecError",
    "TensorSpec",
    "UnsupportedError",
    "freeze",
]


def freeze(
    policies: Policy | Sequence[Policy],
    directory: str | PathLike[str],
    formats: Sequence[str] = ("onnx", "torchscript"),
    *,
    facts: Mapping[str, object] | None = None,
) -> Path:
    """Write, verifies and seals a folder with one file per agent and format; see `exporters.freezing.freeze_bundle`.

    Args:
        policies: one policy, or the whole team.
        directory: the folder to create; it must not exist.
        facts: JSON-able facts for the reader, such as the environment text and the training's steps and seed.

    Returns:
        The sealed folder.
    """
    from exporters.freezing import freeze_bundle  # torch and onnx are loaded only where something is frozen

    return freeze_bundle(policies, directory, formats, facts=facts)
