"""The reader takes an ONNX file only where there is one way to read it: onnx's own parser is the judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.unknown_fields import UnknownFieldSet
from onnx import TensorProto, helper

from exporters.errors import BundleError
from exporters.onnx_scan import FIELDS, MAX_FIELDS, scan_onnx

CASES = 12_000
# Our name of each message onnx has; what is not here, and these fields, no exported agent holds.
MESSAGES = {
    "model": "ModelProto", "opset": "OperatorSetIdProto", "entry": "StringStringEntryProto", "graph": "GraphProto",
    "function": "FunctionProto", "annotation": "TensorAnnotation", "value": "ValueInfoProto", "node": "NodeProto",
    "attribute": "AttributeProto", "tensor": "TensorProto", "type": "TypeProto", "tensor_type": "TypeProto.Tensor",
    "element_type": "TypeProto.Sequence", "shape": "TensorShapeProto", "dimension": "TensorShapeProto.Dimension",
}  # fmt: skip
NOT_TAKEN = {
    "model": {"training_info", "configuration"},
    "graph": {"sparse_initializer"},
    "node": {"device_configurations"},
    "attribute": {"sparse_tensor", "sparse_tensors"},
    "tensor": {"segment"},
    "type": {"map_type", "sparse_tensor_type", "opaque_type"},
}
PLAIN = {
    FieldDescriptor.TYPE_INT64: "int64", FieldDescriptor.TYPE_UINT64: "uint64", FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_FLOAT: "float", FieldDescriptor.TYPE_DOUBLE: "double",
    FieldDescriptor.TYPE_STRING: "text", FieldDescriptor.TYPE_BYTES: "bytes",
}  # fmt: skip
LARGEST = {"type_word": 14, "place_word": 1}


def descriptor_of(message: str) -> Descriptor:
    found: object = onnx
    for name in message.split("."):
        found = getattr(found, name)
    descriptor = found.DESCRIPTOR  # type: ignore[attr-defined]
    assert isinstance(descriptor, Descriptor)
    return descriptor


@pytest.mark.parametrize("kind", FIELDS)
def test_the_table_is_onnxs_own(kind: str) -> None:
    ours = {full: name for name, full in MESSAGES.items()}
    expected = {}
    for field in descriptor_of(MESSAGES[kind]).fields:
        if field.name in NOT_TAKEN.get(kind, ()):
            continue
        inner = "" if field.message_type is None else field.message_type.full_name.removeprefix("onnx.")
        if field.enum_type is not None:
            held = {"AttributeType": "type_word", "DataLocation": "place_word"}[field.enum_type.name]
            expected[field.number] = held
            assert sorted(value.number for value in field.enum_type.values) == list(range(LARGEST[held] + 1))
            continue
        held = PLAIN.get(field.type) or ours.get({"TypeProto.Optional": "TypeProto.Sequence"}.get(inner, inner))
        assert held is not None, field.full_name
        expected[field.number] = held + ("+" if field.is_packed else "*" * field.is_repeated)
    assert dict(FIELDS[kind]) == expected


def small_model() -> bytes:
    """Return an ONNX file of some 600 bytes that has most of what a message can hold."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, [2, 2], np.arange(4, dtype=np.float32).tobytes(), raw=True)
    numbers = helper.make_tensor("n", TensorProto.INT64, [2], [3, -4])
    inner = helper.make_graph(
        [helper.make_node("Identity", ["n"], ["y"])], "inner", [], [helper.make_tensor_value_info("y", 7, [2])]
    )
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], name="multiply"),
        helper.make_node("Softmax", ["h"], ["p"], axis=-1),
        helper.make_node("If", ["c"], ["z"], then_branch=inner, else_branch=inner),
        helper.make_node("Clip", ["p"], ["q"], note=0.5, notes=[1.0, 2.0], words=["a", "b"], counts=[1, 2, 300]),
    ]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", 1, ["batch", 2]), helper.make_tensor_value_info("c", 9, [])],
        [helper.make_tensor_value_info("q", 1, ["batch", 2])],
        [weights, numbers],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(model, {"format": "something", "spec": "{}"})
    return bytes(model.SerializeToString())


