"""Freezes multi-agent policies into files and runs them; knows no algorithm. Imports neither torch nor onnx."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    import torch

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
    "guarded",
]


def freeze(
    policies: Policy | Sequence[Policy],
    directory: str | PathLike[str],
    formats: str | Sequence[str] = ("onnx", "torchscript"),
    *,
    facts: Mapping[str, object] | None = None,
    shared: bool = False,
) -> Path:
    """Write, verifies and seals a folder with one file per agent and format; see `exporters.freezing.freeze_bundle`.

    Args:
        policies: one policy, or the whole team.
        directory: the folder to create; it must not exist.
        formats: "onnx", "torchscript", or several of them.
        facts: JSON-able facts for the reader, such as the environment text and the training's steps and seed; numpy's
            numbers among them.
        shared: write one file per format for all agents, which share their weights: each row of a batch says in
            `agent_index` which agent it is.

    Returns:
        The sealed folder.
    """
    from exporters.freezing import freeze_bundle  # torch and onnx are loaded only where something is frozen

    return freeze_bundle(policies, directory, formats, facts=facts, shared=shared)


def guarded(module: torch.nn.Module, spec: PolicySpec, *, takes_agent: bool = False) -> Policy:
    """Return a policy that adds to a plain torch module all that the contract asks besides: `freeze` takes it.

    The guards against bad observations, empty masks and bad risk levels, the choice of the best allowed action, and
    `last_action` of the carry are added around the module, inside the exported file.

    Args:
        module: takes `obs` `[batch, ...]` as float32, then `risk_level` `[batch]` if the specification is risk-aware,
            then every tensor of its carry; all are legal. Returns `action_values` `[batch, action]`, then
            `risk_level_used` `[batch]` if risk-aware, then the next value of every tensor of the carry but
            `last_action`; one tensor alone needs no tuple. In evaluation mode, on the CPU, in float32.
        spec: what the whole policy takes and gives.
        takes_agent: whether the module also takes `agent_index`, int64 `[batch]`, before the carry: one network for
            several agents.

    Raises:
        SpecError: if these are no module and no specification.
    """
    from exporters.guards import GuardedPolicy  # torch is loaded only where a module is given

    return GuardedPolicy(module, spec, takes_agent=takes_agent)
