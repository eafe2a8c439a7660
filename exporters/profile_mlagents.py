"""An agent's graph in the tensors of Unity's ML-Agents, as its package's model loader checks them.

The rules are those of `com.unity.ml-agents` with `com.unity.ai.inference` 2.2.1 (release 4; its repository at
e12369b, `Runtime/Inference`), model API version 3, which ML-Agents 2 and 3 read too.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from exporters.contract import PolicySpec
from exporters.grafting import Graft, check_memory, flat_memory, memory_size, value_info
from exporters.lowering import lower
from exporters.parity import Tensors

NAME = "mlagents"
MODEL_API_VERSION = 3


def graph(model: onnx.ModelProto, spec: PolicySpec, risk_level: float) -> onnx.ModelProto:
    """Return the model with ML-Agents' inputs and outputs.

    Args:
        model: the exported file's.
        risk_level: baked into the file; 0 leaves it to the policy.

    Raises:
        SpecError: for a memory that float32 cannot hold.
    """
    check_memory(spec, NAME)
    graft = Graft(spec)
    known = graft.observe("obs_0")
    mask = graft.add("Greater", "action_masks", graft.constant(0.5, "float32"))  # [batch, action]
    # A guard inside refuses an empty mask; so it refuses what is no observation of the policy's type.
    graft.add(*(("Identity", mask) if known is None else ("And", mask, known)), output="avail_actions")
    graft.level(risk_level, "obs_0")
    size = memory_size(spec)
    if size:
        graft.remember(graft.add("Reshape", "recurrent_in", graft.constant([-1, size], "int64")))
    graft.now_after()
    graft.add("Reshape", "action", graft.constant([-1, 1], "int64"), output="discrete_actions")
    graft.add("Identity", "discrete_actions", output="deterministic_discrete_actions")
    if size:
        graft.add("Reshape", graft.remembered(), graft.constant([-1, 1, size], "int64"), output="recurrent_out")
    facts = {
        "version_number": [MODEL_API_VERSION],
        "memory_size": [size],
        "discrete_action_output_shape": [[spec.n_actions]],
    }
    for name, value in facts.items():  # constants by name, as ML-Agents 2 and 3 look for them, and outputs, as 4 does
        graft.add("Constant", output=name, value=numpy_helper.from_array(np.array(value, dtype=np.float32), name))
    made = graft.graph(model, _inputs(spec, size), _outputs(spec, size))
    return lower(made)  # the highest that Unity's importer promises before its version 2.6


def _inputs(spec: PolicySpec, size: int) -> list[onnx.ValueInfoProto]:
    inputs = [
        value_info("obs_0", TensorProto.FLOAT, ("batch", spec.obs.size), "the observation, flattened in C order"),
        value_info("action_masks", TensorProto.FLOAT, ("batch", spec.n_actions), "1 = the action is allowed, 0 = not"),
    ]
    if size:
        text = "the memory; zeros at the start of an episode"
        inputs.append(value_info("recurrent_in", TensorProto.FLOAT, ("batch", 1, size), text))
    return inputs


def _outputs(spec: PolicySpec, size: int) -> list[onnx.ValueInfoProto]:
    chosen = "the best allowed action; -1 where a guard refused the input"
    outputs = [
        value_info("version_number", TensorProto.FLOAT, (1,), "ML-Agents' model API"),
        value_info("memory_size", TensorProto.FLOAT, (1,), "elements of the memory"),
        value_info("discrete_actions", TensorProto.INT64, ("batch", 1), chosen),
        value_info("discrete_action_output_shape", TensorProto.FLOAT, (1, 1), "size of the one branch"),
        value_info("deterministic_discrete_actions", TensorProto.INT64, ("batch", 1), chosen),
    ]
    if size:
        text = "the memory of the next step"
        outputs.append(value_info("recurrent_out", TensorProto.FLOAT, ("batch", 1, size), text))
    return outputs


def inputs_of(spec: PolicySpec, tensors: Tensors) -> Tensors:
    """Return a step's inputs of the exported file in ML-Agents' tensors."""
    rows = len(tensors["obs"])
    inputs: Tensors = {
        "obs_0": tensors["obs"].reshape(rows, -1).astype(np.float32),
        "action_masks": tensors["avail_actions"].astype(np.float32),
    }
    if spec.carry:
        inputs["recurrent_in"] = flat_memory(spec, tensors)[:, None]
    return inputs


def outputs_of(spec: PolicySpec, tensors: Tensors) -> Tensors:
    """Return a step's outputs of the exported file in ML-Agents' tensors."""
    action = tensors["action"][:, None]
    outputs: Tensors = {
        "version_number": np.array([MODEL_API_VERSION], dtype=np.float32),
        "memory_size": np.array([memory_size(spec)], dtype=np.float32),
        "discrete_actions": action,
        "discrete_action_output_shape": np.array([[spec.n_actions]], dtype=np.float32),
        "deterministic_discrete_actions": action,
    }
    if spec.carry:
        following = {tensor.name: tensors[f"next_{tensor.name}"] for tensor in spec.carry}
        outputs["recurrent_out"] = flat_memory(spec, following)[:, None]
    return outputs
