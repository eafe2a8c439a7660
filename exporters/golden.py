"""Golden steps: what the torch module answered, for checking a folder anywhere, without torch. numpy only.

`golden.npz` holds for each agent `agent_INDEX.input.NAME` and `agent_INDEX.output.NAME`, each `[step, 1, ...]`: one
episode in which every step's carry is the one that the step before gave.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from exporters.agent import Agent, Array
from exporters.bundle import GOLDEN_NAME, Manifest, read_manifest, read_member
from exporters.contract import PolicySpec
from exporters.errors import BundleError
from exporters.parity import TIE, TOLERANCE, Parity, Place, Tensors, compare
from exporters.sampling import next_carry, random_inputs, zero_carry
from exporters.team import AnyAgent, Team

GOLDEN_STEPS = 64
GOLDEN_SEED = 64


def golden_arrays(spec: PolicySpec, run: Callable[[Tensors], Tensors]) -> dict[str, Array]:
    """Return the arrays of one agent: inputs and outputs `[step, 1, ...]` of `GOLDEN_STEPS` recurrent steps.

    Args:
        run: from named inputs to named outputs, `[batch, ...]` each.
    """
    generator = np.random.default_rng(GOLDEN_SEED + spec.agent_index)
    carry = zero_carry(spec, 1)
    steps: list[dict[str, Array]] = []
    for _ in range(GOLDEN_STEPS):
        inputs = {**random_inputs(spec, 1, generator), **carry}
        outputs = run(inputs)
        carry = next_carry(spec, outputs)
        given = {_key(spec, "input", name): inputs[name] for name in spec.input_names}
        steps.append(given | {_key(spec, "output", name): outputs[name] for name in spec.output_names})
    return {key: np.stack([step[key] for step in steps]) for key in steps[0]}  # [step, 1, ...]


def replay_golden(team: Team[AnyAgent], directory: Path, format: str) -> dict[str, Parity]:
    """Repeats the golden steps of a folder with its agents and compares by the parity rule; moves the agents' memory.

    Tolerances are those that the manifest tells of the files: float32's, or a quantised folder's own.

    Args:
        team: the folder's agents, made with `on_invalid="return"`.
        format: "onnx" or "torchscript", for the error.

    Returns:
        Agent id -> figures.

    Raises:
        ParityError: at the first output that breaks the rule.
        BundleError: if the file is damaged or lacks a tensor.
    """
    manifest = team.manifest or read_manifest(directory)
    data = read_member(directory, manifest, GOLDEN_NAME)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            # A member that is no array comes as its bytes.
            arrays: Tensors = {name: np.asarray(archive[name]) for name in archive.files}
            return {
                name: _replay(agent, arrays, format, _limits(manifest, name, format))
                for name, agent in team.agents.items()
            }
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise BundleError(f"{directory / GOLDEN_NAME} cannot be read: {error}") from error


def _limits(manifest: Manifest, agent_id: str, format: str) -> Parity:
    """Return empty figures with the tolerances that the manifest tells of an agent's files."""
    formats = manifest.parity.get(agent_id)
    told = formats.get(format) if isinstance(formats, Mapping) else None
    if not isinstance(told, Mapping):
        return Parity()
    return Parity(tolerance=float(told.get("tolerance", TOLERANCE)), tie=float(told.get("tie", TIE)))


def _replay(agent: Agent, arrays: Tensors, format: str, figures: Parity) -> Parity:
    spec = agent.spec
    steps = len(arrays[_key(spec, "input", "obs")])
    if not steps:
        raise ValueError(f"{spec.agent_id} has no steps; expected at least one")
    for side, tensors in (("input", spec.inputs), ("output", spec.outputs)):
        for tensor in tensors:
            array, shape = arrays[_key(spec, side, tensor.name)], (steps, 1, *tensor.shape)
            if array.shape != shape or array.dtype != tensor.dtype:
                raise ValueError(
                    f"{spec.agent_id}'s {side} {tensor.name} is {array.dtype} {array.shape}; "
                    f"expected {tensor.dtype} {shape}"
                )
    agent.reset()
    for step in range(steps):
        inputs = {name: arrays[_key(spec, "input", name)][step] for name in spec.input_names}
        expected = {name: arrays[_key(spec, "output", name)][step] for name in spec.output_names}
        result = agent.act_batch(inputs["obs"], inputs["avail_actions"], inputs.get("risk_level", 0.0))
        found: Tensors = {"action": result.action, "action_values": result.action_values, "valid": result.valid}
        if result.risk_level_used is not None:
            found["risk_level_used"] = result.risk_level_used
        found |= {f"next_{name}": array for name, array in agent.carry().items()}
        where = Place(format=format, agent_id=spec.agent_id, step=step, batch=1)
        if compare(spec, expected, found, inputs["avail_actions"], where=where, figures=figures).any():
            agent.executed(expected["action"])
    agent.reset()
    return figures


def _key(spec: PolicySpec, side: str, name: str) -> str:
    return f"agent_{spec.agent_index}.{side}.{name}"
