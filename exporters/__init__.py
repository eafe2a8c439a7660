"""Freezes multi-agent policies into files and runs them; knows no algorithm. Imports neither torch nor onnx."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from exporters.contract import Policy, PolicySpec, TensorSpec
from exporters.errors import (
    AgreementError,
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

    from exporters.agreement import Recording
    from exporters.quantizing import Quantized

__all__ = [
    "AgreementError",
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
    "convert",
    "freeze",
    "guarded",
    "quantize",
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


def quantize(
    directory: str | PathLike[str],
    out: str | PathLike[str],
    kind: str = "int8",
    *,
    threshold: float = 0.98,
    recordings: Mapping[str, Recording] | None = None,
    steps_from: str = "",
) -> Quantized:
    """Write a smaller form of an exported folder, with a report of how far its agents act as before.

    Needs onnx and onnxruntime, not torch. The new folder is a full one: `OnnxTeam` runs it, its golden steps are its
    own answers with a tolerance of their own, and the report stands in its manifest's facts, under "quantization".

    Args:
        directory: the folder that `freeze` wrote, with ONNX files.
        out: the folder to create; it must not exist.
        kind: "int8" (products in eight bits, a third of the size) or "fp16" (weights alone rounded, half of it).
        threshold: the least share of steps in which every agent must act as before, on its own memory, in [0, 1].
        recordings: agent id -> what it was shown in real episodes (`exporters.agreement.Recording`); without them,
            1,000 steps are drawn within the bounds of the observations, which are rarely those of real life.
        steps_from: where the recordings come from, for the reader.

    Raises:
        AgreementError: if an agent acts as before in a smaller share; nothing is left behind.
        BundleError: if the folder is damaged, has no ONNX files or is quantised already, or `out` exists.
        SpecError: if the arguments contradict themselves.
    """
    from exporters.quantizing import quantize_bundle  # onnx and onnxruntime are loaded only where something is written

    return quantize_bundle(directory, out, kind, threshold=threshold, recordings=recordings, steps_from=steps_from)


def convert(
    directory: str | PathLike[str], out: str | PathLike[str], profile: str, *, risk_level: float | None = None
) -> Path:
    """Write an exported folder's agents in the tensors of another runtime, verified against the folder's own files.

    Needs onnx and onnxruntime, not torch. `docs/profiles.md` says what each profile's tensors are, and what it lacks.

    Args:
        directory: the folder that `freeze` wrote, with ONNX files.
        out: the folder to create; it must not exist. It holds one ONNX file per agent, `profile.json`, `golden.npz` and
            a README.
        profile: "mlagents" (Unity ML-Agents) or "rsl_rl" (policies of rsl_rl and Isaac Lab).
        risk_level: what the dial is fixed to, in (0, 1]; None leaves the level to the policy.

    Returns:
        The sealed folder.

    Raises:
        BundleError: if the folder is damaged or has no ONNX files, or `out` exists.
        SpecError: for an unknown profile, a level without a dial, or a memory that float32 cannot hold.
        ParityError: if a file answers differently; nothing is left behind.
    """
    from exporters.profiles import write_profile  # onnx and onnxruntime are loaded only where something is written

    return write_profile(directory, out, profile, risk_level=risk_level)