def messages_in(message: object) -> Iterator[object]:
    yield message
    for field, value in message.ListFields():  # type: ignore[attr-defined]
        if field.message_type is not None:
            for inner in value if field.is_repeated else [value]:
                yield from messages_in(inner)


def keeps_data_elsewhere(model: onnx.ModelProto) -> bool:
    tensors = [message for message in messages_in(model) if isinstance(message, onnx.TensorProto)]
    return any(tensor.external_data or tensor.data_location for tensor in tensors)


def changed(data: bytes, rng: np.random.Generator) -> bytes:
    """Change one to three bytes: another value, one more, one less, a bit, or a longer form of a number."""
    bytes_ = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        place, value = int(rng.integers(len(bytes_))), int(rng.integers(256))
        match int(rng.integers(5)):
            case 0:
                bytes_[place] = value
            case 1:
                bytes_.insert(place, value)
            case 2:
                del bytes_[place]
            case 3:
                bytes_[place] ^= 1 << (value % 8)
            case _:
                bytes_[place] |= 0x80
                bytes_.insert(place + 1, value % 2)
    return bytes(bytes_)


def test_what_is_taken_reads_the_same_to_onnx() -> None:
    data, rng = small_model(), np.random.default_rng(0)
    taken = 0
    for _ in range(CASES):
        mutant = changed(data, rng)
        try:
            facts = scan_onnx(mutant, "it")
        except BundleError:
            continue
        taken += 1
        model = onnx.ModelProto.FromString(mutant)
        assert not any(len(UnknownFieldSet(message)) for message in messages_in(model))  # type: ignore[arg-type]
        assert model.ByteSize() == len(mutant)
        assert facts.has_external_data == keeps_data_elsewhere(model)
        assert facts.ir_version == model.ir_version
        assert facts.metadata == {entry.key: entry.value for entry in model.metadata_props}
        assert facts.opsets == {entry.domain: entry.version for entry in model.opset_import}
    assert CASES // 20 < taken < CASES


def varint(value: int, *, at_least: int = 1) -> bytes:
    groups = []
    while value or len(groups) < at_least:
        groups.append(value & 0x7F)
        value >>= 7
    return bytes([*(group | 0x80 for group in groups[:-1]), groups[-1]])


def sized(number: int, content: bytes, tag: bytes | None = None) -> bytes:
    return (varint(number << 3 | 2) if tag is None else tag) + varint(len(content)) + content


def with_initializer(tensor: bytes) -> bytes:
    """Return a model whose graph has one more initializer, of these bytes."""
    graph = onnx.ModelProto.FromString(small_model()).graph.SerializeToString()
    return b"\x08\x0a" + sized(7, graph + sized(5, tensor))


LOCATION = sized(1, b"location") + sized(2, b"weights.bin")
HIDDEN: dict[str, bytes] = {
    "a tag of 33 bits": with_initializer(sized(13, LOCATION, varint(13 << 3 | 2 | 1 << 32))),
    "a tag in a longer form": with_initializer(sized(13, LOCATION, varint(13 << 3 | 2, at_least=5))),
    "a location of 33 bits": with_initializer(varint(14 << 3) + varint(1 << 32 | 1)),
    "a location in a longer form": with_initializer(varint(14 << 3) + varint(1, at_least=3)),
    "a number of 65 bits": with_initializer(varint(2 << 3) + varint(1 << 64 | 1)),
    "a size in a longer form": with_initializer(varint(8 << 3 | 2) + varint(1, at_least=2) + b"w"),
    "a field nobody knows": with_initializer(sized(99, LOCATION)),
    "a group": with_initializer(bytes([13 << 3 | 3, 13 << 3 | 4])),
    "text as a number": with_initializer(varint(8 << 3) + b"\x01"),
    "a message as a number": with_initializer(varint(13 << 3) + b"\x01"),
    "a name twice": with_initializer(sized(8, b"v") + sized(8, b"w")),
    "training": small_model() + sized(20, b""),
    "a sparse tensor": b"\x08\x0a" + sized(7, sized(15, b"")),
    "bytes at the end": small_model() + b"\x00",
    "a second graph": small_model() + sized(7, sized(5, sized(13, LOCATION))),
    "empty fields without end": b"\x08\x0a" + sized(7, sized(16, b"") * (MAX_FIELDS + 1)),
    "20 MB of empty fields": b"\x08\x0a" + sized(8, b"") * 10_000_000,
    "nesting without end": b"",
}
deep = b""
for _ in range(40):
    deep = sized(1, sized(5, sized(6, deep)))
