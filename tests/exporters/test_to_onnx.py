"""What leaves the exporter says nothing of the machine that made it, and which runtime reads it."""

from __future__ import annotations

import pytest
from onnx import GraphProto, TensorProto, helper

from exporters.errors import PolicyError
from exporters.to_onnx import _strip, minimum_onnxruntime

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
