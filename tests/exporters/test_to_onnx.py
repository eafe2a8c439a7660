"""What leaves the exporter says nothing of the machine that made it, and which runtime reads it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import GraphProto, TensorProto, helper, numpy_helper

from exporters.errors import PolicyError
from exporters.to_onnx import _simplify_reshapes, _strip, minimum_onnxruntime

TRACE = 'File "policy.py", line 1, in forward'


def graph_of(inner: GraphProto | None) -> GraphProto:
    """A graph of one node; with a graph inside that node if there is one."""
    held = {"then_branch": inner, "else_branch": inner} if inner is not None else {}
    node = helper.make_node("If" if held else "Identity", ["x"], ["y"], doc_string=TRACE, **held)
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1], doc_string=TRACE) for name in ("x", "y")]
    return helper.make_graph([node], "graph", values[:1], values[1:], doc_string=TRACE)


def test_traces_are_stripped_at_every_depth() -> None:
    graph = graph_of(graph_of(graph_of(None)))
    assert graph.SerializeToString().count(TRACE.encode()) == 4 * (1 + 2 + 4)
    _strip(graph)
    assert TRACE.encode() not in graph.SerializeToString()


@pytest.mark.parametrize(("ir_version", "runtime"), [(8, "1.10"), (9, "1.15"), (10, "1.18")])
def test_the_oldest_runtime_is_the_one_that_came_with_the_format(ir_version: int, runtime: str) -> None:
    # Its page on compatibility: 1.10 came with ONNX 1.10 (IR 8), 1.15 with 1.14 (IR 9), 1.18 with 1.16 (IR 10).
    assert minimum_onnxruntime(helper.make_model(graph_of(None), ir_version=ir_version)) == runtime


def test_a_format_of_the_future_is_refused() -> None:
    with pytest.raises(PolicyError, match=r"wrote IR version 99; known are \[8, 9, 10\]"):
        minimum_onnxruntime(helper.make_model(graph_of(None), ir_version=99))


def test_reshapes_allow_zeros_only_where_a_shape_may_hold_one() -> None:
    graph = onnx.GraphProto()
    for name, shape in (("plain", [-1, 9]), ("holds_zero", [0, 9])):
        graph.initializer.append(numpy_helper.from_array(np.array(shape), name))
    for shape in ("plain", "holds_zero", "computed"):
        graph.node.append(helper.make_node("Reshape", ["x", shape], [f"{shape}_y"], allowzero=1))
    _simplify_reshapes(graph)
    assert {node.input[1]: len(node.attribute) for node in graph.node} == {"plain": 0, "holds_zero": 1, "computed": 1}


def test_a_file_says_what_it_is_and_what_its_tensors_mean(sealed_team: Path) -> None:
    model = onnx.load(sealed_team / "agent_1.onnx")
    assert model.doc_string.startswith("One step of agent_1, agent 2 of 2, trained by rmix and exported by rmix-kit. ")
    assert (
        "Inputs: obs int8 [batch, 3, 3], avail_actions bool [batch, 4], risk_level float32 [batch]" in model.doc_string
    )
    said = {value.name: value.doc_string for value in (*model.graph.input, *model.graph.output)}
    assert said["avail_actions"] == "True = the action is allowed"
    assert said["valid"] == "False = a guard refused the inputs"
    assert not any(
        attribute.name == "allowzero" and attribute.i for node in model.graph.node for attribute in node.attribute
    )
