"""One policy -> the bytes of one ONNX file. The only user of torch.onnx and onnx.

What leaves this file does not depend on the machine: traces of source files are stripped, names are fixed, and the same
policy gives the same bytes.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import onnx
import torch

from exporters.contract import Policy, PolicySpec, TensorSpec
from exporters.errors import PolicyError
from exporters.floors import FIRST_ONNXRUNTIME
from exporters.sharing import SharedSpec
from exporters.tracing import Positional, example_inputs, in_a_line

OPSET = 18  # the lowest that torch's exporter writes; older runtimes read it
BATCH_AXIS = "batch"


def to_onnx(policy: Policy) -> onnx.ModelProto:
    """Return the policy as one ONNX model with a dynamic batch and no metadata.

    Raises:
        PolicyError: if torch cannot trace the module or fixes its batch.
    """
    spec = policy.spec
    inputs = example_inputs(spec)
    batch = torch.export.Dim(BATCH_AXIS)
    with _known_noise():
        try:
            program = torch.onnx.export(
                Positional(policy),
                inputs,
                dynamo=True,
                external_data=False,
                opset_version=OPSET,
                input_names=list(spec.input_names),
                output_names=list(spec.output_names),
                dynamic_shapes=(tuple({0: batch} for _ in inputs),),
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            raise PolicyError(f"torch cannot export {spec.agent_id}'s policy to ONNX: {in_a_line(error)}") from error
    assert program is not None
    model = program.model_proto
    _strip(model.graph)
    _simplify_reshapes(model.graph)
    del model.metadata_props[:]
    model.producer_version = torch.__version__.split("+")[0]
    _describe(model, spec)
    _state_shapes(model.graph.input, spec.inputs)
    _state_shapes(model.graph.output, spec.outputs)
    onnx.checker.check_model(model, full_check=True)
    return model


def minimum_onnxruntime(model: onnx.ModelProto) -> str:
    """Return the oldest onnxruntime that reads the model, such as "1.18"."""
    if model.ir_version not in FIRST_ONNXRUNTIME:
        raise PolicyError(f"the exporter wrote IR version {model.ir_version}; known are {sorted(FIRST_ONNXRUNTIME)}")
    return FIRST_ONNXRUNTIME[model.ir_version]


def to_bytes(model: onnx.ModelProto, metadata: Mapping[str, str]) -> bytes:
    """Return the file's bytes with `metadata` (JSON strings by key) inside."""
    stamped = onnx.ModelProto()
    stamped.CopyFrom(model)
    onnx.helper.set_model_props(stamped, dict(sorted(metadata.items())))
    return bytes(stamped.SerializeToString(deterministic=True))


def _strip(graph: onnx.GraphProto) -> None:
    """Remove source paths, stack traces and the exporter's own notes; none of them takes part in the computation."""
    nodes = list(graph.node)
    for item in (graph, *nodes, *graph.initializer, *graph.input, *graph.output, *graph.value_info):
        item.doc_string = ""
        del item.metadata_props[:]
    for node in nodes:
        for attribute in node.attribute:
            attribute.doc_string = ""
            for subgraph in (attribute.g, *attribute.graphs):
                if subgraph.node:
                    _strip(subgraph)


def _simplify_reshapes(graph: onnx.GraphProto) -> None:
    """Remove `allowzero` where the shape is constant and has no zero: it does nothing there, and stops some readers."""
    shapes = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer if tensor.dims}
    for node in graph.node:
        if node.op_type == "Reshape" and node.input[1] in shapes and shapes[node.input[1]].all():
            kept = [attribute for attribute in node.attribute if attribute.name != "allowzero"]
            del node.attribute[:]
            node.attribute.extend(kept)


def _describe(model: onnx.ModelProto, spec: PolicySpec) -> None:
    """Write what viewers show: what the file is, and what each input and output means."""
    inputs, outputs = (
        ", ".join(f"{tensor.name} {tensor.form}" for tensor in tensors) for tensors in (spec.inputs, spec.outputs)
    )
    who = f"{spec.agent_id}, agent {spec.agent_index + 1} of {spec.n_agents}"
    if isinstance(spec, SharedSpec):
        who = f"any of {', '.join(name for name, _ in spec.served)}, each row of its own"
    model.doc_string = (
        f"One step of {who}, trained by {spec.algorithm} "
        f"and exported by rmix-kit. Inputs: {inputs}. Outputs: {outputs}. Feed each next_NAME back as NAME; an episode "
        "begins with zeros there."
    )
    values = (*model.graph.input, *model.graph.output)
    for value, tensor in zip(values, (*spec.inputs, *spec.outputs), strict=True):
        value.doc_string = tensor.description


def _state_shapes(values: object, tensors: tuple[TensorSpec, ...]) -> None:
    """Write every graph input's or output's shape as [batch, *spec]; the exporter leaves some for inference."""
    for value, tensor in zip(values, tensors, strict=True):  # type: ignore[call-overload]
        shape = value.type.tensor_type.shape
        if shape.dim and not shape.dim[0].dim_param:
            raise PolicyError(f"the batch of {value.name!r} is fixed to {shape.dim[0].dim_value}; it must be dynamic")
        del shape.dim[:]
        shape.dim.add().dim_param = BATCH_AXIS
        for size in tensor.shape:
            shape.dim.add().dim_value = size


@contextmanager
def _known_noise() -> Iterator[None]:
    """Silences, for one export, what torch says about itself: deprecated internals, a shared axis, no torchvision."""

    def is_ours(record: logging.LogRecord) -> bool:
        return "torchvision is not installed" not in record.getMessage()

    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    logger.addFilter(is_ours)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated", FutureWarning)
            warnings.filterwarnings("ignore", r"# The axis name: batch will not be used", UserWarning)
            yield
    finally:
        logger.removeFilter(is_ours)
