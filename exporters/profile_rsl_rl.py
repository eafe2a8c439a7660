"""An agent's graph in the tensors of policies that rsl_rl and Isaac Lab export for robots.

The rules are those of rsl_rl 5.4 (`as_onnx` of its models, `OnPolicyRunner.export_policy_to_onnx`) and of Isaac Lab's
exporter for its versions before: `obs` and, with memory, `h_in` go in, `actions` and `h_out` come out, in float32, with
a batch of exactly 1.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto

from exporters.contract import PolicySpec
from exporters.grafting import Graft, check_memory, flat_memory, memory_size, value_info
from exporters.parity import Tensors

NAME = "rsl_rl"


def graph(model: onnx.ModelProto, spec: PolicySpec, risk_level: float) -> onnx.ModelProto:
    """Return the model with rsl_rl's inputs and outputs; every action is allowed, since no mask goes in.

    Args:
        model: the exported file's.
        risk_level: baked into the file; 0 leaves it to the policy.

    Raises:
        SpecError: for a memory that float32 cannot hold.
    """
    check_memory(spec, NAME)
    graft = Graft(spec)
    # The policy's own input is called obs as well: the profile's is renamed inside.
    inner = onnx.ModelProto()
    inner.CopyFrom(model)
    for node in inner.graph.node:
        node.input[:] = ["graft_obs" if name == "obs" else name for name in node.input]
    known = graft.observe("obs", output="graft_obs")
    every = graft.constant(np.ones((1, spec.n_actions)), "bool")
    graft.add(*(("Identity", every) if known is None else ("And", every, known)), output="avail_actions")
    graft.level(risk_level, "obs")
    size = memory_size(spec)
    if size:
        graft.remember(graft.add("Reshape", "h_in", graft.constant([1, size], "int64")))
    graft.now_after()
    number = graft.add("Cast", "action", to=TensorProto.FLOAT)
    graft.add("Reshape", number, graft.constant([1, 1], "int64"), output="actions")
    if size:
        graft.add("Reshape", graft.remembered(), graft.constant([1, 1, size], "int64"), output="h_out")
    memory = ([value_info(name, TensorProto.FLOAT, (1, 1, size), "the memory") for name in ("h_in", "h_out")]) * bool(
        size
    )
    return graft.graph(
        inner,
        [value_info("obs", TensorProto.FLOAT, (1, spec.obs.size), "the observation, in C order"), *memory[:1]],
        [value_info("actions", TensorProto.FLOAT, (1, 1), "number of the best action; -1 = refused"), *memory[1:]],
    )


def inputs_of(spec: PolicySpec, tensors: Tensors) -> Tensors:
    """Return a step's inputs of the exported file in rsl_rl's tensors."""
    inputs: Tensors = {"obs": tensors["obs"].reshape(1, -1).astype(np.float32)}
    return inputs | ({"h_in": flat_memory(spec, tensors)[None]} if spec.carry else {})


def outputs_of(spec: PolicySpec, tensors: Tensors) -> Tensors:
    """Return a step's outputs of the exported file in rsl_rl's tensors."""
    outputs: Tensors = {"actions": tensors["action"].reshape(1, 1).astype(np.float32)}
    following = {tensor.name: tensors[f"next_{tensor.name}"] for tensor in spec.carry}
    return outputs | ({"h_out": flat_memory(spec, following)[None]} if spec.carry else {})
