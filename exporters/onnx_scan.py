"""Reads an ONNX file strictly, before anything runs it. Standard library only.

An ONNX file is a protocol-buffer message, and readers of those are lenient in different ways: what one skips another
takes. Here nothing is skipped: every field must be one of the table below with its own wire type, every number must
be written in its shortest form, and no single field may come twice. For such bytes there is one reading, so what is
checked here is what onnxruntime sees. Payloads are stepped over by their length. Field numbers: onnx.proto3 of the
ONNX project.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from exporters.errors import BundleError

MAX_DEPTH = 64
MAX_FIELDS = 300_000
"""Fields of a file, payloads not counted: an exported agent has some thousands."""

# message -> field number -> what it holds: a number, a word, text, bytes or a message; with * any number of
# times, with + many in one payload
# fmt: off
FIELDS: Mapping[str, Mapping[int, str]] = MappingProxyType(
    {
        "model": {
            1: "int64", 2: "text", 3: "text", 4: "text", 5: "int64", 6: "text", 7: "graph",
            8: "opset*", 14: "entry*", 25: "function*",
        },
        "opset": {1: "text", 2: "int64"},
        "entry": {1: "text", 2: "text"},
        "function": {
            1: "text", 4: "text*", 5: "text*", 6: "text*", 7: "node*", 8: "text", 9: "opset*", 10: "text",
            11: "attribute*", 12: "value*", 13: "text", 14: "entry*",
        },
        "graph": {
            1: "node*", 2: "text", 5: "tensor*", 10: "text", 11: "value*", 12: "value*", 13: "value*",
            14: "annotation*", 16: "entry*",
        },
        "annotation": {1: "text", 2: "entry*"},
        "value": {1: "text", 2: "type", 3: "text", 4: "entry*"},
        "node": {
            1: "text*", 2: "text*", 3: "text", 4: "text", 5: "attribute*", 6: "text", 7: "text", 8: "text",
            9: "entry*",
        },
        "attribute": {
            1: "text", 2: "float", 3: "int64", 4: "bytes", 5: "tensor", 6: "graph", 7: "float*", 8: "int64*",
            9: "bytes*", 10: "tensor*", 11: "graph*", 13: "text", 14: "type", 15: "type*", 20: "type_word", 21: "text",
        },
        "tensor": {
            1: "int64*", 2: "int32", 4: "float+", 5: "int32+", 6: "bytes*", 7: "int64+", 8: "text", 9: "bytes",
            10: "double+", 11: "uint64+", 12: "text", 13: "entry*", 14: "place_word", 16: "entry*",
        },
        "type": {1: "tensor_type", 4: "element_type", 6: "text", 9: "element_type"},
        "tensor_type": {1: "int32", 2: "shape"},
        "element_type": {1: "type"},
        "shape": {1: "dimension*"},
        "dimension": {1: "int64", 2: "text", 3: "text"},
    }
)
# fmt: on
_VARINT, _EIGHT, _SIZED, _FOUR = 0, 1, 2, 5
_WIRES = {
    **dict.fromkeys(("int64", "uint64", "int32", "type_word", "place_word"), _VARINT),
    "float": _FOUR,
    "double": _EIGHT,
}
_LARGEST = {"type_word": 14, "place_word": 1}  # of the words of an enumeration, counted from 0
_IR_VERSION, _GRAPH, _OPSET_IMPORT, _METADATA = 1, 7, 8, 14  # in the model
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # in a tensor; location 0 = in this file


@dataclass(frozen=True, kw_only=True)
class OnnxFacts:
    """What the scan found: IR version, operator sets by domain, metadata, and whether weights lie in other files."""

    ir_version: int
    opsets: dict[str, int]
    metadata: dict[str, str]
    has_external_data: bool


def scan_onnx(data: bytes, where: str) -> OnnxFacts:
    """Walk an ONNX file.

    Raises:
        BundleError: if it is not a well-formed ONNX file, or holds what an exported agent never does.
    """
    scan = _Scan()
    try:
        scan.walk(memoryview(data), "model", 0)
    except (ValueError, UnicodeDecodeError) as error:
        raise BundleError(f"{where} is not a readable ONNX file ({error}); it is truncated or foreign") from error
    if not scan.has_graph or scan.ir_version == 0:
        raise BundleError(f"{where} is not an ONNX file: it holds no graph")
    return OnnxFacts(
        ir_version=scan.ir_version,
        opsets=scan.opsets,
        metadata=scan.metadata,
        has_external_data=scan.has_external_data,
    )


class _Scan:
    """One walk through a file, and what it has met so far."""

    def __init__(self) -> None:
        self.ir_version = 0
        self.opsets: dict[str, int] = {}
        self.metadata: dict[str, str] = {}
        self.has_graph = self.has_external_data = False
        self._left = MAX_FIELDS

    def walk(self, view: memoryview, kind: str, depth: int) -> None:
        """Walk one message and all in it.

        Args:
            view: its bytes.
            kind: which message of `FIELDS` it is.
            depth: how many messages it lies in.

        Raises:
            ValueError: if there is more than one way to read it, or it is too deep or too large.
        """
        if depth > MAX_DEPTH:
            raise ValueError("messages are nested too deeply")
        for number, held, value in self._fields(view, kind):
            if held in FIELDS:
                assert not isinstance(value, int), "messages have a size"
                self.walk(value, held, depth + 1)
            if kind == "tensor":
                self.has_external_data |= number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)
            elif kind == "model":
                self._note(number, value)

    def _note(self, number: int, value: int | memoryview) -> None:
        if isinstance(value, int):
            self.ir_version = value if number == _IR_VERSION else self.ir_version
        elif number == _OPSET_IMPORT:
            entry = {number: inner for number, _, inner in self._fields(value, "opset")}
            version = entry.get(2, 0)
            self.opsets[_text(entry.get(1, b""))] = version if isinstance(version, int) else 0
        elif number == _METADATA:
            entry = {number: inner for number, _, inner in self._fields(value, "entry")}
            self.metadata[_text(entry.get(1, b""))] = _text(entry.get(2, b""))
        self.has_graph |= number == _GRAPH

    def _fields(self, view: memoryview, kind: str) -> Iterator[tuple[int, str, int | memoryview]]:
        """Yield (field number, what it holds, value) of one message; a value is a number or the field's bytes."""
        known, seen, position, end = FIELDS[kind], set(), 0, len(view)
        while position < end:
            self._left -= 1
            if self._left < 0:
                raise ValueError(f"it has more than {MAX_FIELDS:,} fields")
            key, position = _varint(view, position, 32)
            number, wire = key >> 3, key & 7
            held = known.get(number)
            if held is None:
                raise ValueError(f"a {kind} holds field {number}, which no exported agent has")
            is_packed, is_repeated, held = held.endswith("+"), held.endswith("*"), held.rstrip("*+")
            if not is_repeated and number in seen:
                raise ValueError(f"a {kind} holds field {number} twice")
            seen.add(number)
            if wire != (_SIZED if is_packed else _WIRES.get(held, _SIZED)):
                raise ValueError(f"field {number} of a {kind} has wire type {wire}")
            if wire == _VARINT:
                value, position = _number(view, position, held)
                yield number, held, value
                continue
            size = {_EIGHT: 8, _FOUR: 4}.get(wire)
            if size is None:
                size, position = _varint(view, position, 64)
            if position + size > end:
                raise ValueError("a field reaches past the end")
            payload = view[position : position + size]
            if is_packed:
                self._check_packed(payload, held)
            yield number, held, payload
            position += size

    def _check_packed(self, payload: memoryview, held: str) -> None:
        """Refuses a payload that is not a whole number of numbers, at least one."""
        position = 0
        while _WIRES[held] == _VARINT and position < len(payload):
            self._left -= 1
            _, position = _number(payload, position, held)
        width = {_FOUR: 4, _EIGHT: 8}.get(_WIRES[held], 1)
        if len(payload) == 0 or len(payload) % width or self._left < 0:
            raise ValueError("a list of numbers is empty, cut off or too long")


def _number(view: memoryview, position: int, held: str) -> tuple[int, int]:
    """Read a number of the range that its field has; gives it and the position behind it."""
    value, position = _varint(view, position, 64)
    is_narrow = value < 2**31 or value >= 2**64 - 2**31
    if value > _LARGEST.get(held, value) or (held == "int32" and not is_narrow):
        raise ValueError(f"{value} is out of range")
    return value, position


def _text(value: int | memoryview | bytes) -> str:
    assert not isinstance(value, int), "text has a size"
    return bytes(value).decode("utf-8")


def _varint(view: memoryview, position: int, bits: int) -> tuple[int, int]:
    """Read a number of at most so many bits in its shortest form; gives it and the position behind it."""
    result = 0
    for shift in range(0, bits, 7):
        if position >= len(view):
            raise ValueError("the end comes inside a number")
        byte = view[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            if (byte == 0 and shift > 0) or result >> bits:
                break
            return result, position
    raise ValueError("a number is longer than it may be")
