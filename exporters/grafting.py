"""Puts other people's tensors around an exported graph: nodes before it and after it, the graph itself as it was.

What was an input or an output of the graph becomes a name inside; the nodes before it write the inputs, the nodes after
it read the outputs. So the guards, the choice and the memory are those that were verified.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from exporters.contract import PolicySpec, TensorSpec
from exporters.errors import SpecError
from exporters.tensors import Array

EXACT_IN_FLOAT = ("bool", "int8", "uint8", "int16", "float32")
"""Types whose every value a float32 holds, so that a memory may pass through one."""


class Graft:
    """Nodes around one agent's graph; names made here begin with `graft_`.

    Args:
        spec: the agent's.
    """

    def __init__(self, spec: PolicySpec) -> None:
        self.spec = spec
        self._before: list[onnx.NodeProto] = []
        self._after: list[onnx.NodeProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self._nodes = self._before

    def constant(self, value: Array | Sequence[int] | float, dtype: str) -> str:
        """Return the name of a constant."""
        name = f"graft_{len(self._initializers)}_constant"
        self._initializers.append(numpy_helper.from_array(np.array(value, dtype=np.dtype(dtype)), name))
        return name

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: int | onnx.TensorProto) -> str:
        """Add a node; return the name of its output, which may be given."""
        count = len(self._before) + len(self._after)
        name = output or f"graft_{count}_{operator}"
        self._nodes.append(helper.make_node(operator, inputs, [name], f"graft_{count}", None, None, None, **attributes))
        return name

    def now_after(self) -> None:
        """Put the nodes that follow behind the graph."""
        self._nodes = self._after

    def observe(self, flat: str, output: str = "obs") -> str | None:
        """Write the observation from a float32 input `[batch, element]`, by the name that the graph reads it by.

        Returns:
            What says that every element is one of the observation's type, bool `[batch, 1]`; None for float32.
        """
        obs = self.spec.obs
        shape = self.constant([-1, *obs.shape], "int64")
        if obs.dtype == "float32":
            self.add("Reshape", flat, shape, output=output)
            return None
        low, high = (0, 1) if obs.dtype == "bool" else (np.iinfo(obs.dtype).min, np.iinfo(obs.dtype).max)
        whole = self.add("Equal", flat, self.add("Floor", flat))
        within = self.add(
            "And",
            self.add("GreaterOrEqual", flat, self.constant(low, "float32")),
            self.add("LessOrEqual", flat, self.constant(high, "float32")),
        )
        good = self.add("And", whole, within)  # NaN and infinity are neither
        safe = self.add("Where", good, flat, self.constant(0.0, "float32"))
        self.add("Reshape", self.add("Cast", safe, to=_onnx_type(obs.dtype)), shape, output=output)
        bad = self.add("Cast", self.add("Not", good), to=onnx.TensorProto.FLOAT)
        count = self.add("ReduceSum", bad, self.constant([1], "int64"), keepdims=1)  # [batch, 1]
        return self.add("Less", count, self.constant(0.5, "float32"))

    def level(self, risk_level: float, rows: str) -> None:
        """Write `risk_level` as one number for all rows of the tensor `rows`; nothing for policies without a dial."""
        if self.spec.is_risk_aware:
            batch = self.add("Slice", self.add("Shape", rows), self.constant([0], "int64"), self.constant([1], "int64"))
            value = numpy_helper.from_array(np.array([risk_level], dtype=np.float32))
            self.add("ConstantOfShape", batch, output="risk_level", value=value)

    def remember(self, memory: str) -> None:
        """Write the carry from a float32 tensor `[batch, element]`, in the order of the specification."""
        start = 0
        for tensor in self.spec.carry:
            part = self.add(
                "Slice",
                memory,
                self.constant([start], "int64"),
                self.constant([start + tensor.size], "int64"),
                self.constant([1], "int64"),
            )
            start += tensor.size
            if tensor.dtype != "float32":
                part = self.add("Cast", part, to=_onnx_type(tensor.dtype))
            self.add("Reshape", part, self.constant([-1, *tensor.shape], "int64"), output=tensor.name)

    def remembered(self) -> str:
        """Return the next carry as one float32 tensor `[batch, element]`."""
        parts = []
        for tensor in self.spec.carry:
            flat = self.add("Reshape", f"next_{tensor.name}", self.constant([-1, tensor.size], "int64"))
            parts.append(flat if tensor.dtype == "float32" else self.add("Cast", flat, to=onnx.TensorProto.FLOAT))
        return self.add("Concat", *parts, axis=1)

    def graph(
        self, model: onnx.ModelProto, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto]
    ) -> onnx.ModelProto:
        """Return the model with these nodes around it and these inputs and outputs."""
        inner = model.graph
        graph = helper.make_graph(
            [*self._before, *inner.node, *self._after],
            inner.name,
            list(inputs),
            list(outputs),
            [*inner.initializer, *self._initializers],
        )
        made = helper.make_model(graph, opset_imports=list(model.opset_import), ir_version=model.ir_version)
        made.producer_name, made.producer_version = model.producer_name, model.producer_version
        return made


def check_memory(spec: PolicySpec, profile: str) -> None:
    """Refuse a memory that cannot pass through float32 unchanged.

    Raises:
        SpecError: naming the tensor.
    """
    for tensor in spec.carry:
        if tensor.dtype not in EXACT_IN_FLOAT:
            raise SpecError(
                f"{spec.agent_id}'s memory {tensor.name} is {tensor.dtype}; the profile {profile} carries memory as "
                "float32, which does not hold all of its values"
            )


def memory_size(spec: PolicySpec) -> int:
    """Return the number of elements of the whole carry."""
    return sum(tensor.size for tensor in spec.carry)


def memory_layout(carry: Sequence[TensorSpec]) -> list[dict[str, object]]:
    """Return where each tensor of the carry lies in the one memory: name, first element, number of elements."""
    layout: list[dict[str, object]] = []
    start = 0
    for tensor in carry:
        layout.append({"name": tensor.name, "start": start, "size": tensor.size})
        start += tensor.size
    return layout


def flat_memory(spec: PolicySpec, carry: dict[str, Array]) -> Array:
    """Return a carry as one float32 array `[batch, element]`."""
    rows = [carry[tensor.name].reshape(-1, tensor.size).astype(np.float32) for tensor in spec.carry]
    return np.concatenate(rows, axis=1)


def value_info(name: str, dtype: int, shape: Sequence[int | str], description: str) -> onnx.ValueInfoProto:
    """Return the description of one input or output."""
    return helper.make_tensor_value_info(name, dtype, list(shape), doc_string=description)


def _onnx_type(dtype: str) -> int:
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
