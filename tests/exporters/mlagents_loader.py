"""The rules by which Unity's ML-Agents takes a model, in our words, over an ONNX file.

Read from `com.unity.ml-agents`, `Runtime/Inference`, at e12369b (release 4, on `com.unity.ai.inference` 2.2.1):
`SentisModelParamLoader`, `SentisModelInfo`, `GeneratorImpl`, `ApplierImpl`, `TensorProxy`; and at c8f46d0 (release 3,
on Sentis 1), where the facts are looked for among the model's constants in place of its outputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime

FACTS = ("version_number", "memory_size", "discrete_action_output_shape")
VERSIONS = (2, 3)
OTHER_INPUTS = {"prev_action", "epsilon", "action_masks", "sequence_length", "recurrent_in"}


def failed_checks(
    model: onnx.ModelProto,
    sensors: Sequence[Sequence[int]],
    branches: Sequence[int],
    *,
    is_deterministic: bool = False,
) -> list[str]:
    """What the loader would say of a model for a behaviour with these sensors and branches of discrete actions."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    inputs = {node.name: node for node in session.get_inputs()}
    # Every input is made as zeros of float32 with 1 for an open axis, and the facts are read from a run with these.
    wrong = [f"{name} is {node.type}" for name, node in inputs.items() if node.type != "tensor(float)"]
    if wrong:
        return wrong
    zeros = {name: np.zeros(_shape(node), dtype=np.float32) for name, node in inputs.items()}
    names = [node.name for node in session.get_outputs()]
    outputs = dict(zip(names, session.run(names, zeros), strict=True))
    for fact in FACTS[:2]:
        if fact not in outputs:
            return [f"no {fact}"]
    if not any("discrete_actions" in name or "continuous_actions" in name for name in names):
        return ["no action"]
    wanted = "deterministic_discrete_actions" if is_deterministic else "discrete_actions"
    shape = outputs.get("discrete_action_output_shape")
    has_discrete = any(wanted in name for name in names) and shape is not None and int(shape.sum()) > 0
    if not has_discrete:
        return ["discrete actions without their output or their shape"]
    assert shape is not None
    version, memory = int(outputs["version_number"].flat[0]), int(outputs["memory_size"].flat[0])
    failed = [] if version in VERSIONS else [f"version {version}"]
    failed += [f"no obs_{place}" for place in range(len(sensors)) if f"obs_{place}" not in inputs]
    if memory > 0 and "recurrent_in" not in inputs:
        failed.append("no recurrent_in")
    if "action_masks" not in inputs:
        failed.append("no action_masks")
    for name, node in inputs.items():
        place = name.removeprefix("obs_")
        if name in OTHER_INPUTS:
            continue
        if not place.isdigit() or int(place) >= len(sensors):
            failed.append(f"unexpected input {name}")
        elif _channels_first(_shape(node)) != list(sensors[int(place)]):
            failed.append(f"{name} is {_shape(node)}, its sensor {list(sensors[int(place)])}")
    if shape.size != len(branches) or [int(size) for size in shape.flat] != list(branches):
        failed.append(f"branches {shape.flatten().tolist()}")
    if any("continuous_actions" in name for name in names):
        failed.append("continuous actions")
    if memory > 0 and "recurrent_out" not in outputs:
        failed.append("no recurrent_out")
    return failed + _used(outputs, wanted, memory, branches)


def missing_constants(model: onnx.ModelProto) -> list[str]:
    """The facts that release 3 would not find, which looks for constants of these names."""
    constants = {tensor.name for tensor in model.graph.initializer}
    constants |= {node.output[0] for node in model.graph.node if node.op_type == "Constant"}
    return [fact for fact in FACTS if fact not in constants]


def _used(outputs: dict[str, np.ndarray], wanted: str, memory: int, branches: Sequence[int]) -> list[str]:
    """What would go wrong where outputs are read: whole numbers by agent and branch, memory by agent, 0 and place."""
    failed = []
    if outputs[wanted].dtype.kind != "i" or outputs[wanted].shape != (1, len(branches)):
        failed.append(f"{wanted} is {outputs[wanted].dtype} {outputs[wanted].shape}")
    if memory > 0 and "recurrent_out" in outputs and outputs["recurrent_out"].shape != (1, 1, memory):
        failed.append(f"recurrent_out is {outputs['recurrent_out'].shape}")
    return failed


def _shape(node: onnxruntime.NodeArg) -> list[int]:
    return [size if isinstance(size, int) else 1 for size in node.shape]


def _channels_first(shape: Sequence[int]) -> list[int]:
    """What a sensor's shape is compared with: an input without its batch, of one to three axes."""
    return list(shape[1:])
