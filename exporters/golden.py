"""Golden steps: what the torch module answered, for checking a folder anywhere, without torch. numpy only.

`golden.npz` holds for each agent `agent_INDEX.input.NAME` and `agent_INDEX.output.NAME`, each `[step, 1, ...]`: one
episode in which every step's carry is the one that the step before gave.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from exporters.agent import ActResult, Agent
from exporters.bundle import GOLDEN_NAME, read_manifest, read_member
from exporters.contract import PolicySpec
from exporters.errors import BundleError
from exporters.parity import Parity, Place, Tensors, compare
from exporters.sampling import next_carry, random_inputs, zero_carry
from exporters.sharing import AGENT_INPUT
from exporters.team import AnyAgent, Team
from exporters.tensors import Array

GOLDEN_STEPS = 64
GOLDEN_SEED = 64


def golden_arrays(
    spec: PolicySpec, run: Callable[[Tensors], Tensors], *, takes_agent: bool = False
) -> dict[str, Array]:
    """Return the arrays of one agent: inputs and outputs `[step, 1, ...]` of `GOLDEN_STEPS` recurrent steps.

    Args:
        run: from named inputs to named outputs, `[batch, ...]` each.
        takes_agent: whether the agent's file takes `agent_index`, too.
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
    who = {_key(spec, "input", AGENT_INPUT): np.full((GOLDEN_STEPS, 1), spec.agent_index)} if takes_agent else {}
    return {key: np.stack([step[key] for step in steps]) for key in steps[0]} | who  # [step, 1, ...]


def replay_golden(team: Team[AnyAgent], directory: Path, format: str) -> dict[str, Parity]:
    """Repeats the golden steps of a folder with its agents and compares by the parity rule; moves the agents' memory.

    Args:
        team: the folder's agents, made with `on_invalid="return"`.
        format: "onnx" or "torchscript", for the error.

    Returns:
        Agent id -> figures.

    Raises:
        ParityError: at the first output that breaks the rule.
        BundleError: if the file is damaged or lacks a tensor.
    """
    data = read_member(directory, team.manifest or read_manifest(directory), GOLDEN_NAME)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            # A member that is no array comes as its bytes.
            arrays: Tensors = {name: np.asarray(archive[name]) for name in archive.files}
            return _replay(team, arrays, format)
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise BundleError(f"{directory / GOLDEN_NAME} cannot be read: {error}") from error


def _replay(team: Team[AnyAgent], arrays: Tensors, format: str) -> dict[str, Parity]:
    """Repeat the steps of all agents side by side, as a team acts."""
    lengths = {name: _length(spec, arrays) for name, spec in team.specs.items()}
    figures = {name: Parity() for name in lengths}
    team.reset()
    for step in range(max(lengths.values())):
        specs = {name: spec for name, spec in team.specs.items() if step < lengths[name]}
        given = {
            name: {tensor: arrays[_key(spec, "input", tensor)][step] for tensor in spec.input_names}
            for name, spec in specs.items()
        }
        results = team.act_batch(
            {name: inputs["obs"] for name, inputs in given.items()},
            {name: inputs["avail_actions"] for name, inputs in given.items()},
            {name: inputs.get("risk_level", 0.0) for name, inputs in given.items()},
        )
        for name, spec in specs.items():
            expected = {tensor: arrays[_key(spec, "output", tensor)][step] for tensor in spec.output_names}
            found = _outputs(results[name], team.agents[name])
            where = Place(format=format, agent_id=name, step=step, batch=1)
            mask = given[name]["avail_actions"]
            if compare(spec, expected, found, mask, where=where, figures=figures[name]).any():
                team.agents[name].executed(expected["action"])
    team.reset()
    return figures


def _outputs(result: ActResult, agent: Agent) -> Tensors:
    """Return the outputs of an agent's step by name."""
    found: Tensors = {"action": result.action, "action_values": result.action_values, "valid": result.valid}
    if result.risk_level_used is not None:
        found["risk_level_used"] = result.risk_level_used
    return found | {f"next_{name}": array for name, array in agent.carry().items()}


def _length(spec: PolicySpec, arrays: Tensors) -> int:
    """Return how many steps an agent's arrays have; refuses those that are not its."""
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
    return steps


def _key(spec: PolicySpec, side: str, name: str) -> str:
    return f"agent_{spec.agent_index}.{side}.{name}"