HIDDEN["nesting without end"] = b"\x08\x0a" + sized(7, deep)


@pytest.mark.parametrize("what", HIDDEN)
def test_what_can_be_read_in_two_ways_is_refused(what: str) -> None:
    with pytest.raises(BundleError, match="not a readable ONNX file"):
        scan_onnx(HIDDEN[what], "it")


def test_the_same_tensor_in_the_only_way_is_external_data() -> None:
    assert scan_onnx(with_initializer(sized(13, LOCATION)), "it").has_external_data
    assert scan_onnx(with_initializer(varint(14 << 3) + b"\x01"), "it").has_external_data
    assert not scan_onnx(with_initializer(sized(8, b"w")), "it").has_external_data


def _slimmed(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        node.doc_string = "from a tool"
    model.graph.quantization_annotation.add().tensor_name = "x"
    model.functions.add().name = "f"


@pytest.mark.parametrize("change", [lambda _: None, _slimmed], ids=["as it was", "by other tools"])
def test_exported_agents_are_taken(sealed_team: Path, change: Callable[[onnx.ModelProto], object]) -> None:
    model = onnx.load(sealed_team / "agent_0.onnx")
    change(model)
    assert not scan_onnx(model.SerializeToString(), "it").has_external_data


def _elsewhere(tensor: onnx.SparseTensorProto) -> None:
    """Keep a sparse tensor's values in a file that lies beside the model."""
    tensor.dims.append(4)
    tensor.values.data_type, tensor.values.data_location = TensorProto.FLOAT, TensorProto.EXTERNAL
    entry = tensor.values.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


SPARSE: dict[str, Callable[[onnx.ModelProto], object]] = {
    "a sparse initializer": lambda model: model.graph.sparse_initializer.add().dims.append(4),
    "a sparse initializer elsewhere": lambda model: _elsewhere(model.graph.sparse_initializer.add()),
    "a sparse attribute": lambda model: model.graph.node[0].attribute.add().sparse_tensor.dims.append(4),
    "a sparse attribute elsewhere": lambda model: _elsewhere(model.graph.node[0].attribute.add().sparse_tensor),
    "sparse attributes elsewhere": lambda model: _elsewhere(model.graph.node[0].attribute.add().sparse_tensors.add()),
    "one in a branch": lambda model: _elsewhere(model.graph.node[2].attribute[0].g.sparse_initializer.add()),
    "a sparse input": lambda model: setattr(model.graph.input[0].type.sparse_tensor_type, "elem_type", 1),
}


@pytest.mark.parametrize("what", SPARSE)
def test_sparse_tensors_are_refused_wherever_they_lie(what: str) -> None:
    model = onnx.ModelProto.FromString(small_model())
    scan_onnx(model.SerializeToString(), "it")
    SPARSE[what](model)
    with pytest.raises(BundleError, match="which no exported agent has"):
        scan_onnx(model.SerializeToString(), "it")


def test_numbers_of_64_bits_are_taken_and_those_of_32_must_fit() -> None:
    whole = helper.make_tensor("v", TensorProto.INT64, [2], [2**40, -(2**40)]).SerializeToString()
    scan_onnx(with_initializer(whole), "it")
    narrow = sized(8, b"v") + sized(5, varint(2**40))  # int32_data
    with pytest.raises(BundleError, match="out of range|not a readable"):
        scan_onnx(with_initializer(narrow), "it")


def test_a_file_that_names_no_format_is_refused() -> None:
    model = onnx.ModelProto(graph=onnx.GraphProto(name="graph"))
    with pytest.raises(BundleError, match="is not an ONNX file"):
        scan_onnx(model.SerializeToString(), "it")
