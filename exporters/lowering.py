"""An exported graph in an older operator set, for readers that stop there.

onnx's own converter knows no way down for `Split`. What changed between the two sets and stands in exported graphs is
little: reductions took their axes as an attribute, and `Split` its number of parts by that of its outputs.
"""

from __future__ import annotations

import onnx
from onnx import helper, numpy_helper

from exporters.errors import UnsupportedError

OLDER = 15
_SAME = ("GreaterOrEqual", "Identity", "LeakyRelu", "LessOrEqual", "PRelu", "Where")
"""Operators that a newer set gave more types alone."""
_REDUCTIONS = tuple(
    f"Reduce{name}" for name in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare")
)


def lower(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model in operator set 15.

    Raises:
        UnsupportedError: for an operator that has no known form there.
    """
    newest = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    lowered = onnx.ModelProto()
    lowered.CopyFrom(model)
    for node in lowered.graph.node:
        if onnx.defs.get_schema(node.op_type, newest).since_version <= OLDER or node.op_type in _SAME:
            continue
        if node.op_type in _REDUCTIONS and (len(node.input) < 2 or node.input[1] in constants):
            axes = [int(axis) for name in node.input[1:] for axis in constants[name]]
            node.input[:] = node.input[:1]
            _drop(node, "noop_with_empty_axes")
            if axes:
                node.attribute.append(helper.make_attribute("axes", axes))
        elif node.op_type == "Split":
            _drop(node, "num_outputs")
        else:
            raise UnsupportedError(f"the operator {node.op_type} of set {newest} has no known form in set {OLDER}")
    del lowered.opset_import[:]
    lowered.opset_import.append(helper.make_opsetid("", OLDER))
    used = {name for node in lowered.graph.node for name in node.input}
    kept = [tensor for tensor in lowered.graph.initializer if tensor.name in used]
    del lowered.graph.initializer[:]
    lowered.graph.initializer.extend(kept)
    return lowered


def _drop(node: onnx.NodeProto, name: str) -> None:
    kept = [attribute for attribute in node.attribute if attribute.name != name]
    del node.attribute[:]
    node.attribute.extend(kept)
